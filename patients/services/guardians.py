"""Guardian links: asked for in the portal or at the desk, proven by staff, ended by people or by date."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils.translation import gettext as _

import audit
from accounts.access import Capability, has_capability
from accounts.models import User
from core import clock, live
from core.db import retry_transaction
from core.text import clean_text
from notifications import services as notifications
from patients import identity
from patients.errors import (
    GuardianLinkClosed,
    GuardianLinkExists,
    InvalidPatientData,
    NotYourGuardianLink,
    OwnGuardianLink,
    ProofMissing,
    TooManyGuardianRequests,
    WrongGuardian,
)
from patients.guardians import adult_on, is_minor
from patients.models import GuardianLink, Patient
from patients.services.identity import MAX_REASON, lock_patient, require_reason

Status, Proof = GuardianLink.Status, GuardianLink.Proof

MAX_WAITING_REQUESTS = 5
MAX_PROOF_NOTE = 500
ANNOUNCED_BEFORE = timedelta(days=30)
# Being family opens a child's record; an adult's needs their own signature or a judge's.
PROOFS_FOR_ADULTS = frozenset({Proof.POWER_OF_ATTORNEY, Proof.COURT_ORDER})


@retry_transaction
def request_link(*, guardian: User, full_name: str, birth_date: date, relationship: str) -> GuardianLink:
    """Keep what a portal user typed about a person they want to act for; staff decide. No record is looked at.

    The same person asked for twice is one request. Locks the account.

    Raises:
        TooManyGuardianRequests: `MAX_WAITING_REQUESTS` wait already.
        InvalidPatientData: a value cannot be.
    """
    fields = identity.clean(full_name=full_name, birth_date=birth_date)
    User.objects.select_for_update().get(pk=guardian.pk)
    waiting = list(GuardianLink.objects.waiting().filter(guardian=guardian))
    for link in waiting:
        if (link.asked_name.casefold(), link.asked_birth_date) == (fields["full_name"].casefold(), birth_date):
            return link
    if len(waiting) >= MAX_WAITING_REQUESTS:
        raise TooManyGuardianRequests(_("Several of your requests are waiting. Come to the desk with the documents."))
    link = GuardianLink.objects.create(
        guardian=guardian,
        relationship=_relationship(relationship),
        asked_name=fields["full_name"],
        asked_birth_date=fields["birth_date"],
        requested_at=clock.now(),
        requested_by=guardian,
    )
    audit.record("patients.guardian_link.requested", actor=guardian, target=link)
    notifications.notify_capability(
        Capability.REGISTER_PATIENTS,
        kind="guardian_requested",
        path=reverse("patients:guardian-request", args=[link.pk]),
        unless_unread=True,
    )
    live.changed(live.ACCOUNTS)
    return link


@retry_transaction
def add_link(
    *,
    guardian_id: UUID,
    dependant_id: UUID,
    relationship: str,
    proof: str,
    proof_note: str = "",
    ends_on: date | None = None,
    actor: User,
) -> GuardianLink:
    """Let an account act for a patient, after `actor` saw the proof at the desk. Locks the account, then the patient.

    A child's link ends on the 18th birthday, or on `ends_on` when that is earlier.

    Raises:
        OwnGuardianLink: the account is the actor's own.
        WrongGuardian: the account cannot be a guardian of this patient.
        ProofMissing: no proof, or one that is not enough for an adult.
        GuardianLinkExists: the account acts for this patient already.
        InvalidPatientData: `ends_on` is not in the future.
    """
    guardian = User.objects.select_for_update().get(pk=guardian_id)
    dependant = lock_patient(dependant_id)
    link = GuardianLink(guardian=guardian, requested_at=clock.now(), requested_by=actor)
    return _activate(link, dependant, relationship, proof, proof_note, ends_on, actor)


@retry_transaction
def prove_link(
    *,
    link_id: UUID,
    dependant_id: UUID,
    relationship: str,
    proof: str,
    proof_note: str = "",
    ends_on: date | None = None,
    actor: User,
) -> GuardianLink:
    """Accept a request for the record that staff found: REQUESTED -> ACTIVE, once. Locks account, patient, request.

    Raises:
        GuardianLinkClosed: it was decided before.
        others: as `add_link`.
    """
    guardian_id = GuardianLink.objects.values_list("guardian_id", flat=True).get(pk=link_id)
    guardian = User.objects.select_for_update().get(pk=guardian_id)
    dependant = lock_patient(dependant_id)
    link = _lock(link_id, Status.REQUESTED)
    link.guardian = guardian
    return _activate(link, dependant, relationship, proof, proof_note, ends_on, actor)


@retry_transaction
def reject_link(*, link_id: UUID, reason: str, actor: User) -> GuardianLink:
    """Refuse a request with a reason that the asking person reads: REQUESTED -> REJECTED.

    Raises:
        ReasonMissing: no reason was given.
        OwnGuardianLink: the account is the actor's own.
        GuardianLinkClosed: it was decided before.
    """
    why = require_reason(reason, _("Write the reason; the person who asked will read it."))
    link = _lock(link_id, Status.REQUESTED)
    _refuse_own(link.guardian, actor)
    _close(link, Status.REJECTED, actor, why)
    audit.record("patients.guardian_link.rejected", actor=actor, target=link)
    notifications.notify(recipients=[link.guardian], kind="guardian_rejected", path=_family_path())
    _mail(link.guardian, "guardian_rejected", link, reason=why)
    return link


@retry_transaction
def end_link(*, link_id: UUID, reason: str, actor: User) -> GuardianLink:
    """End a link at once: ACTIVE -> ENDED. Staff give a reason; the guardian, or the adult patient, need none.

    Locks the patient, so an act of the guardian on the same record is before or after, then the link.

    Raises:
        ReasonMissing: staff gave no reason.
        NotYourGuardianLink: the account is not a party to it, or is the patient's own and the patient is a child.
        OwnGuardianLink: staff end a link of their own account.
        GuardianLinkClosed: it is not active.
    """
    is_desk = has_capability(actor, Capability.REGISTER_PATIENTS)
    why = require_reason(reason, _("Write why it ends.")) if is_desk else clean_text(reason)[:MAX_REASON]
    dependant_id = GuardianLink.objects.values_list("dependant_id", flat=True).get(pk=link_id)
    if dependant_id is None:
        raise GuardianLinkClosed(_not_open())
    dependant = lock_patient(dependant_id)
    link = _lock(link_id, Status.ACTIVE)
    if is_desk:
        _refuse_own(link.guardian, actor)
    elif actor.pk != link.guardian_id and (dependant.user_id != actor.pk or is_minor(dependant)):
        raise NotYourGuardianLink(_("Only the clinic can end this. Ask at the desk."))
    _finish(link, dependant, actor=actor, reason=why)
    return link


def end_due_links() -> int:
    """End the links whose last day has passed and tell both sides; return how many. Access was gone by date already."""
    today = clock.today()
    due = [link.pk for link in _dated_links() if not link.is_in_force(today)]
    return sum(_end_by_date(link_id, today) for link_id in due)


def announce_endings() -> int:
    """Tell guardians and patients, once per link, that it ends within 30 days; return how many links."""
    today = clock.today()
    limit = today + ANNOUNCED_BEFORE
    soon = [
        link.pk
        for link in _dated_links().filter(announced_at__isnull=True)
        if link.is_in_force(today) and link.ends_on is not None and link.ends_on <= limit
    ]
    return sum(_announce(link_id, today) for link_id in soon)


def _activate(
    link: GuardianLink,
    dependant: Patient,
    relationship: str,
    proof: str,
    proof_note: str,
    ends_on: date | None,
    actor: User,
) -> GuardianLink:
    """Check and save a link as active; account and patient are locked."""
    _refuse_own(link.guardian, actor)
    _check_guardian(link.guardian, dependant)
    minor = is_minor(dependant)
    link.proof, link.proof_note = _proof(proof, minor=minor), clean_text(proof_note)[:MAX_PROOF_NOTE]
    link.relationship = _relationship(relationship)
    _refuse_second(link.guardian, dependant)
    now, adult = clock.now(), adult_on(dependant.birth_date)
    if ends_on is not None and ends_on <= clock.today():
        raise InvalidPatientData(_("The last day must be in the future, or leave it empty."), "ends_on")
    link.ends_on = min(ends_on or adult, adult) if minor else ends_on
    link.is_for_child = minor
    link.dependant, link.status, link.proven_at, link.proven_by = dependant, Status.ACTIVE, now, actor
    try:
        with transaction.atomic():
            link.save()
    except IntegrityError as error:
        raise GuardianLinkExists(_exists()) from error
    audit.record(
        "patients.guardian_link.proven",
        actor=actor,
        patient=dependant.pk,
        target=link,
        detail={"guardian": str(link.guardian_id), "relationship": link.relationship, "proof": link.proof},
    )
    _tell_both(link, dependant, "guardian_active")
    return link


def _check_guardian(guardian: User, dependant: Patient) -> None:
    own = Patient.objects.filter(user_id=guardian.pk).first()
    if guardian.kind != User.Kind.PATIENT or not guardian.is_active or own is None:
        raise WrongGuardian(_("Only an active portal account of a registered patient can act for somebody else."))
    if own.pk == dependant.pk:
        raise WrongGuardian(_("This is the account of the patient."))
    if is_minor(own):
        raise WrongGuardian(_("A person under 18 cannot act for somebody else."))
    if dependant.status != Patient.Status.ACTIVE:
        raise WrongGuardian(_("This patient record is archived."))


def _refuse_own(guardian: User, actor: User) -> None:
    # Staff who are patients here have a second account; their name is what both have in common.
    if guardian.pk == actor.pk or guardian.full_name.casefold() == actor.full_name.casefold():
        raise OwnGuardianLink(_("This looks like your own account. Ask a colleague to decide."))


def _proof(proof: str, *, minor: bool) -> str:
    if proof not in Proof.values:
        raise ProofMissing(_("Choose which document you have seen."))
    if not minor and proof not in PROOFS_FOR_ADULTS:
        raise ProofMissing(
            _("The patient is an adult: a power of attorney with identity card, or a court order, is needed.")
        )
    return proof


def _relationship(relationship: str) -> str:
    if relationship not in GuardianLink.Relationship.values:
        raise InvalidPatientData(_("Choose the relationship."), "relationship")
    return relationship


def _refuse_second(guardian: User, dependant: Patient) -> None:
    """Refuse a link that works already; one whose date has passed is closed to make room."""
    today = clock.today()
    for old in GuardianLink.objects.select_for_update().filter(
        guardian=guardian, dependant=dependant, status=Status.ACTIVE
    ):
        if old.is_in_force(today):
            raise GuardianLinkExists(_exists())
        _finish(old, dependant, actor=None, reason="")


def _lock(link_id: UUID, expected: str) -> GuardianLink:
    link = GuardianLink.objects.select_for_update().get(pk=link_id)
    if link.status != expected:
        raise GuardianLinkClosed(_not_open())
    return link


def _close(link: GuardianLink, status: str, actor: Any, reason: str) -> None:
    link.status, link.ended_at, link.ended_by, link.reason = status, clock.now(), actor, reason
    link.save(update_fields=["status", "ended_at", "ended_by", "reason"])
    live.changed(live.ACCOUNTS, user_ids=(link.guardian_id,))


def _finish(link: GuardianLink, dependant: Patient, *, actor: Any, reason: str) -> None:
    _close(link, Status.ENDED, actor, reason)
    audit.record(
        "patients.guardian_link.ended",
        actor=actor,
        patient=dependant.pk,
        target=link,
        detail={"guardian": str(link.guardian_id), "by_date": actor is None},
    )
    _tell_both(link, dependant, "guardian_ended", but=actor)


def end_for_erasure(link: GuardianLink, dependant: Patient | None, *, actor: Any, erased: set[UUID]) -> None:
    """Close a link of a person whose data are erased and remove what was written about the two; audited.

    `erased` are the accounts that go. A guardian who stays hears that the access is over. The caller holds the locks of
    patient and link.
    """
    tells = link.guardian_id not in erased
    if link.status == Status.ACTIVE and dependant is not None and tells:
        _finish(link, dependant, actor=actor, reason="")
    elif link.status == Status.ACTIVE and dependant is not None:
        _close(link, Status.ENDED, actor, "")
        audit.record(
            "patients.guardian_link.ended", actor=actor, patient=dependant.pk, target=link,
            detail={"guardian": str(link.guardian_id), "by_date": False},
        )  # fmt: skip
    elif link.status == Status.REQUESTED:
        _close(link, Status.REJECTED, actor, "")
    link.asked_name, link.asked_birth_date, link.proof_note = "", None, ""
    link.save(update_fields=["asked_name", "asked_birth_date", "proof_note"])


def _dated_links() -> Any:
    """Active links with an end. The date itself is encrypted, so the rows are compared one by one."""
    return GuardianLink.objects.active().filter(ends_on__isnull=False).only("id", "status", "ends_on").order_by("id")


@retry_transaction
def _end_by_date(link_id: UUID, today: date) -> bool:
    dependant = _lock_dependant_of(link_id)
    link = GuardianLink.objects.select_for_update().get(pk=link_id)
    if link.status != Status.ACTIVE or link.is_in_force(today):
        return False
    _finish(link, dependant, actor=None, reason="")
    return True


@retry_transaction
def _announce(link_id: UUID, today: date) -> bool:
    dependant = _lock_dependant_of(link_id)
    link = GuardianLink.objects.select_for_update().get(pk=link_id)
    if link.announced_at is not None or link.ends_on is None or not link.is_in_force(today):
        return False
    link.announced_at = clock.now()
    link.save(update_fields=["announced_at"])
    audit.record("patients.guardian_link.end_announced", actor=None, patient=dependant.pk, target=link)
    _tell_both(link, dependant, "guardian_ending", ends_on=link.ends_on)
    return True


def _lock_dependant_of(link_id: UUID) -> Patient:
    dependant_id = GuardianLink.objects.values_list("dependant_id", flat=True).get(pk=link_id)
    assert dependant_id is not None  # the database keeps active links with a dependant
    return lock_patient(dependant_id)


def _tell_both(link: GuardianLink, dependant: Patient, what: str, *, but: Any = None, **facts: Any) -> None:
    """Tell the guardian and the patient by notice and mail; `but` knows already and gets the mail only."""
    guardian, skipped = link.guardian, getattr(but, "pk", None)
    if guardian.pk != skipped:
        notifications.notify(recipients=[guardian], kind=what, params=facts, path=_family_path())
    _mail(guardian, what, link, **facts)
    own = dependant.user
    if own is not None and own.pk != skipped:
        notifications.notify(recipients=[own], kind=f"{what}_for_me", params=facts, path=_family_path())
    if dependant.mail_address.casefold() != guardian.email.casefold():
        notifications.queue_email(
            template=what,
            to=dependant.mail_address,
            language=own.language if own is not None else dependant.language,
            context={"name": dependant.full_name, "is_for_patient": True, **facts},
            dedupe_key=_mail_key(what, link, facts, "p"),
            patient_id=dependant.pk,
            recipient_user=own,
        )


def _mail(guardian: User, what: str, link: GuardianLink, **facts: Any) -> None:
    notifications.queue_email(
        template=what,
        to=guardian.email,
        language=guardian.language,
        context={"name": guardian.full_name, "path": _family_path(), **facts},
        dedupe_key=_mail_key(what, link, facts, "g"),
        recipient_user=guardian,
    )


def _mail_key(what: str, link: GuardianLink, facts: dict[str, Any], side: str) -> str:
    day = facts.get("ends_on")
    return f"{what}:{link.pk}:{side}" + (f":{day.isoformat()}" if day else "")


def _family_path() -> str:
    return reverse("patients:portal-family")


def _exists() -> str:
    return _("This account acts for this patient already.")


def _not_open() -> str:
    return _("This was decided or ended before. Reload the page to see it.")

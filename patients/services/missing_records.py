"""Portal accounts whose medical record is missing or cannot be found, and building it again.

It should never happen; a restored backup, an interrupted import or a hand in the database make it happen.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _

import audit
from accounts.access import Capability, has_capability
from accounts.models import User
from core import clock, indonesia, keys_index, live
from core.db import next_number, retry_transaction
from core.text import clean_line
from notifications.services import notify, notify_capability, queue_email
from patients.errors import IdentityNeeded, LikelyDuplicate, NotRebuildable, RecordNotConnectable
from patients.models import Patient, PatientToken, PortalRegistration, Sex, mask_nik
from patients.search import BLIND_COLUMNS, NIK_COLUMNS, PHONE_COLUMNS, write_tokens
from patients.services.duplicates import find_duplicates
from patients.services.identity import RECORD_NUMBER_COUNTER, RECORD_NUMBER_DIGITS, register_patient
from patients.services.registrations import connectable

RECORD, NUMBER, INDEX = "record", "number", "index"


@dataclass(frozen=True)
class Identity:
    """Who somebody without a record is, as they wrote when signing up or as an admin typed from their card."""

    full_name: str
    birth_date: date
    sex: str
    phone: str | None = None
    nik: str | None = None

    @property
    def sex_label(self) -> str:
        return str(Sex(self.sex).label)

    @property
    def masked_nik(self) -> str:
        return mask_nik(self.nik)

    @property
    def phone_label(self) -> str:
        return indonesia.format_phone(self.phone) if self.phone else ""


@dataclass(frozen=True)
class Rebuilt:
    """The record of an account, and what of it was built again ("record", "number", "index"); empty: nothing was missing."""

    patient: Patient
    repaired: tuple[str, ...]


@dataclass(frozen=True)
class Incomplete:
    """A portal account and what it lacks."""

    account: User
    problems: list[str]


def portal_accounts(user: Any) -> QuerySet[User]:
    """Active portal accounts; none for anyone who may not activate patients."""
    if not has_capability(user, Capability.ACTIVATE_PATIENTS):
        return User.objects.none()
    return User.objects.active().filter(kind=User.Kind.PATIENT).select_related("portal_registration", "patient")


def without_record(accounts: QuerySet[User]) -> QuerySet[User]:
    """Those of `accounts` that have no record, or one without number or search index. One statement beside the list's."""
    slot = keys_index.reading().current.slot
    record = Patient.objects.filter(user_id=OuterRef("pk"))
    no_tokens = record.filter(~Exists(PatientToken.objects.filter(patient_id=OuterRef("pk"))))
    no_nik = record.filter(**{"nik__isnull": False, f"{NIK_COLUMNS[slot]}__isnull": True})
    no_phone = record.filter(**{"phone__isnull": False, f"{PHONE_COLUMNS[slot]}__isnull": True})
    return accounts.annotate(
        has_no_record=~Exists(record),
        has_no_number=Exists(record.filter(record_number="")),
        # A NIK or telephone number that is a placeholder has no index; it is looked at again in `problems_of`.
        has_no_index=Exists(no_tokens) | Exists(no_nik) | Exists(no_phone),
        has_no_tokens=Exists(no_tokens),
    ).filter(Q(has_no_record=True) | Q(has_no_number=True) | Q(has_no_index=True))


def problems_of(account: Any) -> list[str]:
    """Return what an account of `without_record` lacks; empty for one whose numbers need no index."""
    if account.has_no_record:
        return [RECORD]
    problems = [NUMBER] if account.has_no_number else []
    patient = account.patient
    is_number = indonesia.phone_or_none(patient.phone or "") is not None
    is_nik = bool((patient.nik or "").strip()) and patient.nik.strip() != indonesia.NIK_PLACEHOLDER
    slot = keys_index.reading().current.slot
    lost = (is_nik and getattr(patient, NIK_COLUMNS[slot]) is None) or (
        is_number and getattr(patient, PHONE_COLUMNS[slot]) is None
    )
    return [*problems, INDEX] if account.has_no_tokens or lost else problems


def incomplete(accounts: QuerySet[User], *, limit: int) -> list[Incomplete]:
    """Return up to `limit` accounts that lack something, oldest first."""
    rows = without_record(accounts).order_by("pk")[: limit * 2]
    found = [Incomplete(account, problems_of(account)) for account in rows]
    return [row for row in found if row.problems][:limit]


def known_identity(account: User) -> Identity | None:
    """Return what the person wrote when signing up, or None."""
    registration = getattr(account, "portal_registration", None)
    if registration is None:
        return None
    return Identity(
        full_name=registration.full_name,
        birth_date=registration.birth_date,
        sex=registration.sex,
        phone=registration.phone,
        nik=registration.nik,
    )


def alike(identity: Identity, *, user: Any) -> list[Patient]:
    """Return records that may be this person's and could be connected, as `find_duplicates`."""
    found = find_duplicates(
        user=user,
        full_name=identity.full_name,
        birth_date=identity.birth_date,
        nik=identity.nik,
        phone=identity.phone,
    )
    return connectable(found)


@retry_transaction
def rebuild_record(
    *,
    user_id: UUID,
    actor: Any,
    identity: Identity | None = None,
    existing_patient_id: UUID | None = None,
    duplicate_reason: str = "",
) -> Rebuilt:
    """Give a portal account its record again: connected, or made once from what the person wrote; nothing is invented.

    Safe to repeat: an account that lacks nothing is left as it is. Somebody who signed up gets the identity written then;
    for others `identity` is what an admin read from their card. A record that may be the same person is never doubled
    without a reason; `existing_patient_id` connects it.

    Locks, in order: portal registration, account, patient, counter.

    Raises:
        NotRebuildable: it is no active portal account, or its record belongs to another account now.
        IdentityNeeded: nobody wrote who this is.
        LikelyDuplicate: a record may be the same person, and neither it nor a reason was chosen.
        RecordNotConnectable: the chosen record is not the person's, is archived, or has an account.
        DuplicateNik, InvalidPatientData: as `register_patient`.
    """
    registration = PortalRegistration.objects.select_for_update().filter(user_id=user_id).first()
    account = User.objects.select_for_update().get(pk=user_id)
    if account.is_staff_member or not account.is_active:
        raise NotRebuildable(_("This is not an active portal account."))
    patient = Patient.objects.select_for_update().filter(user_id=user_id).first()
    repaired: list[str] = []
    if patient is None:
        patient = _record_for(account, registration, actor, identity, existing_patient_id, duplicate_reason)
        repaired.append(RECORD)
    repaired += _repair(patient)
    if not repaired:
        return Rebuilt(patient, ())
    if registration is not None and registration.patient_id != patient.pk:
        _settle(registration, patient, actor)
    audit.record(
        "patients.record.rebuilt", actor=actor, patient=patient.pk, target=account, detail={"repaired": repaired}
    )
    if repaired != [INDEX]:
        _tell(account, patient)
    live.changed(live.ACCOUNTS, user_ids=(account.pk,))
    return Rebuilt(patient, tuple(repaired))


@retry_transaction
def warn_about_missing_records(*, limit: int = 1000) -> int:
    """Tell those who activate patients how many portal accounts lack their record; safe to repeat. Returns the number."""
    accounts = User.objects.active().filter(kind=User.Kind.PATIENT).select_related("patient")
    count = len(incomplete(accounts, limit=limit))
    if count:
        notify_capability(
            Capability.ACTIVATE_PATIENTS,
            kind="missing_records",
            params={"count": count},
            path=reverse("patients:missing-record-list"),
            unless_unread=True,
        )
    return count


def _record_for(
    account: User,
    registration: PortalRegistration | None,
    actor: Any,
    typed: Identity | None,
    existing_patient_id: UUID | None,
    duplicate_reason: str,
) -> Patient:
    if registration is not None and registration.patient_id is not None:
        return _take_back(account, registration)
    identity = known_identity(account) if registration is not None else typed
    if identity is None:
        raise IdentityNeeded(_("Nobody wrote who this is. Enter name, date of birth and sex from the identity card."))
    possible = alike(identity, user=actor)
    if existing_patient_id is not None:
        return _connect(account, existing_patient_id, {found.pk for found in possible})
    if possible and not clean_line(duplicate_reason):
        sentence = _("A record exists that may be the same person. Connect it, or write why this is another person.")
        raise LikelyDuplicate(sentence, possible)
    return register_patient(
        actor=actor,
        full_name=identity.full_name,
        birth_date=identity.birth_date,
        sex=identity.sex,
        nik=identity.nik,
        phone=identity.phone,
        email=account.email,
        language=account.language,
        user=account,
        duplicate_reason=duplicate_reason,
    )


def _take_back(account: User, registration: PortalRegistration) -> Patient:
    """Connect the record that the registration was activated with and that lost its account."""
    patient = Patient.objects.select_for_update().get(pk=registration.patient_id)
    if patient.user_id is not None or patient.status != Patient.Status.ACTIVE:
        raise NotRebuildable(
            _(
                "The record of this account is archived or belongs to another account now. Look at both before anything else."
            )
        )
    patient.user = account
    patient.save(update_fields=["user"])
    return patient


def _connect(account: User, patient_id: UUID, possible: set[UUID]) -> Patient:
    patient = Patient.objects.select_for_update().filter(pk=patient_id).first()
    if patient is None or patient.pk not in possible or patient.user_id is not None:
        raise RecordNotConnectable(
            _(
                "This record cannot be connected: it has an account already or belongs to somebody else. Reload and choose again."
            )
        )
    patient.user = account
    patient.save(update_fields=["user"])
    return patient


def _repair(patient: Patient) -> list[str]:
    """Give a locked record its number and its search index where they are lost."""
    repaired = []
    if not patient.record_number:
        patient.record_number = f"{next_number(RECORD_NUMBER_COUNTER):0{RECORD_NUMBER_DIGITS}d}"
        Patient.objects.filter(pk=patient.pk).update(record_number=patient.record_number, version=F("version") + 1)
        repaired.append(NUMBER)
    before = [getattr(patient, name) for name in BLIND_COLUMNS]
    had_tokens = PatientToken.objects.filter(patient_id=patient.pk).exists()
    write_tokens(patient)
    if not had_tokens or before != [getattr(patient, name) for name in BLIND_COLUMNS]:
        repaired.append(INDEX)
    return repaired


def _settle(registration: PortalRegistration, patient: Patient, actor: Any) -> None:
    registration.made_record = registration.patient_id is None and patient.created_by_id == actor.pk
    registration.patient = patient
    registration.status = PortalRegistration.Status.ACTIVATED
    if registration.decided_at is None:
        registration.decided_at, registration.decided_by = clock.now(), actor
    registration.save(update_fields=["patient", "made_record", "status", "decided_at", "decided_by"])


def _tell(account: User, patient: Patient) -> None:
    notify(recipients=[account], kind="account_activated", params={"record_number": patient.record_number})
    queue_email(
        template="account_activated",
        to=account.email,
        language=account.language,
        context={"name": patient.full_name, "record_number": patient.record_number},
        dedupe_key=f"record-rebuilt:{account.pk}:{patient.record_number}",
        patient_id=patient.pk,
        recipient_user=account,
    )

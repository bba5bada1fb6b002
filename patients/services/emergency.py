"""Emergency access: look for a patient, open the record for an hour, end it, review it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import F
from django.urls import reverse
from django.utils.translation import gettext as _

import audit
from accounts.access import Capability
from accounts.models import User
from audit.models import AuditEvent
from core import clock
from core.db import retry_transaction
from core.search.folding import fold_name
from core.text import clean_line, clean_text
from notifications.services import notify, queue_email
from patients.emergency import forget_running
from patients.emergency_errors import (
    EmergencyNotNeeded,
    EmergencyNotReviewable,
    EmergencyReasonMissing,
    OwnEmergency,
    TooManyLookups,
)
from patients.models import CareTeamMember, Patient
from patients.models.emergency import EMERGENCY_LENGTH, EmergencyAccess
from patients.search import find_exactly
from patients.services.care import add_to_care_team, end_care

LOOKUPS_PER_HOUR = 10  # by one person; a clinic has few emergencies, a curious person has many
ALERT_ABOVE = 3  # accesses of one person on one clinic day; each further one alerts
LEAST_LETTERS = 10  # of the reason and of a remark that finds it not justified
LEAST_DIFFERENT = 4  # "aaaaaaaaaa" says nothing
MOST_FOUND = 5
HOUR = timedelta(hours=1)

Source = CareTeamMember.Source


@retry_transaction
def look_for_patient(
    *, actor: User, number: str = "", full_name: str = "", birth_date: date | None = None
) -> list[Patient]:
    """Return patients with exactly this record number or NIK, or exactly this full name and birth date; five at most.

    Searches everybody, whoever asks; the caller shows as little as tells them apart. Every look is on record, with what
    it was by and how many it found. Locks the account, so that the limit is exact.

    Raises:
        TooManyLookups: more than `LOOKUPS_PER_HOUR` within an hour.
    """
    User.objects.select_for_update().only("id").get(pk=actor.pk)
    _check_lookups(actor)
    number = clean_line(number)
    if number:
        found = find_exactly(number)
    elif birth_date is not None and fold_name(full_name):
        rows = find_exactly(f"{clean_line(full_name)} {birth_date.isoformat()}")
        asked = sorted(fold_name(full_name))
        found = [row for row in rows if row.birth_date == birth_date and sorted(fold_name(row.full_name)) == asked]
    else:
        found = []
    found = found[:MOST_FOUND]
    audit.record(
        "patients.emergency.looked_up", actor=actor, patient=found[0].pk if len(found) == 1 else None,
        detail={"by": "number" if number else "name", "found": len(found), "patients": [str(row.pk) for row in found]},
    )  # fmt: skip
    return found


@retry_transaction
def start_emergency_access(
    *, patient_id: UUID, actor: User, reason_code: str, reason_text: str, address_hash: str = ""
) -> EmergencyAccess:
    """Let `actor` read this patient's record for 60 minutes; owner and admins are told at once.

    A second start while one runs gives the running one. Never refused for being too often: that alerts instead. Locks
    the account, so that of two starts the second finds the first; UNIQUE (user, patient, running) has the last word.

    Raises:
        EmergencyReasonMissing: no such reason, or fewer than ten letters.
        EmergencyNotNeeded: the record is open to this person anyway.
        Patient.DoesNotExist: there is no such patient.
    """
    text = clean_text(reason_text)[:500]
    if reason_code not in EmergencyAccess.Reason.values or not _says_something(text):
        raise EmergencyReasonMissing(_("Write in at least %(least)d letters what happened.") % {"least": LEAST_LETTERS})
    forget_running(actor)
    User.objects.select_for_update().only("id").get(pk=actor.pk)
    patient = Patient.objects.only("id", "record_number").get(pk=patient_id)
    now = clock.now()
    mine = EmergencyAccess.objects.filter(user=actor, patient=patient)
    running = mine.running().first()
    if running is not None:
        return running
    if Patient.objects.readable_by(actor).filter(pk=patient.pk).exists():
        raise EmergencyNotNeeded(_("This record is open to you already. Find the patient in the usual search."))
    mine.filter(ended_at__isnull=True).update(ended_at=F("ends_at"))
    access = EmergencyAccess(
        patient=patient, user=actor, reason_code=reason_code, reason_text=text, started_at=now,
        ends_at=now + EMERGENCY_LENGTH, address_hash=address_hash,
    )  # fmt: skip
    try:
        with transaction.atomic():
            access.save(force_insert=True)
    except IntegrityError:
        return mine.running().get()
    add_to_care_team(
        patient_id=patient.pk, user_id=actor.pk, source=Source.EMERGENCY, source_id=access.pk, ends_at=access.ends_at
    )
    audit.record(
        "patients.emergency.started", actor=actor, patient=patient.pk, target=access,
        detail={"emergency": str(access.pk), "reason": reason_code, "ends_at": access.ends_at.isoformat()},
    )  # fmt: skip
    _tell_reviewers(access, actor)
    _alert_when_often(access, actor)
    return access


@retry_transaction
def end_emergency_access(*, access_id: UUID, actor: User) -> EmergencyAccess:
    """End an access before its time; one that is over stays as it is.

    Raises:
        EmergencyAccess.DoesNotExist: there is none of this person with this id.
    """
    access = EmergencyAccess.objects.select_for_update().get(pk=access_id, user=actor)
    forget_running(actor)
    if not access.is_running():
        return access
    access.ended_at = clock.now()
    access.save(update_fields=["ended_at"])
    end_care(source=Source.EMERGENCY, source_id=access.pk)
    audit.record(
        "patients.emergency.ended", actor=actor, patient=access.patient_id, target=access,
        detail={"emergency": str(access.pk)},
    )  # fmt: skip
    return access


@retry_transaction
def review_emergency_access(*, access_id: UUID, actor: User, outcome: str, note: str) -> EmergencyAccess:
    """Say whether a finished access was justified, once; its person is told.

    Raises:
        OwnEmergency: the reviewer used it themselves.
        EmergencyNotReviewable: it still runs, or was reviewed before.
        EmergencyReasonMissing: not justified, and fewer than ten letters say why; or no such outcome.
        EmergencyAccess.DoesNotExist: there is none with this id.
    """
    text = clean_text(note)[:500]
    access = EmergencyAccess.objects.select_for_update().get(pk=access_id)
    if access.user_id == actor.pk:
        raise OwnEmergency(_("You used this emergency access yourself. Somebody else reviews it."))
    if access.reviewed_at is not None:
        raise EmergencyNotReviewable(_("This access was reviewed meanwhile. Reload the page to see the outcome."))
    if access.is_running():
        raise EmergencyNotReviewable(_("This access still runs. Review it when it is over."))
    if outcome not in EmergencyAccess.Outcome.values:
        raise EmergencyReasonMissing(_("Choose whether it was justified."))
    if outcome == EmergencyAccess.Outcome.NOT_JUSTIFIED and not _says_something(text):
        raise EmergencyReasonMissing(
            _("Write in at least %(least)d letters why it was not justified.") % {"least": LEAST_LETTERS}
        )
    access.reviewed_at, access.reviewed_by = clock.now(), actor
    access.outcome, access.review_note = outcome, text
    access.save(update_fields=["reviewed_at", "reviewed_by", "outcome", "review_note"])
    audit.record(
        "patients.emergency.reviewed", actor=actor, patient=access.patient_id, target=access,
        detail={"emergency": str(access.pk), "outcome": outcome},
    )  # fmt: skip
    kind = "emergency_justified" if outcome == EmergencyAccess.Outcome.JUSTIFIED else "emergency_not_justified"
    notify(recipients=[access.user], kind=kind, params={"started_at": access.started_at})
    return access


@retry_transaction
def remind_overdue_reviews() -> int:
    """Tell each reviewer who has accesses of others that wait for more than three days; how many people were told."""
    told = 0
    for reviewer in reviewers():
        waiting = EmergencyAccess.objects.overdue().exclude(user=reviewer).count()
        if waiting:
            told += notify(
                recipients=[reviewer], kind="emergency_overdue", params={"count": waiting}, path=_list_path()
            )
    return told


def reviewers(*, other_than: UUID | None = None) -> list[User]:
    """Return the active people who may review emergency accesses, by user name."""
    people = User.objects.holding(Capability.REVIEW_EMERGENCY_ACCESS)
    return list(people.exclude(pk=other_than).order_by("username"))


def done_under(access: EmergencyAccess) -> list[AuditEvent]:
    """Return what its person read or did with this patient's record while it ran, in order; 200 events at most.

    By person, patient and time, so that acts are found whose event does not name the access.
    """
    events = AuditEvent.objects.filter(
        patient_id=access.patient_id, actor_id=access.user_id, at__gte=access.started_at, at__lte=access.over_at
    )
    return list(events.order_by("id")[:200])


def _says_something(text: str) -> bool:
    letters = [letter for letter in text.lower() if letter.isalpha()]
    return len(letters) >= LEAST_LETTERS and len(set(letters)) >= LEAST_DIFFERENT


def _check_lookups(actor: User) -> None:
    since = clock.now() - HOUR
    looked = AuditEvent.objects.filter(actor_id=actor.pk, action="patients.emergency.looked_up", at__gt=since)
    times = sorted(looked.values_list("at", flat=True))
    if len(times) >= LOOKUPS_PER_HOUR:
        wait = times[-LOOKUPS_PER_HOUR] + HOUR - clock.now()
        raise TooManyLookups(
            _("You looked for patients outside your care team too often. Wait an hour, or call the clinic admin."),
            retry_after_seconds=max(1, int(wait.total_seconds())),
        )


def _tell_reviewers(access: EmergencyAccess, actor: User) -> None:
    person = actor.display_name
    _tell(
        reviewers(other_than=actor.pk),
        kind="emergency_started",
        params={"person": person, "started_at": access.started_at},
        template="emergency_started",
        context={"person": person, "started_at": access.started_at},
        key=f"emergency_started:{access.pk}",
    )


def _alert_when_often(access: EmergencyAccess, actor: User) -> None:
    start, end = clock.day_bounds(clock.today())
    today = EmergencyAccess.objects.filter(user=actor, started_at__gte=start, started_at__lt=end).count()
    if today <= ALERT_ABOVE:
        return
    audit.record("patients.emergency.alerted", actor=None, target=access, detail={"count": today})
    _tell(
        reviewers(other_than=actor.pk),
        kind="emergency_often",
        params={"person": actor.display_name, "count": today},
        template="emergency_often",
        context={"person": actor.display_name, "count": today},
        key=f"emergency_often:{access.pk}",
    )


def _tell(
    people: Iterable[User], *, kind: str, params: dict[str, Any], template: str, context: dict[str, Any], key: str
) -> None:
    people = list(people)
    notify(recipients=people, kind=kind, params=params, path=_list_path())
    for person in people:
        queue_email(
            template=template, to=person.email, language=person.language,
            context={"name": person.full_name, "path": _list_path(), **context},
            dedupe_key=f"{key}:{person.pk}", recipient_user=person,
        )  # fmt: skip


def _list_path() -> str:
    return reverse("patients:emergency-list")

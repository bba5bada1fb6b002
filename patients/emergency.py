"""Emergency access while a person works: which ones run, and the proof that a patient was looked for."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.core import signing

from accounts.access import Capability, has_capability
from core import clock
from patients.models import Patient
from patients.models.emergency import EMERGENCY_LENGTH, EmergencyAccess

FOUND_FOR = timedelta(minutes=15)  # what was looked for may be opened this long
_SALT = "patients.emergency"
_MEMO = "_running_emergencies"


def running_of(user: Any, patient_id: UUID | None) -> EmergencyAccess | None:
    """Return the emergency access that `user` has to this patient at this moment, or None.

    One query for an account object (a request), whatever the number of patients; none for people who have no emergency
    access at all.
    """
    if patient_id is None or not has_capability(user, Capability.USE_EMERGENCY_ACCESS):
        return None
    known: dict[UUID, EmergencyAccess] | None = user.__dict__.get(_MEMO)
    if known is None:
        rows = EmergencyAccess.objects.running().filter(user=user).defer("reason_text", "review_note")
        known = user.__dict__[_MEMO] = {row.patient_id: row for row in rows}
    found = known.get(patient_id)
    return found if found is not None and found.is_running() else None


def forget_running(user: Any) -> None:
    """Drop what `running_of` remembers on this account object, after a change."""
    user.__dict__.pop(_MEMO, None)


def ended_lately(user: Any) -> EmergencyAccess | None:
    """Return the emergency access of `user` that ended last, when that was within the last hour; one query."""
    if not has_capability(user, Capability.USE_EMERGENCY_ACCESS):
        return None
    rows = EmergencyAccess.objects.filter(user=user, ends_at__gt=clock.now() - EMERGENCY_LENGTH)
    over = [row for row in rows.defer("reason_text", "review_note") if not row.is_running()]
    return max(over, key=lambda row: row.over_at, default=None)


def ticket_for(user: Any, patient: Patient) -> str:
    """Return a signed note that `user` found this patient just now; it works for nobody else, and not for long."""
    return signing.dumps([user.pk.hex, patient.pk.hex], salt=_SALT)


def patient_of_ticket(user: Any, ticket: str) -> Patient | None:
    """Return the patient that `user` found with this ticket; None when it is forged, somebody else's or too old."""
    try:
        owner, patient = signing.loads(ticket, salt=_SALT, max_age=FOUND_FOR)
    except (signing.BadSignature, ValueError):
        return None
    return Patient.objects.filter(pk=UUID(patient)).first() if owner == user.pk.hex else None


def short_name(full_name: str) -> str:
    """Return a name as it is shown before a record is opened: first word and initials, "Siti A."."""
    first, *others = full_name.split() or ["?"]
    return " ".join([first, *(f"{word[0].upper()}." for word in others)])

"""Who takes part in a patient's care, and the trace of who read the record."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction

import audit
from core import clock
from core.db import retry_transaction
from patients.emergency import running_of
from patients.models import NO_SOURCE, CareTeamMember, Patient

Source = CareTeamMember.Source


@retry_transaction
def add_to_care_team(
    *,
    patient_id: UUID,
    user_id: UUID | None = None,
    role: str | None = None,
    source: str = Source.ASSIGNED,
    source_id: UUID = NO_SOURCE,
    ends_at: datetime | None = None,
) -> CareTeamMember:
    """Let one person, or everybody in a role, read the patient's record for one reason; safe to repeat.

    `source` and `source_id` name the reason (an appointment, a visit, …), so that it can end with it. A reason that had
    ended begins again. `ends_at` None: it lasts.

    Raises:
        ValueError: neither or both of `user_id` and `role` are given.
    """
    if (user_id is None) == (role is None):
        raise ValueError("give a user or a role")
    member = CareTeamMember.of_user(user_id) if user_id is not None else CareTeamMember.of_role(str(role))
    row, created = CareTeamMember.objects.get_or_create(
        patient_id=patient_id,
        member=member,
        source=source,
        source_id=source_id,
        defaults={"since": clock.now(), "ends_at": ends_at},
    )
    reopened = not created and row.ends_at is not None and row.ends_at != ends_at
    if reopened:
        row.ends_at = ends_at
        row.save(update_fields=["ends_at"])
    if created or reopened:
        audit.record(
            "patients.care_team.added", actor=None, patient=patient_id, target=row,
            detail={"member": member, "source": str(source), "source_id": str(source_id)},
        )  # fmt: skip
    return row


@retry_transaction
def end_care(*, source: str, source_id: UUID) -> int:
    """End every care relationship that this appointment, visit, … gave, from now on; how many ended. Safe to repeat.

    Other reasons of the same people stay.
    """
    now = clock.now()
    rows = list(CareTeamMember.objects.select_for_update().running().filter(source=source, source_id=source_id))
    for row in sorted(rows, key=lambda row: row.pk):
        row.ends_at = now
        row.save(update_fields=["ends_at"])
        audit.record(
            "patients.care_team.ended", actor=None, patient=row.patient_id, target=row,
            detail={"member": row.member, "source": str(source), "source_id": str(source_id)},
        )  # fmt: skip
    return len(rows)


@transaction.atomic
def record_chart_read(*, patient: Patient, actor: Any, what: str = "chart") -> None:
    """Write that `actor` opened this patient's record; `what` is the part: "chart", "identity", "history".

    Under emergency access the event names it, so that the patient and the review can tell.
    """
    detail = {"what": what}
    access = running_of(actor, patient.pk)
    if access is not None:
        detail["emergency"] = str(access.pk)
    audit.record("patients.chart.read", actor=actor, patient=patient.pk, target=patient, detail=detail)


@transaction.atomic
def reveal_nik(*, patient: Patient, actor: Any) -> str:
    """Return the whole NIK and write who asked to see it; an empty NIK gives ''."""
    if not patient.nik:
        return ""
    audit.record("patients.nik.revealed", actor=actor, patient=patient.pk, target=patient)
    return patient.nik

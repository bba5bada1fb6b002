"""Who takes part in a patient's care, and the trace of who read the record."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db import transaction

import audit
from core import clock
from core.db import retry_transaction
from patients.models import CareTeamMember, Patient


@retry_transaction
def add_to_care_team(*, patient_id: UUID, user_id: UUID | None = None, role: str | None = None) -> CareTeamMember:
    """Let one person, or everybody in a role, read the patient's record; safe to repeat.

    Raises:
        ValueError: neither or both of `user_id` and `role` are given.
    """
    if (user_id is None) == (role is None):
        raise ValueError("give a user or a role")
    member = CareTeamMember.of_user(user_id) if user_id is not None else CareTeamMember.of_role(str(role))
    row, created = CareTeamMember.objects.get_or_create(
        patient_id=patient_id, member=member, defaults={"since": clock.now()}
    )
    if created:
        audit.record("patients.care_team.added", actor=None, patient=patient_id, target=row, detail={"member": member})
    return row


@transaction.atomic
def record_chart_read(*, patient: Patient, actor: Any, what: str = "chart") -> None:
    """Write that `actor` opened this patient's record; `what` is the part: "chart", "identity", "history"."""
    audit.record("patients.chart.read", actor=actor, patient=patient.pk, target=patient, detail={"what": what})


@transaction.atomic
def reveal_nik(*, patient: Patient, actor: Any) -> str:
    """Return the whole NIK and write who asked to see it; an empty NIK gives ''."""
    if not patient.nik:
        return ""
    audit.record("patients.nik.revealed", actor=actor, patient=patient.pk, target=patient)
    return patient.nik

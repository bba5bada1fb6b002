"""Processing that people had suspended: questions only. The acts are in `patients.services.limits`.

Source: UU 27/2022 article 41 (suspending and restricting within 3 x 24 hours).
"""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from patients.models import ConsentKind, ProcessingLimit

Scope = ProcessingLimit.Scope
# Which restriction stops which purpose. Care itself, and what the law demands, are never stopped.
STOPS = {
    ConsentKind.SATUSEHAT: Scope.EXCHANGE,
    ConsentKind.INSURER: Scope.EXCHANGE,
    ConsentKind.MESSAGES: Scope.MESSAGES,
    ConsentKind.EDUCATION: Scope.EDUCATION,
}


def is_limited(patient_id: UUID, scope: str) -> bool:
    """True while this processing of the patient's data is suspended. One statement."""
    return ProcessingLimit.objects.in_force().filter(patient_id=patient_id, scope=scope).exists()


def limited(patient_ids: Iterable[UUID], scope: str) -> set[UUID]:
    """Return those of the patients for whom this processing is suspended. One statement."""
    rows = ProcessingLimit.objects.in_force().filter(patient_id__in=list(patient_ids), scope=scope)
    return set(rows.values_list("patient_id", flat=True))


def in_force(patient_id: UUID) -> list[ProcessingLimit]:
    """Return what is suspended for one patient now. One statement."""
    rows = ProcessingLimit.objects.in_force().filter(patient_id=patient_id)
    return list(rows.select_related("since_by", "request").order_by("scope"))

"""Object rules of patients, beyond what a capability opens."""

from __future__ import annotations

from typing import Any

from accounts.access import Capability, has_capability
from patients.models import Patient


def may_read_record(user: Any, patient: Patient) -> bool:
    """True when `user`, who may see this patient's identity, may read the clinical record too.

    Costs a query only for people whose second role shows them more patients than they care for.
    """
    if not has_capability(user, Capability.VIEW_CHART):
        return False
    if has_capability(user, Capability.VIEW_ALL_CHARTS) or not has_capability(user, Capability.SEARCH_PATIENTS):
        return True
    return Patient.objects.readable_by(user).filter(pk=patient.pk).exists()

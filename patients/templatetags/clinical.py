"""Pregnancy and lasting conditions in the header of a patient."""

from __future__ import annotations

from typing import Any

from django import template

from accounts.access import Capability
from patients.basics import Basics, header_badges
from patients.models import Patient

register = template.Library()

MAY_SEE_SOME = frozenset({Capability.VIEW_CHART, Capability.DISPENSE})


@register.inclusion_tag("patients/_clinical_badges.html", takes_context=True)
def clinical_badges(context: template.Context, patient: Any) -> dict[str, Any]:
    """Show the badges that the reader may see; nothing, and no query, for everybody else and for sample patients."""
    user = getattr(context.get("request"), "user", None)
    held = getattr(user, "capabilities", frozenset())
    if not isinstance(patient, Patient) or not held & MAY_SEE_SOME:
        return {"badges": []}
    basics = context.get("basics")
    is_read = isinstance(basics, Basics) and basics.patient_id == patient.pk
    return {"badges": header_badges(user, patient, basics if is_read else None)}

"""Patient screens: my policies, to read."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.guards import PortalRequest, patient_portal
from core import clock
from patients.models import PolicyCoverage
from patients.services import record_part_read


@patient_portal
@require_safe
def coverages(request: PortalRequest) -> HttpResponse:
    """The policies the clinic has recorded for the chosen person."""
    record_part_read(patient_id=request.patient.pk, actor=request.user, what="coverage")
    rows = PolicyCoverage.objects.visible_to(request.user).filter(
        patient_id=request.patient.pk, status=PolicyCoverage.Status.ACTIVE
    )
    today = clock.today()
    policies = [
        {"policy": row, "is_valid": row.is_valid_on(today)}
        for row in sorted(rows.select_related("insurer"), key=lambda row: (not row.is_primary, row.pk))
    ]
    return render(request, "patients/portal_coverages.html", {"policies": policies, "today": today})

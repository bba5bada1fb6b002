"""Patient screen: the own health data, to read."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from accounts.guards import PortalRequest, patient_portal
from patients.basics import read_basics
from patients.models import Patient
from patients.screens import header
from patients.services import record_chart_read


@patient_portal
@require_GET
def health(request: PortalRequest) -> HttpResponse:
    """Allergies, conditions, medicines, history, pregnancy and blood type of the chosen person."""
    patient = Patient.objects.visible_to(request.user).for_header().get(pk=request.patient.pk)
    record_chart_read(patient=patient, actor=request.user, what="basics")
    context = {**header(patient), "basics": read_basics(request.user, patient)}
    return render(request, "patients/portal_health.html", context)

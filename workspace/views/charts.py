"""Reading: a finished visit, a patient's chart, and the history as a panel for other pages."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET

from accounts.access import Capability, has_capability
from accounts.guards import SignedInRequest, requires
from core.ids import uuid_or_none
from patients.access import may_read_record
from patients.models import Patient
from patients.screens import patient_page
from patients.screens_basics import record_patient
from patients.services import record_chart_read
from scheduling.models import Visit
from workspace import querysets

CLINICAL = (Capability.VIEW_NOTES, Capability.VIEW_PRESCRIPTIONS)


@requires(Capability.VIEW_QUEUE, *CLINICAL)
@require_GET
def visit_detail(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """One visit with the parts the reader may see: note, vital signs, prescription, bill."""
    visits = querysets.with_clinical(Visit.objects.visible_to(request.user), request.user)
    visit = get_object_or_404(visits, pk=pk)
    patient = get_object_or_404(Patient.objects.visible_to(request.user).for_header(), pk=visit.patient_id)
    if any(has_capability(request.user, capability) for capability in CLINICAL):
        record_chart_read(patient=patient, actor=request.user, what="visit")
    may_read = may_read_record(request.user, patient)
    context = {
        "visit": visit,
        "patient": patient,
        "entry": querysets.entry_of(visit, patient.birth_date),
        "bill": querysets.bill_of(request.user, visit),
        "is_own": visit.doctor_id == request.user.pk and has_capability(request.user, Capability.WRITE_NOTES),
        "may_read_notes": may_read,
        "may_read_chart": may_read,
    }
    return render(request, "workspace/visit_screen.html", context)


@requires(Capability.VIEW_CHART)
@require_GET
def patient_chart(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """The clinical record of a patient: allergies, visits, vital signs over time."""
    patient = record_patient(request, pk)
    record_chart_read(patient=patient, actor=request.user, what="chart")
    trend = querysets.vitals_trend(request.user, patient)
    context = {**patient_page(request, patient, "chart"), **_history(request, patient)}
    return render(request, "workspace/chart_screen.html", {**context, "trend": trend, "charts": trend.charts()})


@requires(Capability.VIEW_CHART)
@require_GET
def history_panel(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """The visits of a patient as a fragment, for the patient's page and for "show earlier visits"."""
    patient = record_patient(request, pk)
    record_chart_read(patient=patient, actor=request.user, what="history")
    return render(request, "workspace/_history_panel.html", {**_history(request, patient), "patient": patient})


def _history(request: SignedInRequest, patient: Patient) -> dict[str, Any]:
    before = uuid_or_none(request.GET.get("before"))
    entries, more = querysets.patient_history(request.user, patient, before=before)
    return {"entries": entries, "next_before": more, "is_first_page": before is None}

"""Vital signs before the doctor, and the search of diagnosis codes."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from accounts.access import Capability
from accounts.guards import SignedInRequest, requires
from consultations import services
from consultations.forms import ReasonForm, VitalsForm
from consultations.models import VitalSigns
from consultations.querysets import visits_before_doctor, vitals_of_patient
from consultations.vitals import MEASUREMENTS, readings
from core import clock
from core.http import domain_errors
from core.numbers import format_quantity
from patients.models import Patient
from patients.services import record_chart_read
from scheduling.models import Visit


@requires(Capability.RECORD_VITALS)
@require_GET
def vitals_list(request: SignedInRequest) -> HttpResponse:
    """Work list of the nurse: who is here and not measured yet."""
    return render(request, "consultations/vitals_list_screen.html", _before_doctor(request))


@requires(Capability.RECORD_VITALS)
@require_GET
def vitals_panel(request: SignedInRequest) -> HttpResponse:
    """The list alone; pages fetch it again when the queue changes."""
    return render(request, "consultations/_vitals_panel.html", _before_doctor(request))


@requires(Capability.RECORD_VITALS)
@require_http_methods(["GET", "POST"])
def vitals_record(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Enter one set of vital signs on a visit."""
    visit = get_object_or_404(Visit.objects.visible_to(request.user).for_list(), pk=pk)
    form = VitalsForm(request.POST or None)
    status = 200
    if request.method == "POST":
        if form.is_valid():
            with domain_errors(request, form=form) as outcome:
                services.record_vitals(visit_id=visit.pk, actor=request.user, **form.cleaned_data)
            if outcome.ok:
                messages.success(request, _("Vital signs of %(queue)s are saved.") % {"queue": visit.ticket.label})
                return _after_vitals(request, visit)
            status = outcome.status
        else:
            status = 422
    else:
        record_chart_read(patient=visit.patient, actor=request.user, what="vitals")
    return render(request, "consultations/vitals_screen.html", _vitals_context(request, visit, form), status=status)


@requires(Capability.RECORD_VITALS)
@require_http_methods(["GET", "POST"])
def vitals_mark_error(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Mark a set of vital signs as wrong, with the reason."""
    vitals = get_object_or_404(VitalSigns.objects.visible_to(request.user).select_related("visit__ticket"), pk=pk)
    form = ReasonForm(request.POST or None)
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            with domain_errors(request, form=form) as outcome:
                services.mark_vitals_in_error(
                    vitals_id=vitals.pk, actor=request.user, reason=form.cleaned_data["reason"]
                )
            if outcome.ok:
                messages.success(request, _("The entry is marked as wrong and no longer shown as the patient's."))
                return redirect("consultations:vitals-record", pk=vitals.visit_id)
            status = outcome.status
    patient = get_object_or_404(Patient.objects.visible_to(request.user).for_header(), pk=vitals.patient_id)
    if request.method != "POST":
        record_chart_read(patient=patient, actor=request.user, what="vitals")
    context = {"vitals": vitals, "readings": readings(vitals, patient.birth_date), "patient": patient, "form": form}
    return render(request, "consultations/vitals_error_screen.html", context, status=status)


@requires(Capability.WRITE_NOTES)
@require_GET
def code_search(request: SignedInRequest) -> JsonResponse:
    """Diagnosis codes for the combobox: {"results": [{"id", "text", "hint"}]}; the id is the code."""
    found = services.search_codes(request.GET.get("q", "")[:100])
    results = [
        {
            "id": code.code,
            "text": f"{code.code} {code.display}",
            "display": code.display,
            "hint": "" if code.is_primary_allowed else _("not as the primary diagnosis"),
        }
        for code in found
    ]
    return JsonResponse({"results": results})


def _before_doctor(request: SignedInRequest) -> dict[str, Any]:
    visits = list(visits_before_doctor(request.user, clock.today()))
    return {
        "to_measure": [visit for visit in visits if not visit.has_vitals],
        "measured": [visit for visit in visits if visit.has_vitals],
    }


def _after_vitals(request: SignedInRequest, visit: Visit) -> HttpResponse:
    if visit.status == Visit.Status.IN_CONSULTATION and visit.doctor_id == request.user.pk:
        return redirect("workspace:consultation", pk=visit.pk)
    return redirect("consultations:vitals-list")


def _vitals_context(request: SignedInRequest, visit: Visit, form: VitalsForm) -> dict[str, Any]:
    patient = get_object_or_404(Patient.objects.visible_to(request.user).for_header(), pk=visit.patient_id)
    earlier = vitals_of_patient(request.user, patient.pk, limit=4)
    last = earlier[0] if earlier else None
    rows = [(form[rule.field], format_quantity(getattr(last, rule.field)) if last else "") for rule in MEASUREMENTS]
    return {
        "visit": visit,
        "patient": patient,
        "form": form,
        "fields": rows,
        "last": last,
        "earlier": [(vitals, readings(vitals, patient.birth_date)) for vitals in earlier],
        "is_open": visit.status in services.BEFORE_DOCTOR | {Visit.Status.IN_CONSULTATION},
    }

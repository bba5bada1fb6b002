"""The record as PDF, at once or in the background."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import translation
from django.views.decorators.http import require_http_methods

import jobs.services
from accounts.access import Capability
from accounts.guards import PortalRequest, SignedInRequest, patient_portal, requires
from core.http import domain_errors
from patients.models import Patient
from patients.screens import header
from patients.screens_basics import record_patient
from patients.services import record_chart_read, record_print
from workspace.record_forms import RecordForm, WishForm
from workspace.record_jobs import FILE_NAME, KIND
from workspace.record_pdf import VISITS, RecordWish, record_pdf, wanted_visits

AT_ONCE = 40  # visits; more take longer than somebody waits in front of a white page


@requires(Capability.EXPORT_RECORDS)
@require_http_methods(["GET", "POST"])
def patient_record(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Choose period, parts and purpose; then the paper."""
    patient = record_patient(request, pk)
    form = RecordForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        return _paper(
            request, patient, form.wish(), "workspace/record_screen.html", purpose=form.cleaned_data["purpose"]
        )
    if request.method == "GET":
        record_chart_read(patient=patient, actor=request.user, what="identity")
    return _page(request, patient, "workspace/record_screen.html", form)


@patient_portal
@require_http_methods(["GET", "POST"])
def portal_record(request: PortalRequest) -> HttpResponse:
    """The own record, or that of somebody the account acts for."""
    form = WishForm(request.POST if request.method == "POST" else None)
    patient = Patient.objects.readable_by(request.user).for_header().get(pk=request.patient.pk)
    if form.is_valid():
        return _paper(request, patient, form.wish(), "workspace/portal_record_screen.html", purpose="patient")
    return _page(request, patient, "workspace/portal_record_screen.html", form)


def _page(request: HttpRequest, patient: Patient, template: str, form: Any, status: int = 0) -> HttpResponse:
    context = {**header(patient), "form": form, "at_once": AT_ONCE}
    return render(request, template, context, status=status or (422 if form.errors else 200))


def _paper(request: Any, patient: Patient, wish: RecordWish, template: str, *, purpose: str) -> HttpResponse:
    """Answer the PDF, or start the job that makes it and go to its page."""
    visits = wanted_visits(request.user, patient, wish).count() if VISITS in wish.parts else 0
    language = translation.get_language()
    if visits <= AT_ONCE:
        record_print(patient_id=patient.pk, actor=request.user, what="record", target=patient, purpose=purpose)
        content = record_pdf(patient=patient, reader=request.user, wish=wish, language=language)
        answer = HttpResponse(content, content_type="application/pdf")
        answer["Content-Disposition"] = f'inline; filename="{FILE_NAME}"'
        return answer
    with domain_errors(request) as outcome:
        record_print(patient_id=patient.pk, actor=request.user, what="record", target=patient, purpose=purpose)
        parameters = {**wish.as_json(), "language": language, "purpose": purpose}
        job = jobs.services.request(kind=KIND, actor=request.user, parameters=parameters, patient_id=patient.pk)
    if outcome.ok:
        return redirect("jobs:detail", job.pk)
    return _page(request, patient, template, RecordForm(request.POST), outcome.status)

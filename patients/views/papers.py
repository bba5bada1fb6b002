"""Printing card, wristband and labels; each print is written down."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import translation
from django.views.decorators.http import require_GET, require_POST

from accounts.guards import SignedInRequest, requires
from core.clock import age_parts, today
from patients import papers, services
from patients.forms.papers import LabelsForm, WristbandForm
from patients.models import Patient
from patients.papers import LabelSheet, Wristband
from patients.screens import SEARCHERS, header, visible_patient


def _page(request: SignedInRequest, patient: Patient, status: int = 200, **forms: Any) -> HttpResponse:
    band = Wristband.INFANT if age_parts(patient.birth_date, today())[0] < 1 else Wristband.ADULT
    context = {"labels_form": LabelsForm(), "band_form": WristbandForm(initial={"band": band}), **forms}
    return render(request, "patients/patient_papers.html", {**header(patient), **context}, status=status)


def _pdf(request: SignedInRequest, patient: Patient, what: str, content: bytes) -> HttpResponse:
    services.record_print(patient_id=patient.pk, actor=request.user, what=what, target=patient)
    answer = HttpResponse(content, content_type="application/pdf")
    answer["Content-Disposition"] = f'inline; filename="{what}.pdf"'
    return answer


@requires(*SEARCHERS)
@require_GET
def paper_choice(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Card, wristband and labels with their sizes."""
    patient = visible_patient(request, pk)
    services.record_chart_read(patient=patient, actor=request.user, what="identity")
    return _page(request, patient)


@requires(*SEARCHERS)
@require_POST
def card_pdf(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """The patient card."""
    patient = visible_patient(request, pk)
    return _pdf(request, patient, "card", papers.card_pdf(patient, language=translation.get_language()))


@requires(*SEARCHERS)
@require_POST
def wristband_pdf(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """A wristband of the chosen size."""
    patient = visible_patient(request, pk)
    form = WristbandForm(request.POST)
    if not form.is_valid():
        return _page(request, patient, status=422, band_form=form)
    band = Wristband(form.cleaned_data["band"])
    content = papers.wristband_pdf(patient, band, language=translation.get_language())
    return _pdf(request, patient, "wristband", content)


@requires(*SEARCHERS)
@require_POST
def labels_pdf(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Labels on a sheet or a roll."""
    patient = visible_patient(request, pk)
    form = LabelsForm(request.POST)
    if not form.is_valid():
        return _page(request, patient, status=422, labels_form=form)
    wanted = form.cleaned_data
    content = papers.labels_pdf(
        patient,
        LabelSheet(wanted["sheet"]),
        count=wanted["count"],
        first=wanted["first"],
        language=translation.get_language(),
    )
    return _pdf(request, patient, "patient-labels", content)

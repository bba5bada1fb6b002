"""Erasing a person's data: what would go, doing it, and the certificate."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from accounts.access import Capability
from accounts.guards import SignedInRequest, requires
from accounts.step_up import challenge, is_fresh
from core.http import domain_errors
from patients import erasing, services
from patients.erasure_papers import certificate as certificate_pdf
from patients.forms.erasure import ErasureForm
from patients.models import DataRequest, Erasure, Patient
from patients.screens import header, visible_patient
from patients.services import erasure as acts
from patients.services import holds

HANDLE = Capability.HANDLE_DATA_REQUESTS


@requires(HANDLE)
@require_GET
def preview(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """What would be removed and what stays; nothing is changed."""
    patient = visible_patient(request, pk)
    services.record_chart_read(patient=patient, actor=request.user, what="data-rights")
    wanted = ErasureForm({"request_id": request.GET.get("request", ""), "record_number": "-"})
    asked = wanted.cleaned_data.get("request_id") if wanted.is_valid() else None
    return _page(request, patient, asked, form=ErasureForm(initial={"request_id": asked}))


@requires(HANDLE)
@require_POST
def execute(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Erase, with a second step proven in the last five minutes and the record number typed."""
    patient = visible_patient(request, pk)
    form, status = ErasureForm(request.POST), 422
    asked = form.cleaned_data.get("request_id") if form.is_valid() else None
    if not is_fresh(request):
        return challenge(request, back_to=_address(patient, asked))
    if form.is_valid():
        with domain_errors(request, form=form) as outcome:
            given = {name: form.cleaned_data[name] for name in ("record_number", "reason", "request_id")}
            made = acts.erase_patient(patient_id=patient.pk, actor=request.user, **given)
            messages.success(
                request, _("The data were erased. Print certificate %(number)s.") % {"number": made.number}
            )
        if outcome.ok:
            if made.request_id:
                return redirect("patients:data-request-detail", made.request_id)
            return redirect("patients:data-rights", patient.pk)
        status = outcome.status
    return _page(request, patient, asked, status, form=form)


@requires(HANDLE)
@require_POST
def confirm(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Ask for the second step, then lead back to the preview."""
    patient = visible_patient(request, pk)
    form = ErasureForm({"request_id": request.POST.get("request_id", ""), "record_number": "-"})
    asked = form.cleaned_data.get("request_id") if form.is_valid() else None
    back = _address(patient, asked)
    return redirect(back) if is_fresh(request) else challenge(request, back_to=back)


@requires(HANDLE)
@require_POST
def hold(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Put a record on legal hold, or lift it; back to the page about erasing."""
    patient = visible_patient(request, pk)
    is_held = request.POST.get("held") == "1"
    with domain_errors(request) as outcome:
        holds.change_hold(patient_id=patient.pk, actor=request.user, is_held=is_held)
    if outcome.ok:
        messages.success(request, _("The record is on legal hold.") if is_held else _("The legal hold was lifted."))
    return redirect("patients:erasure", patient.pk)


@requires(HANDLE)
@require_GET
def certificate(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """The certificate as PDF."""
    rows = Erasure.objects.visible_to(request.user).select_related("patient", "request", "erased_by")
    found = get_object_or_404(rows, pk=pk)
    services.record_print(patient_id=found.patient_id, actor=request.user, what="erasure-certificate", target=found)
    answer = HttpResponse(certificate_pdf(found), content_type="application/pdf")
    answer["Content-Disposition"] = f'inline; filename="{found.number}.pdf"'
    answer["X-Content-Type-Options"] = "nosniff"
    return answer


def _address(patient: Patient, asked: UUID | None) -> str:
    address = reverse("patients:erasure", args=[patient.pk])
    return f"{address}?{urlencode({'request': asked})}" if asked else address


def _page(
    request: SignedInRequest, patient: Patient, asked: UUID | None, status: int = 200, **more: Any
) -> HttpResponse:
    subject = acts.subject_of(patient)
    wanted = DataRequest.objects.visible_to(request.user).filter(pk=asked, patient=patient)
    kept = erasing.by_ground(erasing.to_keep(subject))
    context = {
        **header(patient),
        "data_request": wanted.filter(kind=DataRequest.Kind.ERASURE).first() if asked else None,
        "removed": erasing.to_remove(subject),
        "kept": [
            {"ground": erasing.GROUNDS[ground], "lines": lines, "until": lines[0].until}
            for ground, lines in kept.items()
        ],
        "obstacles": acts.obstacles(subject),
        "is_fresh": is_fresh(request),
        "erasures": Erasure.objects.visible_to(request.user).filter(patient=patient).select_related("erased_by"),
        **more,
    }
    return render(request, "patients/erasure_preview.html", context, status=status)

"""Archive, bring back, delete: one page that says what each does."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from accounts.access import Capability
from accounts.guards import SignedInRequest, requires
from core.http import domain_errors
from patients import services
from patients.forms.archiving import ArchiveForm, BackForm, DeleteForm
from patients.models import Patient
from patients.screens import header, visible_patient
from patients.services import archiving


def _page(request: SignedInRequest, patient: Patient, status: int = 200, **forms: Any) -> HttpResponse:
    context = {
        **header(patient),
        "is_archived": patient.status == Patient.Status.ARCHIVED,
        "in_the_way": archiving.obstacles_to_archive(patient.pk),
        "kept_by": archiving.obstacles_to_delete(patient),
        "archive_form": ArchiveForm(),
        "back_form": BackForm(),
        "delete_form": DeleteForm(),
        **forms,
    }
    return render(request, "patients/patient_archive.html", context, status=status)


@requires(Capability.ARCHIVE_PATIENTS)
@require_GET
def archive_page(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """What can be done with a record that is no longer needed."""
    patient = visible_patient(request, pk)
    services.record_chart_read(patient=patient, actor=request.user, what="identity")
    return _page(request, patient)


@requires(Capability.ARCHIVE_PATIENTS)
@require_POST
def archive(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Take a patient out of lists and bookings."""
    patient = visible_patient(request, pk)
    form = ArchiveForm(request.POST)
    status = 422
    if form.is_valid():
        with domain_errors(request, form=form) as outcome:
            archiving.archive_patient(patient_id=patient.pk, actor=request.user, **form.cleaned_data)
        status = outcome.status
        if outcome.ok:
            messages.success(request, _("The record is archived."))
            return redirect("patients:detail", patient.pk)
    return _page(request, patient, status=status, archive_form=form)


@requires(Capability.ARCHIVE_PATIENTS)
@require_POST
def unarchive(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Bring an archived patient back."""
    patient = visible_patient(request, pk)
    form = BackForm(request.POST)
    status = 422
    if form.is_valid():
        with domain_errors(request, form=form) as outcome:
            archiving.unarchive_patient(patient_id=patient.pk, actor=request.user, reason=form.cleaned_data["reason"])
        status = outcome.status
        if outcome.ok:
            messages.success(request, _("The record is active again."))
            return redirect("patients:detail", patient.pk)
    return _page(request, patient, status=status, back_form=form)


@requires(Capability.ARCHIVE_PATIENTS)
@require_POST
def delete(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Delete a patient registered by mistake."""
    patient = visible_patient(request, pk)
    form = DeleteForm(request.POST)
    status = 422
    if form.is_valid():
        with domain_errors(request, form=form) as outcome:
            number = archiving.delete_mistaken(patient_id=patient.pk, actor=request.user, **form.cleaned_data)
            messages.success(request, _("Record %(number)s was deleted.") % {"number": number})
        status = outcome.status
        if outcome.ok:
            return redirect("patients:search")
    return _page(request, patient, status=status, delete_form=form)

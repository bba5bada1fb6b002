"""Staff screens: allergies of one patient."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.access import Capability, has_capability
from accounts.guards import SignedInRequest, requires
from core.http import domain_errors
from patients import services
from patients.forms.clinical import AllergyForm, allergy_initial
from patients.forms.patients import ReasonForm
from patients.models import Allergy, Patient
from patients.screens import SEARCHERS, allergies_context, header, visible_patient
from patients.services import allergies as allergy_services


def _answer(
    request: SignedInRequest,
    pk: UUID,
    *,
    form: Any = None,
    wrong: Any = None,
    wrong_form: Any = None,
    status: int = 200,
) -> HttpResponse:
    """The allergies as a fragment for htmx, as a page for everyone else."""
    patient = visible_patient(request, pk)
    context = {**header(patient), **allergies_context(request, patient), "wrong": wrong, "wrong_form": wrong_form}
    if form is not None:
        context |= {"form": form, "form_open": True}
    template = "patients/_allergies_panel.html" if request.htmx else "patients/patient_allergies.html"
    return render(request, template, context, status=status)


def _done(request: SignedInRequest, pk: UUID, sentence: str) -> HttpResponse:
    if request.htmx:
        return _answer(request, pk)
    messages.success(request, sentence)
    return redirect("patients:allergies", pk)


def _may_confirm(request: SignedInRequest) -> bool:
    return has_capability(request.user, Capability.WRITE_NOTES)


@requires(*SEARCHERS)
@require_GET
def allergies(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Allergies of one patient, with the entries that were marked as wrong."""
    services.record_chart_read(patient=visible_patient(request, pk), actor=request.user, what="allergies")
    return _answer(request, pk)


@requires(Capability.RECORD_ALLERGIES)
@require_POST
def allergy_add(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Record one allergy."""
    patient = visible_patient(request, pk)
    form = AllergyForm(request.POST, may_confirm=_may_confirm(request))
    status = 422
    if form.is_valid():
        with domain_errors(request, form=form) as outcome:
            services.record_allergy(patient_id=patient.pk, actor=request.user, **form.cleaned_data)
        if outcome.ok:
            return _done(request, pk, _("The allergy was recorded."))
        status = outcome.status
    return _answer(request, pk, form=form, status=status)


@requires(Capability.RECORD_ALLERGIES)
@require_POST
def allergies_deny(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Record that the patient was asked and has none."""
    patient = visible_patient(request, pk)
    with domain_errors(request) as outcome:
        services.record_no_allergies(patient_id=patient.pk, actor=request.user)
    if outcome.ok:
        return _done(request, pk, _("Recorded: asked, no known allergies."))
    return _answer(request, pk, status=outcome.status)


@requires(Capability.RECORD_ALLERGIES)
@require_POST
def allergy_mark_wrong(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Mark an entry as wrong; it stays readable below the list."""
    allergy = get_object_or_404(Allergy.objects.visible_to(request.user), pk=pk)
    form = ReasonForm(request.POST)
    status = 422
    if form.is_valid():
        with domain_errors(request, form=form) as outcome:
            services.mark_allergy_in_error(
                allergy_id=allergy.pk, actor=request.user, reason=form.cleaned_data["reason"]
            )
        if outcome.ok:
            return _done(request, allergy.patient_id, _("The entry was marked as wrong."))
        status = outcome.status
    return _answer(request, allergy.patient_id, wrong=allergy.pk, wrong_form=form, status=status)


@requires(Capability.RECORD_ALLERGIES)
@require_POST
def allergies_confirm(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Record that the patient was asked again and nothing has changed."""
    patient = visible_patient(request, pk)
    with domain_errors(request) as outcome:
        allergy_services.confirm_allergies(patient_id=patient.pk, actor=request.user)
    if outcome.ok:
        return _done(request, pk, _("Recorded: asked again, nothing has changed."))
    return _answer(request, pk, status=outcome.status)


@requires(Capability.WRITE_NOTES)
@require_POST
def allergy_confirm(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Record that a clinician has judged this allergy to be real."""
    allergy = get_object_or_404(Allergy.objects.visible_to(request.user), pk=pk)
    with domain_errors(request) as outcome:
        allergy_services.confirm_allergy(allergy_id=allergy.pk, actor=request.user)
    if outcome.ok:
        return _done(request, allergy.patient_id, _("The allergy was confirmed."))
    return _answer(request, allergy.patient_id, status=outcome.status)


@requires(Capability.RECORD_ALLERGIES)
@require_http_methods(["GET", "POST"])
def allergy_edit(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Correct an allergy: the old entry is marked as wrong with the reason, the new one takes its place."""
    allergy = get_object_or_404(Allergy.objects.visible_to(request.user), pk=pk)
    patient = visible_patient(request, allergy.patient_id)
    may_confirm = _may_confirm(request)
    if request.method == "GET":
        services.record_chart_read(patient=patient, actor=request.user, what="allergies")
        form = AllergyForm(initial=allergy_initial(allergy), may_confirm=may_confirm)
        return _edit_page(request, patient, allergy, form, ReasonForm(auto_id="why-%s"))
    form, reason = AllergyForm(request.POST, may_confirm=may_confirm), ReasonForm(request.POST, auto_id="why-%s")
    status = 422
    if form.is_valid() & reason.is_valid():
        with domain_errors(request, form=form) as outcome:
            fields = {**form.cleaned_data, "reason": reason.cleaned_data["reason"]}
            allergy_services.correct_allergy(allergy_id=allergy.pk, actor=request.user, **fields)
        status = outcome.status
        if outcome.ok:
            messages.success(request, _("The allergy was corrected."))
            return redirect("patients:allergies", patient.pk)
    return _edit_page(request, patient, allergy, form, reason, status)


def _edit_page(
    request: SignedInRequest, patient: Patient, allergy: Allergy, form: Any, reason: Any, status: int = 200
) -> HttpResponse:
    context = {**header(patient), "allergy": allergy, "form": form, "reason_form": reason}
    return render(request, "patients/allergy_edit.html", context, status=status)

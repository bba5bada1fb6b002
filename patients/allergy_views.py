"""Staff screens: allergies of one patient."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from accounts.access import Capability
from accounts.guards import SignedInRequest, requires
from core.http import domain_errors
from patients import services
from patients.forms import AllergyForm, ReasonForm
from patients.models import Allergy
from patients.screens import SEARCHERS, allergies_context, header, visible_patient


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
    form = AllergyForm(request.POST)
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

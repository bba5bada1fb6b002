"""Admin screens: people who signed up for the portal and wait."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from accounts.access import Capability
from accounts.guards import SignedInRequest, requires
from core.http import domain_errors
from core.pagination import keyset_page
from patients import services
from patients.forms.patients import ActivateForm, ReasonForm
from patients.models import PortalRegistration
from patients.screens import comparison, registration_tabs
from patients.services.registrations import candidates, connectable

PAGE = 30


def _list_context(request: SignedInRequest) -> dict[str, Any]:
    """One page of the waiting (oldest first) or the decided (latest first) registrations."""
    decided = request.GET.get("show") == "decided"
    rows = PortalRegistration.objects.visible_to(request.user).for_list()
    rows = rows.decided() if decided else rows.pending()
    page = keyset_page(request.GET, rows, order=("-pk" if decided else "pk",), size=PAGE)
    own = reverse("patients:registration-list")
    return {
        "registrations": page.rows,
        "decided": decided,
        "panel_url": request.get_full_path().replace(own, reverse("patients:registration-panel"), 1)
        if request.path == own
        else request.get_full_path(),
        "next_url": page.next_url,
        "previous_url": page.previous_url,
        "tabs": registration_tabs("decided" if decided else "waiting"),
    }


@requires(Capability.ACTIVATE_PATIENTS)
@require_GET
def registration_list(request: SignedInRequest) -> HttpResponse:
    """Who signed up."""
    return render(request, "patients/registration_list.html", _list_context(request))


@requires(Capability.ACTIVATE_PATIENTS)
@require_GET
def registration_panel(request: SignedInRequest) -> HttpResponse:
    """The list alone, for its refresh when somebody signs up or decides."""
    return render(request, "patients/_registration_panel.html", _list_context(request))


def _detail(
    request: SignedInRequest, registration: PortalRegistration, *, form: Any = None, status: int = 200
) -> HttpResponse:
    waiting = registration.status == PortalRegistration.Status.PENDING
    alike = candidates(registration, user=request.user) if waiting else []
    allowed = {patient.pk for patient in connectable(alike)}
    context = {
        "registration": registration,
        "waiting": waiting,
        "alike": [
            {"patient": patient, "lines": comparison(registration, patient), "connectable": patient.pk in allowed}
            for patient in alike
        ],
        "known_nik": any("nik" in patient.signs for patient in alike),
        "form": form or ReasonForm(),
        "rejecting": form is not None,
    }
    return render(request, "patients/registration_detail.html", context, status=status)


def _registration(request: SignedInRequest, pk: UUID) -> PortalRegistration:
    return get_object_or_404(PortalRegistration.objects.visible_to(request.user).for_list(), pk=pk)


@requires(Capability.ACTIVATE_PATIENTS)
@require_GET
def registration_detail(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """One sign-up beside the records that may be the same person."""
    return _detail(request, _registration(request, pk))


@requires(Capability.ACTIVATE_PATIENTS)
@require_POST
def registration_activate(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Open the account, as a new patient or connected with a known record."""
    registration = _registration(request, pk)
    form = ActivateForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("This record cannot be connected. Reload the page and choose again."))
        return _detail(request, registration, status=422)
    with domain_errors(request) as outcome:
        patient = services.activate_registration(
            registration_id=registration.pk,
            actor=request.user,
            existing_patient_id=form.cleaned_data["existing_patient_id"],
        )
        number = patient.record_number
        messages.success(request, _("The account is active. Record number: %(number)s.") % {"number": number})
    if outcome.ok:
        return redirect("patients:registration-list")
    return _detail(request, _registration(request, pk), status=outcome.status)


@requires(Capability.ACTIVATE_PATIENTS)
@require_POST
def registration_reject(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Refuse a sign-up with a reason that is mailed."""
    registration = _registration(request, pk)
    form = ReasonForm(request.POST)
    status = 422
    if form.is_valid():
        with domain_errors(request, form=form) as outcome:
            services.reject_registration(
                registration_id=registration.pk, actor=request.user, reason=form.cleaned_data["reason"]
            )
        if outcome.ok:
            messages.success(request, _("The registration was rejected; the person gets the reason by mail."))
            return redirect("patients:registration-list")
        status = outcome.status
    return _detail(request, _registration(request, pk), form=form, status=status)

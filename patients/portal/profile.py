"""Patient screens: sign up, own profile."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods

from accounts.guards import PortalRequest, patient_portal, public
from accounts.limits import even_out, is_too_often
from core.errors import TooManyRequests
from core.http import domain_errors, error_response
from core.indonesia import format_phone
from patients import services
from patients.errors import EmailTaken
from patients.forms.patients import SignUpForm
from patients.forms.profile import ProfileForm
from patients.forms.registration import ADDRESS_PARTS
from patients.models import Patient
from patients.screens import posted_version
from patients.services.identity import may_set_birth_date, may_set_nik
from patients.services.registering import address_of

SIGN_UPS_PER_HOUR = 10  # from one address; a family or a waiting room shares one
HOUR = 3600
NIKS_PER_DAY = 3  # of one account: the answer tells whether somebody with this NIK is a patient here


@public
@never_cache
@csrf_protect
@sensitive_post_parameters()
@require_http_methods(["GET", "POST"])
def sign_up(request: HttpRequest) -> HttpResponse:
    """Ask for a portal account. A taken address gets the same answer as a new one, after the same time."""
    began = time.monotonic()
    if request.user.is_authenticated:
        return redirect("accounts:home")
    form = SignUpForm(request.POST if request.method == "POST" else None)
    if request.method == "GET" or not form.is_valid():
        return render(request, "patients/portal_sign_up.html", {"form": form}, status=422 if form.is_bound else 200)
    if is_too_often(request, "sign-up", limit=SIGN_UPS_PER_HOUR, seconds=HOUR):
        response = error_response(
            request, 429, _("Too many registrations came from here. Wait an hour and try again, or call the clinic.")
        )
        response["Retry-After"] = str(HOUR)
        return response
    fields: dict[str, Any] = {name: value for name, value in form.cleaned_data.items() if name != "consent"}
    # The page must not tell who is a patient here, so a taken address is no error of the form.
    with domain_errors(request, form=form) as outcome, suppress(EmailTaken):
        services.submit_registration(language=get_language() or "id", **fields)
    if not outcome.ok:
        return render(request, "patients/portal_sign_up.html", {"form": form}, status=outcome.status)
    even_out(began)
    return redirect("patients:portal-sign-up-done")


@public
@require_GET
def sign_up_done(request: HttpRequest) -> HttpResponse:
    """Thank you, and what happens next."""
    return render(request, "patients/portal_sign_up_done.html")


@patient_portal
@require_http_methods(["GET", "POST"])
def profile(request: PortalRequest) -> HttpResponse:
    """The chosen person's data; NIK and birth date are given once."""
    patient = Patient.objects.visible_to(request.user).for_header().get(pk=request.patient.pk)
    locks = {"may_set_nik": may_set_nik(patient), "may_set_birth_date": may_set_birth_date(patient, request.user)}
    if request.method == "GET":
        services.record_chart_read(patient=patient, actor=request.user, what="identity")
        form = ProfileForm(initial=_initial(patient), **locks)
        return _profile_page(request, patient, form, version=patient.version)
    form, version = ProfileForm(request.POST, **locks), posted_version(request)
    status = 422
    if form.is_valid():
        with domain_errors(request, form=form) as outcome:
            if form.cleaned_data.get("nik"):
                _refuse_many_niks(request)
            services.complete_profile(
                patient_id=patient.pk, actor=request.user, version=version,
                details=form.details(), **form.identity(),
            )  # fmt: skip
        status = outcome.status
        if outcome.ok:
            messages.success(request, _("Your profile was saved."))
            return redirect("patients:portal-profile")
    return _profile_page(request, patient, form, version=version, status=status)


def _refuse_many_niks(request: PortalRequest) -> None:
    """Count one try to enter a NIK, right or known.

    Raises:
        TooManyRequests: more than `NIKS_PER_DAY`.
    """
    day = 24 * HOUR
    if is_too_often(request, "nik", limit=NIKS_PER_DAY, seconds=day, by=str(request.user.pk)):
        sentence = _("This NIK cannot be recorded here today. Show your identity card at the front desk.")
        raise TooManyRequests(sentence, retry_after_seconds=day)


def _initial(patient: Patient) -> dict[str, Any]:
    values = {name: getattr(patient, name) for name in ProfileForm.base_fields}
    address = address_of(patient)
    parts = {f"address_{part}": getattr(address, part) for part in ADDRESS_PARTS}
    return {**values, **parts, "phone": format_phone(patient.phone) if patient.phone else ""}


def _profile_page(
    request: PortalRequest, patient: Patient, form: ProfileForm, *, version: int, status: int = 200
) -> HttpResponse:  # fmt: skip
    context = {
        "version": version,
        "patient": patient,
        "form": form,
        "allergies": patient.allergies,
        "allergy_status": patient.allergy_status,
        "allergy_asked_on": patient.allergy_asked_at,
    }
    return render(request, "patients/portal_profile.html", context, status=status)

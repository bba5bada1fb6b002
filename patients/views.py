"""Staff screens: find, register, read and change patients."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.access import Capability, has_capability
from accounts.guards import SignedInRequest, requires
from core import indonesia
from core.http import domain_errors
from core.search import parse_query
from patients import services
from patients.access import may_read_record
from patients.forms import IdentityForm, RegisterForm, SearchForm
from patients.models import Patient
from patients.recent import recent_patients
from patients.screens import SEARCHERS, allergies_context, header, posted_version, visible_patient
from patients.search import find_patients

SHORTEST_QUERY = 2
SHOWN = 20


# --- Search ---------------------------------------------------------------------------------------------------------


@requires(*SEARCHERS)
@require_http_methods(["GET", "POST"])
def search(request: SignedInRequest) -> HttpResponse:
    """One box for everything; the words travel by POST, so that no name stands in an address or a log."""
    form = SearchForm(request.POST or None)
    query = form.cleaned_data["q"] if form.is_valid() else ""
    asked = len(query) >= SHORTEST_QUERY
    found = find_patients(user=request.user, query=query, limit=SHOWN + 1) if asked else recent_patients(request.user)
    if asked:
        services.record_search(actor=request.user, query=query, hits=len(found))
    context = {
        "query": query,
        "asked": asked,
        "patients": found[:SHOWN],
        "more": len(found) > SHOWN,
        "may_register": has_capability(request.user, Capability.REGISTER_PATIENTS),
        "may_use_emergency": has_capability(request.user, Capability.USE_EMERGENCY_ACCESS),
    }
    if request.htmx:
        return render(request, "patients/_search_results.html", context)
    # The page has its own box; two of them on one screen would be one too many.
    return render(request, "patients/patient_search.html", {**context, "nav_search_url": ""})


# --- Registration ---------------------------------------------------------------------------------------------------


def _register_form(request: SignedInRequest, data: Any = None, initial: dict[str, Any] | None = None) -> RegisterForm:
    may_ask = has_capability(request.user, Capability.RECORD_ALLERGIES)
    return RegisterForm(data, initial=initial, may_ask_allergies=may_ask)


def _duplicates_context(request: SignedInRequest, form: RegisterForm) -> dict[str, Any]:
    """Return possible duplicates and NIK warnings of a form that may be half filled."""
    form.is_valid()
    values = getattr(form, "cleaned_data", {})
    nik, birth_date = values.get("nik"), values.get("birth_date")
    duplicates = services.find_duplicates(
        user=request.user,
        full_name=values.get("full_name") or "",
        birth_date=birth_date,
        nik=nik,
        phone=values.get("phone"),
    )
    if duplicates:  # who they are is shown
        services.record_search(actor=request.user, query=values.get("full_name") or "", hits=len(duplicates))
    warnings: list[str] = []
    if nik:
        try:
            warnings = indonesia.validate_nik(nik, birth_date=birth_date, sex=values.get("sex"))
        except ValidationError:  # the field says it already
            warnings = []
    return {
        "duplicates": duplicates,
        "nik_warnings": warnings,
        "same_nik": any("nik" in patient.signs for patient in duplicates),
        "needs_reason": any("name" in patient.signs for patient in duplicates),
        "reason": values.get("duplicate_reason", ""),
    }


@requires(Capability.REGISTER_PATIENTS)
@require_http_methods(["GET", "POST"])
def register(request: SignedInRequest) -> HttpResponse:
    """Register somebody who stands at the desk."""
    if request.method == "GET":
        return render(request, "patients/patient_register.html", {"form": _register_form(request)})
    form = _register_form(request, request.POST)
    patient, status = None, 422
    if form.is_valid():
        with domain_errors(request, form=form) as outcome:
            patient = services.register_at_desk(
                actor=request.user,
                allergy=form.allergy_answer(),
                duplicate_reason=form.cleaned_data["duplicate_reason"],
                **form.identity(),
            )
        status = outcome.status
    if patient is None:
        seen = _duplicates_context(request, _register_form(request, request.POST))
        return render(request, "patients/patient_register.html", {"form": form, **seen}, status=status)
    for warning in (
        indonesia.validate_nik(patient.nik, birth_date=patient.birth_date, sex=patient.sex) if patient.nik else []
    ):
        messages.warning(request, warning)
    return redirect("patients:registered", patient.pk)


@requires(Capability.REGISTER_PATIENTS)
@require_POST
def register_start(request: SignedInRequest) -> HttpResponse:
    """The registration form with what was typed into the search box."""
    search_form = SearchForm(request.POST)
    query = parse_query(search_form.cleaned_data["q"] if search_form.is_valid() else "")
    initial: dict[str, Any] = {"nik": query.nik, "birth_date": query.birth_date}
    if query.phone and not query.nik:
        initial["phone"] = indonesia.format_phone(query.phone)
    if query.words:
        initial["full_name"] = " ".join(word.capitalize() for word in query.plain_words)
    form = _register_form(request, initial={name: value for name, value in initial.items() if value})
    return render(request, "patients/patient_register.html", {"form": form})


@requires(Capability.REGISTER_PATIENTS)
@require_POST
def duplicates_panel(request: SignedInRequest) -> HttpResponse:
    """Who may be the same person, while the form is being filled."""
    context = _duplicates_context(request, _register_form(request, request.POST))
    return render(request, "patients/_duplicates_panel.html", {**context, "nik_warnings": []})


@requires(Capability.REGISTER_PATIENTS)
@require_GET
def registered(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """The new record number and what comes next."""
    patient = visible_patient(request, pk)
    services.record_chart_read(patient=patient, actor=request.user, what="identity")
    context = {
        **header(patient),
        "may_book": has_capability(request.user, Capability.BOOK_APPOINTMENTS),
        "may_check_in": has_capability(request.user, Capability.CHECK_IN),
    }
    return render(request, "patients/patient_registered.html", context)


# --- One patient ----------------------------------------------------------------------------------------------------


@requires(*SEARCHERS)
@require_GET
def detail(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Identity and allergies of one patient; panels of other domains load themselves."""
    patient = visible_patient(request, pk)
    services.record_chart_read(patient=patient, actor=request.user, what="identity")
    held = request.user.capabilities
    context = {
        **header(patient),
        **allergies_context(request, patient),
        "may_edit": Capability.REGISTER_PATIENTS in held,
        "may_book": Capability.BOOK_APPOINTMENTS in held and patient.status == Patient.Status.ACTIVE,
        "may_check_in": Capability.CHECK_IN in held and patient.status == Patient.Status.ACTIVE,
        "may_read_history": may_read_record(request.user, patient),
        "may_see_appointments": bool(held & {Capability.BOOK_APPOINTMENTS, Capability.APPROVE_APPOINTMENTS}),
    }
    return render(request, "patients/patient_detail.html", context)


@requires(Capability.REGISTER_PATIENTS)
@require_POST
def nik_reveal(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """The whole NIK, once, with a trace of who asked."""
    patient = visible_patient(request, pk)
    nik = services.reveal_nik(patient=patient, actor=request.user)
    if request.htmx:
        return render(request, "patients/_nik.html", {"patient": patient, "nik": nik, "may_edit": False})
    return render(request, "patients/patient_nik.html", {**header(patient), "nik": nik})


@requires(Capability.REGISTER_PATIENTS)
@require_http_methods(["GET", "POST"])
def edit(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Change identity; a version that was changed meanwhile answers 409 and keeps what was typed."""
    patient = visible_patient(request, pk)
    if request.method == "GET":
        services.record_chart_read(patient=patient, actor=request.user, what="identity-edit")
        form = IdentityForm(initial=_initial(patient))
        return render(request, "patients/patient_edit.html", {**header(patient), "form": form})
    form = IdentityForm(request.POST)
    status = 422
    if form.is_valid():
        with domain_errors(request, form=form) as outcome:
            services.update_patient(
                patient_id=patient.pk, actor=request.user, version=posted_version(request), **form.identity()
            )
        status = outcome.status
        if outcome.ok:
            messages.success(request, _("The changes were saved."))
            return redirect("patients:detail", patient.pk)
    stored_now = _differences(form, patient) if status == 409 else []
    context = {**header(patient), "form": form, "stored_now": stored_now}
    return render(request, "patients/patient_edit.html", context, status=status)


def _initial(patient: Patient) -> dict[str, Any]:
    values = {name: getattr(patient, name) for name in IdentityForm.base_fields}
    return {**values, "phone": indonesia.format_phone(patient.phone) if patient.phone else ""}


def _differences(form: IdentityForm, patient: Patient) -> list[tuple[str, str]]:
    """Return (label, stored value) of the fields whose typed value is not what is stored now."""
    found = []
    for name, typed in form.identity().items():
        stored = getattr(patient, name)
        if stored != typed:
            shown = getattr(patient, f"get_{name}_display", lambda stored=stored: stored)()
            found.append((str(form.fields[name].label), str(shown or _("empty"))))
    return found

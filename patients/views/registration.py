"""Staff screens: register a patient, keep the half-filled form, change what is known."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.forms import CheckboxInput
from django.http import HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.formats import time_format
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.access import Capability, has_capability
from accounts.guards import SignedInRequest, requires, signed_in
from core import clock, indonesia
from core.errors import DomainError
from core.http import domain_errors, status_of
from core.ids import uuid7
from core.search.queries import parse_query
from patients import services
from patients.duplicate_screens import panel_context
from patients.errors import AlreadyRegistered
from patients.forms.patients import SearchForm
from patients.forms.registration import EditForm, RegisterForm, initial_of
from patients.models import Patient, RegistrationDraft, Sex
from patients.names import PREFIX_TITLES, newborn_name
from patients.records import details_of
from patients.regions import find_regions
from patients.screens import header, posted_version, visible_patient
from patients.search import find_patients
from patients.services import drafts

MOTHERS_SHOWN = 6
SHORTEST_QUERY = 2


# --- The form -------------------------------------------------------------------------------------------------------


@requires(Capability.REGISTER_PATIENTS)
@require_http_methods(["GET", "POST"])
def register(request: SignedInRequest) -> HttpResponse:
    """Register somebody who stands at the desk; the script of the page asks for JSON and goes where it says."""
    if request.method == "GET":
        kind = request.GET.get("kind", "")
        initial = {"kind": kind} if kind in Patient.Kind.values else {}
        return _page(request, _form(request, initial=initial))
    form = _form(request, request.POST)
    patient, status = None, 422
    if form.is_valid():
        with domain_errors(request, form=form) as outcome:
            patient = services.register_at_desk(
                actor=request.user,
                allergy=form.allergy_answer(),
                duplicate_reason=form.cleaned_data["duplicate_reason"],
                registration_key=form.cleaned_data["registration_key"],
                details=form.details(),
                **form.identity(),
            )
        status = outcome.status
        if isinstance(outcome.error, AlreadyRegistered):  # of somebody else: the next try is a form of its own
            form.data = {**request.POST.dict(), "registration_key": str(uuid7())}
    if patient is None:
        if _wants_json(request):
            return JsonResponse({"status": status}, status=status)
        return _page(request, form, _duplicates_context(request, _form(request, request.POST)), status=status)
    for warning in _nik_warnings(patient.nik, patient.birth_date, patient.sex):
        messages.warning(request, warning)
    target = reverse("patients:registered", args=[patient.pk])
    return JsonResponse({"url": target}) if _wants_json(request) else redirect(target)


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
    return _page(request, _form(request, initial={name: value for name, value in initial.items() if value}))


@requires(Capability.REGISTER_PATIENTS)
@require_GET
def register_newborn(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """The registration form for a baby of this patient."""
    mother = get_object_or_404(Patient.objects.visible_to(request.user).active().exclude(sex=Sex.MALE), pk=pk)
    services.record_chart_read(patient=mother, actor=request.user, what="identity")
    initial = {"kind": Patient.Kind.NEWBORN, "mother": mother.pk, "birth_date": clock.today()}
    return _page(request, _form(request, initial=initial), {"mothers": [mother]})


@requires(Capability.REGISTER_PATIENTS)
@require_POST
def register_mother(request: SignedInRequest) -> HttpResponse:
    """Women who answer the words typed for a baby's mother: a part of the form, or the form again without script."""
    search_form = SearchForm({"q": request.POST.get("mother_query", "")})
    query = search_form.cleaned_data["q"] if search_form.is_valid() else ""
    found = find_patients(user=request.user, query=query, limit=20) if len(query) >= SHORTEST_QUERY else []
    mothers = [row for row in found if row.sex != Sex.MALE and row.status == Patient.Status.ACTIVE][:MOTHERS_SHOWN]
    if query:
        services.record_search(actor=request.user, query=query, hits=len(mothers))
    context = {"mothers": mothers, "mother_query": query, "mothers_asked": True, "chosen_mother": ""}
    if request.htmx:
        return render(request, "patients/_mother_panel.html", context)
    return _page(request, _typed_form(request, request.POST), context)


@requires(Capability.REGISTER_PATIENTS)
@require_POST
def duplicates_panel(request: SignedInRequest) -> HttpResponse:
    """Who may be the same person, while the form is being filled."""
    context = _duplicates_context(request, _form(request, request.POST))
    return render(request, "patients/_duplicates_panel.html", {**context, "nik_warnings": []})


@requires(Capability.REGISTER_PATIENTS)
@require_GET
def registered(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """The new record number and what comes next."""
    patient = visible_patient(request, pk)
    services.record_chart_read(patient=patient, actor=request.user, what="identity")
    context = {
        **header(patient),
        "may_ask_consent": has_capability(request.user, Capability.RECORD_CONSENTS),
        "may_book": has_capability(request.user, Capability.BOOK_APPOINTMENTS),
        "may_check_in": has_capability(request.user, Capability.CHECK_IN),
    }
    return render(request, "patients/patient_registered.html", context)


# --- Drafts ---------------------------------------------------------------------------------------------------------


@requires(Capability.REGISTER_PATIENTS)
@require_POST
def draft_save(request: SignedInRequest) -> HttpResponse:
    """Keep what is typed so far; the answer says when."""
    key = _uuid(request.POST.get("registration_key", ""))
    if key is None:
        return JsonResponse({"error": _("The draft could not be kept. Reload the page.")}, status=422)
    typed = {name: request.POST[name] for name in _form(request).fields if name in request.POST}
    try:
        draft = drafts.save_draft(user=request.user, draft_id=key, fields=typed)
    except DomainError as error:
        return JsonResponse({"error": str(error)}, status=status_of(error))
    moment = time_format(clock.local(draft.updated_at), "TIME_FORMAT")
    return JsonResponse({"message": _("Draft kept %(time)s") % {"time": moment}})


@requires(Capability.REGISTER_PATIENTS)
@require_GET
def draft_resume(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """The registration form with what was typed before the page was lost."""
    draft = get_object_or_404(RegistrationDraft.objects.visible_to(request.user), pk=pk)
    form = _typed_form(request, {**draft.fields, "registration_key": str(draft.pk)})
    return _page(request, form, {"is_resumed": True})


@requires(Capability.REGISTER_PATIENTS)
@require_POST
def draft_discard(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Throw a half-filled registration away."""
    draft = get_object_or_404(RegistrationDraft.objects.visible_to(request.user), pk=pk)
    drafts.discard_draft(user=request.user, draft_id=draft.pk)
    messages.success(request, _("The unfinished registration was thrown away."))
    return redirect("patients:register")


# --- Regions --------------------------------------------------------------------------------------------------------


@signed_in
@require_POST
def region_list(request: SignedInRequest) -> JsonResponse:
    """Regions for the combobox of an address, for staff and for patients in their own profile."""
    results = [
        {"id": row.code, "text": row.label, "hint": row.postal_code, "postal": row.postal_code}
        for row in find_regions(request.POST.get("q", ""))
    ]
    return JsonResponse({"results": results})


# --- Changing -------------------------------------------------------------------------------------------------------


@requires(Capability.REGISTER_PATIENTS)
@require_http_methods(["GET", "POST"])
def edit(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Change what is known; a version that was changed meanwhile answers 409 and keeps what was typed."""
    patient = visible_patient(request, pk)
    context = {**header(patient), "title_prefixes": " ".join(sorted(PREFIX_TITLES))}
    if request.method == "GET":
        services.record_chart_read(patient=patient, actor=request.user, what="identity-edit")
        form = EditForm(initial=initial_of(patient, details_of(patient)), patient=patient)
        return render(request, "patients/patient_edit.html", {**context, "form": form, "version": patient.version})
    form, version = EditForm(request.POST, patient=patient), posted_version(request)
    status = 422
    if form.is_valid():
        with domain_errors(request, form=form) as outcome:
            services.update_patient(
                patient_id=patient.pk, actor=request.user, version=version,
                details=form.details(), **form.identity(),
            )  # fmt: skip
        status = outcome.status
        if outcome.ok:
            messages.success(request, _("The changes were saved."))
            return redirect("patients:detail", patient.pk)
    stored_now = []
    if status == 409:
        # Only who sees what is stored now may replace it.
        stored_now, version = form.differences(initial_of(patient, details_of(patient))), patient.version
    context |= {"form": form, "stored_now": stored_now, "version": version}
    return render(request, "patients/patient_edit.html", context, status=status)


# --- Helpers --------------------------------------------------------------------------------------------------------


def _form(request: SignedInRequest, data: Any = None, initial: Mapping[str, Any] | None = None) -> RegisterForm:
    may_ask = has_capability(request.user, Capability.RECORD_ALLERGIES)
    given = {"registration_key": uuid7(), **(initial or {})}
    return RegisterForm(data, initial=given, may_ask_allergies=may_ask)


def _typed_form(request: SignedInRequest, data: Mapping[str, Any]) -> RegisterForm:
    """Return the form with what was typed, not yet checked."""
    fields = _form(request).fields.items()
    ticks = {name: name in data for name, field in fields if isinstance(field.widget, CheckboxInput)}
    return _form(request, initial={**{name: data[name] for name, _field in fields if name in data}, **ticks})


def _page(
    request: SignedInRequest, form: RegisterForm, context: Mapping[str, Any] | None = None, status: int = 200
) -> HttpResponse:
    given = dict(context or {})
    key = str(form["registration_key"].value() or "")
    mother = str(form["mother"].value() or "")
    if mother and "mothers" not in given:
        given["mothers"] = list(Patient.objects.visible_to(request.user).active().filter(pk=_uuid(mother)))
        for shown in given["mothers"]:
            services.record_chart_read(patient=shown, actor=request.user, what="identity")
    others = [] if form.is_bound else [draft for draft in drafts.open_drafts(request.user) if str(draft.pk) != key]
    shown = {
        "form": form, "drafts": others, "mothers": [], "chosen_mother": mother,
        "title_prefixes": " ".join(sorted(PREFIX_TITLES)), **given,
    }  # fmt: skip
    return render(request, "patients/patient_register.html", shown, status=status)


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _wants_json(request: SignedInRequest) -> bool:
    return request.headers.get("Accept", "").startswith("application/json")


def _nik_warnings(nik: str | None, birth_date: Any, sex: str | None) -> list[str]:
    try:
        return indonesia.validate_nik(nik, birth_date=birth_date, sex=sex) if nik else []
    except ValidationError:  # the field says it already
        return []


def _duplicates_context(request: SignedInRequest, form: RegisterForm) -> dict[str, Any]:
    """Return possible duplicates and NIK warnings of a form that may be half filled."""
    form.is_valid()
    values = dict(getattr(form, "cleaned_data", {}))
    mother = (
        Patient.objects.visible_to(request.user).filter(pk=values.get("mother")).first()
        if values.get("mother")
        else None
    )
    if mother is not None:
        values["mother_name"] = mother.full_name
        values["full_name"] = values.get("full_name") or newborn_name(mother.full_name, order=values.get("birth_order"))
    context = panel_context(request.user, values)
    if context["duplicates"]:  # who they are is shown
        services.record_search(actor=request.user, query=values.get("full_name") or "", hits=len(context["duplicates"]))
    return {**context, "nik_warnings": _nik_warnings(values.get("nik"), values.get("birth_date"), values.get("sex"))}

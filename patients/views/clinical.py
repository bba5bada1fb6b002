"""Staff screens: the clinical basics of one patient on one page, each part by itself for htmx."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.access import Capability
from accounts.guards import SignedInRequest, requires
from core.http import domain_errors
from patients.basics import read_basics
from patients.forms.clinical import BloodTypeForm, EndForm, PregnancyForm, entry_initial, section_form
from patients.forms.patients import ReasonForm
from patients.models import BloodTyping, HistoryEntry, Patient, PregnancyStatus, Section
from patients.screens import header
from patients.screens_basics import Trouble, basics_context, record_patient
from patients.services import clinical_states, history, record_chart_read


def _answer(
    request: SignedInRequest, patient: Patient, panel: str, trouble: Trouble | None = None, status: int = 200
) -> HttpResponse:
    """One panel as a fragment for htmx, the whole page for everyone else."""
    context = basics_context(request, patient, trouble)
    if not request.htmx:
        return render(request, "patients/basics.html", context, status=status)
    template = {"pregnancy": "patients/basics_pregnancy_panel.html", "blood": "patients/basics_blood_panel.html"}
    context["panel"] = next((row for row in context["panels"] if row.section.key == panel), None)
    return render(request, template.get(panel, "patients/basics_section_panel.html"), context, status=status)


def _do(
    request: SignedInRequest,
    patient: Patient,
    panel: str,
    act: str,
    form: forms.Form | None,
    service: Callable[..., Any],
    done: str,
    row: UUID | None = None,
) -> HttpResponse:
    """Check the form, call the service, answer with the panel or the page; what was refused is drawn again."""
    status = 422
    if form is None or form.is_valid():
        with domain_errors(request, form=form) as outcome:
            service(actor=request.user, **(form.cleaned_data if form is not None else {}))
        if outcome.ok and not request.htmx:
            messages.success(request, done)
            return redirect("patients:basics", patient.pk)
        if outcome.ok:
            return _answer(request, record_patient(request, patient.pk), panel)
        status = outcome.status
    trouble = Trouble(panel, act, form, row) if form is not None else None
    return _answer(request, patient, panel, trouble, status)


def _section(name: str) -> str:
    if name not in Section.values:
        raise Http404
    return name


@requires(Capability.VIEW_CHART)
@require_GET
def basics(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Everything about a patient that does not belong to one visit."""
    patient = record_patient(request, pk)
    record_chart_read(patient=patient, actor=request.user, what="basics")
    return render(request, "patients/basics.html", basics_context(request, patient))


@requires(Capability.VIEW_CHART)
@require_GET
def basics_summary(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """The basics in a few lines, for the consultation, the chart and the patient's page."""
    patient = record_patient(request, pk)
    record_chart_read(patient=patient, actor=request.user, what="basics")
    context = {"patient": patient, "basics": read_basics(request.user, patient)}
    return render(request, "patients/basics_summary.html", context)


# --- Sections ---------------------------------------------------------------------------------------------------------


@requires(Capability.RECORD_HISTORY)
@require_POST
def entry_add(request: SignedInRequest, pk: UUID, section: str) -> HttpResponse:
    """Record one fact in a section."""
    patient, section = record_patient(request, pk), _section(section)
    service = partial(history.record_entry, patient_id=patient.pk, section=section)
    return _do(request, patient, section, "add", section_form(section, request.POST), service, _("It was recorded."))


@requires(Capability.RECORD_HISTORY)
@require_POST
def section_deny(request: SignedInRequest, pk: UUID, section: str) -> HttpResponse:
    """Record that the patient was asked and there is nothing."""
    patient, section = record_patient(request, pk), _section(section)
    service = partial(history.record_none, patient_id=patient.pk, section=section)
    return _do(request, patient, section, "none", None, service, _("Recorded: asked, there is nothing."))


@requires(Capability.RECORD_HISTORY)
@require_POST
def section_confirm(request: SignedInRequest, pk: UUID, section: str) -> HttpResponse:
    """Record that the patient was asked again and nothing has changed."""
    patient, section = record_patient(request, pk), _section(section)
    service = partial(history.confirm_section, patient_id=patient.pk, section=section)
    return _do(request, patient, section, "same", None, service, _("Recorded: asked again, nothing has changed."))


def _entry(request: SignedInRequest, pk: UUID) -> HistoryEntry:
    return get_object_or_404(HistoryEntry.objects.visible_to(request.user), pk=pk)


@requires(Capability.RECORD_HISTORY)
@require_POST
def entry_end(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """End a condition or a medicine."""
    entry = _entry(request, pk)
    patient = record_patient(request, entry.patient_id)
    service = partial(history.end_entry, entry_id=entry.pk)
    form = EndForm(request.POST, auto_id=f"end-{entry.pk}-%s")
    return _do(request, patient, entry.section, "end", form, service, _("It was ended."), entry.pk)


@requires(Capability.RECORD_HISTORY)
@require_POST
def entry_mark_wrong(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Mark an entry as wrong; it stays readable below the section."""
    entry = _entry(request, pk)
    patient = record_patient(request, entry.patient_id)
    service = partial(history.mark_entry_in_error, entry_id=entry.pk)
    form = ReasonForm(request.POST, auto_id=f"wrong-{entry.pk}-%s")
    return _do(request, patient, entry.section, "wrong", form, service, _("The entry was marked as wrong."), entry.pk)


@requires(Capability.RECORD_HISTORY)
@require_http_methods(["GET", "POST"])
def entry_edit(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Correct an entry: the old one is marked as wrong with the reason, the new one takes its place."""
    entry = _entry(request, pk)
    patient = record_patient(request, entry.patient_id)
    if request.method == "GET":
        record_chart_read(patient=patient, actor=request.user, what="basics")
        form, reason = section_form(entry.section, initial=entry_initial(entry)), ReasonForm()
        return _edit_page(request, patient, entry, form, reason)
    form, reason = section_form(entry.section, request.POST), ReasonForm(request.POST)
    status = 422
    if form.is_valid() & reason.is_valid():
        with domain_errors(request, form=form) as outcome:
            fields = {**form.cleaned_data, "reason": reason.cleaned_data["reason"]}
            history.correct_entry(entry_id=entry.pk, actor=request.user, **fields)
        status = outcome.status
        if outcome.ok:
            messages.success(request, _("The entry was corrected."))
            return redirect("patients:basics", patient.pk)
    return _edit_page(request, patient, entry, form, reason, status)


def _edit_page(
    request: SignedInRequest, patient: Patient, entry: HistoryEntry, form: Any, reason: Any, status: int = 200
) -> HttpResponse:
    context = {**header(patient), "entry": entry, "form": form, "reason_form": reason}
    return render(request, "patients/basics_entry_edit.html", context, status=status)


# --- Pregnancy, blood type --------------------------------------------------------------------------------------------


@requires(Capability.RECORD_HISTORY)
@require_POST
def pregnancy_record(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Record what is known about a pregnancy now."""
    patient = record_patient(request, pk)
    service = partial(clinical_states.record_pregnancy, patient_id=patient.pk)
    form = PregnancyForm(request.POST, auto_id="pregnancy-%s")
    return _do(request, patient, "pregnancy", "add", form, service, _("It was recorded."))


@requires(Capability.RECORD_HISTORY)
@require_POST
def pregnancy_mark_wrong(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Mark what was recorded about a pregnancy as wrong."""
    row = get_object_or_404(PregnancyStatus.objects.visible_to(request.user), pk=pk)
    patient = record_patient(request, row.patient_id)
    service = partial(clinical_states.mark_pregnancy_in_error, row_id=row.pk)
    form = ReasonForm(request.POST, auto_id=f"wrong-{row.pk}-%s")
    return _do(request, patient, "pregnancy", "wrong", form, service, _("The entry was marked as wrong."), row.pk)


@requires(Capability.RECORD_HISTORY)
@require_POST
def blood_type_record(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Record the blood type with where it is known from."""
    patient = record_patient(request, pk)
    service = partial(clinical_states.record_blood_type, patient_id=patient.pk)
    form = BloodTypeForm(request.POST, auto_id="blood-%s")
    return _do(request, patient, "blood", "add", form, service, _("The blood type was recorded."))


@requires(Capability.RECORD_HISTORY)
@require_POST
def blood_type_mark_wrong(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Mark a blood type as wrong."""
    row = get_object_or_404(BloodTyping.objects.visible_to(request.user), pk=pk)
    patient = record_patient(request, row.patient_id)
    service = partial(clinical_states.mark_blood_type_in_error, row_id=row.pk)
    form = ReasonForm(request.POST, auto_id=f"wrong-{row.pk}-%s")
    return _do(request, patient, "blood", "wrong", form, service, _("The entry was marked as wrong."), row.pk)

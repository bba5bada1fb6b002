"""Lists of patients coming in and going out."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts import step_up
from accounts.access import Capability
from accounts.guards import SignedInRequest, requires
from core.http import domain_errors
from core.pagination import keyset_page
from core.sheets import XLSX_TYPE
from jobs import services as jobs
from jobs.models import Job
from patients.forms.imports import ExportForm, MappingForm, StartForm, UploadForm
from patients.importing.template import template
from patients.models import PatientImport, PatientImportRow
from patients.services import exports, imports

STEPS = (gettext_lazy("File"), gettext_lazy("Columns"), gettext_lazy("Check"), gettext_lazy("Import"))
PAGE_SIZE = 50
State = PatientImport.State


@requires(Capability.IMPORT_PATIENTS)
@require_GET
def import_list(request: SignedInRequest) -> HttpResponse:
    """Lists that were uploaded, newest first, and the form for another one."""
    return _list_page(request, UploadForm())


@requires(Capability.IMPORT_PATIENTS)
@require_POST
def import_upload(request: SignedInRequest) -> HttpResponse:
    """Take a file, and lead on to what its columns are."""
    form, status = UploadForm(request.POST, request.FILES), 422
    if form.is_valid():
        file = form.cleaned_data["file"]
        with domain_errors(request, form=form) as outcome:
            source = imports.upload(data=file.read(), name=file.name, actor=request.user)
        if outcome.ok:
            return redirect("patients:import-detail", source.pk)
        status = outcome.status
    return _list_page(request, form, status)


@requires(Capability.IMPORT_PATIENTS)
@require_GET
def import_template(request: SignedInRequest) -> HttpResponse:
    """An empty list to fill."""
    answer = HttpResponse(template(), content_type=XLSX_TYPE)
    answer["Content-Disposition"] = 'attachment; filename="daftar-pasien.xlsx"'
    return answer


@requires(Capability.IMPORT_PATIENTS)
@require_GET
def import_detail(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Where an import stands, and what comes next."""
    source = _import(request, pk)
    return _detail_page(request, source, StartForm(initial=imports.decisions_of(source)))


@requires(Capability.IMPORT_PATIENTS)
@require_http_methods(["GET", "POST"])
def import_mapping(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Say what each column is."""
    source = _import(request, pk)
    form, status = MappingForm(source, request.POST if request.method == "POST" else None), 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            with domain_errors(request, form=form) as outcome:
                imports.set_mapping(
                    import_id=source.pk, actor=request.user, mapping=form.mapping(),
                    has_heading=form.cleaned_data["has_heading"], on_value=form.cleaned_data["on_value"],
                )  # fmt: skip
            if outcome.ok:
                return redirect("patients:import-detail", source.pk)
            status = outcome.status
    context = {"source": source, "form": form, "steps": STEPS, "current": 2}
    return render(request, "patients/import_mapping.html", context, status=status)


@requires(Capability.IMPORT_PATIENTS)
@require_GET
def import_problems(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """The rows that are, or were, in the way, by kind."""
    source = _import(request, pk)
    rows = PatientImportRow.objects.visible_to(request.user).filter(source=source).problems().select_related("patient")
    problem = request.GET.get("problem", "")
    if problem in PatientImportRow.Problem.values and problem:
        rows = rows.filter(problem=problem)
    page = keyset_page(request.GET, rows, order=("number", "pk"), size=PAGE_SIZE)
    imports.record_problems_read(source=source, actor=request.user, shown=len(page.rows))
    context = {"source": source, "page": page, "problem": problem, "problems": _problems(source)}
    return render(request, "patients/import_problems.html", context)


@requires(Capability.IMPORT_PATIENTS)
@require_POST
def import_start(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Import a checked list."""
    source = _import(request, pk)
    form, status = StartForm(request.POST), 422
    if form.is_valid():
        with domain_errors(request, form=form) as outcome:
            imports.start(import_id=source.pk, actor=request.user, **form.cleaned_data)
        if outcome.ok:
            return redirect("patients:import-detail", source.pk)
        status = outcome.status
    return _detail_page(request, source, form, status)


@requires(Capability.IMPORT_PATIENTS)
@require_POST
def import_cancel(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Give an import up."""
    source = _import(request, pk)
    with domain_errors(request) as outcome:
        imports.cancel(import_id=source.pk, actor=request.user)
    if outcome.ok:
        messages.success(request, _("The import was cancelled and its file removed."))
    return redirect("patients:import-list")


@requires(Capability.IMPORT_PATIENTS)
@require_http_methods(["GET", "POST"])
def patient_export(request: SignedInRequest) -> HttpResponse:
    """Ask for a list of patients as a file. The NIK is among the columns only with a fresh second factor."""
    wants_nik = request.GET.get("nik") == "1"
    if wants_nik and not step_up.is_fresh(request):
        return step_up.challenge(request, back_to=f"{request.path}?nik=1")
    form, status = ExportForm(request.POST if request.method == "POST" else None, with_nik=wants_nik), 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            with domain_errors(request, form=form) as outcome:
                job = jobs.request(kind=exports.EXPORT, actor=request.user, parameters=form.parameters())
            if outcome.ok:
                return redirect("jobs:detail", job.pk)
            status = outcome.status
    context = {"form": form, "with_nik": wants_nik}
    return render(request, "patients/export_screen.html", context, status=status)


def _import(request: SignedInRequest, pk: UUID) -> PatientImport:
    rows = PatientImport.objects.visible_to(request.user).select_related("created_by")
    return get_object_or_404(rows, pk=pk)


def _list_page(request: SignedInRequest, form: UploadForm, status: int = 200) -> HttpResponse:
    rows = PatientImport.objects.visible_to(request.user).select_related("created_by").defer("sheet")
    context = {"page": keyset_page(request.GET, rows), "form": form}
    return render(request, "patients/import_list.html", context, status=status)


def _detail_page(request: SignedInRequest, source: PatientImport, form: StartForm, status: int = 200) -> HttpResponse:
    job = _job(request, source)
    current = {State.READING: 1, State.UPLOADED: 3 if source.check_job_id else 2}.get(State(source.state), 4)
    if source.state == State.CHECKED and source.import_job_id is None:
        current = 3
    context: dict[str, Any] = {
        "source": source,
        "job": job,
        "form": form,
        "steps": STEPS,
        "current": current,
        "same": imports.same_file(source),
        "problems": _problems(source),
        "good": max(0, source.counts.get("rows", 0) - sum(count for _code, _label, count in _problems(source))),
        "may_decide": source.state == State.CHECKED and (job is None or job.kind != imports.RUN),
    }
    return render(request, "patients/import_detail.html", context, status=status)


def _job(request: SignedInRequest, source: PatientImport) -> Job | None:
    """The last background work of this import."""
    pk = source.import_job_id or source.check_job_id or source.read_job_id
    return Job.objects.visible_to(request.user).for_list().filter(pk=pk).first() if pk else None


def _problems(source: PatientImport) -> list[tuple[str, str, int]]:
    """Kinds of problems that the check found, with their numbers."""
    kinds = [kind for kind in PatientImportRow.Problem if kind]
    return [(kind.value, str(kind.label), source.counts[kind]) for kind in kinds if source.counts.get(kind)]

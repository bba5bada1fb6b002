"""The doctor's day and the consultation itself."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import formats
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.access import Capability
from accounts.guards import SignedInRequest, requires
from consultations import services as consultations
from consultations.errors import NoteSigned
from consultations.models import Note
from core import clock
from core.errors import DomainError
from core.http import domain_errors, status_of
from patients.models import Patient
from patients.services import record_chart_read
from scheduling import services as scheduling
from scheduling.models import Visit
from workspace import consulting, querysets, services
from workspace.consulting import Problem
from workspace.forms import ConsultationForm, initial_of, typed_in, typed_in_draft

WRITING = (Capability.WRITE_NOTES,)


@requires(*WRITING)
@require_GET
def consultation_list(request: SignedInRequest) -> HttpResponse:
    """The doctor's day: who waits, unsigned notes, bookings still to come, what is done."""
    return render(request, "workspace/consultation_list_screen.html", _day_of(request))


@requires(*WRITING)
@require_GET
def consultation_panel(request: SignedInRequest) -> HttpResponse:
    """Notes, bookings and finished visits alone; the page fetches it again when something changes."""
    return render(request, "workspace/_consultation_panel.html", _day_of(request))


@requires(*WRITING)
@require_POST
def consultation_start(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Take the patient in and open the note; opening it again changes nothing."""
    visit = _own_visit(request, pk)
    with domain_errors(request) as outcome:
        scheduling.start_consultation(visit_id=visit.pk, actor=request.user)
    if outcome.ok:
        return redirect("workspace:consultation", pk=visit.pk)
    return redirect("workspace:visit-detail", pk=visit.pk)


@requires(*WRITING)
@require_GET
def consultation(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """The consultation page, as the draft stands; a finished visit shows its summary instead."""
    visit = _own_visit(request, pk)
    note = consulting.draft_of(request.user, visit)
    if visit.status != Visit.Status.IN_CONSULTATION or (note and note.status == Note.Status.SIGNED):
        return redirect("workspace:visit-detail", pk=visit.pk)
    patient = visit.patient
    record_chart_read(patient=patient, actor=request.user, what="consultation")
    typed = typed_in_draft(note)
    initial = initial_of(note, visit)
    _copy_from(request, patient, initial, typed)
    context = consulting.page_context(request.user, visit, patient, form=ConsultationForm(initial=initial), typed=typed)
    return render(request, "workspace/consultation_screen.html", context)


@requires(*WRITING)
@require_POST
def consultation_save(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Keep what is typed as a draft; JSON for the page that saves by itself."""
    visit = _own_visit(request, pk)
    form = ConsultationForm(request.POST)
    note, problem, status = _save(request, visit, form)
    if request.headers.get("Accept", "").startswith("application/json"):
        if note is None:
            return JsonResponse({"error": problem, "status": status}, status=status)
        return JsonResponse({"version": note.version, "message": _saved_words(note)})
    if note is None:
        return _page(request, visit, form, [Problem(problem)] if form.is_valid() else [], status=status)
    messages.success(request, _saved_words(note))
    return redirect("workspace:consultation", pk=visit.pk)


@requires(*WRITING)
@require_http_methods(["GET", "POST"])
def consultation_review(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """POST keeps the draft and leads to the summary; GET shows what will be signed."""
    visit = _own_visit(request, pk)
    if request.method == "GET":
        note = consulting.draft_of(request.user, visit)
        if note is None or note.status != Note.Status.DRAFT or visit.status != Visit.Status.IN_CONSULTATION:
            return redirect("workspace:consultation", pk=visit.pk)
        context = consulting.review_context(request.user, visit, visit.patient, note)
        return render(request, "workspace/consultation_review_screen.html", context)
    form = ConsultationForm(request.POST)
    judged = consulting.judge(form, typed_in(request.POST))
    note, problem, status = _save(request, visit, form)
    if note is None:
        problems = judged.problems if not form.is_valid() else [Problem(problem), *judged.problems]
        return _page(request, visit, form, problems, status=status)
    if not judged.ok:
        return _page(request, visit, form, judged.problems, status=422, version=note.version)
    return redirect("workspace:consultation-review", pk=visit.pk)


@requires(*WRITING)
@require_POST
def consultation_finish(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Sign, prescribe, charge and close in one step; on a refusal the page comes back as it was typed."""
    visit = _own_visit(request, pk)
    form = ConsultationForm(request.POST)
    judged = consulting.judge(form, typed_in(request.POST))
    if not judged.ok:
        return _page(request, visit, form, judged.problems, status=422)
    try:
        services.finish_consultation(
            visit_id=visit.pk,
            actor=request.user,
            version=form.cleaned_data["version"],
            consultation_fee_idr=form.cleaned_data["consultation_fee"],
            diagnoses=judged.diagnoses,
            lines=judged.lines,
            **form.soap(),
        )
    except DomainError as error:
        if isinstance(error, NoteSigned) and _is_signed_as_typed(request, visit, form):
            return redirect("workspace:visit-detail", pk=visit.pk)  # the same form arrived twice
        return _page(request, visit, form, [consulting.problem_of(error)], status=status_of(error))
    messages.success(request, _("The consultation is finished."))
    return redirect("workspace:visit-detail", pk=visit.pk)


def _own_visit(request: SignedInRequest, pk: UUID) -> Visit:
    """Return a visit of which the signed-in doctor is the doctor; 404 for every other one."""
    return get_object_or_404(querysets.own_visits_of_doctor(request.user), pk=pk)


def _day_of(request: SignedInRequest) -> dict[str, Any]:
    return {
        "drafts": querysets.unsigned_drafts(request.user),
        "appointments": querysets.appointments_today(request.user),
        "done": querysets.done_today(request.user),
    }


def _save(request: SignedInRequest, visit: Visit, form: ConsultationForm) -> tuple[Note | None, str, int]:
    """Keep the draft; return it, or the sentence and status of the refusal."""
    if not form.is_valid():
        return None, consulting.form_problems(form)[0].text, 422
    try:
        note = consultations.save_draft(
            visit_id=visit.pk,
            actor=request.user,
            version=form.cleaned_data["version"],
            consultation_fee_idr=form.cleaned_data["consultation_fee"],
            **typed_in(request.POST).as_draft(),
            **form.soap(),
        )
    except DomainError as error:
        return None, str(error), status_of(error)
    return note, "", 200


def _saved_words(note: Note) -> str:
    return _("Saved %(time)s") % {"time": formats.time_format(clock.local(note.updated_at), "TIME_FORMAT")}


def _page(
    request: SignedInRequest,
    visit: Visit,
    form: ConsultationForm,
    problems: list[Problem],
    *,
    status: int,
    version: int | None = None,
) -> HttpResponse:
    """Draw the page with everything that was typed and what is wrong with it."""
    if version is not None:
        data = request.POST.copy()
        data["version"] = str(version)
        form.data = data
    context = consulting.page_context(
        request.user,
        visit,
        visit.patient,
        form=form,
        typed=typed_in(request.POST),
        problems=problems or consulting.form_problems(form),
    )
    return render(request, "workspace/consultation_screen.html", context, status=status)


def _copy_from(request: SignedInRequest, patient: Patient, initial: dict[str, Any], typed: Any) -> None:
    """Without script, `?copy=<note>` fills the empty parts of the page from an earlier note of this patient."""
    try:
        wanted = UUID(request.GET.get("copy", ""))
    except ValueError:
        return
    notes = Note.objects.visible_to(request.user).filter(patient=patient, status=Note.Status.SIGNED)
    source = get_object_or_404(notes, pk=wanted)
    for name in consultations.SOAP_FIELDS:
        text = getattr(source, name)
        if text and not initial.get(name):
            initial[name] = text
            typed.copied.append(name)
    initial["copied"] = " ".join(typed.copied)


def _is_signed_as_typed(request: SignedInRequest, visit: Visit, form: ConsultationForm) -> bool:
    note = consulting.draft_of(request.user, visit)
    return note is not None and all(getattr(note, name) == text for name, text in form.soap().items())

"""A person's station: call the next number, and what becomes of it. And the list of stations, for the admin."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.access import Capability, has_capability
from accounts.guards import SignedInRequest, requires
from accounts.models import User
from core.http import domain_errors
from scheduling import flow
from scheduling.access import SERVING, may_serve
from scheduling.forms.queue import StationForm, TransferForm
from scheduling.models import QueueEvent, QueueStep, Stage, Station, Visit
from scheduling.services import detours, serving, stations
from scheduling.views.common import act, back, reason_step

SESSION_KEY = "station"
HOME = "scheduling:station"
State = QueueStep.State
GONE_ON = {Stage.DOCTOR, Stage.PHARMACY, Stage.CASHIER}  # end on their own pages


def own_station(request: SignedInRequest, stage: str | None = None) -> Station | None:
    """Return the station this person chose, while it is open to them; only one of `stage` when that is given."""
    station = stations.chosen_station(request.user, request.session.get(SESSION_KEY, ""))
    return station if station is not None and stage in (None, station.stage) else None


@requires(*SERVING)
@require_safe
def station(request: SignedInRequest) -> HttpResponse:
    """The own station's queue, or the choice of one."""
    return render(request, "scheduling/station.html", _station_context(request))


@requires(*SERVING)
@require_safe
def station_panel(request: SignedInRequest) -> HttpResponse:
    """The queue of the own station alone, for the live refresh."""
    return render(request, "scheduling/_station_panel.html", _station_context(request))


@requires(*SERVING)
@require_POST
def station_choose(request: SignedInRequest) -> HttpResponse:
    """Sit down at a station, or leave it; kept until signing out."""
    chosen = stations.chosen_station(request.user, request.POST.get("station", ""))
    if chosen is None:
        request.session.pop(SESSION_KEY, None)
    else:
        request.session[SESSION_KEY] = str(chosen.pk)
    return redirect(HOME)


@requires(*SERVING)
@require_POST
def station_call_next(request: SignedInRequest) -> HttpResponse:
    """Call the number whose turn it is."""
    place = own_station(request)
    if place is None:
        messages.error(request, _("Choose the station where you work."))
        return redirect(HOME)
    with domain_errors(request) as outcome:
        step = serving.call_next(station_id=place.pk, actor=request.user)
    if outcome.ok:
        messages.success(request, _("Called: %(number)s") % {"number": step.ticket.label})
    return _after(request)


@requires(*SERVING)
@require_POST
def step_call(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Call one number, or call it again."""
    return _act(request, pk, serving.call_step, _("Called: %(number)s"))


@requires(*SERVING)
@require_POST
def step_start(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """The person is inside; the doctor goes on to the consultation."""
    step = _step(request, pk)
    with domain_errors(request) as outcome:
        serving.start_step(step_id=step.pk, actor=request.user, station_id=_station_id(request, step))
    if outcome.ok and step.stage == Stage.DOCTOR:
        return redirect("workspace:consultation", step.visit_id)
    return _after(request)


@requires(*SERVING)
@require_POST
def step_skip(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Nobody answered the call."""
    return _act(request, pk, serving.skip_step, _("%(number)s is marked: did not answer."))


@requires(*SERVING)
@require_POST
def step_requeue(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Who did not answer is back."""
    return _act(request, pk, serving.requeue_step, _("%(number)s is back in the queue."))


@requires(*SERVING)
@require_POST
def step_finish(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Send on to the next stage."""
    return _act(request, pk, serving.finish_step, _("%(number)s goes on."))


@requires(Capability.WRITE_NOTES)
@require_POST
def step_examine(request: SignedInRequest, pk: UUID, stage: str) -> HttpResponse:
    """The doctor sends the patient to the laboratory or radiology; the note stays a draft."""
    if stage not in detours.STATUS_AT:
        raise Http404
    step = _step(request, pk)
    visit_id = step.visit_id
    assert visit_id is not None  # only numbers of the registration desk have none
    return act(
        request,
        lambda: detours.send_to_examination(
            visit_id=visit_id, stage=stage, actor=request.user, station_id=_station_id(request, step)
        ),
        _("%(number)s goes on.") % {"number": step.ticket.label},
        HOME,
    )


@requires(*SERVING)
@require_http_methods(["GET", "HEAD", "POST"])
def step_send_back(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Send a patient one stage back, with a reason."""
    step = _of_visit(request, pk, for_desk=False)
    visit_id = step.visit_id
    assert visit_id is not None  # numbers of the desk are left out
    return reason_step(
        request,
        call=lambda reason: detours.send_back(
            visit_id=visit_id,
            actor=request.user,
            reason=reason,
            station_id=_station_id(request, step),
            step_id=step.pk,
        ),
        words={
            "title": _("Send %(number)s back?") % {"number": step.ticket.label},
            "verb": _("Yes, send back"),
            "help": _("For example: measure the blood pressure again."),
            "back_url": reverse(HOME),
        },
        success=_("%(number)s was sent back.") % {"number": step.ticket.label},
        default=HOME,
    )


@requires(*SERVING)
@require_http_methods(["GET", "HEAD", "POST"])
def step_transfer(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Send a waiting patient to another doctor or stage, with a reason."""
    step = _of_visit(request, pk)
    form = TransferForm(request.POST or None, targets=_targets(step))
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            kind, _sep, value = form.cleaned_data["target"].partition(":")
            common: dict[str, Any] = {
                "visit_id": step.visit_id, "actor": request.user, "reason": form.cleaned_data["reason"],
                "station_id": _station_id(request, step), "step_id": step.pk,
            }  # fmt: skip
            with domain_errors(request, form=form) as outcome:
                if kind == "doctor":
                    detours.transfer_to_doctor(doctor_id=UUID(value), **common)
                else:
                    detours.transfer_to_stage(stage=value, **common)
            if outcome.ok:
                messages.success(request, _("%(number)s was transferred.") % {"number": step.ticket.label})
                return back(request, HOME)
            status = outcome.status
    context = {"form": form, "step": step, "title": _("Transfer %(number)s") % {"number": step.ticket.label}}
    return render(request, "scheduling/station_transfer.html", context, status=status)


@requires(*SERVING)
@require_POST
def queue_undo(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Take the own last act back."""
    event = get_object_or_404(QueueEvent.objects.visible_to(request.user).filter(actor=request.user), pk=pk)
    with domain_errors(request) as outcome:
        serving.undo_act(event_id=event.pk, actor=request.user)
    if outcome.ok:
        messages.success(request, _("Taken back."))
    return _after(request)


# --- the list of stations ---------------------------------------------------------------------------------------


@requires(Capability.MANAGE_SCHEDULING)
@require_safe
def station_list(request: SignedInRequest) -> HttpResponse:
    """All rooms and counters, closed ones too."""
    return render(request, "scheduling/station_list.html", {"stations": stations.all_stations()})


@requires(Capability.MANAGE_SCHEDULING)
@require_http_methods(["GET", "HEAD", "POST"])
def station_add(request: SignedInRequest) -> HttpResponse:
    """Add a room or counter."""
    return _edit(request, None)


@requires(Capability.MANAGE_SCHEDULING)
@require_http_methods(["GET", "HEAD", "POST"])
def station_edit(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Change a room or counter, or close it."""
    found = next((row for row in stations.all_stations() if row.pk == pk), None)
    if found is None:
        raise Http404
    return _edit(request, found)


def _edit(request: SignedInRequest, found: Station | None) -> HttpResponse:
    form = StationForm(request.POST or None, instance=found)
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            with domain_errors(request, form=form) as outcome:
                stations.save_station(station_id=found.pk if found else None, actor=request.user, **form.cleaned_data)
            if outcome.ok:
                messages.success(request, _("The station is saved."))
                return redirect("scheduling:station-list")
            status = outcome.status
    return render(request, "scheduling/station_form.html", {"form": form, "found": found}, status=status)


# --- what the acts share ----------------------------------------------------------------------------------------


def _station_context(request: SignedInRequest) -> dict[str, Any]:
    place = own_station(request)
    context: dict[str, Any] = {"stations": stations.stations_for(request.user), "place": place}
    if place is not None:
        view = flow.station_view(request.user, place)
        context |= {
            "view": view, "may_finish": place.stage not in GONE_ON, "is_doctor": place.stage == Stage.DOCTOR,
            "may_send_back": place.stage in (Stage.DOCTOR, Stage.LABORATORY, Stage.RADIOLOGY),
            "may_transfer": place.stage in (Stage.NURSE, Stage.DOCTOR, Stage.LABORATORY, Stage.RADIOLOGY),
            "is_desk": place.stage == Stage.REGISTRATION,
            "elsewhere": {Stage.PHARMACY: "pharmacy:queue", Stage.CASHIER: "workspace:cashier"}.get(Stage(place.stage)),
        }  # fmt: skip
    return context


def _step(request: SignedInRequest, pk: UUID) -> QueueStep:
    """Return a stay that this person may act on: 404 for one they do not see, 403 for another station's."""
    step = get_object_or_404(QueueStep.objects.visible_to(request.user).select_related("ticket", "visit"), pk=pk)
    if not may_serve(request.user, step):
        raise PermissionDenied
    return step


def _of_visit(request: SignedInRequest, pk: UUID, *, for_desk: bool = True) -> QueueStep:
    """Return a stay of a registered patient that this person, or the desk too, may send elsewhere."""
    steps = QueueStep.objects.visible_to(request.user).exclude(visit=None).select_related("ticket", "visit__service")
    step = get_object_or_404(steps, pk=pk)
    is_desk = for_desk and has_capability(request.user, Capability.CHECK_IN)
    if not (is_desk or may_serve(request.user, step)):
        raise PermissionDenied
    return step


def _station_id(request: SignedInRequest, step: QueueStep) -> UUID | None:
    place = own_station(request, step.stage)
    return place.pk if place is not None else None


def _act(request: SignedInRequest, pk: UUID, call: Callable[..., Any], words: str) -> HttpResponse:
    step = _step(request, pk)
    with domain_errors(request) as outcome:
        call(step_id=step.pk, actor=request.user, station_id=_station_id(request, step))
    if outcome.ok:
        messages.success(request, words % {"number": step.ticket.label})
    return _after(request)


def _after(request: SignedInRequest) -> HttpResponse:
    return back(request, HOME)


def _targets(step: QueueStep) -> list[tuple[str, Any]]:
    """Return where this stay may go: other doctors of the service, other stages."""
    visit = step.visit
    assert visit is not None
    found: list[tuple[str, Any]] = []
    if step.stage == Stage.NURSE:
        found.append((f"stage:{Stage.DOCTOR}", _("To the doctor without the nurse")))
    if visit.status == Visit.Status.LABORATORY:
        found.append((f"stage:{Stage.RADIOLOGY}", Stage.RADIOLOGY.label))
    if visit.status == Visit.Status.RADIOLOGY:
        found.append((f"stage:{Stage.LABORATORY}", Stage.LABORATORY.label))
    if step.stage in (Stage.NURSE, Stage.DOCTOR) and visit.started_at is None:
        others: list[User] = detours.doctors_instead(visit)
        found += [(f"doctor:{doctor.pk}", doctor.display_name) for doctor in others]
    return found

"""Today's queue: the board, calling, the slip."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from accounts.access import Capability, has_capability
from accounts.guards import SignedInRequest, requires
from core import clock
from patients.services import record_print
from scheduling import flow, services
from scheduling.access import may_call
from scheduling.forms import QueueFilterForm
from scheduling.models import QueueStep, Visit
from scheduling.services import arrivals, estimates
from scheduling.services.queue import STAGE_OF, ordered, urgency_of
from scheduling.views.common import act, reason_step
from scheduling.views.stations import own_station

Status = Visit.Status
AT_EXAMINATION = (Status.LABORATORY, Status.RADIOLOGY)
CALLABLE = (*services.BEFORE_DOCTOR, *AT_EXAMINATION, Status.PHARMACY, Status.CASHIER)


@requires(Capability.VIEW_QUEUE)
@require_safe
def queue(request: SignedInRequest) -> HttpResponse:
    """Today's patients by where they are."""
    return render(request, "scheduling/queue.html", _board(request))


@requires(Capability.VIEW_QUEUE)
@require_safe
def queue_panel(request: SignedInRequest) -> HttpResponse:
    """The board alone, for the live refresh."""
    return render(request, "scheduling/_queue_panel.html", _board(request))


@requires(Capability.WRITE_NOTES)
@require_safe
def doctor_queue_panel(request: SignedInRequest) -> HttpResponse:
    """The doctor's own patients of today who wait or are inside."""
    visits = (
        Visit.objects.visible_to(request.user)
        .under_way()
        .filter(doctor=request.user, status__in=(*services.BEFORE_DOCTOR, *AT_EXAMINATION, Status.IN_CONSULTATION))
        .for_queue()
    )
    return render(request, "scheduling/_doctor_queue_panel.html", {"rows": _in_turn(_rows(visits, request.user))})


@requires(Capability.CHECK_IN, Capability.RECORD_VITALS, Capability.WRITE_NOTES)
@require_POST
def visit_call(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Call a number, or call it again."""
    visit = get_object_or_404(Visit.objects.visible_to(request.user).select_related("ticket"), pk=pk)
    if not may_call(request.user, visit):
        raise PermissionDenied
    stage = STAGE_OF.get(Status(visit.status))
    place = own_station(request, stage) if stage else None
    station_id = place.pk if place is not None else None
    return act(
        request,
        lambda: services.call_ticket(visit_id=visit.pk, actor=request.user, station_id=station_id, stage=stage),
        _("Called: %(number)s") % {"number": visit.ticket.label},
        "scheduling:queue",
    )


@requires(Capability.CHECK_IN)
def visit_cancel(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """The patient leaves before seeing the doctor."""
    visit = get_object_or_404(Visit.objects.visible_to(request.user).for_queue(), pk=pk)
    return reason_step(
        request,
        call=lambda reason: services.cancel_visit(visit_id=visit.pk, actor=request.user, reason=reason),
        words={
            "title": _("Cancel this visit?"),
            "visit": visit,
            "verb": _("Yes, cancel the visit"),
            "help": _("For example: the patient went home."),
            "back_url": reverse("scheduling:queue"),
        },
        success=_("Visit cancelled. The queue number is not given again."),
        default="scheduling:queue",
    )


@requires(Capability.CHECK_IN)
@require_safe
def ticket_slip(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """The paper with the queue number; no name, no complaint."""
    visits = Visit.objects.visible_to(request.user).for_queue().select_related("appointment__slot")
    visit = get_object_or_404(visits, pk=pk)
    record_print(patient_id=visit.patient_id, actor=request.user, what="ticket", target=visit)
    context = {"visit": visit, "estimate": estimates.estimate_for(visit), "is_late": arrivals.is_late(visit)}
    return render(request, "scheduling/ticket_slip.html", context)


def _board(request: SignedInRequest) -> dict[str, Any]:
    form = QueueFilterForm(request.GET)
    visits = Visit.objects.visible_to(request.user).under_way().for_queue()
    doctor = form.value("doctor")
    rows = _rows(visits.filter(doctor=doctor) if doctor else visits, request.user)
    lanes = (
        (_("Arrived"), "user-check", (Status.ARRIVED,)),
        (_("With the nurse"), "pulse", (Status.TRIAGE,)),
        (_("Waiting for the doctor"), "hourglass", (Status.WAITING,)),
        (_("With the doctor"), "stethoscope", (Status.IN_CONSULTATION,)),
        (_("Laboratory and radiology"), "flask", AT_EXAMINATION),
        (_("Pharmacy and cashier"), "pill", (Status.PHARMACY, Status.CASHIER)),
    )
    return {
        "form": form,
        "lanes": [
            {"label": label, "icon": icon, "rows": [row for row in rows if row["visit"].status in statuses]}
            for label, icon, statuses in lanes
        ],
        "closed": [row for row in rows if row["visit"].status in services.CLOSED_STATUSES],
        "panel_query": request.GET.urlencode(),
        "may_cancel": has_capability(request.user, Capability.CHECK_IN),
        "may_take_vitals": has_capability(request.user, Capability.RECORD_VITALS),
        "at": clock.now(),
    }


def _rows(visits: Any, user: Any) -> list[dict[str, Any]]:
    """Visits with what the board shows, by urgency and turn. Two queries beside that of the visits' own."""
    now = clock.now()
    found = list(visits)
    steps = {
        step.visit_id: step
        for step in QueueStep.objects.visible_to(user).filter(visit__in=[visit.pk for visit in found], open=1)
    }
    rows = []
    for visit in found:
        step = steps.get(visit.pk)
        rows.append(
            {
                "visit": visit,
                "step": step,
                "wait": flow.wait_of(step, now) if step else flow.wait_since(visit.arrived_at, now),
                "may_call": visit.status in CALLABLE and bool(may_call(user, visit)),
                "is_before_doctor": visit.status in services.BEFORE_DOCTOR,
            }
        )
    return sorted(rows, key=_by_turn)


def _by_turn(row: dict[str, Any]) -> tuple[Any, ...]:
    step, visit = row["step"], row["visit"]
    return (urgency_of(visit.priority), step.due_at if step else visit.arrived_at, visit.number)


def _in_turn(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return a doctor's own rows as they will be called: inside and called first, then by the rule of the queue."""
    by_step = {row["step"].pk: row for row in rows if row["step"] is not None}
    waiting = [row["step"] for row in by_step.values() if row["step"].state == QueueStep.State.WAITING]
    rest = [row for row in rows if row["step"] is None or row["step"].state != QueueStep.State.WAITING]
    return [*rest, *(by_step[step.pk] for step in ordered(waiting))]

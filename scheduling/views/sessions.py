"""Practice sessions: propose, decide, complete, look at."""

from __future__ import annotations

from datetime import time, timedelta
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db.models import Case, Count, Q, Value, When
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from accounts.access import Capability, has_capability
from accounts.guards import SignedInRequest, requires
from core import clock
from core.http import domain_errors
from core.pagination import keyset_page
from scheduling import services
from scheduling.calendar import day_of
from scheduling.forms import DayForm, SessionFilterForm, SessionForm
from scheduling.models import Appointment, PracticeSession
from scheduling.views.common import act, reason_step

Status = PracticeSession.Status
WAITING = (Status.PENDING, Status.COMPLETION_REQUESTED)


@requires(Capability.VIEW_SCHEDULES, Capability.PROPOSE_SESSIONS, Capability.APPROVE_SESSIONS)
@require_safe
def session_list(request: SignedInRequest) -> HttpResponse:
    """Sessions the user may see; what waits for a decision stands first."""
    form = SessionFilterForm(request.GET)
    is_past = request.GET.get("view") == "past"
    sessions = _filtered(PracticeSession.objects.visible_to(request.user), form, is_past=is_past)
    page = keyset_page(request.GET, sessions, order=("rank", "-starts_at" if is_past else "starts_at", "id"))
    context = {"form": form, "page": page, "tabs": _tabs(is_past), "now": clock.now(), **_rights(request.user)}
    return render(request, "scheduling/session_list.html", context)


@requires(Capability.PROPOSE_SESSIONS)
def session_propose(request: SignedInRequest) -> HttpResponse:
    """Propose an own session; the preview beside the form is what will be created."""
    form = SessionForm(
        request.POST or None, doctor=request.user, initial={**_first_values(), "service": _usual_service(request)}
    )
    status = 200
    if request.method == "POST" and "preview" not in request.POST:
        values = form.plan_values()
        status = 422
        if values is not None and form.is_valid():
            with domain_errors(request, form=form) as outcome:
                session = services.propose_session(
                    actor=request.user, service_id=form.cleaned_data["service"].pk, **values
                )
            if outcome.ok:
                messages.success(request, _("Session proposed. You can see here when it is approved."))
                return redirect("scheduling:session-detail", session.pk)
            status = outcome.status
    return render(request, "scheduling/session_propose.html", {"form": form, **_preview(request, form)}, status=status)


@requires(Capability.PROPOSE_SESSIONS)
@require_POST
def session_preview_panel(request: SignedInRequest) -> HttpResponse:
    """The slots that the values in the form would create; changes nothing."""
    form = SessionForm(request.POST, doctor=request.user)
    return render(request, "scheduling/_session_preview.html", _preview(request, form))


@requires(Capability.VIEW_SCHEDULES, Capability.PROPOSE_SESSIONS, Capability.APPROVE_SESSIONS)
@require_safe
def session_detail(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """One session with its slots and who booked them."""
    sessions = PracticeSession.objects.visible_to(request.user).select_related(
        "doctor__staff_profile", "service", "decided_by__staff_profile"
    )
    session = get_object_or_404(sessions, pk=pk)
    visible = Appointment.objects.visible_to(request.user).filter(slot__session=session, active=1).for_names()
    by_slot = {appointment.slot_id: appointment for appointment in visible}
    slots = [(slot, by_slot.get(slot.pk), slot.is_booked) for slot in session.slots.with_bookings()]
    return render(
        request,
        "scheduling/session_detail.html",
        {
            "session": session,
            "slots": slots,
            "booked_count": sum(taken for _slot, _appointment, taken in slots),
            "now": clock.now(),
            **_rights(request.user),
        },
    )


@requires(Capability.APPROVE_SESSIONS)
@require_POST
def session_approve(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Open a proposed session for booking."""
    session = get_object_or_404(PracticeSession.objects.visible_to(request.user), pk=pk)
    return act(
        request,
        lambda: services.approve_session(session_id=session.pk, actor=request.user),
        _("Session approved. Patients can book it now."),
        "scheduling:session-list",
    )


@requires(Capability.APPROVE_SESSIONS)
def session_reject(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Refuse a proposed session with a reason."""
    session = get_object_or_404(
        PracticeSession.objects.visible_to(request.user).select_related("doctor__staff_profile"), pk=pk
    )
    return reason_step(
        request,
        call=lambda reason: services.reject_session(session_id=session.pk, actor=request.user, reason=reason),
        words={
            "title": _("Reject this session?"),
            "session": session,
            "verb": _("Reject the session"),
            "help": _("The doctor reads this."),
            "back_url": reverse("scheduling:session-detail", args=[session.pk]),
        },
        success=_("Session rejected. The doctor has been told."),
        default="scheduling:session-list",
    )


@requires(Capability.PROPOSE_SESSIONS)
@require_POST
def session_request_completion(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Ask the admin to close an own past session."""
    session = get_object_or_404(PracticeSession.objects.visible_to(request.user), pk=pk)
    return act(
        request,
        lambda: services.request_completion(session_id=session.pk, actor=request.user),
        _("Completion requested. The admin confirms it."),
        "scheduling:session-list",
    )


@requires(Capability.APPROVE_SESSIONS)
@require_POST
def session_confirm_completion(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Close a session its doctor reported as done."""
    session = get_object_or_404(PracticeSession.objects.visible_to(request.user), pk=pk)
    return act(
        request,
        lambda: services.confirm_completion(session_id=session.pk, actor=request.user),
        _("Session completed."),
        "scheduling:session-list",
    )


@requires(Capability.VIEW_SCHEDULES)
@require_safe
def calendar(request: SignedInRequest) -> HttpResponse:
    """One day: doctors side by side, times down; a list per doctor on the phone."""
    form = DayForm(request.GET)
    today = clock.today()
    day = form.value("day") or today
    context = {
        "form": form if form.value("day") else DayForm(initial={"day": today}),
        "day": day,
        "today": today,
        "previous_day": day - timedelta(days=1),
        "next_day": day + timedelta(days=1),
        "table": day_of(request.user, day, clock.now()),
        "may_book": has_capability(request.user, Capability.BOOK_APPOINTMENTS),
    }
    return render(request, "scheduling/calendar.html", context)


def _usual_service(request: SignedInRequest) -> UUID | None:
    """The service of the doctor's newest session, which the next one is most likely about."""
    sessions = PracticeSession.objects.visible_to(request.user).filter(doctor=request.user)
    return sessions.order_by("-starts_at").values_list("service_id", flat=True).first()


def _first_values() -> dict[str, Any]:
    """What a new proposal starts with: tomorrow at eight, eight half hours."""
    return {
        "practice_on": clock.today() + timedelta(days=1),
        "start_time": time(8),
        "slot_minutes": 30,
        "gap_minutes": "0",
        "slot_count": 8,
    }


def _preview(request: SignedInRequest, form: SessionForm) -> dict[str, Any]:
    """The plan of a sent form, or of the first values when nothing was sent."""
    values: dict[str, Any] | None = {**_first_values(), "gap_minutes": 0}
    if form.is_bound:
        values = form.plan_values()
    if values is None:
        return {"plan": None}
    return {"plan": services.plan_session(doctor=request.user, **values), "wanted": values["slot_count"]}


def _filtered(sessions: Any, form: SessionFilterForm, *, is_past: bool) -> Any:
    first, last, status = form.value("first"), form.value("last"), form.value("status")
    now = clock.now()
    # A session that waits for its completion is over, but still wants a decision: it stays with what lies ahead.
    if is_past:
        sessions = sessions.filter(ends_at__lt=now)
    elif not (first or last or status):
        sessions = sessions.filter(Q(ends_at__gte=now) | Q(status__in=WAITING))
    if first:
        sessions = sessions.filter(practice_on__gte=first)
    if last:
        sessions = sessions.filter(practice_on__lte=last)
    if status:
        sessions = sessions.filter(status=status)
    rank = Case(When(status__in=WAITING, then=Value(0)), default=Value(1))
    booked = Count("slots__appointments", filter=Q(slots__appointments__active=1))
    return sessions.select_related("doctor__staff_profile", "service").annotate(rank=rank, booked_count=booked)


def _tabs(is_past: bool) -> list[dict[str, Any]]:
    url = reverse("scheduling:session-list")
    return [
        {"label": _("Ahead"), "url": url, "active": not is_past, "icon": "calendar", "count": 0},
        {"label": _("Past"), "url": f"{url}?view=past", "active": is_past, "icon": "history", "count": 0},
    ]


def _rights(user: Any) -> dict[str, bool]:
    return {
        "may_propose": has_capability(user, Capability.PROPOSE_SESSIONS),
        "may_decide": has_capability(user, Capability.APPROVE_SESSIONS),
    }

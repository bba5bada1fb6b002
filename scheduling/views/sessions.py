"""Practice sessions: propose, decide, change, complete, look at."""

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
from scheduling.forms import DelayForm, ReasonForm, SessionChangeForm, SessionFilterForm, SessionForm
from scheduling.forms.decisions import decision_rows, read_decisions
from scheduling.forms.sessions import shown_fingerprint, shown_mark, values_of
from scheduling.models import Appointment, PracticeSession, SessionSeries
from scheduling.services import decisions as deciding
from scheduling.services.absences import LIVING, closed_slots
from scheduling.views.common import act, reason_step

Status = PracticeSession.Status
WAITING = (Status.PENDING, Status.COMPLETION_REQUESTED)


@requires(Capability.VIEW_SCHEDULES, Capability.PROPOSE_SESSIONS, Capability.APPROVE_SESSIONS)
@require_safe
def session_list(request: SignedInRequest) -> HttpResponse:
    """Sessions the user may see; what waits for a decision stands first."""
    form = SessionFilterForm(request.GET, only=only_own(request))
    is_past = request.GET.get("view") == "past"
    sessions = _filtered(PracticeSession.objects.visible_to(request.user), form, is_past=is_past)
    page = keyset_page(request.GET, sessions, order=("rank", "-starts_at" if is_past else "starts_at", "id"))
    context = {
        "form": form,
        "page": page,
        "tabs": tabs("past" if is_past else "ahead"),
        "now": clock.now(),
        "series_waiting": _series_waiting(request),
        "closed_count": _closed_count(request),
        **rights(request.user),
    }
    return render(request, "scheduling/session_list.html", context)


@requires(Capability.PROPOSE_SESSIONS)
def session_propose(request: SignedInRequest) -> HttpResponse:
    """Propose an own session; the preview beside the form is what will be created."""
    form = SessionForm(
        request.POST or None, doctor=request.user, initial={**first_values(), "service": usual_service(request)}
    )
    status = 200
    if request.method == "POST" and "preview" not in request.POST:
        values = form.plan_values()
        status = 422
        if values is not None and form.is_valid():
            with domain_errors(request, form=form) as outcome:
                session = services.propose_session(
                    actor=request.user, service_id=form.cleaned_data["service"].pk,
                    shown=shown_fingerprint(request.POST.get("shown", ""), values), **values,
                )  # fmt: skip
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
    session = _session(request, pk)
    visible = Appointment.objects.visible_to(request.user).filter(slot__session=session, active=1).for_names()
    by_slot = {appointment.slot_id: appointment for appointment in visible}
    slots = [(slot, by_slot.get(slot.pk), slot.is_booked) for slot in session.slots.with_bookings()]
    now = clock.now()
    context = {
        "session": session,
        "slots": slots,
        "booked_count": sum(taken for _slot, _appointment, taken in slots),
        "now": now,
        "is_detail": True,
        **rights(request.user),
    }
    if _may_delay(request, session):
        context["delay_form"] = DelayForm(initial={"minutes": session.delay_minutes or ""})
    return render(request, "scheduling/session_detail.html", context)


@requires(Capability.APPROVE_SESSIONS)
def session_change(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Give an approved session other times or another room; bookings that lose their time are decided here."""
    session = _session(request, pk)
    form = SessionChangeForm(
        request.POST or None, initial=values_of(session, clock.local(session.starts_at).time().replace(second=0))
    )
    status = 200
    if request.method == "POST" and "preview" not in request.POST:
        new, status = form.new_times(), 422
        if new is not None and form.is_valid():
            with domain_errors(request, form=form) as outcome:
                services.change_session(
                    session_id=session.pk, actor=request.user, version=form.cleaned_data["version"], new=new,
                    reason=form.cleaned_data["reason"], decisions=read_decisions(request.POST),
                    shown=shown_fingerprint(request.POST.get("shown", ""), new),
                )  # fmt: skip
            if outcome.ok:
                messages.success(request, _("Session changed. Patients whose time changed have been told."))
                return redirect("scheduling:session-detail", session.pk)
            status = outcome.status
    context = {"form": form, "session": session, **_change_preview(request, session, form, with_bookings=True)}
    return render(request, "scheduling/session_change.html", context, status=status)


@requires(Capability.APPROVE_SESSIONS)
@require_POST
def session_change_preview_panel(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """The slots a session would have with the values in the form, and how many bookings lose their time."""
    session = _session(request, pk)
    form = SessionChangeForm(request.POST)
    context = {"session": session, **_change_preview(request, session, form, with_bookings=False)}
    return render(request, "scheduling/_session_preview.html", context)


@requires(Capability.PROPOSE_SESSIONS, Capability.APPROVE_SESSIONS)
def session_cancel(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Cancel a session, or withdraw an own proposal; each booking is moved or cancelled with it."""
    session = _session(request, pk)
    decisions = read_decisions(request.POST)
    form = ReasonForm(request.POST or None, help_text=_("The doctor and the patients read this."))
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            with domain_errors(request, form=form) as outcome:
                services.cancel_session(
                    session_id=session.pk, actor=request.user, reason=form.cleaned_data["reason"],
                    decisions=decisions, version=_version(request),
                )  # fmt: skip
            if outcome.ok:
                messages.success(request, _("Session cancelled. Patients who had booked have been told."))
                return redirect("scheduling:session-detail", session.pk)
            status = outcome.status
    found = deciding.affected(session.slots.all(), user=request.user, decisions=decisions)
    free = deciding.free_times(found, but=session.slots.values_list("pk", flat=True))
    context = {"form": form, "session": session, "rows": decision_rows(found, free)}
    return render(request, "scheduling/session_cancel.html", context, status=status)


@requires(Capability.PROPOSE_SESSIONS, Capability.CHECK_IN, Capability.APPROVE_SESSIONS)
@require_POST
def session_delay(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Say how late the doctor is today."""
    session = _session(request, pk)
    form = DelayForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("Enter a delay between 0 and 240 minutes."))
        return redirect("scheduling:session-detail", session.pk)
    minutes = form.cleaned_data["minutes"]
    return act(
        request,
        lambda: services.set_delay(session_id=session.pk, actor=request.user, minutes=minutes),
        _("The delay is shown now.") if minutes else _("The delay is taken back."),
        "scheduling:session-detail",
        session.pk,
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


def usual_service(request: SignedInRequest) -> UUID | None:
    """The service of the doctor's newest session, which the next one is most likely about."""
    sessions = PracticeSession.objects.visible_to(request.user).filter(doctor=request.user)
    return sessions.order_by("-starts_at").values_list("service_id", flat=True).first()


def first_values() -> dict[str, Any]:
    """What a new proposal starts with: tomorrow at eight, eight half hours."""
    return {
        "practice_on": clock.today() + timedelta(days=1),
        "start_time": time(8),
        "slot_minutes": "30",
        "gap_minutes": "0",
        "slot_count": 8,
    }


def only_own(request: SignedInRequest) -> Any:
    """The user, when they see nobody's sessions but their own; else None."""
    may_decide = has_capability(request.user, Capability.APPROVE_SESSIONS)
    return request.user if has_capability(request.user, Capability.PROPOSE_SESSIONS) and not may_decide else None


def _session(request: SignedInRequest, pk: UUID) -> PracticeSession:
    sessions = PracticeSession.objects.visible_to(request.user).select_related(
        "doctor__staff_profile", "service", "decided_by__staff_profile", "station", "series"
    )
    return get_object_or_404(sessions, pk=pk)


def _version(request: SignedInRequest) -> int | None:
    text = request.POST.get("version", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 9 else None


def _preview(request: SignedInRequest, form: SessionForm) -> dict[str, Any]:
    """The plan of a sent form, or of the first values when nothing was sent."""
    values: dict[str, Any] | None = {**first_values(), "slot_minutes": 30, "gap_minutes": 0}
    if form.is_bound:
        values = form.plan_values()
    if values is None:
        return {"plan": None}
    plan = services.plan_session(doctor=request.user, **values)
    mark = shown_mark(values, plan.fingerprint) if form.is_bound else ""
    return {"plan": plan, "wanted": values["slot_count"], "shown": mark}


def _change_preview(
    request: SignedInRequest, session: PracticeSession, form: SessionChangeForm, *, with_bookings: bool
) -> dict[str, Any]:
    new = form.new_times() if form.is_bound else None
    if new is None:
        return {"plan": None}
    plan = services.plan_change(session, new)
    fate = services.fate_of(list(session.slots.all()), plan)
    context = {"plan": plan, "wanted": new.slot_count, "shown": shown_mark(new, plan.fingerprint)}
    if not with_bookings:
        return {**context, "losing": deciding.bookings_of(fate.lost).count()}
    found = deciding.affected(
        [slot.pk for slot in fate.lost], user=request.user, decisions=read_decisions(request.POST)
    )
    free = deciding.free_times(found, but=[slot.pk for slot in fate.lost])
    ahead = [start for start in fate.made if start > clock.now()]
    return {**context, "rows": decision_rows(found, free, new_starts=ahead)}


def _may_delay(request: SignedInRequest, session: PracticeSession) -> bool:
    user = request.user
    is_running = (
        session.status == Status.APPROVED and session.practice_on == clock.today() and session.ends_at > clock.now()
    )
    helps = has_capability(user, Capability.CHECK_IN) or has_capability(user, Capability.APPROVE_SESSIONS)
    return is_running and (helps or session.doctor_id == user.pk)


def _series_waiting(request: SignedInRequest) -> int:
    if not has_capability(request.user, Capability.APPROVE_SESSIONS):
        return 0
    return SessionSeries.objects.visible_to(request.user).filter(status=SessionSeries.Status.PENDING).count()


def _closed_count(request: SignedInRequest) -> int:
    if not has_capability(request.user, Capability.APPROVE_SESSIONS):
        return 0
    return deciding.bookings_of(closed_slots()).count()


def _filtered(sessions: Any, form: SessionFilterForm, *, is_past: bool) -> Any:
    first, last, status, doctor = (form.value(name) for name in ("first", "last", "status", "doctor"))
    now = clock.now()
    # A session that waits for its completion is over, but still wants a decision: it stays with what lies ahead.
    if is_past:
        sessions = sessions.filter(ends_at__lt=now)
    elif not (first or last or status):
        sessions = sessions.filter(Q(ends_at__gte=now) | Q(status__in=WAITING)).exclude(
            series__status=SessionSeries.Status.PENDING, status__in=LIVING
        )  # a series that waits is decided as a whole, on its own page
    if doctor:
        sessions = sessions.filter(doctor=doctor)
    if first:
        sessions = sessions.filter(practice_on__gte=first)
    if last:
        sessions = sessions.filter(practice_on__lte=last)
    if status:
        sessions = sessions.filter(status=status)
    rank = Case(When(status__in=WAITING, then=Value(0)), default=Value(1))
    booked = Count("slots__appointments", filter=Q(slots__appointments__active=1))
    return sessions.select_related("doctor__staff_profile", "service", "station").annotate(
        rank=rank, booked_count=booked
    )


def tabs(active: str) -> list[dict[str, Any]]:
    """The tabs above lists of sessions."""
    url = reverse("scheduling:session-list")
    return [
        {"label": _("Ahead"), "url": url, "active": active == "ahead", "icon": "calendar", "count": 0},
        {"label": _("Past"), "url": f"{url}?view=past", "active": active == "past", "icon": "history", "count": 0},
        {
            "label": _("Weekly"), "url": reverse("scheduling:series-list"), "active": active == "series",
            "icon": "refresh", "count": 0,
        },
    ]  # fmt: skip


def rights(user: Any) -> dict[str, bool]:
    """What templates about sessions ask for."""
    return {
        "may_propose": has_capability(user, Capability.PROPOSE_SESSIONS),
        "may_decide": has_capability(user, Capability.APPROVE_SESSIONS),
    }

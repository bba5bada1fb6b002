"""Weekly series: propose, look at, decide, end."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db.models import Count
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.dates import WEEKDAYS
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from accounts.access import Capability, has_capability
from accounts.guards import SignedInRequest, requires
from core import clock
from core.errors import DomainError
from core.http import domain_errors
from core.pagination import keyset_page
from scheduling import services
from scheduling.forms import SeriesEndForm, SeriesForm
from scheduling.forms.sessions import shown_fingerprint, shown_mark
from scheduling.models import PracticeSession, SessionSeries
from scheduling.services.series import Outcome
from scheduling.views.common import reason_step
from scheduling.views.sessions import first_values, rights, tabs, usual_service

Status = SessionSeries.Status
MOST_NAMED = 10


@requires(Capability.VIEW_SCHEDULES, Capability.PROPOSE_SESSIONS, Capability.APPROVE_SESSIONS)
@require_safe
def series_list(request: SignedInRequest) -> HttpResponse:
    """Weekly series the user may see, the newest first."""
    rows = SessionSeries.objects.visible_to(request.user).select_related("doctor__staff_profile", "service", "station")
    page = keyset_page(request.GET, rows.annotate(session_count=Count("sessions")), order=("-id",))
    return render(
        request, "scheduling/series_list.html", {"page": page, "tabs": tabs("series"), **rights(request.user)}
    )


@requires(Capability.PROPOSE_SESSIONS)
def series_propose(request: SignedInRequest) -> HttpResponse:
    """Propose own weekly sessions; the dates beside the form are what will be created."""
    form = SeriesForm(
        request.POST or None, doctor=request.user, initial={**_first_values(), "service": usual_service(request)}
    )
    status = 200
    if request.method == "POST" and "preview" not in request.POST:
        pattern, status = form.pattern(), 422
        if pattern is not None and form.is_valid():
            with domain_errors(request, form=form) as outcome:
                series = services.propose_series(
                    actor=request.user, service_id=form.cleaned_data["service"].pk, pattern=pattern,
                    shown=shown_fingerprint(request.POST.get("shown", ""), pattern),
                )  # fmt: skip
            if outcome.ok:
                messages.success(request, _("Weekly sessions proposed. You can see here when they are approved."))
                return redirect("scheduling:series-detail", series.pk)
            status = outcome.status
    return render(request, "scheduling/series_propose.html", {"form": form, **_preview(request, form)}, status=status)


@requires(Capability.PROPOSE_SESSIONS)
@require_POST
def series_preview_panel(request: SignedInRequest) -> HttpResponse:
    """The dates and slots that the values in the form would create; changes nothing."""
    form = SeriesForm(request.POST, doctor=request.user)
    return render(request, "scheduling/_series_preview.html", _preview(request, form))


@requires(Capability.VIEW_SCHEDULES, Capability.PROPOSE_SESSIONS, Capability.APPROVE_SESSIONS)
@require_safe
def series_detail(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """One series with its sessions."""
    series = _series(request, pk)
    sessions = PracticeSession.objects.visible_to(request.user).filter(series=series)
    sessions = sessions.select_related("doctor__staff_profile", "service").order_by("starts_at", "id")
    may_decide = has_capability(request.user, Capability.APPROVE_SESSIONS)
    is_open = series.status in (Status.PENDING, Status.APPROVED)
    context = {
        "series": series,
        "sessions": sessions,
        "may_end": is_open and (may_decide or series.doctor_id == request.user.pk),
        "weekdays": _weekdays(series),
        "now": clock.now(),
        **rights(request.user),
    }
    return render(request, "scheduling/series_detail.html", context)


@requires(Capability.APPROVE_SESSIONS)
@require_POST
def series_approve(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Approve every session of a series that can be."""
    series = _series(request, pk)
    with domain_errors(request) as outcome:
        result = services.approve_series(series_id=series.pk, actor=request.user)
    if outcome.ok:
        sentence = ngettext("%(count)d session approved.", "%(count)d sessions approved.", result.done)
        messages.success(request, sentence % {"count": result.done})
        _name_left(request, result, _("These overlap another session or are over, and still wait: %(days)s."))
    return redirect("scheduling:series-detail", series.pk)


@requires(Capability.APPROVE_SESSIONS)
def series_reject(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Refuse a series with a reason."""
    series = _series(request, pk)
    return reason_step(
        request,
        call=lambda reason: services.reject_series(series_id=series.pk, actor=request.user, reason=reason),
        words={
            "title": _("Reject these weekly sessions?"),
            "verb": _("Reject all"),
            "help": _("The doctor reads this."),
            "back_url": reverse("scheduling:series-detail", args=[series.pk]),
        },
        success=_("Weekly sessions rejected. The doctor has been told."),
        default="scheduling:series-list",
    )


@requires(Capability.PROPOSE_SESSIONS, Capability.APPROVE_SESSIONS)
def series_end(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """End a series after a day; sessions with bookings are left and named."""
    series = _series(request, pk)
    form = SeriesEndForm(request.POST or None, initial={"last_on": clock.today()})
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            with domain_errors(request, form=form) as outcome:
                result = services.end_series(series_id=series.pk, actor=request.user, **form.cleaned_data)
            if outcome.ok:
                sentence = ngettext("%(count)d session cancelled.", "%(count)d sessions cancelled.", result.done)
                messages.success(request, sentence % {"count": result.done})
                _name_left(request, result, _("These have bookings. Cancel them one by one: %(days)s."))
                return redirect("scheduling:series-detail", series.pk)
            status = outcome.status
    return render(request, "scheduling/series_end.html", {"form": form, "series": series}, status=status)


def _series(request: SignedInRequest, pk: UUID) -> SessionSeries:
    rows = SessionSeries.objects.visible_to(request.user)
    rows = rows.select_related("doctor__staff_profile", "service", "station", "decided_by__staff_profile")
    return get_object_or_404(rows, pk=pk)


def _weekdays(series: SessionSeries) -> str:
    return ", ".join(str(WEEKDAYS[number - 1]) for number in series.weekdays)


def _first_values() -> dict[str, Any]:
    values = first_values()
    first = values.pop("practice_on")
    return {**values, "first_on": first, "until": first + timedelta(weeks=12), "weekdays": [first.isoweekday()]}


def _preview(request: SignedInRequest, form: SeriesForm) -> dict[str, Any]:
    pattern = form.pattern() if form.is_bound else None
    if pattern is None:
        return {"plan": None}
    try:
        plan = services.plan_series(doctor=request.user, pattern=pattern)
    except DomainError as error:
        return {"plan": None, "refusal": str(error)}
    return {"plan": plan, "shown": shown_mark(pattern, plan.fingerprint)}


def _name_left(request: SignedInRequest, result: Outcome, sentence: str) -> None:
    if not result.left:
        return
    days = [date_format(session.practice_on, "SHORT_DATE_FORMAT") for session in result.left[:MOST_NAMED]]
    more = [f"+{len(result.left) - MOST_NAMED}"] if len(result.left) > MOST_NAMED else []
    messages.warning(request, sentence % {"days": ", ".join(days + more)})

"""Time off of doctors, holidays and hours of the clinic, and bookings that stand in closed times."""

from __future__ import annotations

from collections.abc import Callable
from datetime import time
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db.models import Max, Min
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
from scheduling.forms import HolidayForm, HoursForm, ReasonForm, TimeOffFilterForm, TimeOffForm
from scheduling.forms.decisions import DecisionRow, decision_rows, read_decisions
from scheduling.models import ClinicHours, Holiday, TimeOff
from scheduling.services import decisions as deciding
from scheduling.services.absences import closed_slots
from scheduling.services.closures import slots_during, slots_on
from scheduling.views.common import act
from scheduling.views.sessions import only_own

# Examples that fill the form; the dates of Ramadan differ every year and are entered by hand.
PRESETS: dict[str, Callable[[], dict[str, Any]]] = {
    "friday": lambda: {
        "name": _("Friday prayer"), "weekdays": [5], "break_starts_at": time(11, 30), "break_ends_at": time(13),
    },
    "ramadan": lambda: {
        "name": _("Ramadan"), "weekdays": [], "opens_at": time(8), "closes_at": time(15, 30),
    },
}  # fmt: skip


# --- Time off -------------------------------------------------------------------------------------------------------
@requires(Capability.PROPOSE_SESSIONS, Capability.APPROVE_SESSIONS, Capability.BOOK_APPOINTMENTS)
@require_safe
def time_off_list(request: SignedInRequest) -> HttpResponse:
    """Leave and blocked hours that the user may see: what lies ahead, or the past."""
    form = TimeOffFilterForm(request.GET, only=only_own(request))
    is_past = request.GET.get("view") == "past"
    rows = TimeOff.objects.visible_to(request.user).select_related("doctor__staff_profile", "created_by__staff_profile")
    now = clock.now()
    rows = rows.filter(ends_at__lte=now) if is_past else rows.filter(ends_at__gt=now)
    if form.value("doctor"):
        rows = rows.filter(doctor=form.value("doctor"))
    page = keyset_page(request.GET, rows, order=("-starts_at" if is_past else "starts_at", "id"))
    url = reverse("scheduling:time-off-list")
    tabs = [
        {"label": _("Ahead"), "url": url, "active": not is_past, "icon": "calendar", "count": 0},
        {"label": _("Past"), "url": f"{url}?view=past", "active": is_past, "icon": "history", "count": 0},
    ]
    may_decide = has_capability(request.user, Capability.APPROVE_SESSIONS)
    context = {
        "page": page, "tabs": tabs, "is_past": is_past, "form": form if "doctor" in form.fields else None,
        "may_decide": may_decide, "may_add": may_decide or has_capability(request.user, Capability.PROPOSE_SESSIONS),
    }  # fmt: skip
    return render(request, "scheduling/time_off_list.html", context)


@requires(Capability.PROPOSE_SESSIONS, Capability.APPROVE_SESSIONS)
def time_off_add(request: SignedInRequest) -> HttpResponse:
    """Enter leave or blocked hours; bookings in them are decided on the same page."""
    today = clock.today()
    initial = {"kind": TimeOff.Kind.LEAVE, "first_on": today, "last_on": today}
    form = TimeOffForm(request.POST or None, own=only_own(request), initial=initial)
    status, rows = 200, []
    if request.method == "POST":
        absence, status = form.absence(), 422
        if absence is not None:
            decisions = read_decisions(request.POST)
            with domain_errors(request, form=form) as outcome:
                services.add_time_off(
                    absence=absence, actor=request.user, reason=form.cleaned_data["reason"], decisions=decisions
                )
            if outcome.ok:
                messages.success(request, _("Time off entered. Its times can no longer be booked."))
                return redirect("scheduling:time-off-list")
            status = outcome.status
            rows = _rows(request, slots_during(absence), may_keep=absence.may_keep)
    return render(request, "scheduling/time_off_form.html", {"form": form, "rows": rows}, status=status)


@requires(Capability.PROPOSE_SESSIONS, Capability.APPROVE_SESSIONS)
@require_POST
def time_off_cancel(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Take a time off back; its slots open again."""
    row = get_object_or_404(TimeOff.objects.visible_to(request.user), pk=pk)
    return act(
        request,
        lambda: services.cancel_time_off(time_off_id=row.pk, actor=request.user),
        _("Time off taken back. Its times can be booked again."),
        "scheduling:time-off-list",
    )


# --- Holidays -------------------------------------------------------------------------------------------------------
@requires(Capability.VIEW_SCHEDULES, Capability.MANAGE_SCHEDULING)
@require_safe
def holiday_list(request: SignedInRequest) -> HttpResponse:
    """The holidays of one year, with those before and after a link away."""
    year = _year(request)
    holidays = Holiday.objects.visible_to(request.user)
    span = holidays.aggregate(first=Min("date"), last=Max("date"))
    context = {
        "holidays": holidays.filter(date__year=year),
        "year": year,
        "years": _years(year, span),
        "may_manage": has_capability(request.user, Capability.MANAGE_SCHEDULING),
        "may_import": has_capability(request.user, Capability.USE_BACK_OFFICE),
        "today": clock.today(),
    }
    return render(request, "scheduling/holiday_list.html", context)


@requires(Capability.MANAGE_SCHEDULING)
def holiday_add(request: SignedInRequest) -> HttpResponse:
    """Enter a holiday; bookings of the day are decided on the same page."""
    return _holiday(request, None)


@requires(Capability.MANAGE_SCHEDULING)
def holiday_edit(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Change a holiday; bookings that lose their time by it are decided on the same page."""
    return _holiday(request, get_object_or_404(Holiday.objects.visible_to(request.user), pk=pk))


@requires(Capability.MANAGE_SCHEDULING)
@require_POST
def holiday_delete(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Remove a holiday; the times of its day open again."""
    holiday = Holiday.objects.visible_to(request.user).filter(pk=pk).first()
    if holiday is None:  # the second click
        messages.info(request, _("This holiday was removed already."))
        return redirect("scheduling:holiday-list")
    services.delete_holiday(holiday_id=holiday.pk, actor=request.user)
    messages.success(request, _("Holiday removed. The times of that day can be booked again."))
    return redirect(f"{reverse('scheduling:holiday-list')}?year={holiday.date.year}")


# --- Hours ----------------------------------------------------------------------------------------------------------
@requires(Capability.MANAGE_SCHEDULING)
@require_safe
def hours_list(request: SignedInRequest) -> HttpResponse:
    """The variants of the clinic's hours."""
    rows = ClinicHours.objects.visible_to(request.user).order_by("-is_active", "name")
    return render(request, "scheduling/hours_list.html", {"rows": rows})


@requires(Capability.MANAGE_SCHEDULING)
def hours_add(request: SignedInRequest) -> HttpResponse:
    """Enter a variant of the hours; `?preset=` fills the form with an example."""
    preset = PRESETS.get(request.GET.get("preset", ""))
    return _hours(request, None, preset() if preset is not None else {})


@requires(Capability.MANAGE_SCHEDULING)
def hours_edit(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Change a variant of the hours, or switch it off."""
    return _hours(request, get_object_or_404(ClinicHours.objects.visible_to(request.user), pk=pk), {})


# --- Bookings in closed times ---------------------------------------------------------------------------------------
@requires(Capability.APPROVE_SESSIONS)
def closed_bookings(request: SignedInRequest) -> HttpResponse:
    """Bookings on holidays and in leave, as an import of holidays leaves them: decided one by one, or some of them."""
    form = ReasonForm(request.POST or None, help_text=_("Patients whose booking is moved or cancelled read this."))
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            with domain_errors(request, form=form) as outcome:
                counts = services.decide_closed(
                    actor=request.user, reason=form.cleaned_data["reason"], decisions=read_decisions(request.POST)
                )
            if outcome.ok:
                messages.success(request, _("Moved: %(move)d. Cancelled: %(cancel)d.") % counts)
                return redirect("scheduling:closed-bookings")
            status = outcome.status
    rows = _rows(request, closed_slots(), may_keep=False)
    return render(request, "scheduling/closed_bookings.html", {"form": form, "rows": rows}, status=status)


def _holiday(request: SignedInRequest, holiday: Holiday | None) -> HttpResponse:
    names = ("date", "name", "kind", "closes_clinic")
    form = HolidayForm(
        request.POST or None, initial={name: getattr(holiday, name) for name in names} if holiday is not None else {}
    )
    status, rows = 200, []
    if request.method == "POST":
        feast, status = form.feast(), 422
        if feast is not None:
            with domain_errors(request, form=form) as outcome:
                services.save_holiday(
                    feast=feast, actor=request.user, holiday_id=holiday.pk if holiday is not None else None,
                    reason=form.cleaned_data["reason"], decisions=read_decisions(request.POST),
                )  # fmt: skip
            if outcome.ok:
                messages.success(request, _("Holiday saved."))
                return redirect(f"{reverse('scheduling:holiday-list')}?year={feast.date.year}")
            status = outcome.status
            rows = _rows(request, slots_on(feast.date), may_keep=False) if feast.closes_clinic else []
    context = {"form": form, "holiday": holiday, "rows": rows}
    return render(request, "scheduling/holiday_form.html", context, status=status)


def _hours(request: SignedInRequest, hours: ClinicHours | None, initial: dict[str, Any]) -> HttpResponse:
    form = HoursForm(request.POST or None, instance=hours, initial=initial)
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            with domain_errors(request, form=form) as outcome:
                services.save_hours(hours=form.save(commit=False), actor=request.user)
            if outcome.ok:
                messages.success(request, _("Hours saved. They count for sessions proposed from now on."))
                return redirect("scheduling:hours-list")
            status = outcome.status
    context = {"form": form, "hours": hours}
    return render(request, "scheduling/hours_form.html", context, status=status)


def _rows(request: SignedInRequest, slots: Any, *, may_keep: bool) -> list[DecisionRow]:
    found = deciding.affected(slots, user=request.user, may_keep=may_keep, decisions=read_decisions(request.POST))
    free = deciding.free_times(found, but=slots.values_list("pk", flat=True))
    return decision_rows(found, free)


def _year(request: SignedInRequest) -> int:
    text = request.GET.get("year", "")
    this = clock.today().year
    return int(text) if text.isascii() and text.isdigit() and 2000 <= int(text[:5]) <= 2200 else this


def _years(year: int, span: dict[str, Any]) -> list[int]:
    this = clock.today().year
    first = span["first"].year if span["first"] else this
    last = span["last"].year if span["last"] else this
    near = range(max(first, year - 2), min(last, year + 2) + 1)
    return sorted({this, this + 1, year, *near})

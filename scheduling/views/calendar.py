"""The calendar of the clinic: day, week, month, list; the panel of one time; paper."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from accounts.access import Capability, has_capability
from accounts.guards import SignedInRequest, requires
from core import clock
from core.ids import uuid_or_none
from scheduling import services
from scheduling.calendars import Scope, agenda_of, day_of, month_of, slot_for_panel, week_of
from scheduling.calendars.looks import LOOKS, SHOWN, look_of
from scheduling.calendars.reading import MOVABLE, Away
from scheduling.calendars.week import DAYS, monday_of
from scheduling.forms.calendar import CalendarFilterForm
from scheduling.forms.fields import FIRST_YEAR, LAST_YEAR
from scheduling.models import Appointment, Slot

VIEWS = ("day", "week", "month", "list")
LIST_DAYS = 14
FILTERS = ("doctor", "station", "service")


@dataclass(frozen=True)
class Asked:
    """What an address of the calendar asks for; what cannot be read is left out."""

    form: CalendarFilterForm
    view: str
    day: date
    scope: Scope

    @classmethod
    def of(cls, request: SignedInRequest) -> Asked:
        form = CalendarFilterForm(request.GET)
        view = form.value("view")
        day = form.value("day") or clock.today()
        chosen = {name: form.value(name) for name in FILTERS}
        return cls(form, view if view in VIEWS else "day", day, Scope(request.user, **chosen))

    def query(self, **changes: Any) -> str:
        """Return the address part of this calendar with changes; the filters stay. None takes a value out."""
        values: dict[str, Any] = {"view": self.view, "day": self.day.isoformat()}
        values |= {name: row.pk for name in FILTERS if (row := getattr(self.scope, name)) is not None}
        values |= {name: value.isoformat() if isinstance(value, date) else value for name, value in changes.items()}
        if values["view"] == "day":
            del values["view"]
        return urlencode({name: value for name, value in values.items() if value is not None})

    def steps(self) -> tuple[date | None, date | None]:
        """Return the days that the buttons back and on lead to; None at the end of the calendar."""
        if self.view == "month":
            first = self.day.replace(day=1)
            pair = (first - timedelta(days=1)).replace(day=1), (first + timedelta(days=31)).replace(day=1)
        else:
            width = timedelta(days={"week": DAYS, "list": LIST_DAYS}.get(self.view, 1))
            pair = self.day - width, self.day + width
        back, on = (day if FIRST_YEAR <= day.year <= LAST_YEAR else None for day in pair)
        return back, on


@requires(Capability.VIEW_SCHEDULES)
@require_safe
def calendar(request: SignedInRequest) -> HttpResponse:
    """A day, week, month or list, with the filters of the address, and the panel of a chosen time beside it."""
    asked = Asked.of(request)
    context = _calendar_context(request, asked)
    slot = slot_for_panel(request.user, uuid_or_none(request.GET.get("slot", "")))
    if slot is not None:
        context |= _panel_context(request, asked, slot)
    return render(request, "scheduling/calendar.html", context)


@requires(Capability.VIEW_SCHEDULES)
@require_safe
def calendar_table(request: SignedInRequest) -> HttpResponse:
    """The calendar alone with the same filters, for the live refresh."""
    asked = Asked.of(request)
    return render(request, "scheduling/_calendar_table.html", _calendar_context(request, asked))


@requires(Capability.VIEW_SCHEDULES)
@require_safe
def calendar_slot(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """The panel of one time: what it is, and what can be done with it now."""
    slot = slot_for_panel(request.user, pk)
    if slot is None:
        raise Http404
    return render(request, "scheduling/_calendar_slot.html", _panel_context(request, Asked.of(request), slot))


@requires(Capability.VIEW_SCHEDULES)
@require_safe
def calendar_print(request: SignedInRequest) -> HttpResponse:
    """The day with every time, or the week with the bookings, on A4. Each name on the paper is in that patient's log."""
    asked = Asked.of(request)
    is_day = asked.view == "day"
    first = asked.day if is_day else monday_of(asked.day)
    last = first if is_day else first + timedelta(days=DAYS - 1)
    agenda = agenda_of(asked.scope, first, last, clock.now(), only_booked=not is_day, most=2000)
    named = agenda.patient_ids()
    services.record_calendar_print(actor=request.user, patient_ids=named, first=first, last=agenda.last)
    context = {
        "agenda": agenda, "has_names": bool(named), "is_day": is_day, "first": first, "last": agenda.last,
        "printed_at": clock.now(), "scope": asked.scope, "back_query": asked.query(),
    }  # fmt: skip
    return render(request, "scheduling/calendar_print.html", context)


def _calendar_context(request: SignedInRequest, asked: Asked) -> dict[str, Any]:
    now, today = clock.now(), clock.today()
    back, on = asked.steps()
    context: dict[str, Any] = {
        "asked": asked,
        "form": _shown_form(asked),
        "view": asked.view,
        "day": asked.day,
        "today": today,
        "now": now,
        "tabs": _tabs(asked),
        "back_query": asked.query(day=back) if back else "",
        "on_query": asked.query(day=on) if on else "",
        "today_query": asked.query(day=today),
        "query": asked.query(),
        "reset_query": asked.query(**dict.fromkeys(FILTERS)),
        "looks": [LOOKS[key] for key in SHOWN],
        "nobody": UUID(int=0),  # stands for an id in addresses that the script fills in
    }
    if asked.view == "week":
        context["week"] = week_of(asked.scope, asked.day, now)
    elif asked.view == "month":
        context["month"] = month_of(asked.scope, asked.day)
    elif asked.view == "list":
        last = asked.day + timedelta(days=LIST_DAYS - 1)
        context["agenda"] = agenda = agenda_of(asked.scope, asked.day, last, now)
        if agenda.is_cut:
            context["on_query"] = asked.query(day=agenda.last + timedelta(days=1))
    else:
        context["table"] = day_of(asked.scope, asked.day, now)
    return context


def _shown_form(asked: Asked) -> CalendarFilterForm:
    """Return the filters as they were understood: a date that is none does not stay in the box."""
    chosen = {name: getattr(asked.scope, name) for name in FILTERS}
    return CalendarFilterForm(initial={"view": asked.view, "day": asked.day, **chosen})


def _tabs(asked: Asked) -> list[dict[str, Any]]:
    url = reverse("scheduling:calendar")
    words = {"day": _("Day"), "week": _("Week"), "month": _("Month"), "list": _("List")}
    return [
        {"label": words[name], "url": f"{url}?{asked.query(view=name)}", "active": name == asked.view} for name in VIEWS
    ]


def _panel_context(request: SignedInRequest, asked: Asked, slot: Slot) -> dict[str, Any]:
    now = clock.now()
    visible = Appointment.objects.visible_to(request.user).filter(slot=slot).for_names().select_related("visit__ticket")
    rows = list(visible.order_by("-id"))
    appointment = next((row for row in rows if row.active), None)
    may_book = has_capability(request.user, Capability.BOOK_APPOINTMENTS)
    may_decide = has_capability(request.user, Capability.APPROVE_APPOINTMENTS)
    is_ahead = slot.starts_at > now
    session = slot.session
    return {
        "slot": slot,
        "session": session,
        "panel_appointment": appointment,
        "panel_look": _look(appointment),
        "panel_visit": getattr(appointment, "visit", None),
        "panel_former": [(row, _look(row)) for row in rows if not row.active],
        "why_closed": Away.over(request.user, [session]).why(session.doctor_id, slot.starts_at, slot.ends_at)
        if slot.is_closed else "",
        "close_query": asked.query(),
        "panel_url": f"{reverse('scheduling:calendar')}?{asked.query(slot=slot.pk)}",
        "is_ahead": is_ahead,
        "is_today": clock.local(slot.starts_at).date() == clock.today(),
        "is_free": is_ahead and not slot.is_booked and not slot.is_closed and session.status == session.Status.APPROVED,
        "may_move": may_book and is_ahead and appointment is not None and appointment.status in MOVABLE,
        "may_book": may_book,
        "may_decide": may_decide,
        "may_cancel": may_book or may_decide,
        "may_check_in": has_capability(request.user, Capability.CHECK_IN),
    }  # fmt: skip


def _look(appointment: Appointment | None) -> Any:
    if appointment is None:
        return None
    visit = getattr(appointment, "visit", None)
    called = visit is not None and visit.steps.filter(open=1, state="called").exists()
    return look_of(appointment.status, visit.status if visit is not None else None, is_called=called)

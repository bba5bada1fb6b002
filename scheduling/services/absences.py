"""What time off, holidays and the clinic's hours mean for dates and for slots that exist."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import date, timedelta
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet

from core import clock
from core.db import retry_transaction
from scheduling.models import ClinicHours, Holiday, PracticeSession, Slot, TimeOff
from scheduling.services.planning import DayRules, Span, span_of

# Sessions whose slots may still be booked, now or after approval.
LIVING = (PracticeSession.Status.PENDING, PracticeSession.Status.APPROVED)


def rules_for(*, doctor_id: UUID | None, days: Iterable[date]) -> dict[date, DayRules]:
    """Return what holds on each date for one doctor (None: for the clinic alone). Three queries, whatever the dates.

    Of several hours of the clinic that apply to one date the strictest counts: the latest opening, the earliest closing,
    and every break.
    """
    wanted = sorted(set(days))
    if not wanted:
        return {}
    first, last = wanted[0], wanted[-1]
    holidays = dict(closing_holidays(first, last).values_list("date", "name"))
    hours = _hours_between(first, last)
    away = _away_by_day(doctor_id, first, last)
    return {day: _rules(day, hours, away[day], holidays.get(day, "")) for day in wanted}


def closing_holidays(first: date, last: date):
    """Return the holidays between two dates, both included, on which the clinic is closed."""
    return Holiday.objects.filter(date__gte=first, date__lte=last, closes_clinic=True)


@retry_transaction
def refresh_closed(*, doctor_id: UUID | None, first: date, last: date) -> int:
    """Recompute `Slot.is_closed` from time off and holidays, for one doctor or all; the number of slots that changed.

    A slot is closed when the doctor is off during any of it, or the clinic is closed that day. Bookings stay. Safe to
    repeat; two statements. Whoever holds slots for a decision calls it inside that transaction.
    """
    slots = Slot.objects.filter(
        session__practice_on__gte=first, session__practice_on__lte=last, session__status__in=LIVING
    )
    if doctor_id is not None:
        slots = slots.filter(session__doctor_id=doctor_id)
    off = TimeOff.objects.filter(
        doctor_id=OuterRef("session__doctor_id"),
        cancelled_at=None,
        starts_at__lt=OuterRef("ends_at"),
        ends_at__gt=OuterRef("starts_at"),
    )
    feast = Holiday.objects.filter(date=OuterRef("session__practice_on"), closes_clinic=True)
    closed = Q(Exists(off)) | Q(Exists(feast))
    # Ids first: MariaDB does not update a table that the condition of the update reads.
    to_close = list(slots.filter(closed, is_closed=False).order_by("pk").values_list("pk", flat=True))
    to_open = list(slots.exclude(closed).filter(is_closed=True).order_by("pk").values_list("pk", flat=True))
    return _set_closed(to_close, True) + _set_closed(to_open, False)


def closed_slots() -> QuerySet[Slot]:
    """Return slots ahead at which nobody practises: their doctor is on leave or has left the clinic, or it is a holiday.

    Blocked hours may keep their bookings and are not among them.
    """
    leave = TimeOff.objects.filter(
        doctor_id=OuterRef("session__doctor_id"),
        kind=TimeOff.Kind.LEAVE,
        cancelled_at=None,
        starts_at__lt=OuterRef("ends_at"),
        ends_at__gt=OuterRef("starts_at"),
    )
    feast = Holiday.objects.filter(date=OuterRef("session__practice_on"), closes_clinic=True)
    away = Q(Exists(leave)) | Q(Exists(feast))
    return Slot.objects.filter(
        Q(away, is_closed=True) | Q(session__doctor__is_active=False),
        starts_at__gt=clock.now(),
        session__status=PracticeSession.Status.APPROVED,
    )


def _set_closed(slot_ids: list[UUID], is_closed: bool) -> int:
    size = 500
    return sum(
        Slot.objects.filter(pk__in=slot_ids[start : start + size]).update(is_closed=is_closed)
        for start in range(0, len(slot_ids), size)
    )


def _hours_between(first: date, last: date) -> list[ClinicHours]:
    hours = ClinicHours.objects.filter(is_active=True)
    return list(hours.filter(Q(first_on=None) | Q(first_on__lte=last)).filter(Q(last_on=None) | Q(last_on__gte=first)))


def _away_by_day(doctor_id: UUID | None, first: date, last: date) -> dict[date, list[Span]]:
    found: dict[date, list[Span]] = defaultdict(list)
    if doctor_id is None:
        return found
    start, end = clock.day_bounds(first)[0], clock.day_bounds(last)[1]
    rows = TimeOff.objects.filter(doctor_id=doctor_id, cancelled_at=None, starts_at__lt=end, ends_at__gt=start)
    for starts_at, ends_at in rows.values_list("starts_at", "ends_at"):
        day = max(clock.local(starts_at).date(), first)
        while day <= last and clock.day_bounds(day)[0] < ends_at:
            found[day].append((starts_at, ends_at))
            day += timedelta(days=1)
    return found


def _applies(hours: ClinicHours, day: date) -> bool:
    return (
        (not hours.weekdays or day.isoweekday() in hours.weekdays)
        and (hours.first_on is None or hours.first_on <= day)
        and (hours.last_on is None or day <= hours.last_on)
    )


def _rules(day: date, all_hours: list[ClinicHours], away: list[Span], closed_by: str) -> DayRules:
    of_day = [hours for hours in all_hours if _applies(hours, day)]
    opens = [clock.at(day, hours.opens_at) for hours in of_day if hours.opens_at is not None]
    closes = [clock.at(day, hours.closes_at) for hours in of_day if hours.closes_at is not None]
    breaks = (
        span_of(day, hours.break_starts_at, hours.break_ends_at)
        for hours in of_day
        if hours.break_starts_at is not None and hours.break_ends_at is not None
    )
    return DayRules(
        opens_at=max(opens, default=None),
        closes_at=min(closes, default=None),
        breaks=tuple(sorted(span for span in breaks if span is not None)),
        away=tuple(sorted(away)),
        closed_by=closed_by,
    )

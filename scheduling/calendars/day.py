"""One day of the clinic as a table: doctors side by side, times down."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db.models import Q

from core import clock
from scheduling.calendars.layout import Column, Row, SessionNote, rows_of
from scheduling.calendars.reading import Away, Scope, cells_of, holidays_of
from scheduling.models import Holiday, PracticeSession, TimeOff, Visit
from scheduling.models.appointments import UNLISTED


@dataclass
class Day:
    """The table of one day."""

    day: date
    columns: list[Column]
    rows: list[Row]
    waiting_count: int
    holiday: Holiday | None
    away: list[TimeOff]


def day_of(scope: Scope, day: date, now: datetime) -> Day:
    """Return the day as the scope's user may see it. Eight queries at most, whatever the number of doctors and slots."""
    sessions = sorted(scope.sessions(day, day), key=_by_doctor)
    away = Away.over(scope.user, sessions) if sessions else None
    columns = columns_of(scope.user, sessions, now, key=lambda session: session.doctor_id, away=away)
    for visit in _walk_ins(scope.user, day):
        column = next((column for column in columns if column.doctor.pk == visit.doctor_id), None)
        if column is not None:
            column.walk_ins.append(visit)
    return Day(
        day=day,
        columns=columns,
        rows=rows_of(columns, now),
        waiting_count=scope.waiting_count(day, day),
        holiday=(away.holidays if away else holidays_of(day, day)).get(day),
        away=_away(scope, day),
    )


def columns_of(
    user: Any, sessions: Iterable[PracticeSession], now: datetime, *, key: Any, away: Away | None = None
) -> list[Column]:
    """Return one column for each value of `key`, in the order of the sessions, with its cells and counts."""
    held = list(sessions)
    cells = cells_of(user, held, now, away=away)
    columns: dict[Any, Column] = {}
    for session in held:
        column = columns.setdefault(key(session), Column(session.doctor, day=session.practice_on))
        slots = [cell for cell in cells[session.pk] if cell.kind == "slot"]
        column.cells += cells[session.pk]
        column.sessions.append(
            SessionNote(
                session,
                slot_count=len(slots),
                booked_count=sum(cell.is_booked for cell in slots),
                closed_count=sum(cell.is_closed and not cell.is_booked for cell in slots),
            )
        )
    return list(columns.values())


def _by_doctor(session: PracticeSession) -> tuple[Any, ...]:
    profile = getattr(session.doctor, "staff_profile", None)
    return (getattr(profile, "specialty", ""), session.doctor.username, session.starts_at)


def _walk_ins(user: Any, day: date) -> Iterable[Visit]:
    """Visits without appointment. The doctor is in the column already, so that only number and name are read."""
    visits = Visit.objects.visible_to(user).on_day(day).filter(appointment=None)
    return (
        visits.exclude(status=Visit.Status.CANCELLED)
        .select_related("patient", "ticket")
        .defer("complaint", "reason", *UNLISTED)
        .order_by("arrived_at")
    )


def _away(scope: Scope, day: date) -> list[TimeOff]:
    """Leave and blocked hours of the day, for the line above the table: a doctor on leave has no column."""
    start, end = clock.day_bounds(day)
    rows = TimeOff.objects.visible_to(scope.user).filter(starts_at__lt=end, ends_at__gt=start, cancelled_at=None)
    chosen = Q(doctor=scope.doctor) if scope.doctor else Q()
    return list(rows.filter(chosen).select_related("doctor__staff_profile").order_by("starts_at", "id"))

"""One day of the clinic as a table: doctors side by side, times down, every slot as high as it is long."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import Any
from uuid import UUID

from accounts.models import User
from core import clock
from scheduling.models import Appointment, PracticeSession, Slot, Visit
from scheduling.services.sessions import HOLDING


@dataclass
class Cell:
    """One stretch of one doctor's day: a slot, a break, or nothing."""

    kind: str
    starts_at: datetime
    ends_at: datetime
    rowspan: int = 1
    slot: Slot | None = None
    appointment: Appointment | None = None
    is_booked: bool = False
    is_past: bool = False


@dataclass
class Column:
    """One doctor's day."""

    doctor: User
    cells: list[Cell] = field(default_factory=list)
    walk_ins: list[Visit] = field(default_factory=list)
    slot_count: int = 0
    booked_count: int = 0


@dataclass
class Row:
    """One line of the table: a time, and the cells that begin there."""

    starts_at: datetime
    is_now: bool
    cells: list[tuple[Column, Cell]] = field(default_factory=list)


@dataclass
class Day:
    """The table of one day."""

    columns: list[Column]
    rows: list[Row]
    waiting_count: int


def day_of(user: Any, day: date, now: datetime) -> Day:
    """Return the day as `user` may see it: names only of appointments and visits visible to them. Five queries at most."""
    start, end = clock.day_bounds(day)
    sessions = list(
        PracticeSession.objects.visible_to(user)
        .filter(starts_at__gte=start, starts_at__lt=end)
        .exclude(status=PracticeSession.Status.REJECTED)
        .select_related("doctor__staff_profile", "service")
        .order_by("doctor__staff_profile__specialty", "doctor__username", "starts_at")
    )
    held = [session for session in sessions if session.status in HOLDING]
    columns: dict[UUID, Column] = {}
    for session in held:
        columns.setdefault(session.doctor_id, Column(session.doctor))
    _add_slots(columns, held, user, now)
    for visit in _walk_ins(user, day):
        if visit.doctor_id in columns:
            columns[visit.doctor_id].walk_ins.append(visit)
    return Day(
        columns=list(columns.values()),
        rows=_rows(list(columns.values()), now),
        waiting_count=sum(session.status == PracticeSession.Status.PENDING for session in sessions),
    )


def _walk_ins(user: Any, day: date) -> Iterable[Visit]:
    return (
        Visit.objects.visible_to(user)
        .on_day(day)
        .filter(appointment=None)
        .exclude(status=Visit.Status.CANCELLED)
        .for_queue()
        .order_by("arrived_at")
    )


def _add_slots(columns: dict[UUID, Column], sessions: list[PracticeSession], user: Any, now: datetime) -> None:
    by_id = {session.pk: session for session in sessions}
    slots = Slot.objects.filter(session__in=by_id).with_bookings().order_by("starts_at")
    visible = Appointment.objects.visible_to(user).filter(slot__session__in=by_id, active=1).for_names()
    appointments = {appointment.slot_id: appointment for appointment in visible}
    for slot in slots:
        column = columns[by_id[slot.session_id].doctor_id]
        column.slot_count += 1
        column.booked_count += slot.is_booked
        column.cells.append(
            Cell(
                "slot",
                slot.starts_at,
                slot.ends_at,
                slot=slot,
                appointment=appointments.get(slot.pk),
                is_booked=slot.is_booked,
                is_past=slot.starts_at <= now,
            )
        )
    for session in sessions:
        columns[session.doctor_id].cells.extend(_break_cells(session))
    for column in columns.values():
        column.cells.sort(key=lambda cell: cell.starts_at)


def _break_cells(session: PracticeSession) -> list[Cell]:
    cells: list[Cell] = []
    for first, last in session.breaks:
        start = clock.at(session.practice_on, time.fromisoformat(first))
        end = clock.at(session.practice_on, time.fromisoformat(last))
        if cells and start < cells[-1].ends_at:
            cells[-1].ends_at = min(max(end, cells[-1].ends_at), session.ends_at)
        elif session.starts_at <= start and end <= session.ends_at:
            cells.append(Cell("break", start, end))
    return cells


def _rows(columns: list[Column], now: datetime) -> list[Row]:
    marks = sorted({mark for column in columns for cell in column.cells for mark in (cell.starts_at, cell.ends_at)})
    rows = [Row(start, start <= now < end) for start, end in itertools.pairwise(marks)]
    position = {mark: index for index, mark in enumerate(marks)}
    for column in columns:
        free_from = 0
        for cell in column.cells:
            _add_nothing(rows, column, free_from, position[cell.starts_at], marks)
            cell.rowspan = position[cell.ends_at] - position[cell.starts_at]
            rows[position[cell.starts_at]].cells.append((column, cell))
            free_from = position[cell.ends_at]
        _add_nothing(rows, column, free_from, len(rows), marks)
    return rows


def _add_nothing(rows: list[Row], column: Column, first: int, last: int, marks: list[datetime]) -> None:
    if last > first:
        rows[first].cells.append((column, Cell("none", marks[first], marks[last], rowspan=last - first)))

"""Columns of a calendar as one table: every stretch as many rows high as times begin and end inside it."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from accounts.models import User
from scheduling.calendars.looks import Look
from scheduling.models import PracticeSession, Visit


@dataclass(slots=True)
class Booking:
    """What the calendar shows of one appointment that its reader may see. No complaint: it stands on the front desk."""

    id: UUID
    patient_id: UUID
    name: str
    record_number: str
    look: Look
    is_movable: bool = False


@dataclass(slots=True)
class Cell:
    """One stretch of a column: a slot, a break, or nothing."""

    kind: str
    starts_at: datetime
    ends_at: datetime
    rowspan: int = 1
    slot_id: UUID | None = None
    booking: Booking | None = None
    former: Booking | None = None  # cancelled or did not come: the slot itself is free
    is_booked: bool = False
    is_past: bool = False
    is_closed: bool = False
    why_closed: str = ""
    service: str = ""  # code: an appointment moves within its service
    at: str = ""  # the start as the clinic writes it; made once for each time of the day, not for each cell
    below: list[Cell] = field(default_factory=list)  # what overlaps this one, which no rule allows

    @property
    def is_free(self) -> bool:
        """Somebody may still be booked here."""
        return self.kind == "slot" and not (self.is_booked or self.is_past or self.is_closed)


@dataclass
class SessionNote:
    """One session in the head of a column."""

    session: PracticeSession
    slot_count: int = 0
    booked_count: int = 0
    closed_count: int = 0

    @property
    def free_count(self) -> int:
        return max(0, self.slot_count - self.booked_count - self.closed_count)


@dataclass
class Column:
    """One doctor's day."""

    doctor: User
    day: Any = None
    cells: list[Cell] = field(default_factory=list)
    sessions: list[SessionNote] = field(default_factory=list)
    walk_ins: list[Visit] = field(default_factory=list)
    holiday: Any = None

    @property
    def slot_count(self) -> int:
        return sum(note.slot_count for note in self.sessions)

    @property
    def booked_count(self) -> int:
        return sum(note.booked_count for note in self.sessions)


@dataclass
class Row:
    """One line of the table: a time, and the cells that begin there, in the order of the columns."""

    starts_at: datetime
    is_now: bool
    cells: list[tuple[Column, Cell]] = field(default_factory=list)


def _instant(at: datetime, *, is_end: bool = False) -> Any:
    return at


def rows_of(columns: list[Column], now: datetime, key: Callable[..., Any] = _instant) -> list[Row]:
    """Return the lines of the table; each column is as high as the table.

    `key` says which times share a line: instants for a day, the clock on the wall for the days of a week.
    """
    times: dict[Any, datetime] = {}
    for column in columns:
        column.cells.sort(key=lambda cell: cell.starts_at)
        for cell in column.cells:
            times.setdefault(key(cell.starts_at), cell.starts_at)
            times.setdefault(key(cell.ends_at, is_end=True), cell.ends_at)
    marks = sorted(times)
    spot = key(now)
    rows = [Row(times[first], first <= spot < last) for first, last in itertools.pairwise(marks)]
    position = {mark: index for index, mark in enumerate(marks)}
    for column in columns:
        _place(column, rows, position, times, key)
    return rows


def _place(
    column: Column, rows: list[Row], position: dict[Any, int], times: dict[Any, datetime], key: Callable[..., Any]
) -> None:
    marks = sorted(times)
    free_from, latest = 0, None
    for cell in column.cells:
        first, last = position[key(cell.starts_at)], position[key(cell.ends_at, is_end=True)]
        if (latest is not None and first < free_from) or last <= first:
            if cell.kind == "slot" and latest is not None:
                latest.below.append(cell)
            continue
        _add_nothing(rows, column, free_from, first, marks, times)
        cell.rowspan = last - first
        rows[first].cells.append((column, cell))
        free_from, latest = last, cell
    _add_nothing(rows, column, free_from, len(rows), marks, times)


def _add_nothing(
    rows: list[Row], column: Column, first: int, last: int, marks: list[Any], times: dict[Any, datetime]
) -> None:
    if last > first:
        nothing = Cell("none", times[marks[first]], times[marks[last]], rowspan=last - first)
        rows[first].cells.append((column, nothing))

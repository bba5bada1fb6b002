"""The calendar as a list: day by day, session by session, who comes when. Phones and paper show this."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import groupby
from uuid import UUID

from scheduling.calendars.layout import Cell, SessionNote
from scheduling.calendars.reading import Scope, cells_of, holidays_of, notes_of
from scheduling.models import Holiday

MOST = 400  # times in one list; the list ends with the day that reaches it


@dataclass
class AgendaSession:
    """One session and the times of it that are listed."""

    note: SessionNote
    cells: list[Cell] = field(default_factory=list)


@dataclass
class AgendaDay:
    """One day with its sessions."""

    day: date
    holiday: Holiday | None
    sessions: list[AgendaSession] = field(default_factory=list)


@dataclass
class Agenda:
    """A list of days. `last` is the last day that is in it, at most the last one asked for."""

    first: date
    last: date
    days: list[AgendaDay]
    is_cut: bool

    def patient_ids(self) -> set[UUID]:
        """Return whose names are in the list."""
        return {
            cell.booking.patient_id
            for day in self.days
            for session in day.sessions
            for cell in session.cells
            if cell.booking is not None
        }


def agenda_of(
    scope: Scope, first: date, last: date, now: datetime, *, only_booked: bool = True, most: int = MOST
) -> Agenda:
    """Return what happens from `first` to `last`. Nine queries at most, whatever the number of rows.

    With `only_booked` free times are counted and not listed. The list ends early with the day on which it has `most`
    times or more, and says so.
    """
    sessions = list(scope.sessions(first, last))
    notes = notes_of(sessions)
    sessions, end = _until_full(sessions, notes, last, most=most, only_booked=only_booked)
    cells = cells_of(scope.user, sessions, now, only_booked=only_booked)
    holidays = holidays_of(first, end)
    by_day: dict[date, AgendaDay] = {day: AgendaDay(day, holiday) for day, holiday in holidays.items()}
    for session in sessions:
        day = by_day.setdefault(session.practice_on, AgendaDay(session.practice_on, holidays.get(session.practice_on)))
        rows = sorted(cells[session.pk], key=lambda cell: cell.starts_at)
        day.sessions.append(AgendaSession(notes[session.pk], rows))
    return Agenda(first, end, [by_day[day] for day in sorted(by_day)], is_cut=end < last)


def _until_full(
    sessions: list, notes: dict[UUID, SessionNote], last: date, *, most: int, only_booked: bool
) -> tuple[list, date]:
    """Return the sessions of as many whole days as `most` times fill, at least one day, and the last of those days."""
    kept: list = []
    count = 0
    for day, group in groupby(sessions, key=lambda session: session.practice_on):
        if count >= most:
            return kept, day - timedelta(days=1)
        rows = list(group)
        kept += rows
        count += sum(notes[row.pk].booked_count if only_booked else notes[row.pk].slot_count for row in rows)
    return kept, last

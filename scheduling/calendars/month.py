"""A month: how many sessions each day has, and how full they are."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from scheduling.calendars.layout import SessionNote
from scheduling.calendars.reading import Scope, holidays_of, notes_of
from scheduling.calendars.week import DAYS, monday_of
from scheduling.models import Holiday

# Share of the open slots that are booked, and its word.
LOADS: tuple[tuple[float, str, str | Promise], ...] = (
    (1.0, "full", _("Full")),
    (0.8, "busy", _("Nearly full")),
    (0.4, "half", _("Half full")),
    (0.0, "quiet", _("Room left")),
)


@dataclass
class MonthDay:
    """One day of the overview."""

    day: date
    is_other: bool
    holiday: Holiday | None = None
    notes: list[SessionNote] = field(default_factory=list)

    @property
    def booked_count(self) -> int:
        return sum(note.booked_count for note in self.notes)

    @property
    def free_count(self) -> int:
        return sum(note.free_count for note in self.notes)

    @property
    def open_count(self) -> int:
        return self.booked_count + self.free_count

    @property
    def load(self) -> tuple[str, str | Promise]:
        """How full the day is: a name for classes, and the word."""
        share = self.booked_count / self.open_count if self.open_count else 1.0
        return next((name, word) for least, name, word in LOADS if share >= least)


@dataclass
class Month:
    """Whole weeks around one month."""

    first: date
    weeks: list[list[MonthDay]]
    waiting_count: int


def month_of(scope: Scope, day: date) -> Month:
    """Return the overview of the month of `day`. Five queries, whatever the number of doctors and slots."""
    first = day.replace(day=1)
    last = (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)
    start, end = monday_of(first), monday_of(last) + timedelta(days=DAYS - 1)
    holidays = holidays_of(start, end)
    days = {
        one: MonthDay(one, is_other=one.month != first.month, holiday=holidays.get(one))
        for one in (start + timedelta(days=at) for at in range((end - start).days + 1))
    }
    for note in notes_of(scope.bare_sessions(start, end).only("id", "practice_on")).values():
        days[note.session.practice_on].notes.append(note)
    rows = list(days.values())
    return Month(first, [rows[at : at + DAYS] for at in range(0, len(rows), DAYS)], scope.waiting_count(first, last))

"""A week: one doctor's days side by side, or every doctor with the sessions of each day."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from accounts.models import User
from core import clock
from scheduling.calendars.day import columns_of
from scheduling.calendars.layout import Column, Row, SessionNote, rows_of
from scheduling.calendars.reading import Scope, holidays_of, notes_of
from scheduling.models import Holiday

DAYS = 7
MIDNIGHT = 24 * 60  # minutes


@dataclass
class DayHead:
    """One day in the head of the table."""

    day: date
    holiday: Holiday | None


@dataclass
class DoctorWeek:
    """One doctor's sessions, day by day."""

    doctor: User
    days: list[list[SessionNote]]


@dataclass
class Week:
    """Monday to Sunday. `columns` and `rows` for one doctor, `doctors` for all."""

    first: date
    last: date
    heads: list[DayHead]
    waiting_count: int
    columns: list[Column] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    doctors: list[DoctorWeek] = field(default_factory=list)


def monday_of(day: date) -> date:
    return day - timedelta(days=day.weekday())


def week_of(scope: Scope, day: date, now: datetime) -> Week:
    """Return the week of `day`. Seven queries at most, whatever the number of doctors and slots.

    Who sees one doctor only, by the filter or by right, gets the slots; others how full each session is.
    """
    first = monday_of(day)
    last = first + timedelta(days=DAYS - 1)
    holidays = holidays_of(first, last)
    heads = [DayHead(one, holidays.get(one)) for one in (first + timedelta(days=at) for at in range(DAYS))]
    week = Week(first, last, heads, scope.waiting_count(first, last))
    sessions = list(scope.sessions(first, last))
    if len({session.doctor_id for session in sessions}) == 1:
        found = {
            column.day: column for column in columns_of(scope.user, sessions, now, key=lambda one: one.practice_on)
        }
        doctor = sessions[0].doctor
        week.columns = [found.get(head.day) or Column(doctor, day=head.day) for head in heads]
        for column, head in zip(week.columns, heads, strict=True):
            column.holiday = head.holiday
        week.rows = rows_of(week.columns, now, key=_on_the_wall)
    else:
        week.doctors = _doctors(sessions, first)
    return week


def _doctors(sessions: list[Any], first: date) -> list[DoctorWeek]:
    weeks: dict[Any, DoctorWeek] = {}
    for note in notes_of(sessions).values():
        doctor = note.session.doctor
        week = weeks.setdefault(doctor.pk, DoctorWeek(doctor, [[] for _day in range(DAYS)]))
        week.days[(note.session.practice_on - first).days].append(note)
    by_specialty: dict[str, list[DoctorWeek]] = defaultdict(list)
    for week in sorted(weeks.values(), key=lambda one: one.doctor.username):
        by_specialty[getattr(week.doctor.staff_profile, "specialty", "")].append(week)
    return [week for specialty in sorted(by_specialty) for week in by_specialty[specialty]]


def _on_the_wall(instant: datetime, *, is_end: bool = False) -> int:
    """Return the minutes since midnight on the clinic's clock; what ends at midnight ends with the 1440th.

    The days of a week share their lines by this. In the hour that a change of the clock repeats two slots may share a line.
    """
    local = clock.local(instant)
    return local.hour * 60 + local.minute or (MIDNIGHT if is_end else 0)

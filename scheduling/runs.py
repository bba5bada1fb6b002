"""Free times for several people of one doctor and service: one after another, or else on one day, near together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby, islice

from core import clock
from scheduling.models import Slot
from scheduling.querysets import HORIZON_DAYS

DAYS_SHOWN, RUNS_OF_A_DAY = 5, 5


@dataclass(frozen=True)
class Run:
    """Times of one day, in their order; `is_together` when nobody else is seen in between."""

    slots: list[Slot]
    is_together: bool = True

    @property
    def first(self) -> Slot:
        return self.slots[0]

    @property
    def last(self) -> Slot:
        return self.slots[-1]

    @property
    def value(self) -> str:
        """All of the times for a form."""
        return ",".join(str(slot.pk) for slot in self.slots)


@dataclass(frozen=True)
class Day:
    """The runs of one day."""

    day: date
    runs: list[Run]


def days_with_runs(slot: Slot, count: int, *, minutes: int = 0, or_near: bool = False) -> list[Day]:
    """Return the next days on which the slot's doctor has `count` free times of the slot's service one after another.

    `slot` comes with its session. With `minutes` only times that are at least so long. With `or_near` also days that have
    enough times, but others in between: of each the times that lie nearest together. One query.
    """
    now = clock.now()
    free = Slot.objects.bookable(now).filter(
        session__doctor_id=slot.session.doctor_id, session__service_id=slot.session.service_id,
        session__slot_minutes__gte=minutes, starts_at__lt=now + timedelta(days=HORIZON_DAYS),
    )  # fmt: skip
    together: list[Day] = []
    near: list[Day] = []
    for day, group in groupby(free.order_by("starts_at", "id"), key=lambda row: clock.local(row.starts_at).date()):
        rows = list(group)
        if runs := list(islice(_runs(rows, count), RUNS_OF_A_DAY)):
            together.append(Day(day, runs))
        elif or_near and len(rows) >= count:
            near.append(Day(day, [_nearest(rows, count)]))
    return sorted([*together[:DAYS_SHOWN], *near[:DAYS_SHOWN]], key=lambda found: found.day)


def _runs(rows: Sequence[Slot], count: int) -> Iterable[Run]:
    """Give each `count` times of one session whose numbers follow each other; `rows` are in the order of time."""
    for run in _windows(rows, count):
        if run[-1].session_id == run[0].session_id and run[-1].number - run[0].number == count - 1:
            yield Run(run)


def _nearest(rows: Sequence[Slot], count: int) -> Run:
    return Run(min(_windows(rows, count), key=lambda run: run[-1].ends_at - run[0].starts_at), is_together=False)


def _windows(rows: Sequence[Slot], count: int) -> Iterable[list[Slot]]:
    return (list(rows[at : at + count]) for at in range(len(rows) - count + 1))

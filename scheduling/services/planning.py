"""Laying out the slots of one session: pure, so that the preview is what gets created."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta

from django.utils.formats import time_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from core import clock
from scheduling.errors import InvalidPlan

SLOT_LENGTHS = (30, 60, 90, 120)
MIN_SLOT_MINUTES = 5
MAX_SLOT_MINUTES = 240
GAP_CHOICES = (0, 15, 30, 60, 120, 180)
MAX_GAP_MINUTES = 240
MAX_BREAKS = 3
MAX_SLOTS = 20

Break = tuple[time, time]
Span = tuple[datetime, datetime]


@dataclass(frozen=True)
class DayRules:
    """What the clinic and the doctor's absences allow on one date; spans are instants.

    `closed_by` names the holiday that closes the clinic. It stops no plan: the preview shows the slots with the warning,
    and the proposal is refused.
    """

    opens_at: datetime | None = None
    closes_at: datetime | None = None
    breaks: tuple[Span, ...] = ()
    away: tuple[Span, ...] = ()
    closed_by: str = ""


@dataclass(frozen=True)
class Moved:
    """One slot that would have touched a break and starts at its end instead."""

    number: int
    planned_start: datetime
    starts_at: datetime


@dataclass(frozen=True)
class Plan:
    """What a practice session will consist of. `skipped` names the slots that a break moved.

    `breaks` are the session's own; `clinic_breaks` and `away` are skipped in the same way.
    """

    slots: list[Span]
    skipped: list[Moved] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    breaks: list[Span] = field(default_factory=list)
    clinic_breaks: list[Span] = field(default_factory=list)
    away: list[Span] = field(default_factory=list)

    @property
    def ends_at(self) -> datetime | None:
        return self.slots[-1][1] if self.slots else None

    @property
    def fingerprint(self) -> str:
        """The same text for the same slots: a form carries it, to notice that rules changed after its preview."""
        text = ";".join(f"{start.timestamp():.0f}-{end.timestamp():.0f}" for start, end in self.slots)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


NO_RULES = DayRules()


def plan_slots(
    *,
    starts_at: datetime,
    slot_minutes: int,
    gap_minutes: int,
    slot_count: int,
    breaks: Iterable[Break] = (),
    rules: DayRules = NO_RULES,
) -> Plan:
    """Lay out up to `slot_count` slots from `starts_at`; no database, no clock.

    A slot is never cut: one that would touch a break, a break of the clinic, the doctor's time off or the time before the
    clinic opens starts at its end. The gap stands between the end of one slot and the start of the next. What would end
    after the clinic closes, or after midnight of the clinic's day, is left out, with a warning.

    All steps are made in UTC: a slot of an hour lasts an hour on the night the clocks change too.

    Raises:
        InvalidPlan: a length, gap, count or break outside the allowed values.
    """
    day = clock.local(starts_at).date()
    own = _checked_breaks(day, slot_minutes, gap_minutes, slot_count, breaks)
    midnight = clock.day_bounds(day)[1].astimezone(UTC)
    closing = min(midnight, rules.closes_at.astimezone(UTC)) if rules.closes_at else midnight
    closed = sorted(_in_utc(own) + _in_utc(rules.breaks) + _in_utc(rules.away) + _before_opening(day, rules))
    length, gap = timedelta(minutes=slot_minutes), timedelta(minutes=gap_minutes)
    slots: list[Span] = []
    moved: list[Moved] = []
    candidate = starts_at.astimezone(UTC)
    while len(slots) < slot_count:
        begin = _after_breaks(candidate, length, closed)
        end = begin + length
        if end > closing:
            break
        if begin != candidate:
            moved.append(Moved(number=len(slots) + 1, planned_start=candidate, starts_at=begin))
        slots.append((begin, end))
        candidate = end + gap
    return Plan(
        slots=slots,
        skipped=moved,
        warnings=_closing_warning(len(slots), slot_count, None if closing == midnight else closing),
        breaks=own,
        clinic_breaks=list(rules.breaks),
        away=list(rules.away),
    )


def span_of(day: date, first: time, last: time) -> Span | None:
    """Return the instants of a stretch of wall-clock time, or None when the clocks jump over all of it that day."""
    start, end = clock.at(day, first).astimezone(UTC), clock.at(day, last).astimezone(UTC)
    return (start, end) if start < end else None


def _checked_breaks(
    day: date, slot_minutes: int, gap_minutes: int, slot_count: int, breaks: Iterable[Break]
) -> list[Span]:
    breaks = list(breaks)
    if not MIN_SLOT_MINUTES <= slot_minutes <= MAX_SLOT_MINUTES:
        raise InvalidPlan(
            _("Enter a slot length between %(least)d and %(most)d minutes.")
            % {"least": MIN_SLOT_MINUTES, "most": MAX_SLOT_MINUTES}
        )
    if not 0 <= gap_minutes <= MAX_GAP_MINUTES:
        raise InvalidPlan(_("Enter a gap between 0 and %(most)d minutes.") % {"most": MAX_GAP_MINUTES})
    if not 1 <= slot_count <= MAX_SLOTS:
        raise InvalidPlan(_("Enter between 1 and %(most)d slots.") % {"most": MAX_SLOTS})
    if len(breaks) > MAX_BREAKS:
        raise InvalidPlan(_("Enter at most %(most)d breaks.") % {"most": MAX_BREAKS})
    if any(start >= end for start, end in breaks):
        raise InvalidPlan(_("A break must end after it starts."))
    spans = (span_of(day, start, end) for start, end in breaks)
    return sorted(span for span in spans if span is not None)


def _in_utc(spans: Iterable[Span]) -> list[Span]:
    return [(start.astimezone(UTC), end.astimezone(UTC)) for start, end in spans]


def _before_opening(day: date, rules: DayRules) -> list[Span]:
    return _in_utc([(clock.day_bounds(day)[0], rules.opens_at)]) if rules.opens_at else []


def _after_breaks(start: datetime, length: timedelta, breaks: list[Span]) -> datetime:
    # In order of start: a break that ends inside the next one, or right at it, carries the slot on.
    for break_start, break_end in breaks:
        if start < break_end and start + length > break_start:
            start = break_end
    return start


def _closing_warning(fitting: int, wanted: int, closes_at: datetime | None) -> list[str]:
    if fitting == wanted:
        return []
    if closes_at is None:
        sentence = ngettext(
            "Only %(fitting)d of %(wanted)d slot fits before midnight.",
            "Only %(fitting)d of %(wanted)d slots fit before midnight.",
            wanted,
        )
        return [sentence % {"fitting": fitting, "wanted": wanted}]
    sentence = ngettext(
        "Only %(fitting)d of %(wanted)d slot fits before the clinic closes at %(time)s.",
        "Only %(fitting)d of %(wanted)d slots fit before the clinic closes at %(time)s.",
        wanted,
    )
    closing = time_format(clock.local(closes_at), "TIME_FORMAT")
    return [sentence % {"fitting": fitting, "wanted": wanted, "time": closing}]

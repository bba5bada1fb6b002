"""What every view of the calendar reads, as its reader may see it; the number of queries does not grow with the rows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time
from functools import cache
from typing import Any
from uuid import UUID

from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.utils.formats import time_format
from django.utils.translation import gettext as _

from accounts.access import Capability, has_capability
from accounts.models import User
from core import clock
from scheduling.calendars.layout import Booking, Cell, SessionNote
from scheduling.calendars.looks import look_of
from scheduling.models import (
    Appointment,
    Holiday,
    PracticeSession,
    QueueStep,
    Service,
    Slot,
    Station,
    TimeOff,
)

MOVABLE = (Appointment.Status.PENDING, Appointment.Status.APPROVED)
FORMER = (Appointment.Status.CANCELLED, Appointment.Status.NO_SHOW)  # gave the slot back, and are worth knowing
# Of a patient only name and number are read: each encrypted column costs its decryption.
FIELDS = (
    "id", "slot_id", "status", "active", "patient_id", "patient__full_name", "patient__record_number", "visit__status",
)  # fmt: skip
SLOT_FIELDS = ("id", "session_id", "starts_at", "ends_at", "is_closed")
HOLDING = (
    PracticeSession.Status.APPROVED,
    PracticeSession.Status.COMPLETION_REQUESTED,
    PracticeSession.Status.COMPLETED,
)


@dataclass(frozen=True)
class Scope:
    """Who looks, and what the filters leave."""

    user: Any
    doctor: User | None = None
    station: Station | None = None
    service: Service | None = None

    def sessions(self, first: date, last: date) -> QuerySet[PracticeSession]:
        """Return the sessions that hold their doctor's time from `first` to `last`, both included, with doctor and room."""
        rows = self.bare_sessions(first, last).select_related("doctor__staff_profile", "service", "station")
        return rows.defer("doctor__staff_profile__nik").order_by("starts_at", "id")

    def bare_sessions(self, first: date, last: date) -> QuerySet[PracticeSession]:
        """Return the same without doctors, whose names cost their decryption."""
        return self._narrowed(first, last).filter(status__in=HOLDING)

    def waiting_count(self, first: date, last: date) -> int:
        """Return how many sessions wait for approval in these days."""
        return self._narrowed(first, last).filter(status=PracticeSession.Status.PENDING).count()

    def _narrowed(self, first: date, last: date) -> QuerySet[PracticeSession]:
        start, end = clock.day_bounds(first)[0], clock.day_bounds(last)[1]
        found = PracticeSession.objects.visible_to(self.user).filter(starts_at__gte=start, starts_at__lt=end)
        for name in ("doctor", "station", "service"):
            chosen = getattr(self, name)
            if chosen is not None:
                found = found.filter(**{name: chosen})
        return found

    def narrows(self) -> bool:
        """True when a filter is on."""
        return any((self.doctor, self.station, self.service))


def notes_of(sessions: Iterable[PracticeSession]) -> dict[UUID, SessionNote]:
    """Return for each session how many slots it has, and how many are booked or closed. Two queries."""
    notes = {session.pk: SessionNote(session) for session in sessions}
    if not notes:
        return notes
    slots = Slot.objects.filter(session__in=list(notes)).order_by().values_list("session_id")
    for pk, total, closed in slots.annotate(total=Count("id"), closed=Count("id", filter=Q(is_closed=True))):
        notes[pk].slot_count, notes[pk].closed_count = total, closed
    taken = Appointment.objects.filter(slot__session__in=list(notes), active=1).order_by()
    counts = taken.values_list("slot__session_id").annotate(
        booked=Count("id"), closed=Count("id", filter=Q(slot__is_closed=True))
    )
    for pk, booked, closed in counts:
        notes[pk].booked_count = booked
        notes[pk].closed_count -= closed  # a booking that a closed slot still holds counts once, as booked
    return notes


def cells_of(
    user: Any, sessions: list[PracticeSession], now: datetime, *, away: Away | None = None, only_booked: bool = False
) -> dict[UUID, list[Cell]]:
    """Return the slots and breaks of each session. Two queries (slots, appointments), and two for `away` when it is not given.

    Names come from appointments that `user` may see; of others only that the slot is taken.
    """
    cells: dict[UUID, list[Cell]] = {session.pk: [] for session in sessions}
    if not sessions:
        return cells
    slots = Slot.objects.filter(session__in=list(cells)).with_bookings().order_by("starts_at", "id")
    if only_booked:
        slots = slots.filter(is_booked=True)
    held, former = _bookings(user, list(cells), now)
    away = away or Away.over(user, sessions)
    by_id = {session.pk: session for session in sessions}
    written = cache(lambda instant: time_format(clock.local(instant)))
    for pk, session_id, starts_at, ends_at, is_closed, is_booked in slots.values_list(*SLOT_FIELDS, "is_booked"):
        booking = held.get(pk)
        if booking is not None and starts_at <= now:
            booking.is_movable = False
        cells[session_id].append(
            Cell(
                "slot", starts_at, ends_at, slot_id=pk, booking=booking, former=former.get(pk), is_booked=is_booked,
                is_past=starts_at <= now, is_closed=is_closed,
                why_closed=away.why(by_id[session_id].doctor_id, starts_at, ends_at) if is_closed else "",
                service=by_id[session_id].service.code,
                at=written(starts_at),
            )
        )  # fmt: skip
    if not only_booked:
        for session in sessions:
            cells[session.pk] += break_cells(session)
    return cells


def _bookings(user: Any, sessions: list[UUID], now: datetime) -> tuple[dict[UUID, Booking], dict[UUID, Booking]]:
    """Return slot id -> the booking that holds it, and -> the latest that gave it back."""
    may_move = has_capability(user, Capability.BOOK_APPOINTMENTS)
    called = QueueStep.objects.filter(visit_id=OuterRef("visit__id"), open=1, state=QueueStep.State.CALLED)
    visible = Appointment.objects.visible_to(user).filter(
        Q(active=1) | Q(status__in=FORMER), slot__session__in=sessions
    )
    held: dict[UUID, Booking] = {}
    former: dict[UUID, Booking] = {}
    rows = visible.annotate(is_called=Exists(called)).order_by("id").values_list(*FIELDS, "is_called")
    for pk, slot_id, status, active, patient_id, name, number, visit_status, is_called in rows:
        booking = Booking(
            pk, patient_id, name, number, look_of(status, visit_status, is_called=is_called),
            is_movable=may_move and status in MOVABLE,
        )  # fmt: skip
        (held if active else former)[slot_id] = booking
    return held, former


def break_cells(session: PracticeSession) -> list[Cell]:
    """Return the breaks of a session that lie inside it; those that touch are one."""
    cells: list[Cell] = []
    for first, last in session.breaks:
        start = clock.at(session.practice_on, time.fromisoformat(first))
        end = clock.at(session.practice_on, time.fromisoformat(last))
        if cells and start < cells[-1].ends_at:
            cells[-1].ends_at = min(max(end, cells[-1].ends_at), session.ends_at)
        elif session.starts_at <= start and end <= session.ends_at:
            cells.append(Cell("break", start, end, at=time_format(start)))
    return cells


@dataclass(frozen=True)
class Away:
    """Why slots are closed: leave and blocked hours that the reader may see, and days off of the clinic."""

    times_off: dict[UUID, list[TimeOff]]
    holidays: dict[date, Holiday]

    @classmethod
    def over(cls, user: Any, sessions: list[PracticeSession]) -> Away:
        """Read what lies over these sessions. Two queries."""
        first = min(session.starts_at for session in sessions)
        last = max(session.ends_at for session in sessions)
        doctors = {session.doctor_id for session in sessions}
        times_off: dict[UUID, list[TimeOff]] = defaultdict(list)
        for row in TimeOff.objects.visible_to(user).filter(
            doctor__in=doctors, starts_at__lt=last, ends_at__gt=first, cancelled_at=None
        ):
            times_off[row.doctor_id].append(row)
        return cls(times_off, holidays_of(clock.local(first).date(), clock.local(last).date()))

    def why(self, doctor_id: UUID, starts_at: datetime, ends_at: datetime) -> str:
        """Return the word for a closed slot: the holiday, the kind of time off, or just closed."""
        holiday = self.holidays.get(clock.local(starts_at).date())
        if holiday is not None and holiday.closes_clinic:
            return holiday.name
        for row in self.times_off.get(doctor_id, ()):
            if row.starts_at < ends_at and row.ends_at > starts_at:
                return row.get_kind_display()
        return _("Closed")


def holidays_of(first: date, last: date) -> dict[date, Holiday]:
    """Return the holidays of these days. One query."""
    return {row.date: row for row in Holiday.objects.filter(date__gte=first, date__lte=last)}


def slot_for_panel(user: Any, slot_id: UUID | None) -> Slot | None:
    """Return a slot of a session that `user` may see, with session, doctor, service and room; None for any other."""
    if slot_id is None:
        return None
    slots = Slot.objects.filter(session__in=PracticeSession.objects.visible_to(user)).with_bookings()
    return (
        slots.select_related("session__doctor__staff_profile", "session__service", "session__station")
        .filter(pk=slot_id)
        .first()
    )

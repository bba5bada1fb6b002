"""What the booking screens read: who offers what, and which times are free."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import groupby
from uuid import UUID

from django.db.models import Count, Min, QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from core import clock
from scheduling.models import Appointment, PracticeSession, Service, Slot, Visit

HORIZON_DAYS = 60  # how far ahead the booking screens look
NO_SHOWS_COUNT_FOR = timedelta(days=365)

PARTS: tuple[tuple[str | Promise, time, time], ...] = (
    (_("Morning"), time.min, time(11)),
    (_("Midday"), time(11), time(15)),
    (_("Afternoon"), time(15), time.max),
)


@dataclass(frozen=True)
class Offer:
    """One doctor with one service that has free times, and the first of them."""

    doctor: User
    service: Service
    slot_id: UUID
    starts_at: datetime
    free_count: int


@dataclass(frozen=True)
class FreeDay:
    """One clinic day with free times; `slot_id` is the first, and stands for the day in addresses."""

    day: date
    slot_id: UUID
    free_count: int
    is_chosen: bool


@dataclass(frozen=True)
class Part:
    """The free times of one part of the day."""

    label: str | Promise
    slots: list[Slot]


@dataclass(frozen=True)
class Times:
    """Free times of one doctor and service: the days, and one day in detail."""

    days: list[FreeDay]
    parts: list[Part]
    day: date


def offers(now: datetime) -> list[Offer]:
    """Return every doctor and service with a free future time, soonest first. Three queries, whatever the rows."""
    until = now + timedelta(days=HORIZON_DAYS)
    groups = {
        (row["session__doctor_id"], row["session__service_id"]): row
        for row in _free_until(until, now)
        .values("session__doctor_id", "session__service_id")
        .annotate(first=Min("starts_at"), free_count=Count("id"))
    }
    if not groups:
        return []
    firsts = Slot.objects.bookable(now).filter(starts_at__in={row["first"] for row in groups.values()})
    doctors = {doctor.pk: doctor for doctor in User.objects.doctors().filter(pk__in={key[0] for key in groups})}
    found: dict[tuple[UUID, UUID], Offer] = {}
    for slot in firsts.select_related("session__service").order_by("starts_at", "id"):
        key = (slot.session.doctor_id, slot.session.service_id)
        group = groups.get(key)
        if group is not None and group["first"] == slot.starts_at and key not in found and key[0] in doctors:
            service = slot.session.service
            found[key] = Offer(doctors[key[0]], service, slot.pk, slot.starts_at, group["free_count"])
    return sorted(found.values(), key=lambda offer: (offer.starts_at, offer.doctor.username))


def _free_until(until: datetime, now: datetime) -> QuerySet[Slot]:
    """Return the free slots of approved sessions, whoever gives them.

    Without doctor and service, so that each database begins with the index of sessions by status and start: joined, they make
    MariaDB begin with a service's sessions of all years, and SQLite with the slots.
    """
    rows = Slot.objects.ahead(now).not_taken().order_by()
    return rows.filter(
        session__status=PracticeSession.Status.APPROVED,
        session__starts_at__lt=until,
        is_closed=False,
        starts_at__lt=until,
    )


def times_around(slot: Slot, now: datetime, *, minutes: int = 0) -> Times:
    """Return the free times of the slot's doctor and service, with the slot's own day in detail. One query.

    `slot` comes with its session. A day whose last time was taken meanwhile is no longer among the days. With `minutes`
    only times that are at least so long, for several services at once.
    """
    free = Slot.objects.bookable(now).filter(
        session__doctor_id=slot.session.doctor_id,
        session__service_id=slot.session.service_id,
        session__slot_minutes__gte=minutes,
        starts_at__lt=max(now + timedelta(days=HORIZON_DAYS), slot.ends_at),
    )
    chosen = clock.local(slot.starts_at).date()
    days: list[FreeDay] = []
    of_day: list[Slot] = []
    for day, group in groupby(free.order_by("starts_at", "id"), key=lambda row: clock.local(row.starts_at).date()):
        rows = list(group)
        days.append(FreeDay(day, rows[0].pk, len(rows), day == chosen))
        if day == chosen:
            of_day = rows
    return Times(days=days, parts=_parts(of_day), day=chosen)


def alternatives(taken: Slot | Appointment, *, most: int = 3) -> list[Slot]:
    """Return free times near a slot or an appointment, by time: of the same doctor first, then of others with the service.

    Times that are too short for the appointment's services are left out. At most four queries.
    """
    slot = taken.slot if isinstance(taken, Appointment) else taken
    minutes = 0
    if isinstance(taken, Appointment):
        doctor_id, service_id = taken.doctor_id, taken.service_id
        lengths = list(taken.lines.values_list("duration_minutes", flat=True))
        minutes = sum(lengths) if len(lengths) > 1 else 0
    else:
        doctor_id, service_id = slot.session.doctor_id, slot.session.service_id
    free = (
        Slot.objects.bookable(clock.now())
        .filter(session__service_id=service_id, session__slot_minutes__gte=minutes)
        .exclude(pk=slot.pk)
        .select_related("session__doctor__staff_profile", "session__service")
    )
    found = _nearest(free.filter(session__doctor_id=doctor_id), slot.starts_at, most)
    if len(found) < most:
        found += _nearest(free.exclude(session__doctor_id=doctor_id), slot.starts_at, most - len(found))
    return sorted(found, key=lambda row: (row.starts_at, row.pk))


def row_of_times(first: Slot, count: int, *, minutes: int = 0) -> list[Slot]:
    """Return up to `count` free times of one session from `first` on, without one in between that is taken; for a family.

    One query. Fewer than `count` when the next one is taken, too short, or the session ends.
    """
    slots = Slot.objects.with_bookings().offered().filter(session_id=first.session_id, starts_at__gt=clock.now())
    rows = slots.filter(number__gte=first.number).select_related("session__doctor__staff_profile", "session__service")
    found: list[Slot] = []
    for slot in rows.order_by("number"):
        if len(found) == count or slot.is_booked or slot.session.slot_minutes < minutes:
            break
        found.append(slot)
    return found


def no_show_count(patient_id: UUID) -> int:
    """Return how often a patient did not come in the last year; shown at the desk, it refuses nothing."""
    since = clock.now() - NO_SHOWS_COUNT_FOR
    return Appointment.objects.filter(
        patient_id=patient_id, status=Appointment.Status.NO_SHOW, slot__starts_at__gte=since
    ).count()


def doctor_services() -> list[tuple[User, list[Service]]]:
    """Return each active doctor with the services that `catalogue.services_of` gives. Three queries."""
    services = [
        (service, {doctor.pk for doctor in service.doctors.all()})
        for service in Service.objects.filter(is_active=True).prefetch_related("doctors")
    ]
    pairs = [
        (
            doctor,
            [
                service
                for service, named in services
                if doctor.pk in named or (not named and service.specialty == doctor.staff_profile.specialty)
            ],
        )
        for doctor in User.objects.doctors()
    ]
    return [(doctor, given) for doctor, given in pairs if given]


def waiting_counts(day: date) -> dict[UUID, int]:
    """Return doctor id -> patients who have arrived on `day` and not seen the doctor. One query."""
    waiting = Visit.objects.filter(
        visit_on=day, status__in=(Visit.Status.ARRIVED, Visit.Status.TRIAGE, Visit.Status.WAITING)
    )
    return dict(waiting.order_by().values_list("doctor_id").annotate(Count("id")))


def _nearest(free: QuerySet[Slot], moment: datetime, most: int) -> list[Slot]:
    """Return the `most` free slots that start nearest to a moment, before or after it. Two queries."""
    after = list(free.filter(starts_at__gte=moment).order_by("starts_at", "id")[:most])
    before = list(free.filter(starts_at__lt=moment).order_by("-starts_at", "-id")[:most])
    return sorted(after + before, key=lambda row: (abs(row.starts_at - moment), row.starts_at))[:most]


def _parts(slots: list[Slot]) -> list[Part]:
    parts = [
        Part(label, [slot for slot in slots if start <= clock.local(slot.starts_at).time() < end])
        for label, start, end in PARTS
    ]
    return [part for part in parts if part.slots]

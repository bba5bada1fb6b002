"""What the booking screens read: who offers what, and which times are free."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import groupby
from uuid import UUID

from django.db.models import Count, Min
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from core import clock
from scheduling.models import Service, Slot, Visit

HORIZON_DAYS = 60  # how far ahead the booking screens look

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
    """Return every doctor and service with a free future time, soonest first. Four queries, whatever the rows."""
    free = Slot.objects.bookable(now).filter(starts_at__lt=now + timedelta(days=HORIZON_DAYS))
    groups = {
        (row["session__doctor_id"], row["session__service_id"]): row
        for row in free.order_by()
        .values("session__doctor_id", "session__service_id")
        .annotate(first=Min("starts_at"), free_count=Count("id"))
    }
    if not groups:
        return []
    firsts = free.filter(starts_at__in={row["first"] for row in groups.values()}).select_related("session")
    doctors = {doctor.pk: doctor for doctor in User.objects.doctors().filter(pk__in={key[0] for key in groups})}
    services = {service.pk: service for service in Service.objects.filter(pk__in={key[1] for key in groups})}
    found: dict[tuple[UUID, UUID], Offer] = {}
    for slot in firsts:
        key = (slot.session.doctor_id, slot.session.service_id)
        if groups[key]["first"] == slot.starts_at and key[0] in doctors:
            found[key] = Offer(doctors[key[0]], services[key[1]], slot.pk, slot.starts_at, groups[key]["free_count"])
    return sorted(found.values(), key=lambda offer: (offer.starts_at, offer.doctor.username))


def times_around(slot: Slot, now: datetime) -> Times:
    """Return the free times of the slot's doctor and service, with the slot's own day in detail. One query.

    `slot` comes with its session. A day whose last time was taken meanwhile is no longer among the days.
    """
    free = Slot.objects.bookable(now).filter(
        session__doctor_id=slot.session.doctor_id,
        session__service_id=slot.session.service_id,
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


def doctor_services() -> list[tuple[User, list[Service]]]:
    """Return each active doctor with the active services of the specialty. Two queries."""
    by_specialty: dict[str, list[Service]] = {}
    for service in Service.objects.filter(is_active=True):
        by_specialty.setdefault(service.specialty, []).append(service)
    return [
        (doctor, by_specialty[doctor.staff_profile.specialty])
        for doctor in User.objects.doctors()
        if doctor.staff_profile.specialty in by_specialty
    ]


def waiting_counts(day: date) -> dict[UUID, int]:
    """Return doctor id -> patients who have arrived on `day` and not seen the doctor. One query."""
    waiting = Visit.objects.filter(
        visit_on=day, status__in=(Visit.Status.ARRIVED, Visit.Status.TRIAGE, Visit.Status.WAITING)
    )
    return dict(waiting.order_by().values_list("doctor_id").annotate(Count("id")))


def _parts(slots: list[Slot]) -> list[Part]:
    parts = [
        Part(label, [slot for slot in slots if start <= clock.local(slot.starts_at).time() < end])
        for label, start, end in PARTS
    ]
    return [part for part in parts if part.slots]

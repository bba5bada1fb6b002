"""The services of one appointment or visit, each with the price it had when it was booked."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from uuid import UUID

from django.utils.formats import date_format, time_format
from django.utils.translation import gettext as _

from core import clock
from core.errors import InvalidInput
from scheduling.errors import ServiceNotOffered, ServicesTooLong
from scheduling.models import Appointment, AppointmentLine, Service, Slot, Visit, VisitLine
from scheduling.services.catalogue import services_of

MAX_SERVICES = 5


def chosen_services(first: Service, extra_ids: Iterable[UUID], doctor) -> list[Service]:
    """Return `first` and the further services by id, in their order and each once.

    Raises:
        ServiceNotOffered: the doctor does not give one of them.
        InvalidInput: more than `MAX_SERVICES`.
    """
    wanted = [service_id for service_id in dict.fromkeys(extra_ids) if service_id != first.pk]
    if not wanted:
        return [first]
    if len(wanted) >= MAX_SERVICES:
        raise InvalidInput(_("Choose at most %(most)d services at once.") % {"most": MAX_SERVICES})
    found = {service.pk: service for service in services_of(doctor).filter(pk__in=wanted)}
    if len(found) != len(wanted):
        raise ServiceNotOffered(_("This doctor does not offer that service. Choose a service from the list."))
    return [first, *(found[service_id] for service_id in wanted)]


def minutes_of(services: Sequence[Service]) -> int:
    """Return how many minutes of one slot these services need; a single one fits every slot of its session (0).

    The doctor chose the length of the slots for the session's own service, so it alone is never too long.
    """
    return sum(service.duration_minutes for service in services) if len(services) > 1 else 0


def require_room(slot: Slot, needed_minutes: int) -> None:
    """Refuse a slot that is too short for the services.

    Raises:
        ServicesTooLong: the sentence says how long they take, and when the next time is that holds them.
    """
    has = length_of(slot)
    if needed_minutes <= has:
        return
    words = {"needed": needed_minutes, "has": has}
    longer = (
        Slot.objects.bookable(clock.now())
        .filter(
            session__doctor_id=slot.session.doctor_id,
            session__service_id=slot.session.service_id,
            session__slot_minutes__gte=needed_minutes,
        )
        .order_by("starts_at")
        .first()
    )
    if longer is None:
        raise ServicesTooLong(
            _("These services take %(needed)d minutes together, this time has %(has)d. Book them as two appointments.")
            % words
        )
    start = clock.local(longer.starts_at)
    raise ServicesTooLong(
        _(
            "These services take %(needed)d minutes together, this time has %(has)d. Choose a longer time, "
            "for example %(day)s at %(time)s, or book them as two appointments."
        )
        % {**words, "day": date_format(start, "DATE_FORMAT"), "time": time_format(start, "TIME_FORMAT")}
    )


def length_of(slot: Slot) -> int:
    """Return the whole minutes of a slot."""
    return int((slot.ends_at - slot.starts_at).total_seconds()) // 60


def write_lines(appointment: Appointment, services: Sequence[Service]) -> None:
    """Store what was booked at today's prices; the caller stores the sum in `price_idr`."""
    AppointmentLine.objects.bulk_create(
        AppointmentLine(
            appointment=appointment, service=service, position=position, price_idr=service.price_idr,
            duration_minutes=service.duration_minutes,
        )
        for position, service in enumerate(services, start=1)
    )  # fmt: skip


def copy_lines(appointment: Appointment, visit: Visit) -> None:
    """Give a visit the lines of its appointment, at the prices of the booking."""
    rows = list(appointment.lines.values_list("service_id", "position", "price_idr"))
    VisitLine.objects.bulk_create(
        VisitLine(visit=visit, service_id=service_id, position=position, price_idr=price_idr)
        for service_id, position, price_idr in rows or [(appointment.service_id, 1, appointment.price_idr)]
    )


def further_lines(visit: Visit) -> list[VisitLine]:
    """Return the lines of a visit after the first: the first one is the consultation, whose fee the doctor sets."""
    return list(visit.lines.select_related("service").order_by("position")[1:])


def first_price_idr(visit: Visit, further: Sequence[VisitLine] | None = None) -> int:
    """Return the price of a visit's own service: what was booked, less the further lines."""
    lines = further_lines(visit) if further is None else further
    return visit.price_idr - sum(line.price_idr for line in lines)


def write_visit_lines(visit: Visit, services: Sequence[Service]) -> None:
    """Give the visit of a walk-in its services at today's prices; the caller stores the sum in `price_idr`."""
    VisitLine.objects.bulk_create(
        VisitLine(visit=visit, service=service, position=position, price_idr=service.price_idr)
        for position, service in enumerate(services, start=1)
    )

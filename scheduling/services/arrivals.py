"""Arriving without the desk: by booking code at the kiosk, by phone on site, or with a number for the desk."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from django.utils.translation import gettext as _

import audit
from accounts.models import User
from core import clock
from core.db import next_number, retry_transaction
from patients.guardians import may_act_for
from patients.models import Patient
from scheduling.errors import AppointmentNotOpen, CodeNotAccepted, NotInWindow, NotYourAppointment, PatientNotActive
from scheduling.models import Appointment, QueueStep, QueueTicket, Stage, Visit
from scheduling.services import queue
from scheduling.services.visits import CLOSED_STATUSES, check_in

# When an arrival needs nobody of the clinic: later or earlier the desk looks at it. Rules of this clinic.
EARLIEST_BEFORE = timedelta(hours=2)
LATEST_AFTER = timedelta(hours=1)
# What a patient may say at a kiosk; an emergency is seen by people.
OWN_PRIORITIES = (Visit.Priority.ELDERLY, Visit.Priority.PREGNANT, Visit.Priority.DISABLED)
DESK_PREFIX = "R"  # numbers of the registration desk, before there is a visit
ArrivedBy = Visit.ArrivedBy


@retry_transaction
def check_in_with_code(*, code: str, priority: str = "") -> Visit:
    """The patient is at the kiosk with a booking code: as `check_in`. Entered again, it gives the visit that is there.

    One sentence for every code that does not open a booking of today, so that nobody learns from it by trying.

    Raises:
        CodeNotAccepted: unknown, of another day, not approved, or of a record that is archived or merged.
        NotInWindow: more than two hours before or one hour after the time of the appointment.
        AlreadyWaiting: the patient already waits for this doctor today.
    """
    today = clock.day_bounds(clock.today())
    appointment = (
        Appointment.objects.filter(code=_tidy(code), slot__starts_at__gte=today[0], slot__starts_at__lt=today[1])
        .select_related("slot", "patient")
        .first()
    )
    if appointment is None or appointment.patient.status != Patient.Status.ACTIVE:
        raise CodeNotAccepted(_refusal())
    return _arrive(appointment, actor=None, arrived_by=ArrivedBy.KIOSK, priority=_own(priority))


@retry_transaction
def check_in_on_site(*, appointment_id: UUID, actor: User) -> Visit:
    """The patient, or who acts for them, says on the own phone in the clinic that they are here: as `check_in`.

    The caller has proven the place. Sent again, it gives the visit that is there.

    Raises:
        NotYourAppointment: the account may not act for this patient.
        PatientNotActive: the record is archived or merged.
        CodeNotAccepted: the appointment is not an approved one of today.
        NotInWindow: more than two hours before or one hour after the time of the appointment.
        AlreadyWaiting: the patient already waits for this doctor today.
    """
    appointment = Appointment.objects.filter(pk=appointment_id).select_related("slot", "patient").first()
    if appointment is None or not may_act_for(actor, appointment.patient_id):
        raise NotYourAppointment(_("You can check in only for yourself and the people you act for."))
    if appointment.patient.status != Patient.Status.ACTIVE:
        raise PatientNotActive(_("Please go to the registration desk."))
    if clock.local(appointment.slot.starts_at).date() != clock.today():
        raise CodeNotAccepted(_("This appointment is not for today."))
    return _arrive(appointment, actor=actor, arrived_by=ArrivedBy.PHONE)


@retry_transaction
def take_number(*, priority: str = "") -> QueueTicket:
    """Give a number for the registration desk to somebody without a booking: R-001, counted anew each clinic day.

    Nothing about the person is stored but the priority they chose.
    """
    now, today = clock.now(), clock.today()
    ticket = QueueTicket.objects.create(
        issued_on=today, prefix=DESK_PREFIX, number=next_number(f"queue:{today.isoformat()}:{DESK_PREFIX}")
    )
    QueueStep.objects.create(
        ticket=ticket, queue_on=today, stage=Stage.REGISTRATION, due_at=now, entered_at=now,
        priority=_own(priority),
    )  # fmt: skip
    audit.record(
        "scheduling.ticket.taken",
        actor=None,
        target=ticket,
        detail={"ticket": ticket.label, "priority": _own(priority)},
    )
    queue.tick(None)
    return ticket


def is_late(visit: Visit) -> bool:
    """True when the patient came after the end of the booked time: the turn is that of the arrival."""
    return visit.appointment is not None and visit.arrived_at > visit.appointment.slot.ends_at


def _arrive(appointment: Appointment, *, actor: User | None, arrived_by: str, priority: str = "") -> Visit:
    if existing := _visit_of(appointment):
        return existing
    now, starts_at = clock.now(), appointment.slot.starts_at
    if appointment.status != Appointment.Status.APPROVED:
        raise CodeNotAccepted(_refusal())
    if not starts_at - EARLIEST_BEFORE <= now <= starts_at + LATEST_AFTER:
        raise NotInWindow(
            _(
                "Checking in here is possible from two hours before until one hour after the time of the appointment. "
                "Please go to the registration desk."
            )
        )
    try:
        return check_in(appointment_id=appointment.pk, actor=actor, priority=priority, arrived_by=arrived_by)
    except AppointmentNotOpen:
        # The desk was faster: what the patient needs is the number.
        if existing := _visit_of(appointment):
            return existing
        raise CodeNotAccepted(_refusal()) from None


def _own(priority: str) -> str:
    return priority if priority in OWN_PRIORITIES else ""


def _visit_of(appointment: Appointment) -> Visit | None:
    visits = Visit.objects.filter(appointment=appointment.pk).select_related("ticket", "service", "doctor")
    return visits.exclude(status__in=CLOSED_STATUSES).first()


def _refusal() -> str:
    return _("This code cannot be used here now. Check it, or go to the registration desk.")


def _tidy(code: str) -> str:
    """Return a code as it is stored: capitals without spaces and dashes; at most as long as a code."""
    return "".join(letter for letter in (code or "").upper()[:40] if letter.isalnum())[:10]

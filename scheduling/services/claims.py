"""What every booking does under its locks, whoever books: check the patient, take a slot, store the appointment.

Lock order: patients by id, slots by id, then appointments. UNIQUE (slot, active) has the last word.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from accounts.access import Capability, has_capability
from accounts.models import User
from core import clock
from core.db import locked
from core.errors import InvalidInput
from patients.guardians import may_act_for
from patients.models import CareTeamMember, Patient
from patients.services import add_to_care_team
from scheduling.errors import (
    AppointmentNotOpen,
    AppointmentOverlap,
    NotYourAppointment,
    PatientNotActive,
    SlotTaken,
    TooManyAppointments,
)
from scheduling.models import Appointment, PracticeSession, Service, Slot
from scheduling.services.lines import write_lines

MAX_COMPLAINT = 1000
LAST_CHANCE = timedelta(hours=1)  # before its time, a request that nobody decided gives the slot back
SHORTEST_HOLD = timedelta(minutes=30)  # of a request for a time that is near

Status = Appointment.Status


def checked_complaint(complaint: str) -> str:
    """Return a complaint without surrounding space.

    Raises:
        InvalidInput: it is empty or too long.
    """
    text = (complaint or "").strip()
    if not text:
        raise InvalidInput(_("Write what the visit is about."))
    if len(text) > MAX_COMPLAINT:
        raise InvalidInput(_("Shorten the complaint to %(limit)d characters.") % {"limit": MAX_COMPLAINT})
    return text


def require_may_act(actor: User, patient_id: UUID) -> None:
    """Refuse a portal account that may not act for this patient at this moment. Staff pass: their view has asked.

    Raises:
        NotYourAppointment: see above.
    """
    if not actor.is_staff_member and not may_act_for(actor, patient_id):
        raise NotYourAppointment(_("You can no longer act for this person. Nothing was booked."))


def require_active(patient: Patient) -> None:
    """Refuse a record that takes no bookings.

    Raises:
        PatientNotActive: it is archived.
    """
    if patient.status != Patient.Status.ACTIVE:
        raise PatientNotActive(_("This patient record is archived. Ask the administrator to reopen it."))


def lock_slots(slot_ids: Sequence[UUID]) -> dict[UUID, Slot]:
    """Return slots by id, locked in the order of their ids, with session, service and doctor read after the lock.

    Raises:
        SlotTaken: one of them does not exist (any more).
    """
    rows = {slot.pk: slot for slot in locked(Slot.objects.all()).filter(pk__in=set(slot_ids)).order_by("pk")}
    if len(rows) != len(set(slot_ids)):
        raise SlotTaken(slot_taken())
    sessions = PracticeSession.objects.select_related("service", "doctor__staff_profile")
    by_id = sessions.in_bulk({slot.session_id for slot in rows.values()})
    for slot in rows.values():
        slot.session = by_id[slot.session_id]
    return rows


def require_free(slot: Slot) -> None:
    """Refuse a locked slot that nobody can book now.

    Raises:
        SlotTaken: taken, in the past, closed, or no longer offered.
    """
    if not is_offered(slot) or Appointment.objects.filter(slot=slot, active=1).exists():
        raise SlotTaken(slot_taken())


def is_offered(slot: Slot) -> bool:
    """True for a time ahead that is open, of an approved session whose doctor and service are active; free or not."""
    session = slot.session
    return (
        session.status == PracticeSession.Status.APPROVED
        and session.service.is_active
        and session.doctor.is_active
        and not slot.is_closed
        and slot.starts_at > clock.now()
    )


def require_free_time(patient: Patient, slot: Slot, *, but: UUID | None = None) -> None:
    """Refuse a second appointment, or offer, of one patient at one time. The patient is locked.

    Raises:
        AppointmentOverlap: another one (than `but`) touches this time.
    """
    others = Appointment.objects.filter(
        patient=patient, status__in=HELD, slot__starts_at__lt=slot.ends_at, slot__ends_at__gt=slot.starts_at
    ).exclude(pk=but)
    if others.exists():
        raise AppointmentOverlap(
            _("There is already an appointment at this time. Choose another time, or cancel the other one.")
        )


def require_below_limit(patient: Patient, *, but: UUID | None = None) -> None:
    """Refuse a booking through the portal above `BOOKINGS_AHEAD`. The patient is locked; offers do not count.

    Raises:
        TooManyAppointments: see above.
    """
    ahead = Appointment.objects.filter(
        patient=patient, status__in=(Status.PENDING, Status.APPROVED), slot__ends_at__gt=clock.now()
    ).exclude(pk=but)
    if ahead.count() >= settings.BOOKINGS_AHEAD:
        raise TooManyAppointments(
            _("You already have %(most)d appointments ahead. Cancel one, or call the clinic to book more.")
            % {"most": settings.BOOKINGS_AHEAD}
        )


def insert(
    *,
    patient: Patient,
    slot: Slot,
    services: Sequence[Service],
    complaint: str,
    actor: User,
    source: str,
    key: UUID,
    status: str,
    held_until: datetime | None,
) -> Appointment:
    """Store an appointment with its lines; an approved one lets the doctor into the record.

    Raises:
        SlotTaken: another one has the slot.
    """
    now = clock.now()
    appointment = Appointment(
        patient=patient, slot=slot, doctor=slot.session.doctor, service=slot.session.service, complaint=complaint,
        price_idr=sum(service.price_idr for service in services), source=source, booked_at=now, booked_by=actor,
        status=status, decided_at=now if status == Status.APPROVED else None, held_until=held_until,
        idempotency_key=key,
    )  # fmt: skip
    try:
        with transaction.atomic():
            appointment.save(force_insert=True)
    except IntegrityError as error:
        raise SlotTaken(slot_taken()) from error
    write_lines(appointment, services)
    if status == Status.APPROVED:
        begin_care(appointment)
    return appointment


def first_status(slot: Slot, *, actor: User, source: str) -> str:
    """Return the state a booking begins in: APPROVED when the service is booked at once or its doctor books, else PENDING."""
    instant = slot.session.service.booking_mode == Service.BookingMode.INSTANT
    own = source == Appointment.Source.FOLLOW_UP and slot.session.doctor_id == actor.pk
    return Status.APPROVED if instant or own else Status.PENDING


def held_until(slot: Slot, status: str) -> datetime | None:
    """Return until when a booking keeps its slot without a decision; None when it needs none.

    `BOOKING_HOLD_HOURS` from now, at most until an hour before the time; a request for a time that is near stays half an
    hour, at most until the time itself.
    """
    if status != Status.PENDING:
        return None
    now = clock.now()
    latest = max(slot.starts_at - LAST_CHANCE, min(now + SHORTEST_HOLD, slot.starts_at))
    return min(now + timedelta(hours=settings.BOOKING_HOLD_HOURS), latest)


def lock_appointment(appointment_id: UUID) -> Appointment:
    """Return an appointment under lock, with slot, patient and doctor read after it and without one.

    `FOR UPDATE` over joins would lock doctor and patient rows on MariaDB.
    """
    appointment = Appointment.objects.select_for_update().get(pk=appointment_id)
    appointment.slot = Slot.objects.select_related("session__service").get(pk=appointment.slot_id)
    appointment.patient = Patient.objects.select_related("user").get(pk=appointment.patient_id)
    appointment.doctor = User.objects.select_related("staff_profile").get(pk=appointment.doctor_id)
    return appointment


def expect(appointment: Appointment, *statuses: str) -> None:
    """Refuse an appointment in another state.

    Raises:
        AppointmentNotOpen: the sentence says which.
    """
    if appointment.status not in statuses:
        raise AppointmentNotOpen(
            _("This appointment is already marked: %(status)s. Reload the page to see it.")
            % {"status": appointment.get_status_display()}
        )


def begin_care(appointment: Appointment) -> None:
    """Let the doctor of an appointment into the record; the patient's row is locked by the caller."""
    add_to_care_team(
        patient_id=appointment.patient_id,
        user_id=appointment.doctor_id,
        source=CareTeamMember.Source.APPOINTMENT,
        source_id=appointment.pk,
    )


def free_slot(slot_id: UUID) -> None:
    """After this transaction commits, offer the slot to who waits for it. What fails here, the sweep does a minute later."""
    from scheduling.services.waitlist import offer_freed_slot  # offers are bookings themselves

    transaction.on_commit(partial(offer_freed_slot, slot_id), robust=True)


def slot_taken() -> str:
    """Return the sentence of a lost slot."""
    return _("This time has just been taken. Please choose another time.")


def is_desk(actor: User) -> bool:
    """True for who may book and move for every patient."""
    return has_capability(actor, Capability.BOOK_APPOINTMENTS) or has_capability(actor, Capability.APPROVE_APPOINTMENTS)


HELD = (Status.PENDING, Status.APPROVED, Status.OFFERED)  # keep a time that is still to come

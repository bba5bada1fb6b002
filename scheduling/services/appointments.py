"""Appointments: claiming a slot, deciding, cancelling, noting who did not come."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

import audit
from accounts.models import User
from core import clock
from core.db import retry_transaction
from core.errors import InvalidInput
from patients.models import CareTeamMember, Patient
from patients.services import end_care
from patients.services.locks import lock_patient
from scheduling.errors import AppointmentNotOpen, NotOwnSession, SlotTaken, TooLateToChange
from scheduling.models import Appointment
from scheduling.services import claims
from scheduling.services.absences import closed_slots
from scheduling.services.claims import MAX_COMPLAINT, begin_care, checked_complaint, expect, lock_appointment
from scheduling.services.lines import chosen_services, minutes_of, require_room
from scheduling.services.sessions import needed_reason
from scheduling.services.telling import mail, portal_path, tell_booked, tell_doctor, tell_patient, tick

MAX_FUTURE_APPOINTMENTS = settings.BOOKINGS_AHEAD

Status = Appointment.Status

__all__ = [
    "MAX_COMPLAINT", "MAX_FUTURE_APPOINTMENTS", "approve_appointment", "book_appointment", "cancel_appointment", "mail",
    "mark_no_show", "portal_path", "reject_appointment", "require_in_time", "tell_patient", "tick", "undo_no_show",
]  # fmt: skip


@retry_transaction
def book_appointment(
    *,
    patient_id: UUID,
    slot_id: UUID,
    complaint: str,
    actor: User,
    source: str,
    idempotency_key: UUID,
    extra_service_ids: Sequence[UUID] = (),
) -> Appointment:
    """Claim a free future slot for a patient; doctor, first service and price come from the slot.

    A portal account books for itself and for the people whose guardian it is at this moment. Further services are lines of
    their own at today's prices; all of them together must fit the slot.

    An instant service is APPROVED at once, others wait as PENDING and keep the slot until `held_until`. The doctor joins
    the care team when it is approved. The same `idempotency_key` gives the same appointment again. Locks the patient row,
    then the slot; UNIQUE (slot, active) has the last word.

    Raises:
        SlotTaken: taken, in the past, closed, or no longer offered.
        TooManyAppointments: a portal booking above `BOOKINGS_AHEAD`.
        AppointmentOverlap: the patient has another appointment at this time.
        ServiceNotOffered, ServicesTooLong: the further services are not the doctor's, or do not fit.
        PatientNotActive: the record is archived.
        PatientNotFound, PatientMerged: it was deleted as a mistake, or merged, a moment ago.
        NotYourAppointment: a portal account books for somebody it may not act for.
        NotOwnSession: a follow-up into another doctor's session.
        InvalidInput: no complaint, a too long one, or a key of another patient, another time, or a booking that ended.
    """
    complaint = checked_complaint(complaint)
    patient = lock_patient(patient_id)
    return claim(
        patient=patient, slot_id=slot_id, complaint=complaint, actor=actor, source=source, key=idempotency_key,
        extra_service_ids=extra_service_ids,
    )  # fmt: skip


def claim(
    *,
    patient: Patient,
    slot_id: UUID,
    complaint: str,
    actor: User,
    source: str,
    key: UUID,
    extra_service_ids: Sequence[UUID] = (),
) -> Appointment:
    """Book for a patient who is locked by the caller; see `book_appointment`."""
    claims.require_may_act(actor, patient.pk)
    earlier = Appointment.objects.filter(idempotency_key=key).first()
    if earlier is not None:
        stands = earlier.status in (Status.PENDING, Status.APPROVED)
        if (earlier.patient_id, earlier.slot_id) != (patient.pk, slot_id) or not stands:
            raise InvalidInput(_("This form was used before. Start the booking again."))
        return earlier
    claims.require_active(patient)
    slot = claims.lock_slots([slot_id])[slot_id]
    claims.require_free(slot)
    if source == Appointment.Source.FOLLOW_UP and slot.session.doctor_id != actor.pk:
        raise NotOwnSession(_("A follow-up is booked into your own sessions. Ask the desk for a colleague's time."))
    claims.require_free_time(patient, slot)
    if source == Appointment.Source.PORTAL:
        claims.require_below_limit(patient)
    services = chosen_services(slot.session.service, extra_service_ids, slot.session.doctor)
    require_room(slot, minutes_of(services))
    status = claims.first_status(slot, actor=actor, source=source)
    appointment = claims.insert(
        patient=patient, slot=slot, services=services, complaint=complaint, actor=actor, source=source, key=key,
        status=status, held_until=claims.held_until(slot, status),
    )  # fmt: skip
    audit.record(
        "scheduling.appointment.booked", actor=actor, patient=patient.pk, target=appointment,
        detail={
            "slot": str(slot.pk), "status": appointment.status, "source": source, "price_idr": appointment.price_idr,
            "services": [service.code for service in services],
        },
    )  # fmt: skip
    tell_booked(appointment)
    return appointment


@retry_transaction
def approve_appointment(*, appointment_id: UUID, actor: User) -> Appointment:
    """Accept a booking: PENDING -> APPROVED, once; the patient gets a mail and a notice, the doctor joins the care team.

    Locks the patient row, then the appointment: the care team's new row refers to the patient.

    Raises:
        AppointmentNotOpen: it is not waiting for approval, was not decided in time, or its time has passed or is one at
            which nobody practises.
    """
    patient_id = Appointment.objects.values_list("patient_id", flat=True).get(pk=appointment_id)
    Patient.objects.select_for_update().only("id").get(pk=patient_id)
    appointment = lock_appointment(appointment_id)
    now = clock.now()
    lapsed = (
        appointment.status == Status.PENDING and appointment.held_until is not None and appointment.held_until <= now
    )
    if appointment.status == Status.EXPIRED or lapsed:
        raise AppointmentNotOpen(
            _("This request was not decided in time, and its time was given back. Book a new time for the patient.")
        )
    expect(appointment, Status.PENDING)
    if appointment.slot.starts_at <= now:
        raise AppointmentNotOpen(_("The time of this booking has passed. Reject it and book a new time."))
    if closed_slots().filter(pk=appointment.slot_id).exists():
        raise AppointmentNotOpen(
            _(
                "Nobody practises at this time: the doctor is away or has left, or the clinic is closed. Move the booking."
            )
        )
    begin_care(appointment)
    return _decide(appointment, Status.APPROVED, actor=actor)


@retry_transaction
def reject_appointment(*, appointment_id: UUID, actor: User, reason: str) -> Appointment:
    """Refuse a booking with a reason the patient reads: PENDING -> REJECTED; the slot is free again.

    The mail names free times near it.

    Raises:
        ReasonMissing: no reason was given.
        AppointmentNotOpen: it is not waiting for approval.
    """
    reason = needed_reason(reason, limit=500)
    appointment = lock_appointment(appointment_id)
    expect(appointment, Status.PENDING)
    return _decide(appointment, Status.REJECTED, actor=actor, reason=reason)


@retry_transaction
def cancel_appointment(*, appointment_id: UUID, actor: User, reason: str) -> Appointment:
    """Cancel a booking that has not arrived: PENDING or APPROVED -> CANCELLED; the slot is free again.

    Staff give a reason. A patient may cancel their own one until `BOOKING_CHANGE_HOURS` before it; a reason is optional then.

    Raises:
        ReasonMissing: staff gave no reason.
        NotYourAppointment: a patient tried another person's.
        AppointmentNotOpen: arrived, finished, already cancelled; or its time has passed for a patient.
        TooLateToChange: a patient, so shortly before the time that they have to call.
    """
    appointment = lock_appointment(appointment_id)
    if actor.is_staff_member:
        reason = needed_reason(reason, limit=500)
    else:
        reason = (reason or "").strip()[:500]
        claims.require_may_act(actor, appointment.patient_id)
    expect(appointment, Status.PENDING, Status.APPROVED)
    if not actor.is_staff_member:
        require_in_time(appointment)
    return _decide(appointment, Status.CANCELLED, actor=actor, reason=reason)


def require_in_time(appointment: Appointment) -> None:
    """Refuse what a patient may not do by themselves any more, so shortly before the appointment.

    Raises:
        AppointmentNotOpen: its time has passed.
        TooLateToChange: it is less than `BOOKING_CHANGE_HOURS` ahead.
    """
    now = clock.now()
    if appointment.slot.starts_at <= now:
        raise AppointmentNotOpen(_("The time of this appointment has passed, so it can no longer be changed."))
    if appointment.slot.starts_at - timedelta(hours=settings.BOOKING_CHANGE_HOURS) < now:
        raise TooLateToChange(
            _("This can be changed here until %(hours)d hours before the appointment. Please call us at %(phone)s.")
            % {"hours": settings.BOOKING_CHANGE_HOURS, "phone": settings.CLINIC_PHONE}
        )


@retry_transaction
def mark_no_show(*, appointment_id: UUID, actor: User | None) -> Appointment:
    """Note that the patient did not come: APPROVED -> NO_SHOW, after the time of the appointment. `actor` None: the system.

    Raises:
        AppointmentNotOpen: it is not approved, or its time has not come.
    """
    appointment = lock_appointment(appointment_id)
    expect(appointment, Status.APPROVED)
    if appointment.slot.starts_at > clock.now():
        raise AppointmentNotOpen(_("The time of this appointment has not come yet."))
    appointment.status, appointment.decided_at, appointment.decided_by = Status.NO_SHOW, clock.now(), actor
    appointment.save(update_fields=["status", "decided_at", "decided_by"])
    end_care(source=CareTeamMember.Source.APPOINTMENT, source_id=appointment.pk)
    audit.record("scheduling.appointment.no_show", actor=actor, patient=appointment.patient_id, target=appointment)
    tick(appointment.patient)
    return appointment


@retry_transaction
def undo_no_show(*, appointment_id: UUID, actor: User) -> Appointment:
    """Take back on the same clinic day that a patient did not come: NO_SHOW -> APPROVED, to be checked in.

    Locks the patient row, then the appointment.

    Raises:
        AppointmentNotOpen: it is not marked so, or was for another day.
        SlotTaken: somebody else has the time now.
    """
    patient_id = Appointment.objects.values_list("patient_id", flat=True).get(pk=appointment_id)
    lock_patient(patient_id)
    appointment = lock_appointment(appointment_id)
    expect(appointment, Status.NO_SHOW)
    if clock.local(appointment.slot.starts_at).date() != clock.today():
        raise AppointmentNotOpen(_("This can be taken back on the day of the appointment only. Book a new time."))
    appointment.status, appointment.decided_at, appointment.decided_by = Status.APPROVED, clock.now(), actor
    try:
        with transaction.atomic():
            appointment.save(update_fields=["status", "decided_at", "decided_by"])
    except IntegrityError as error:
        raise SlotTaken(_("Somebody else has this time now. Register the patient as a walk-in.")) from error
    begin_care(appointment)
    audit.record("scheduling.appointment.no_show_undone", actor=actor, patient=patient_id, target=appointment)
    tick(appointment.patient)
    return appointment


def _decide(appointment: Appointment, status: str, *, actor: User, reason: str = "") -> Appointment:
    appointment.status, appointment.reason, appointment.held_until = status, reason, None
    appointment.decided_at, appointment.decided_by = clock.now(), actor
    if status == Status.CANCELLED or (status == Status.REJECTED and appointment.sequence):
        appointment.sequence += 1  # a calendar entry was sent, and has to go
    appointment.save(update_fields=["status", "reason", "held_until", "decided_at", "decided_by", "sequence"])
    if status not in Appointment.CARE_STATUSES:
        end_care(source=CareTeamMember.Source.APPOINTMENT, source_id=appointment.pk)
        claims.free_slot(appointment.slot_id)
    audit.record(f"scheduling.appointment.{status}", actor=actor, patient=appointment.patient_id, target=appointment)
    kind = f"appointment_{status}"
    # A booking that its patient moved is approved again, and the new time needs its own mail.
    again = f":{appointment.sequence}" if status == Status.APPROVED and appointment.sequence else ""
    mail(
        appointment, template=kind, dedupe_key=f"{kind}:{appointment.pk}{again}", with_other_times=actor.is_staff_member
    )  # fmt: skip
    tell_patient(appointment, kind=kind, but=actor)
    if status == Status.APPROVED:
        tell_doctor(appointment, "appointment_booked")
    elif status == Status.CANCELLED and appointment.doctor_id != actor.pk:
        tell_doctor(appointment, "appointment_withdrawn")
    tick(appointment.patient)
    return appointment

"""Moving an appointment to another time."""

from __future__ import annotations

from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

import audit
from accounts.models import User
from core import clock
from core.db import retry_transaction
from notifications.services import notify
from patients.models import CareTeamMember
from patients.services import end_care
from patients.services.locks import lock_patient
from scheduling.errors import AppointmentChanged, ServiceNotOffered, SlotTaken, TooManyMoves
from scheduling.models import Appointment, AppointmentMove, Service, Slot
from scheduling.services import claims
from scheduling.services.appointments import require_in_time
from scheduling.services.catalogue import services_of
from scheduling.services.lines import require_room
from scheduling.services.telling import ask_for_approval, mail, staff_path, tell_doctor, tell_patient, tick

Status = Appointment.Status


@retry_transaction
def reschedule_appointment(
    *, appointment_id: UUID, slot_id: UUID, actor: User, reason: str = "", expected_slot_id: UUID | None = None
) -> Appointment:
    """Give a booking that has not arrived another time of the same service, in one act: code, services and prices stay.

    Staff move a PENDING or APPROVED one, and it keeps its state. A patient moves an own future one until
    `BOOKING_CHANGE_HOURS` before it and at most `BOOKING_MOVES` times; when staff approve this service, it waits for approval
    again, and the doctor reads nothing until then. The old slot is offered to who waits. Moving to the slot it has
    changes nothing.

    Locks the patient row, both slots by id, then the appointment; UNIQUE (slot, active) has the last word.

    Raises:
        SlotTaken: the new slot is taken, in the past, closed, or no longer offered.
        AppointmentChanged: it does not stand on `expected_slot_id` any more.
        AppointmentNotOpen: arrived, finished, cancelled; or its time has passed for a patient.
        AppointmentOverlap: the patient has another appointment at the new time.
        ServiceNotOffered, ServicesTooLong: another service, or the new time cannot hold what was booked.
        NotYourAppointment: a portal account may not act for the patient.
        TooLateToChange, TooManyMoves: the limits for patients.
        PatientNotActive, PatientNotFound, PatientMerged: see `book_appointment`.
    """
    patient = lock_patient(Appointment.objects.values_list("patient_id", flat=True).get(pk=appointment_id))
    claims.require_may_act(actor, patient.pk)
    old_slot_id = Appointment.objects.values_list("slot_id", flat=True).get(pk=appointment_id)
    slots = claims.lock_slots([old_slot_id, slot_id])
    appointment = claims.lock_appointment(appointment_id)
    old, new = slots[old_slot_id], slots[slot_id]
    claims.expect(appointment, Status.PENDING, Status.APPROVED)
    if expected_slot_id is not None and old_slot_id != expected_slot_id:
        raise AppointmentChanged(_("This appointment was moved meanwhile. Reload the page to see its time."))
    if old.pk == new.pk:
        return appointment
    claims.require_active(patient)
    _check(appointment, old, new, actor)
    _store(appointment, old, new, actor=actor, reason=reason)
    audit.record(
        "scheduling.appointment.moved", actor=actor, patient=patient.pk, target=appointment,
        detail={"from": str(old.pk), "to": str(new.pk), "status": appointment.status},
    )  # fmt: skip
    _tell(appointment, old, actor)
    return appointment


def _check(appointment: Appointment, old: Slot, new: Slot, actor: User) -> None:
    if not actor.is_staff_member:
        require_in_time(appointment)
        movers = appointment.moves.select_related("moved_by")
        own = sum(move.moved_by is not None and not move.moved_by.is_staff_member for move in movers)
        if own >= settings.BOOKING_MOVES:
            raise TooManyMoves(
                _("This appointment was moved %(most)d times already. Please call us at %(phone)s.")
                % {"most": settings.BOOKING_MOVES, "phone": settings.CLINIC_PHONE}
            )
    claims.require_free(new)
    if new.session.service_id != appointment.service_id:
        raise ServiceNotOffered(_("This time is for another service. Choose a time of the same service."))
    lines = list(appointment.lines.all())
    extra = {line.service_id for line in lines} - {appointment.service_id}
    if extra:
        if new.session.doctor_id != old.session.doctor_id:
            given = services_of(new.session.doctor).filter(pk__in=extra).count()
            if given != len(extra):
                raise ServiceNotOffered(_("This doctor does not offer all services of this appointment."))
        require_room(new, sum(line.duration_minutes for line in lines))
    claims.require_free_time(appointment.patient, new, but=appointment.pk)


def _store(appointment: Appointment, old: Slot, new: Slot, *, actor: User, reason: str) -> None:
    asks_again = not actor.is_staff_member and new.session.service.booking_mode == Service.BookingMode.APPROVAL
    was_approved, other_doctor = appointment.status == Status.APPROVED, appointment.doctor_id != new.session.doctor_id
    appointment.slot, appointment.doctor = new, new.session.doctor
    appointment.sequence += 1
    if asks_again:
        appointment.status, appointment.decided_at, appointment.decided_by = Status.PENDING, None, None
    appointment.held_until = claims.held_until(new, appointment.status)
    try:
        with transaction.atomic():
            appointment.save(
                update_fields=["slot", "doctor", "sequence", "status", "held_until", "decided_at", "decided_by"]
            )
    except IntegrityError as error:
        raise SlotTaken(claims.slot_taken()) from error
    AppointmentMove.objects.create(
        appointment=appointment, from_slot=old, to_slot=new, reason=(reason or "").strip()[:500],
        moved_at=clock.now(), moved_by=actor,
    )  # fmt: skip
    if was_approved and (asks_again or other_doctor):
        end_care(source=CareTeamMember.Source.APPOINTMENT, source_id=appointment.pk)
    if appointment.status == Status.APPROVED:
        claims.begin_care(appointment)
    claims.free_slot(old.pk)


def _tell(appointment: Appointment, old: Slot, actor: User) -> None:
    mail(
        appointment, template="appointment_moved", old_starts_at=old.starts_at,
        dedupe_key=f"appointment_moved:{appointment.pk}:{appointment.sequence}",
    )  # fmt: skip
    tell_patient(appointment, kind="appointment_moved", but=actor)
    if old.session.doctor_id != actor.pk and old.session.doctor_id != appointment.doctor_id:
        # Nothing of the patient, and no way to the booking: it is not this doctor's any more.
        notify(
            recipients=[old.session.doctor],
            kind="appointment_withdrawn",
            params={"doctor": old.session.doctor.display_name, "starts_at": old.starts_at},
        )
    if appointment.status == Status.PENDING:
        ask_for_approval(appointment)
    elif old.session.doctor_id != appointment.doctor_id:
        tell_doctor(appointment, "appointment_booked")
    elif appointment.doctor_id != actor.pk:
        notify(
            recipients=[appointment.doctor],
            kind="appointment_moved_away",
            params={
                "doctor": appointment.doctor.display_name,
                "old_starts_at": old.starts_at,
                "starts_at": appointment.slot.starts_at,
            },
            path=staff_path(appointment),
        )
    tick(appointment.patient)

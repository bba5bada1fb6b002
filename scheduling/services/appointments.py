"""Appointments: claiming a slot, deciding, cancelling."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils.translation import gettext as _

import audit
from accounts.access import Capability
from accounts.models import User
from core import clock, live
from core.db import retry_transaction
from core.errors import InvalidInput
from notifications.models import Email
from notifications.services import notify, notify_capability
from patients.guardians import may_act_for, user_ids_of
from patients.models import CareTeamMember, Patient
from patients.services import add_to_care_team, end_care, mail_patient, notify_patient
from scheduling.errors import (
    AppointmentNotOpen,
    AppointmentOverlap,
    NotYourAppointment,
    PatientNotActive,
    SlotTaken,
    TooManyAppointments,
)
from scheduling.models import Appointment, PracticeSession, Service, Slot
from scheduling.services.sessions import needed_reason

MAX_FUTURE_APPOINTMENTS = 3
MAX_COMPLAINT = 1000

Status = Appointment.Status


@retry_transaction
def book_appointment(
    *, patient_id: UUID, slot_id: UUID, complaint: str, actor: User, source: str, idempotency_key: UUID
) -> Appointment:
    """Claim a free future slot for a patient; doctor, service and price come from the slot.

    A portal account books for itself and for the people whose guardian it is at this moment.

    An instant service is APPROVED at once, others wait as PENDING. The doctor joins the care team when it is approved.
    The same `idempotency_key` gives the same appointment again. Locks the patient row, then the slot; UNIQUE (slot, active) has
    the last word.

    Raises:
        SlotTaken: taken, in the past, or no longer offered.
        TooManyAppointments: a portal booking above `MAX_FUTURE_APPOINTMENTS`.
        AppointmentOverlap: the patient has another appointment at this time.
        PatientNotActive: the record is archived.
        NotYourAppointment: a portal account books for somebody it may not act for.
        InvalidInput: no complaint, a too long one, or a key that belongs to another patient.
    """
    complaint = _checked_complaint(complaint)
    patient = Patient.objects.select_for_update().get(pk=patient_id)
    if not actor.is_staff_member and not may_act_for(actor, patient.pk):
        raise NotYourAppointment(_("You can no longer act for this person. Nothing was booked."))
    earlier = Appointment.objects.filter(idempotency_key=idempotency_key).first()
    if earlier is not None:
        if earlier.patient_id != patient.pk:
            raise InvalidInput(_("This form was used before. Start the booking again."))
        return earlier
    if patient.status != Patient.Status.ACTIVE:
        raise PatientNotActive(_("This patient record is archived. Ask the administrator to reopen it."))
    slot = _lock_free_slot(slot_id)
    _check_other_appointments(patient, slot, source)
    session = slot.session
    instant = session.service.booking_mode == Service.BookingMode.INSTANT
    now = clock.now()
    appointment = Appointment(
        patient=patient, slot=slot, doctor_id=session.doctor_id, service=session.service,
        price_idr=session.service.price_idr, complaint=complaint, source=source, booked_at=now, booked_by=actor,
        status=Status.APPROVED if instant else Status.PENDING, decided_at=now if instant else None,
        idempotency_key=idempotency_key,
    )  # fmt: skip
    try:
        with transaction.atomic():
            appointment.save(force_insert=True)
    except IntegrityError as error:
        raise SlotTaken(_slot_taken()) from error
    if instant:
        _begin_care(appointment)
    audit.record(
        "scheduling.appointment.booked", actor=actor, patient=patient.pk, target=appointment,
        detail={"slot": str(slot.pk), "status": appointment.status, "source": source, "price_idr": appointment.price_idr},
    )  # fmt: skip
    _tell_booked(appointment)
    return appointment


@retry_transaction
def approve_appointment(*, appointment_id: UUID, actor: User) -> Appointment:
    """Accept a booking: PENDING -> APPROVED, once; the patient gets a mail and a notice, the doctor joins the care team.

    Locks the patient row, then the appointment: the care team's new row refers to the patient.

    Raises:
        AppointmentNotOpen: it is not waiting for approval, or its time has passed.
    """
    patient_id = Appointment.objects.values_list("patient_id", flat=True).get(pk=appointment_id)
    Patient.objects.select_for_update().only("id").get(pk=patient_id)
    appointment = _lock(appointment_id)
    _expect(appointment, Status.PENDING)
    if appointment.slot.starts_at <= clock.now():
        raise AppointmentNotOpen(_("The time of this booking has passed. Reject it and book a new time."))
    _begin_care(appointment)
    return _decide(appointment, Status.APPROVED, actor=actor)


@retry_transaction
def reject_appointment(*, appointment_id: UUID, actor: User, reason: str) -> Appointment:
    """Refuse a booking with a reason the patient reads: PENDING -> REJECTED; the slot is free again.

    Raises:
        ReasonMissing: no reason was given.
        AppointmentNotOpen: it is not waiting for approval.
    """
    reason = needed_reason(reason, limit=500)
    appointment = _lock(appointment_id)
    _expect(appointment, Status.PENDING)
    return _decide(appointment, Status.REJECTED, actor=actor, reason=reason)


@retry_transaction
def cancel_appointment(*, appointment_id: UUID, actor: User, reason: str) -> Appointment:
    """Cancel a booking that has not arrived: PENDING or APPROVED -> CANCELLED; the slot is free again.

    Staff give a reason. A patient may cancel their own one while it is in the future; a reason is optional then.

    Raises:
        ReasonMissing: staff gave no reason.
        NotYourAppointment: a patient tried another person's.
        AppointmentNotOpen: arrived, finished, already cancelled; or a patient was too late.
    """
    appointment = _lock(appointment_id)
    if actor.is_staff_member:
        reason = needed_reason(reason, limit=500)
    else:
        reason = (reason or "").strip()[:500]
        if not may_act_for(actor, appointment.patient_id):
            raise NotYourAppointment(_("This appointment belongs to another person."))
    _expect(appointment, Status.PENDING, Status.APPROVED)
    if not actor.is_staff_member and appointment.slot.starts_at <= clock.now():
        raise AppointmentNotOpen(_("The time of this appointment has passed, so it can no longer be cancelled."))
    return _decide(appointment, Status.CANCELLED, actor=actor, reason=reason)


@retry_transaction
def mark_no_show(*, appointment_id: UUID, actor: User | None) -> Appointment:
    """Note that the patient did not come: APPROVED -> NO_SHOW, after the time of the appointment. `actor` None: the system.

    Raises:
        AppointmentNotOpen: it is not approved, or its time has not come.
    """
    appointment = _lock(appointment_id)
    _expect(appointment, Status.APPROVED)
    if appointment.slot.starts_at > clock.now():
        raise AppointmentNotOpen(_("The time of this appointment has not come yet."))
    appointment.status, appointment.decided_at, appointment.decided_by = Status.NO_SHOW, clock.now(), actor
    appointment.save(update_fields=["status", "decided_at", "decided_by"])
    end_care(source=CareTeamMember.Source.APPOINTMENT, source_id=appointment.pk)
    audit.record("scheduling.appointment.no_show", actor=actor, patient=appointment.patient_id, target=appointment)
    tick(appointment.patient)
    return appointment


def mail(appointment: Appointment, *, template: str, dedupe_key: str) -> Email | None:
    """Queue one mail about an appointment to its patient, in the patient's language; None without an address."""
    context = {
        "doctor": appointment.doctor.display_name,
        "starts_at": appointment.slot.starts_at,
        "path": portal_path(appointment),
    }
    if appointment.reason and template in ("appointment_rejected", "appointment_cancelled"):
        context["reason"] = appointment.reason
    return mail_patient(patient=appointment.patient, template=template, context=context, dedupe_key=dedupe_key)


def tell_patient(appointment: Appointment, *, kind: str, but: User | None = None) -> None:
    """Put a notice about an appointment into the lists of its patient and guardians, except of the account that did it."""
    params = {"doctor": appointment.doctor.display_name, "starts_at": appointment.slot.starts_at}
    notify_patient(patient=appointment.patient, kind=kind, params=params, path=portal_path(appointment), but=but)


def portal_path(appointment: Appointment) -> str:
    """Return the address of an appointment in the patient portal."""
    return reverse("scheduling:portal-appointment-detail", args=[appointment.pk])


def tick(patient: Patient) -> None:
    """Tell open screens that appointments changed: staff, the patient it is about, and their guardians."""
    live.changed(live.APPOINTMENTS, user_ids=user_ids_of(patient))


def _checked_complaint(complaint: str) -> str:
    text = (complaint or "").strip()
    if not text:
        raise InvalidInput(_("Write what the visit is about."))
    if len(text) > MAX_COMPLAINT:
        raise InvalidInput(_("Shorten the complaint to %(limit)d characters.") % {"limit": MAX_COMPLAINT})
    return text


def _lock_free_slot(slot_id: UUID) -> Slot:
    slot = Slot.objects.select_for_update().filter(pk=slot_id).first()
    if slot is None:
        raise SlotTaken(_slot_taken())
    session = slot.session = PracticeSession.objects.select_related("service", "doctor").get(pk=slot.session_id)
    offered = (
        session.status == PracticeSession.Status.APPROVED
        and session.service.is_active
        and session.doctor.is_active
        and slot.starts_at > clock.now()
    )
    if not offered or Appointment.objects.filter(slot=slot, active=1).exists():
        raise SlotTaken(_slot_taken())
    return slot


def _slot_taken() -> str:
    return _("This time has just been taken. Please choose another time.")


def _check_other_appointments(patient: Patient, slot: Slot, source: str) -> None:
    future = Appointment.objects.filter(
        patient=patient, status__in=(Status.PENDING, Status.APPROVED), slot__ends_at__gt=clock.now()
    )
    spans = list(future.values_list("slot__starts_at", "slot__ends_at"))
    if any(start < slot.ends_at and end > slot.starts_at for start, end in spans):
        raise AppointmentOverlap(
            _("There is already an appointment at this time. Choose another time, or cancel the other one.")
        )
    if source == Appointment.Source.PORTAL and len(spans) >= MAX_FUTURE_APPOINTMENTS:
        raise TooManyAppointments(
            _("You already have %(most)d appointments ahead. Cancel one, or call the clinic to book more.")
            % {"most": MAX_FUTURE_APPOINTMENTS}
        )


def _lock(appointment_id: UUID) -> Appointment:
    appointment = Appointment.objects.select_for_update().get(pk=appointment_id)
    # Loaded after the lock and without it: `FOR UPDATE` over joins would lock doctor and patient rows on MariaDB.
    appointment.slot = Slot.objects.get(pk=appointment.slot_id)
    appointment.patient = Patient.objects.select_related("user").get(pk=appointment.patient_id)
    appointment.doctor = User.objects.select_related("staff_profile").get(pk=appointment.doctor_id)
    return appointment


def _expect(appointment: Appointment, *statuses: str) -> None:
    if appointment.status not in statuses:
        raise AppointmentNotOpen(
            _("This appointment is already marked: %(status)s. Reload the page to see it.")
            % {"status": appointment.get_status_display()}
        )


def _begin_care(appointment: Appointment) -> None:
    add_to_care_team(
        patient_id=appointment.patient_id,
        user_id=appointment.doctor_id,
        source=CareTeamMember.Source.APPOINTMENT,
        source_id=appointment.pk,
    )


def _decide(appointment: Appointment, status: str, *, actor: User, reason: str = "") -> Appointment:
    appointment.status, appointment.reason = status, reason
    appointment.decided_at, appointment.decided_by = clock.now(), actor
    appointment.save(update_fields=["status", "reason", "decided_at", "decided_by"])
    if status not in Appointment.CARE_STATUSES:
        end_care(source=CareTeamMember.Source.APPOINTMENT, source_id=appointment.pk)
    audit.record(f"scheduling.appointment.{status}", actor=actor, patient=appointment.patient_id, target=appointment)
    kind = f"appointment_{status}"
    mail(appointment, template=kind, dedupe_key=f"{kind}:{appointment.pk}")
    tell_patient(appointment, kind=kind, but=actor)
    if status == Status.APPROVED:
        _tell_doctor(appointment, "appointment_booked")
    elif status == Status.CANCELLED and appointment.doctor_id != actor.pk:
        _tell_doctor(appointment, "appointment_withdrawn")
    tick(appointment.patient)
    return appointment


def _tell_booked(appointment: Appointment) -> None:
    # The mail says what is true now: an instant booking needs no "waiting" mail first.
    approved = appointment.status == Status.APPROVED
    kind = "appointment_approved" if approved else "appointment_requested"
    mail(appointment, template=kind, dedupe_key=f"{kind}:{appointment.pk}")
    tell_patient(appointment, kind="appointment_approved" if approved else "appointment_received")
    if approved:
        _tell_doctor(appointment, "appointment_booked")
    else:
        notify_capability(
            Capability.APPROVE_APPOINTMENTS,
            kind="appointment_requested",
            params={"doctor": appointment.doctor.display_name, "starts_at": appointment.slot.starts_at},
            path=_staff_path(appointment),
        )
    tick(appointment.patient)


def _tell_doctor(appointment: Appointment, kind: str) -> None:
    params: dict[str, Any] = {"starts_at": appointment.slot.starts_at}
    path = _staff_path(appointment)
    if kind == "appointment_withdrawn":
        params["doctor"] = appointment.doctor.display_name
        path = reverse("scheduling:calendar")  # the booking itself is no longer the doctor's to read
    notify(recipients=[appointment.doctor], kind=kind, params=params, path=path)


def _staff_path(appointment: Appointment) -> str:
    return reverse("scheduling:appointment-detail", args=[appointment.pk])

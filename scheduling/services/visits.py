"""Visits: arrival with a queue number, and the way through the clinic."""

from __future__ import annotations

from uuid import UUID

from django.db.models import F
from django.utils.translation import gettext as _

import audit
from accounts.access import Role
from accounts.models import User
from core import clock, live
from core.db import next_number, retry_transaction
from core.errors import InvalidInput
from notifications.services import notify
from patients.guardians import user_ids_of
from patients.models import CareTeamMember, Patient
from patients.services import add_to_care_team, end_care, notify_patient
from scheduling.errors import (
    AlreadyWaiting,
    AppointmentNotOpen,
    NotVisitDoctor,
    PatientNotActive,
    VisitNotOpen,
    WrongDay,
)
from scheduling.models import NURSE_CARE, Appointment, QueueTicket, Service, Slot, Visit
from scheduling.services.appointments import MAX_COMPLAINT
from scheduling.services.sessions import needed_reason, offered_service

Status = Visit.Status

CLOSED_STATUSES = (Status.FINISHED, Status.CANCELLED)
OPEN_STATUSES = tuple(status for status in Status if status not in CLOSED_STATUSES)
BEFORE_DOCTOR = (Status.ARRIVED, Status.TRIAGE, Status.WAITING)
AFTER_DOCTOR = (Status.PHARMACY, Status.CASHIER)


@retry_transaction
def check_in(*, appointment_id: UUID, actor: User, is_priority: bool = False) -> Visit:
    """The patient of an approved appointment is here: APPROVED -> ARRIVED, with a visit and a queue number.

    Locks the patient row, then the appointment; the numbers come last.

    Raises:
        AppointmentNotOpen: it is not approved (any more), or already checked in.
        WrongDay: it is not for today (clinic date).
        AlreadyWaiting: the patient already waits for this doctor today.
    """
    patient_id = Appointment.objects.values_list("patient_id", flat=True).get(pk=appointment_id)
    patient = Patient.objects.select_for_update().get(pk=patient_id)
    appointment = Appointment.objects.select_for_update().get(pk=appointment_id)
    if appointment.status != Appointment.Status.APPROVED:
        raise AppointmentNotOpen(
            _("Only an approved appointment can be checked in. This one is marked: %(status)s.")
            % {"status": appointment.get_status_display()}
        )
    if clock.local(Slot.objects.get(pk=appointment.slot_id).starts_at).date() != clock.today():
        raise WrongDay(_("This appointment is for another day. Register a walk-in visit for today instead."))
    visit = _open_visit(
        patient=patient, service=Service.objects.get(pk=appointment.service_id), doctor_id=appointment.doctor_id,
        price_idr=appointment.price_idr, complaint=appointment.complaint, actor=actor, is_priority=is_priority,
        appointment=appointment,
    )  # fmt: skip
    appointment.status = Appointment.Status.ARRIVED
    appointment.save(update_fields=["status"])
    live.changed(live.APPOINTMENTS, user_ids=user_ids_of(patient))
    return visit


@retry_transaction
def register_walk_in(
    *, patient_id: UUID, service_id: UUID, doctor_id: UUID, complaint: str, actor: User, is_priority: bool = False
) -> Visit:
    """A patient without an appointment is here: a visit of today with a queue number; the price is today's list price.

    Raises:
        ServiceNotOffered: the doctor does not offer the service, or is not active.
        PatientNotActive: the record is archived.
        AlreadyWaiting: the patient already waits for this doctor today.
        InvalidInput: no complaint, or a too long one.
    """
    complaint = (complaint or "").strip()
    if not complaint:
        raise InvalidInput(_("Write what the visit is about."))
    if len(complaint) > MAX_COMPLAINT:
        raise InvalidInput(_("Shorten the complaint to %(limit)d characters.") % {"limit": MAX_COMPLAINT})
    patient = Patient.objects.select_for_update().get(pk=patient_id)
    service = offered_service(service_id=service_id, doctor_id=doctor_id)
    return _open_visit(
        patient=patient, service=service, doctor_id=doctor_id, price_idr=service.price_idr, complaint=complaint,
        actor=actor, is_priority=is_priority, appointment=None,
    )  # fmt: skip


def lock_visit(visit_id: UUID) -> Visit:
    """Return the visit, locked until the caller's transaction ends. First lock of every change to a visit, its note,
    its prescription or its bill.

    Raises:
        Visit.DoesNotExist: there is no such visit.
    """
    return Visit.objects.select_for_update().get(pk=visit_id)


@retry_transaction
def call_ticket(*, visit_id: UUID, actor: User) -> QueueTicket:
    """Call the visit's number, or call it again: counts the call and stamps its time.

    Raises:
        VisitNotOpen: the visit is finished or cancelled.
    """
    visit = lock_visit(visit_id)
    _expect(visit, *OPEN_STATUSES)
    QueueTicket.objects.filter(visit=visit).update(call_count=F("call_count") + 1, called_at=clock.now())
    ticket = QueueTicket.objects.get(visit=visit)
    audit.record(
        "scheduling.ticket.called", actor=actor, patient=visit.patient_id, target=visit,
        detail={"ticket": ticket.label, "count": ticket.call_count},
    )  # fmt: skip
    room = visit.doctor.staff_profile.room or visit.service.name
    notify_patient(patient=visit.patient, kind="patient_called", params={"queue": ticket.label, "room": room})
    _tick(visit)
    return ticket


@retry_transaction
def start_triage(*, visit_id: UUID, actor: User) -> Visit:
    """The nurse takes the patient: ARRIVED -> TRIAGE.

    Raises:
        VisitNotOpen: the patient is not newly arrived.
    """
    visit = lock_visit(visit_id)
    _expect(visit, Status.ARRIVED)
    return _move(visit, Status.TRIAGE, actor=actor)


@retry_transaction
def finish_triage(*, visit_id: UUID, actor: User) -> Visit:
    """Vitals are taken: ARRIVED or TRIAGE -> WAITING. A visit that already waits stays as it is.

    Raises:
        VisitNotOpen: the patient is past this step.
    """
    visit = lock_visit(visit_id)
    _expect(visit, *BEFORE_DOCTOR)
    if visit.status == Status.WAITING and visit.triaged_at is not None:
        return visit
    visit.triaged_at = visit.triaged_at or clock.now()
    notify(recipients=[visit.doctor], kind="patient_waiting", params={"queue": visit.ticket.label})
    return _move(visit, Status.WAITING, actor=actor, also=["triaged_at"])


@retry_transaction
def start_consultation(*, visit_id: UUID, actor: User) -> Visit:
    """The doctor of the visit takes the patient in: -> IN_CONSULTATION. Opening it again changes nothing.

    Raises:
        NotVisitDoctor: another doctor tried.
        VisitNotOpen: the visit is past the doctor, finished or cancelled.
    """
    visit = lock_visit(visit_id)
    if visit.doctor_id != actor.pk:
        raise NotVisitDoctor(_("This patient waits for another doctor."))
    if visit.status == Status.IN_CONSULTATION:
        return visit
    _expect(visit, *BEFORE_DOCTOR)
    visit.started_at = clock.now()
    return _move(visit, Status.IN_CONSULTATION, actor=actor, also=["started_at"])


@retry_transaction
def close_consultation(*, visit_id: UUID, actor: User, next_status: str) -> Visit:
    """The doctor is done: IN_CONSULTATION -> PHARMACY, CASHIER or FINISHED; the appointment is FINISHED.

    Raises:
        NotVisitDoctor: another doctor tried.
        VisitNotOpen: the patient is not with the doctor.
        ValueError: `next_status` is no place to go from the doctor.
    """
    if next_status not in (*AFTER_DOCTOR, Status.FINISHED):
        raise ValueError(next_status)
    visit = lock_visit(visit_id)
    if visit.doctor_id != actor.pk:
        raise NotVisitDoctor(_("This patient waits for another doctor."))
    _expect(visit, Status.IN_CONSULTATION)
    visit.consulted_at = clock.now()
    if visit.appointment_id:
        appointment = Appointment.objects.select_for_update().get(pk=visit.appointment_id)
        appointment.status = Appointment.Status.FINISHED
        appointment.save(update_fields=["status"])
        live.changed(live.APPOINTMENTS, user_ids=user_ids_of(visit.patient))
    return _move(visit, next_status, actor=actor, also=["consulted_at"])


@retry_transaction
def move_visit(*, visit_id: UUID, to_status: str, actor: User | None = None) -> Visit:
    """Send a patient who has seen the doctor on: between PHARMACY and CASHIER, or to FINISHED. Already there: no change.

    Raises:
        VisitNotOpen: the patient has not seen the doctor, or the visit is closed.
        ValueError: `to_status` is no place after the doctor.
    """
    if to_status not in (*AFTER_DOCTOR, Status.FINISHED):
        raise ValueError(to_status)
    visit = lock_visit(visit_id)
    if visit.status == to_status:
        return visit
    _expect(visit, *AFTER_DOCTOR)
    return _move(visit, to_status, actor=actor)


def finish_visit(*, visit_id: UUID, actor: User | None) -> Visit:
    """Close a visit after pharmacy and cashier: -> FINISHED. A finished one stays as it is.

    Raises:
        VisitNotOpen: the patient has not seen the doctor, or the visit is cancelled.
    """
    return move_visit(visit_id=visit_id, to_status=Status.FINISHED, actor=actor)


@retry_transaction
def cancel_visit(*, visit_id: UUID, actor: User, reason: str) -> Visit:
    """The patient leaves before seeing the doctor: -> CANCELLED with a reason; a booked appointment is cancelled too.

    The queue number is not given again.

    Raises:
        ReasonMissing: no reason was given.
        VisitNotOpen: the doctor has already started, or the visit is closed.
    """
    reason = needed_reason(reason, limit=500)
    visit = lock_visit(visit_id)
    _expect(visit, *BEFORE_DOCTOR)
    if visit.appointment_id:
        appointment = Appointment.objects.select_for_update().get(pk=visit.appointment_id)
        appointment.status, appointment.reason = Appointment.Status.CANCELLED, reason
        appointment.decided_at, appointment.decided_by = clock.now(), actor
        appointment.save(update_fields=["status", "reason", "decided_at", "decided_by"])
        live.changed(live.APPOINTMENTS, user_ids=user_ids_of(visit.patient))
    for source, source_id in (("visit", visit.pk), ("appointment", visit.appointment_id)):
        if source_id:
            end_care(source=source, source_id=source_id)
    visit.reason = reason
    notify(recipients=[visit.doctor], kind="visit_cancelled", params={"queue": visit.ticket.label})
    return _move(visit, Status.CANCELLED, actor=actor, also=["reason"])


def _open_visit(
    *,
    patient: Patient,
    service: Service,
    doctor_id: UUID,
    price_idr: int,
    complaint: str,
    actor: User,
    is_priority: bool,
    appointment: Appointment | None,
) -> Visit:
    """Create visit and ticket; the patient row is locked by the caller."""
    if patient.status != Patient.Status.ACTIVE:
        raise PatientNotActive(_("This patient record is archived. Ask the administrator to reopen it."))
    today = clock.today()
    if Visit.objects.filter(patient=patient, doctor_id=doctor_id, visit_on=today, status__in=OPEN_STATUSES).exists():
        raise AlreadyWaiting(_("This patient already has an open visit with this doctor today."))
    day = today.strftime("%Y%m%d")
    visit = Visit.objects.create(
        number=f"RJ/{day}/{next_number(f'visit:{today.isoformat()}'):04d}", patient=patient, appointment=appointment,
        doctor_id=doctor_id, service=service, price_idr=price_idr, complaint=complaint, visit_on=today,
        is_priority=is_priority, arrived_at=clock.now(), checked_in_by=actor,
    )  # fmt: skip
    _begin_care(visit)
    prefix = service.queue_prefix
    ticket = QueueTicket.objects.create(
        visit=visit, issued_on=today, prefix=prefix, number=next_number(f"queue:{today.isoformat()}:{prefix}")
    )
    audit.record(
        "scheduling.visit.checked_in" if appointment else "scheduling.visit.walked_in",
        actor=actor, patient=patient.pk, target=visit,
        detail={"number": visit.number, "ticket": ticket.label, "price_idr": price_idr, "is_priority": is_priority},
    )  # fmt: skip
    live.changed(live.QUEUE, user_ids=user_ids_of(patient))
    return visit


def _begin_care(visit: Visit) -> None:
    """The doctor takes part for good, the nurses for the days around the visit."""
    nurses_until = clock.day_bounds(visit.visit_on + NURSE_CARE)[1]
    for who in ({"user_id": visit.doctor_id}, {"role": Role.NURSE, "ends_at": nurses_until}):
        add_to_care_team(patient_id=visit.patient_id, source=CareTeamMember.Source.VISIT, source_id=visit.pk, **who)


def _move(visit: Visit, status: str, *, actor: User | None, also: list[str] | None = None) -> Visit:
    before, visit.status = visit.status, status
    fields = ["status", *(also or [])]
    if status in CLOSED_STATUSES:
        visit.finished_at = clock.now()
        fields.append("finished_at")
    visit.save(update_fields=fields)
    audit.record(
        "scheduling.visit.moved",
        actor=actor,
        patient=visit.patient_id,
        target=visit,
        detail={"from": before, "to": status},
    )
    if status == Status.FINISHED:
        notify_patient(patient=visit.patient, kind="visit_finished", params={"visited_on": visit.visit_on})
    _tick(visit)
    return visit


def _expect(visit: Visit, *statuses: str) -> None:
    if visit.status not in statuses:
        raise VisitNotOpen(
            _("This visit is already marked: %(status)s. Reload the page to see it.")
            % {"status": visit.get_status_display()}
        )


def _tick(visit: Visit) -> None:
    live.changed(live.QUEUE, user_ids=user_ids_of(visit.patient))

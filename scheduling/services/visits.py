"""Visits: arrival with a queue number, and the way through the clinic."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from django.db.models import Max, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

import audit
from accounts.access import Role
from accounts.models import User
from core import clock, live
from core.db import next_number, retry_transaction
from core.errors import InvalidInput
from notifications.services import notify
from patients.errors import CannotMerge
from patients.guardians import user_ids_of
from patients.models import CareTeamMember, Patient
from patients.services import add_to_care_team, end_care, notify_patient
from patients.services.locks import lock_patient
from scheduling.errors import (
    AlreadyWaiting,
    AppointmentNotOpen,
    NotVisitDoctor,
    PatientNotActive,
    StepNotOpen,
    VisitNotOpen,
    WrongDay,
)
from scheduling.models import NURSE_CARE, Appointment, QueueTicket, Service, Slot, Visit, WaitlistEntry
from scheduling.services import estimates, queue
from scheduling.services.appointments import MAX_COMPLAINT
from scheduling.services.catalogue import offered_service
from scheduling.services.lines import chosen_services, copy_lines, write_visit_lines
from scheduling.services.sessions import needed_reason

Status = Visit.Status

CLOSED_STATUSES = (Status.FINISHED, Status.CANCELLED)
OPEN_STATUSES = tuple(status for status in Status if status not in CLOSED_STATUSES)
BEFORE_DOCTOR = (Status.ARRIVED, Status.TRIAGE, Status.WAITING)
AT_EXAMINATION = (Status.LABORATORY, Status.RADIOLOGY)
AFTER_DOCTOR = (Status.PHARMACY, Status.CASHIER)


@retry_transaction
def check_in(
    *,
    appointment_id: UUID,
    actor: User | None,
    priority: str = "",
    arrived_by: str = Visit.ArrivedBy.DESK,
) -> Visit:
    """The patient of an approved appointment is here: APPROVED -> ARRIVED, with a visit and a queue number.

    No actor: the patient did it at the kiosk.

    Locks the patient row, then the appointment; the numbers come last.

    Raises:
        AppointmentNotOpen: it is not approved (any more), or already checked in, or its doctor has left the clinic.
        WrongDay: it is not for today (clinic date).
        AlreadyWaiting: the patient already waits for this doctor today.
    """
    patient_id = Appointment.objects.values_list("patient_id", flat=True).get(pk=appointment_id)
    patient = lock_patient(patient_id)
    appointment = Appointment.objects.select_for_update().get(pk=appointment_id)
    if appointment.status != Appointment.Status.APPROVED:
        raise AppointmentNotOpen(
            _("Only an approved appointment can be checked in. This one is marked: %(status)s.")
            % {"status": appointment.get_status_display()}
        )
    if clock.local(Slot.objects.get(pk=appointment.slot_id).starts_at).date() != clock.today():
        raise WrongDay(_("This appointment is for another day. Register a walk-in visit for today instead."))
    if not User.objects.filter(pk=appointment.doctor_id, is_active=True).exists():
        raise AppointmentNotOpen(
            _("This doctor no longer works here. Move the booking to another doctor, or register a walk-in.")
        )
    visit = _open_visit(
        patient=patient, service=Service.objects.get(pk=appointment.service_id), doctor_id=appointment.doctor_id,
        price_idr=appointment.price_idr, complaint=appointment.complaint, actor=actor, priority=priority,
        appointment=appointment, arrived_by=arrived_by,
    )  # fmt: skip
    copy_lines(appointment, visit)
    appointment.status = Appointment.Status.ARRIVED
    appointment.save(update_fields=["status"])
    live.changed(live.APPOINTMENTS, user_ids=user_ids_of(patient))
    return visit


@retry_transaction
def register_walk_in(
    *,
    patient_id: UUID,
    service_id: UUID,
    doctor_id: UUID,
    complaint: str,
    actor: User,
    priority: str = "",
    extra_service_ids: tuple[UUID, ...] = (),
) -> Visit:
    """A patient without an appointment is here: a visit of today with a queue number; the price is today's list price.

    Raises:
        ServiceNotOffered: the doctor does not offer one of the services, or is not active.
        PatientNotActive: the record is archived.
        PatientNotFound, PatientMerged: it was deleted as a mistake, or merged, a moment ago.
        AlreadyWaiting: the patient already waits for this doctor today.
        InvalidInput: no complaint, or a too long one.
    """
    complaint = (complaint or "").strip()
    if not complaint:
        raise InvalidInput(_("Write what the visit is about."))
    if len(complaint) > MAX_COMPLAINT:
        raise InvalidInput(_("Shorten the complaint to %(limit)d characters.") % {"limit": MAX_COMPLAINT})
    patient = lock_patient(patient_id)
    service = offered_service(service_id=service_id, doctor_id=doctor_id)
    chosen = (
        chosen_services(service, extra_service_ids, User.objects.get(pk=doctor_id)) if extra_service_ids else [service]
    )
    visit = _open_visit(
        patient=patient, service=service, doctor_id=doctor_id, price_idr=sum(one.price_idr for one in chosen),
        complaint=complaint, actor=actor, priority=priority, appointment=None,
    )  # fmt: skip
    write_visit_lines(visit, chosen)
    return visit


def lock_visit(visit_id: UUID) -> Visit:
    """Return the visit, locked until the caller's transaction ends. First lock of every change to a visit, its note,
    its prescription or its bill.

    Raises:
        Visit.DoesNotExist: there is no such visit.
    """
    return Visit.objects.select_for_update().get(pk=visit_id)


@retry_transaction
def call_ticket(
    *, visit_id: UUID, actor: User, station_id: UUID | None = None, stage: str | None = None
) -> QueueTicket:
    """Call the visit's number, or call it again: counts the call, stamps its time, and shows it on the boards.

    Raises:
        VisitNotOpen: the visit is finished or cancelled.
        StepNotOpen: it is no longer at `stage`, for which the caller was authorised.
    """
    visit = lock_visit(visit_id)
    _expect(visit, *OPEN_STATUSES)
    step = queue.open_step(visit) or queue.follow(visit, actor=actor)
    assert step is not None  # an open visit is at a stage
    if stage is not None and step.stage != stage:
        raise StepNotOpen(_("The patient is somewhere else meanwhile. Reload the page to see it."))
    event = queue.call(step, actor=actor, station_id=station_id)
    ticket = step.ticket
    audit.record(
        "scheduling.ticket.called", actor=actor, patient=visit.patient_id, target=visit,
        detail={"ticket": ticket.label, "count": ticket.call_count, "stage": step.stage},
    )  # fmt: skip
    room = event.station.name if event.station else visit.doctor.staff_profile.room or visit.service.name
    notify_patient(patient=visit.patient, kind="patient_called", params={"queue": ticket.label, "room": room})
    queue.tick(visit)
    return ticket


@retry_transaction
def start_triage(*, visit_id: UUID, actor: User, station_id: UUID | None = None) -> Visit:
    """The nurse takes the patient: ARRIVED -> TRIAGE.

    Raises:
        VisitNotOpen: the patient is not newly arrived.
    """
    visit = lock_visit(visit_id)
    _expect(visit, Status.ARRIVED)
    act = queue.Act(queue.Kind.START, station_id, visit_before=queue.of_visit(visit))
    return _move(visit, Status.TRIAGE, actor=actor, act=act)


@retry_transaction
def finish_triage(*, visit_id: UUID, actor: User, station_id: UUID | None = None) -> Visit:
    """Vitals are taken: ARRIVED or TRIAGE -> WAITING. A visit that already waits stays as it is.

    Raises:
        VisitNotOpen: the patient is past this step.
    """
    visit = lock_visit(visit_id)
    _expect(visit, *BEFORE_DOCTOR)
    if visit.status == Status.WAITING and visit.triaged_at is not None:
        return visit
    act = queue.Act(queue.Kind.FINISH, station_id, visit_before=queue.of_visit(visit))
    visit.triaged_at = visit.triaged_at or clock.now()
    notify(recipients=[visit.doctor], kind="patient_waiting", params={"queue": visit.ticket.label})
    return _move(visit, Status.WAITING, actor=actor, also=["triaged_at"], act=act)


@retry_transaction
def start_consultation(*, visit_id: UUID, actor: User, station_id: UUID | None = None) -> Visit:
    """The doctor of the visit takes the patient in: -> IN_CONSULTATION. Opening it again changes nothing.

    Also from the laboratory or radiology, when the doctor goes on without the result.

    Raises:
        NotVisitDoctor: another doctor tried.
        VisitNotOpen: the visit is past the doctor, finished or cancelled.
    """
    visit = lock_visit(visit_id)
    if visit.doctor_id != actor.pk:
        raise NotVisitDoctor(_("This patient waits for another doctor."))
    if visit.status == Status.IN_CONSULTATION:
        return visit
    _expect(visit, *BEFORE_DOCTOR, *AT_EXAMINATION)
    act = queue.Act(queue.Kind.START, station_id, visit_before=queue.of_visit(visit))
    visit.started_at = visit.started_at or clock.now()
    return _move(visit, Status.IN_CONSULTATION, actor=actor, also=["started_at"], act=act)


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
    if visit.started_at is not None:
        raise VisitNotOpen(_("The doctor has already begun. Only the doctor can end this consultation."))
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


def open_visits(*, patient_id: UUID, doctor_id: UUID) -> QuerySet[Visit]:
    """Return a patient's open visits with a doctor, of today or last night; one is the most, under the patient's lock."""
    return Visit.objects.under_way().filter(patient=patient_id, doctor=doctor_id, status__in=OPEN_STATUSES)


def _open_visit(
    *,
    patient: Patient,
    service: Service,
    doctor_id: UUID,
    price_idr: int,
    complaint: str,
    actor: User | None,
    priority: str,
    appointment: Appointment | None,
    arrived_by: str = Visit.ArrivedBy.DESK,
) -> Visit:
    """Create visit and ticket; the patient row is locked by the caller."""
    if patient.status != Patient.Status.ACTIVE:
        raise PatientNotActive(_("This patient record is archived. Ask the administrator to reopen it."))
    today = clock.today()
    if open_visits(patient_id=patient.pk, doctor_id=doctor_id).exists():
        raise AlreadyWaiting(_("This patient already has an open visit with this doctor today."))
    now = clock.now()
    due_at = max(now, appointment.slot.starts_at) if appointment else now
    estimate = estimates.estimate_on_arrival(doctor_id=doctor_id, service=service, priority=priority, due_at=due_at)
    day = today.strftime("%Y%m%d")
    visit = Visit.objects.create(
        number=f"RJ/{day}/{next_number(f'visit:{today.isoformat()}'):04d}", patient=patient, appointment=appointment,
        doctor_id=doctor_id, service=service, price_idr=price_idr, complaint=complaint, visit_on=today,
        priority=priority, arrived_at=now, arrived_by=arrived_by, checked_in_by=actor,
    )  # fmt: skip
    _begin_care(visit)
    prefix = service.queue_prefix
    ticket = QueueTicket.objects.create(
        visit=visit, issued_on=today, prefix=prefix, number=next_number(f"queue:{today.isoformat()}:{prefix}")
    )
    queue.open_first(visit, due_at=due_at, estimated_at=estimate.call_at)
    audit.record(
        "scheduling.visit.checked_in" if appointment else "scheduling.visit.walked_in",
        actor=actor, patient=patient.pk, target=visit,
        detail={"number": visit.number, "ticket": ticket.label, "price_idr": price_idr, "priority": priority,
            "arrived_by": str(arrived_by)},
    )  # fmt: skip
    queue.tick(visit)
    return visit


def _begin_care(visit: Visit) -> None:
    """The doctor takes part for good, the nurses for the days around the visit."""
    nurses_until = clock.day_bounds(visit.visit_on + NURSE_CARE)[1]
    for who in ({"user_id": visit.doctor_id}, {"role": Role.NURSE, "ends_at": nurses_until}):
        add_to_care_team(patient_id=visit.patient_id, source=CareTeamMember.Source.VISIT, source_id=visit.pk, **who)


def _move(
    visit: Visit, status: str, *, actor: User | None, also: list[str] | None = None, act: queue.Act | None = None
) -> Visit:
    before, visit.status = visit.status, status
    fields = ["status", *(also or [])]
    if status in CLOSED_STATUSES:
        visit.finished_at = clock.now()
        fields.append("finished_at")
    visit.save(update_fields=fields)
    queue.follow(visit, actor=actor, act=act)
    audit.record(
        "scheduling.visit.moved",
        actor=actor,
        patient=visit.patient_id,
        target=visit,
        detail={"from": before, "to": status},
    )
    if status == Status.FINISHED:
        notify_patient(patient=visit.patient, kind="visit_finished", params={"visited_on": visit.visit_on})
    queue.tick(visit)
    return visit


def _expect(visit: Visit, *statuses: str) -> None:
    if visit.status not in statuses:
        raise VisitNotOpen(
            _("This visit is already marked: %(status)s. Reload the page to see it.")
            % {"status": visit.get_status_display()}
        )


def refuse_two_open_visits(survivor_id: UUID, merged_id: UUID) -> None:
    """Refuse to merge two patients who are both in the house: two queue numbers and two doctors would share one record.

    Asked by `patients.merge_rules`, which holds the visits of both.

    Raises:
        CannotMerge: each has a visit of today, or of last night, that is not over.
    """
    both = Visit.objects.under_way().filter(patient__in=[survivor_id, merged_id], status__in=OPEN_STATUSES)
    if len(set(both.values_list("patient_id", flat=True))) > 1:
        raise CannotMerge(
            _("Both records have a visit under way today. Finish or cancel one of the two visits, then merge.")
        )


def last_visits(patient_ids: list[UUID]) -> dict[UUID, date]:
    """Return the day of the last visit of each who had one; asked by `patients.services.retention`."""
    rows = Visit.objects.filter(patient__in=patient_ids).order_by().values_list("patient_id")
    return dict(rows.annotate(last=Max("visit_on")))


def obstacles_to_archiving(patient_id: UUID) -> list[str]:
    """Return what of a patient is under way or to come, in words; asked by `patients.services.archiving`."""
    visits = Visit.objects.filter(patient=patient_id, status__in=OPEN_STATUSES).count()
    to_come = (Appointment.Status.PENDING, Appointment.Status.APPROVED)
    bookings = Appointment.objects.filter(
        patient=patient_id, status__in=to_come, slot__ends_at__gte=clock.now()
    ).count()
    waiting = (WaitlistEntry.Status.WAITING, WaitlistEntry.Status.OFFERED)
    wishes = WaitlistEntry.objects.filter(patient=patient_id, status__in=waiting, last_on__gte=clock.today()).count()
    found = []
    if visits:
        found.append(ngettext("%(count)d visit under way", "%(count)d visits under way", visits) % {"count": visits})
    if bookings:
        found.append(
            ngettext("%(count)d booking to come", "%(count)d bookings to come", bookings) % {"count": bookings}
        )
    if wishes:
        found.append(
            ngettext("%(count)d wish on the waiting list", "%(count)d wishes on the waiting list", wishes)
            % {"count": wishes}
        )
    return found

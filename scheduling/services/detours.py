"""Ways off the usual path: to the laboratory or radiology and back, a stage back, to another doctor."""

from __future__ import annotations

from uuid import UUID

from django.utils.translation import gettext as _

import audit
from accounts.access import Role
from accounts.models import User
from core import clock
from core.db import retry_transaction
from notifications.services import notify
from patients.models import CareTeamMember
from patients.services import add_to_care_team, end_care
from patients.services.locks import lock_patient
from scheduling.errors import AlreadyWaiting, NotVisitDoctor, StepNotOpen
from scheduling.models import NURSE_CARE, Stage, Visit
from scheduling.services import queue
from scheduling.services.catalogue import offered_service, offers
from scheduling.services.sessions import needed_reason
from scheduling.services.visits import (
    AT_EXAMINATION,
    BEFORE_DOCTOR,
    _begin_care,
    _expect,
    _move,
    lock_visit,
    open_visits,
)

Status = Visit.Status
MAX_REASON = 300
STATUS_AT = {Stage.LABORATORY: Status.LABORATORY, Stage.RADIOLOGY: Status.RADIOLOGY}
EXAMINERS = {Stage.LABORATORY: Role.LAB_OFFICER, Stage.RADIOLOGY: Role.RADIOGRAPHER}


@retry_transaction
def send_to_examination(*, visit_id: UUID, stage: str, actor: User, station_id: UUID | None = None) -> Visit:
    """The doctor sends the patient to the laboratory or radiology during the consultation; the note stays a draft.

    Whoever works there may read who it is, for as long as nurses may.

    Raises:
        NotVisitDoctor: another doctor tried.
        VisitNotOpen: the patient is not with the doctor.
        ValueError: `stage` is neither of the two.
    """
    if stage not in STATUS_AT:
        raise ValueError(stage)
    visit = lock_visit(visit_id)
    if visit.doctor_id != actor.pk:
        raise NotVisitDoctor(_("This patient waits for another doctor."))
    _expect(visit, Status.IN_CONSULTATION)
    _let_in(visit, stage)
    act = queue.Act(queue.Kind.FINISH, station_id, visit_before=queue.of_visit(visit))
    return _move(visit, STATUS_AT[Stage(stage)], actor=actor, act=act)


@retry_transaction
def end_examination(*, visit_id: UUID, actor: User, station_id: UUID | None = None) -> Visit:
    """The laboratory or radiology is done: the patient waits for the same doctor, before who was not in yet.

    Raises:
        VisitNotOpen: the patient is not there.
    """
    visit = lock_visit(visit_id)
    _expect(visit, *AT_EXAMINATION)
    act = queue.Act(queue.Kind.FINISH, station_id, visit_before=queue.of_visit(visit))
    notify(recipients=[visit.doctor], kind="patient_waiting", params={"queue": visit.ticket.label})
    return _move(visit, Status.WAITING, actor=actor, act=act)


@retry_transaction
def send_back(
    *, visit_id: UUID, actor: User, reason: str, station_id: UUID | None = None, step_id: UUID | None = None
) -> Visit:
    """Send a patient one stage back with a reason: from the doctor to the nurse, from an examination to the doctor.

    A note that was begun stays a draft. After the doctor has signed there is no way back. `step_id` is the stay the page
    showed.

    Raises:
        ReasonMissing: no reason was given, or a too long one.
        StepNotOpen: there is no stage to go back to, or the patient left that stay meanwhile.
    """
    reason = needed_reason(reason, limit=MAX_REASON)
    visit = lock_visit(visit_id)
    _expect_stay(visit, step_id)
    act = queue.Act(queue.Kind.SEND_BACK, station_id, reason, queue.of_visit(visit))
    if visit.status in AT_EXAMINATION:
        return _move(visit, Status.WAITING, actor=actor, act=act)
    if visit.status in (Status.WAITING, Status.IN_CONSULTATION):
        return _move(visit, Status.ARRIVED, actor=actor, act=act)
    raise StepNotOpen(_("From here a patient cannot be sent back."))


@retry_transaction
def transfer_to_doctor(
    *,
    visit_id: UUID,
    doctor_id: UUID,
    actor: User,
    reason: str,
    station_id: UUID | None = None,
    step_id: UUID | None = None,
) -> Visit:
    """Give a patient who waits to another doctor of the same service; number and turn stay.

    The new doctor joins the care team, the former one leaves it.

    Raises:
        ReasonMissing: no reason was given, or a too long one.
        VisitNotOpen: the doctor has begun, or the visit is closed.
        ServiceNotOffered: the other doctor does not give this service.
        AlreadyWaiting: the patient already waits for that doctor today.
    """
    reason = needed_reason(reason, limit=MAX_REASON)
    visit = lock_visit(visit_id)
    _expect_stay(visit, step_id)
    _expect(visit, *BEFORE_DOCTOR)
    if visit.started_at is not None or visit.doctor_id == doctor_id:
        raise StepNotOpen(_("Only a patient whom the doctor has not seen yet can go to another doctor."))
    offered_service(service_id=visit.service_id, doctor_id=doctor_id)
    if has_other_visit(visit, doctor_id):
        raise AlreadyWaiting(_("This patient already has an open visit with this doctor today."))
    before, former = queue.of_visit(visit), visit.doctor_id
    visit.doctor = User.objects.get(pk=doctor_id)
    visit.save(update_fields=["doctor"])
    end_care(source="visit", source_id=visit.pk)
    _begin_care(visit)
    step = queue.open_step(visit)
    act = queue.Act(queue.Kind.TRANSFER, station_id, reason, before)
    if step is not None and step.stage == Stage.NURSE:  # the queue of the nurses is one: only the visit changes
        queue.write(
            step, act.kind, actor=actor, station_id=station_id, before=queue.snapshot(step, before), reason=reason
        )
    else:
        queue.follow(visit, actor=actor, act=act)
    audit.record(
        "scheduling.visit.transferred", actor=actor, patient=visit.patient_id, target=visit,
        detail={"from": str(former), "to": str(doctor_id)},
    )  # fmt: skip
    notify(recipients=[visit.doctor], kind="patient_waiting", params={"queue": visit.ticket.label})
    queue.tick(visit)
    return visit


def has_other_visit(visit: Visit, doctor_id: UUID) -> bool:
    """True when the patient of a locked visit has another open one with this doctor, of today or last night.

    Locks the patient, so that nobody arrives for this doctor until the caller's transaction ends.
    """
    lock_patient(visit.patient_id)
    return open_visits(patient_id=visit.patient_id, doctor_id=doctor_id).exclude(pk=visit.pk).exists()


@retry_transaction
def transfer_to_stage(
    *,
    visit_id: UUID,
    stage: str,
    actor: User,
    reason: str,
    station_id: UUID | None = None,
    step_id: UUID | None = None,
) -> Visit:
    """Send a waiting patient elsewhere: from the nurse to the doctor, between laboratory and radiology.

    Raises:
        ReasonMissing: no reason was given, or a too long one.
        StepNotOpen: that is no way from here.
    """
    reason = needed_reason(reason, limit=MAX_REASON)
    visit = lock_visit(visit_id)
    _expect_stay(visit, step_id)
    ways = {
        (Status.ARRIVED, Stage.DOCTOR): Status.WAITING, (Status.TRIAGE, Stage.DOCTOR): Status.WAITING,
        (Status.LABORATORY, Stage.RADIOLOGY): Status.RADIOLOGY, (Status.RADIOLOGY, Stage.LABORATORY): Status.LABORATORY,
    }  # fmt: skip
    to_status = ways.get((Status(visit.status), Stage(stage))) if stage in Stage.values else None
    if to_status is None:
        raise StepNotOpen(_("From here a patient cannot be sent there."))
    if stage in STATUS_AT:
        _let_in(visit, stage)
    act = queue.Act(queue.Kind.TRANSFER, station_id, reason, queue.of_visit(visit))
    return _move(visit, to_status, actor=actor, act=act)


def _expect_stay(visit: Visit, step_id: UUID | None) -> None:
    """Refuse a page that shows a stay the patient has left."""
    step = queue.open_step(visit) if step_id is not None else None
    if step_id is not None and (step is None or step.pk != step_id):
        raise StepNotOpen(_("The patient is somewhere else meanwhile. Reload the page to see it."))


def _let_in(visit: Visit, stage: str) -> None:
    until = clock.day_bounds(visit.visit_on + NURSE_CARE)[1]
    add_to_care_team(
        patient_id=visit.patient_id, source=CareTeamMember.Source.VISIT, source_id=visit.pk,
        role=EXAMINERS[Stage(stage)], ends_at=until,
    )  # fmt: skip


def doctors_instead(visit: Visit) -> list[User]:
    """Return the other doctors who give the visit's service. Few queries: a clinic has few doctors."""
    doctors = User.objects.doctors().exclude(pk=visit.doctor_id)
    return [doctor for doctor in doctors if offers(doctor, visit.service)]

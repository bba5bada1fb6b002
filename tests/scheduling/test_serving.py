"""Acts at a station: next, again, begin, skip, put back, send back, transfer, finish, undo."""

from datetime import timedelta

import pytest
import time_machine

from audit.models import AuditEvent
from core import clock
from patients.models import CareTeamMember, Patient
from scheduling import services
from scheduling.errors import (
    AlreadyWaiting,
    CannotUndo,
    NobodyWaits,
    NotVisitDoctor,
    NotYourQueue,
    ReasonMissing,
    ServiceNotOffered,
    StationInUse,
    StepNotOpen,
    VisitNotOpen,
)
from scheduling.models import QueueEvent, QueueStep, Visit
from scheduling.services import arrivals, detours, queue, serving, stations
from tests.factories.accounts import DoctorFactory
from tests.factories.patients import PatientFactory
from tests.factories.scheduling import ServiceFactory, SessionFactory, StationFactory, VisitFactory

pytestmark = pytest.mark.django_db

State, Kind, Status = QueueStep.State, QueueEvent.Kind, Visit.Status
REASON = "Ukur ulang tekanan darah"


def step_of(visit):
    return QueueStep.objects.get(visit=visit, open=1)


def last_act(visit):
    return QueueEvent.objects.filter(step__visit=visit, undone_at=None).order_by("at", "id").last()


@pytest.fixture
def room(cast):
    return StationFactory(stage="doctor")


@pytest.fixture
def nurse_room():
    return StationFactory(stage="nurse", spoken="perawat")


def waiting(cast, *, minutes=10, **fields):
    with time_machine.travel(clock.now() - timedelta(minutes=minutes), tick=False):
        return VisitFactory(doctor=cast.doctor, **fields)


def test_the_next_is_called_by_the_rule_and_to_the_station(cast, room):
    ordinary = waiting(cast, minutes=50)
    elderly = [waiting(cast, minutes=minutes, priority="elderly") for minutes in (40, 30, 20)]
    emergency = waiting(cast, minutes=1, priority="emergency")
    longest = waiting(cast, minutes=90)
    VisitFactory(doctor=cast.other_doctor, priority="emergency")
    called = [serving.call_next(station_id=room.pk, actor=cast.doctor).visit for _ in range(6)]
    assert called == [emergency, elderly[0], elderly[1], longest, elderly[2], ordinary]
    with pytest.raises(NobodyWaits):
        serving.call_next(station_id=room.pk, actor=cast.doctor)
    step = step_of(emergency)
    assert (step.state, step.station, step.call_count) == (State.CALLED, room, 1)
    event = last_act(emergency)
    assert (event.kind, event.station, event.actor) == (Kind.CALL, room, cast.doctor)
    assert AuditEvent.objects.filter(action="scheduling.ticket.called").count() == 6


def test_who_begins_without_a_call_counts_for_the_rule(cast, room):
    first, second, third = (waiting(cast, minutes=m, priority="elderly") for m in (40, 30, 20))
    ordinary = waiting(cast, minutes=10)
    for visit in (first, second):
        services.start_consultation(visit_id=visit.pk, actor=cast.doctor)
    assert serving.call_next(station_id=room.pk, actor=cast.doctor).visit == ordinary
    assert serving.call_next(station_id=room.pk, actor=cast.doctor).visit == third


def test_only_who_works_there_calls(cast, room, nurse_room):
    visit = waiting(cast)
    for actor in (cast.nurse, cast.receptionist, cast.cashier, cast.patient_user):
        with pytest.raises(NotYourQueue):
            serving.call_next(station_id=room.pk, actor=actor)
        with pytest.raises(NotYourQueue):
            serving.call_step(step_id=step_of(visit).pk, actor=actor)
    with pytest.raises(NotYourQueue):
        serving.call_step(step_id=step_of(visit).pk, actor=cast.other_doctor)
    with pytest.raises(NobodyWaits):
        serving.call_next(station_id=room.pk, actor=cast.other_doctor)
    room.is_active = False
    room.save()
    with pytest.raises(NotYourQueue):
        serving.call_next(station_id=room.pk, actor=cast.doctor)
    assert not QueueEvent.objects.exists()


def test_no_answer_and_back_behind_the_next_two(cast, room):
    late, second, third, fourth = (waiting(cast, minutes=m) for m in (40, 30, 20, 10))
    serving.call_next(station_id=room.pk, actor=cast.doctor)
    step = step_of(late)
    with pytest.raises(StepNotOpen):
        serving.skip_step(step_id=step_of(second).pk, actor=cast.doctor)
    serving.skip_step(step_id=step.pk, actor=cast.doctor)
    serving.requeue_step(step_id=step.pk, actor=cast.doctor)
    assert [row.visit for row in queue.waiting_in_order("doctor", cast.doctor.pk, clock.now())] == [
        second, third, late, fourth,
    ]  # fmt: skip
    assert (step_of(late).ticket_id, step_of(late).skip_count) == (step.ticket_id, 1)


def test_who_comes_back_into_an_empty_queue_keeps_the_turn(cast, room):
    alone = waiting(cast)
    step = serving.call_next(station_id=room.pk, actor=cast.doctor)
    serving.skip_step(step_id=step.pk, actor=cast.doctor)
    assert serving.requeue_step(step_id=step.pk, actor=cast.doctor).due_at == step.due_at
    assert serving.call_next(station_id=room.pk, actor=cast.doctor).visit == alone


def test_the_nurse_calls_begins_and_sends_on(cast, nurse_room):
    visit = waiting(cast, status=Status.ARRIVED)
    step = serving.call_next(station_id=nurse_room.pk, actor=cast.nurse)
    serving.start_step(step_id=step.pk, actor=cast.nurse, station_id=nurse_room.pk)
    serving.start_step(step_id=step.pk, actor=cast.nurse, station_id=nurse_room.pk)
    visit.refresh_from_db()
    assert visit.status == Status.TRIAGE
    done = serving.finish_step(step_id=step.pk, actor=cast.nurse, station_id=nurse_room.pk)
    visit.refresh_from_db()
    assert (visit.status, done.state, step_of(visit).stage) == (Status.WAITING, State.DONE, "doctor")
    with pytest.raises(StepNotOpen):
        serving.finish_step(step_id=step.pk, actor=cast.nurse)


def test_to_the_laboratory_and_back_to_the_same_doctor_first_in_line(cast, room):
    visit, other = waiting(cast, minutes=10), waiting(cast, minutes=50)
    services.start_consultation(visit_id=visit.pk, actor=cast.doctor)
    with pytest.raises(NotVisitDoctor):
        detours.send_to_examination(visit_id=visit.pk, stage="laboratory", actor=cast.other_doctor)
    with pytest.raises(ValueError, match="cashier"):
        detours.send_to_examination(visit_id=visit.pk, stage="cashier", actor=cast.doctor)
    detours.send_to_examination(visit_id=visit.pk, stage="laboratory", actor=cast.doctor)
    visit.refresh_from_db()
    assert visit.status == Status.LABORATORY
    assert Patient.objects.visible_to(cast.lab_officer).filter(pk=visit.patient_id).exists()
    laboratory = StationFactory(stage="laboratory", spoken="laboratorium")
    step = serving.call_next(station_id=laboratory.pk, actor=cast.lab_officer)
    with pytest.raises(NotYourQueue):
        serving.start_step(step_id=step.pk, actor=cast.radiographer)
    serving.finish_step(step_id=step.pk, actor=cast.lab_officer)
    step.refresh_from_db()
    assert (step.state, step.started_at) == (State.DONE, step.called_at)
    assert serving.call_next(station_id=room.pk, actor=cast.doctor).visit == visit
    assert serving.call_next(station_id=room.pk, actor=cast.doctor).visit == other
    services.start_consultation(visit_id=visit.pk, actor=cast.doctor)
    visit.refresh_from_db()
    assert (visit.status, visit.doctor) == (Status.IN_CONSULTATION, cast.doctor)


def test_the_doctor_goes_on_without_the_result_and_the_desk_cannot_cancel(cast):
    visit = waiting(cast)
    services.start_consultation(visit_id=visit.pk, actor=cast.doctor)
    detours.send_to_examination(visit_id=visit.pk, stage="radiology", actor=cast.doctor)
    services.start_consultation(visit_id=visit.pk, actor=cast.doctor)
    states = QueueStep.objects.filter(visit=visit).order_by("id").values_list("stage", "state")
    assert list(states) == [("doctor", "done"), ("radiology", "cancelled"), ("doctor", "serving")]
    detours.send_back(visit_id=visit.pk, actor=cast.doctor, reason=REASON)
    with pytest.raises(VisitNotOpen):
        services.cancel_visit(visit_id=visit.pk, actor=cast.receptionist, reason="Pulang")


def test_back_to_the_nurse_needs_a_reason_and_keeps_the_turn(cast):
    visit = waiting(cast)
    due = step_of(visit).due_at
    with pytest.raises(ReasonMissing):
        detours.send_back(visit_id=visit.pk, actor=cast.doctor, reason=" ")
    detours.send_back(visit_id=visit.pk, actor=cast.doctor, reason=REASON)
    visit.refresh_from_db()
    assert (visit.status, step_of(visit).stage, step_of(visit).due_at) == (Status.ARRIVED, "nurse", due)
    assert last_act(visit).reason == REASON
    for status in (Status.ARRIVED, Status.PHARMACY, Status.CASHIER, Status.FINISHED):
        with pytest.raises(StepNotOpen):
            detours.send_back(visit_id=VisitFactory(status=status).pk, actor=cast.doctor, reason=REASON)


def test_another_doctor_takes_over_with_number_turn_and_care(cast, room):
    visit = waiting(cast)
    due, ticket = step_of(visit).due_at, step_of(visit).ticket_id
    colleague, dentist = DoctorFactory(), DoctorFactory(profile={"specialty": "gigi"})
    with pytest.raises(ServiceNotOffered):
        detours.transfer_to_doctor(visit_id=visit.pk, doctor_id=dentist.pk, actor=cast.receptionist, reason=REASON)
    with pytest.raises(StepNotOpen):
        detours.transfer_to_doctor(visit_id=visit.pk, doctor_id=cast.doctor.pk, actor=cast.receptionist, reason=REASON)
    detours.transfer_to_doctor(visit_id=visit.pk, doctor_id=colleague.pk, actor=cast.receptionist, reason=REASON)
    step = step_of(visit)
    assert (step.doctor, step.due_at, step.ticket_id) == (colleague, due, ticket)
    member = CareTeamMember.of_user
    team = CareTeamMember.objects.filter(patient=visit.patient, source="visit")
    assert team.get(member=member(colleague.pk)).ends_at is None
    assert team.get(member=member(cast.doctor.pk)).ends_at is not None
    event = last_act(visit)
    serving.undo_act(event_id=event.pk, actor=cast.receptionist)
    visit.refresh_from_db()
    assert (visit.doctor, step_of(visit).doctor) == (cast.doctor, cast.doctor)
    assert team.get(member=member(cast.doctor.pk)).ends_at is None


def test_no_transfer_to_a_doctor_for_whom_the_patient_waits_or_after_the_beginning(cast):
    colleague, visit = DoctorFactory(), waiting(cast)
    VisitFactory(doctor=colleague, patient=visit.patient)
    with pytest.raises(AlreadyWaiting):
        detours.transfer_to_doctor(visit_id=visit.pk, doctor_id=colleague.pk, actor=cast.receptionist, reason=REASON)
    services.start_consultation(visit_id=visit.pk, actor=cast.doctor)
    with pytest.raises(VisitNotOpen):
        detours.transfer_to_doctor(
            visit_id=visit.pk, doctor_id=DoctorFactory().pk, actor=cast.receptionist, reason=REASON
        )


@pytest.mark.parametrize(
    ("status", "stage", "to"),
    [
        (Status.ARRIVED, "doctor", Status.WAITING),
        (Status.LABORATORY, "radiology", Status.RADIOLOGY),
        (Status.RADIOLOGY, "laboratory", Status.LABORATORY),
        (Status.WAITING, "pharmacy", None),
        (Status.PHARMACY, "doctor", None),
        (Status.ARRIVED, "nowhere", None),
    ],
)
def test_transfer_between_stages(cast, status, stage, to):
    visit = VisitFactory(doctor=cast.doctor, status=status)
    if to is None:
        with pytest.raises(StepNotOpen):
            detours.transfer_to_stage(visit_id=visit.pk, stage=stage, actor=cast.nurse, reason=REASON)
    else:
        detours.transfer_to_stage(visit_id=visit.pk, stage=stage, actor=cast.nurse, reason=REASON)
    visit.refresh_from_db()
    assert visit.status == (to or status)


def test_a_number_of_the_desk_is_called_and_done(cast):
    desk = StationFactory(stage="registration", spoken="pendaftaran")
    ticket = arrivals.take_number()
    step = serving.call_next(station_id=desk.pk, actor=cast.receptionist)
    assert (step.ticket, step.state) == (ticket, State.CALLED)
    serving.finish_step(step_id=step.pk, actor=cast.receptionist)
    step.refresh_from_db()
    assert (step.state, step.open) == (State.DONE, None)
    event = QueueEvent.objects.order_by("id").last()
    serving.undo_act(event_id=event.pk, actor=cast.receptionist)
    step.refresh_from_db()
    assert step.state == State.CALLED


# --- undo ------------------------------------------------------------------------------------------------------


def test_undoing_a_call_leaves_no_trace_but_the_record(cast, room):
    visit = waiting(cast)
    step = serving.call_next(station_id=room.pk, actor=cast.doctor)
    event = last_act(visit)
    serving.undo_act(event_id=event.pk, actor=cast.doctor)
    step, event = step_of(visit), QueueEvent.objects.get(pk=event.pk)
    assert (step.state, step.called_at, step.call_count, step.station, step.ticket.call_count) == (
        State.WAITING, None, 0, None, 0,
    )  # fmt: skip
    assert event.undone_at is not None
    assert AuditEvent.objects.filter(action="scheduling.queue.undone").count() == 1
    with pytest.raises(CannotUndo):
        serving.undo_act(event_id=event.pk, actor=cast.doctor)


def test_undoing_the_nurses_end_and_the_doctors_beginning(cast, nurse_room):
    visit = waiting(cast, status=Status.ARRIVED)
    step = serving.call_next(station_id=nurse_room.pk, actor=cast.nurse)
    serving.finish_step(step_id=step.pk, actor=cast.nurse)
    serving.undo_act(event_id=last_act(visit).pk, actor=cast.nurse)
    visit.refresh_from_db()
    assert (visit.status, visit.triaged_at, step_of(visit).pk) == (Status.ARRIVED, None, step.pk)
    assert list(QueueStep.objects.filter(visit=visit).values_list("state", flat=True).order_by("id")) == [
        "called", "cancelled",
    ]  # fmt: skip
    serving.finish_step(step_id=step.pk, actor=cast.nurse)
    services.start_consultation(visit_id=visit.pk, actor=cast.doctor)
    serving.undo_act(event_id=last_act(visit).pk, actor=cast.doctor)
    visit.refresh_from_db()
    assert (visit.status, visit.started_at, step_of(visit).state) == (Status.WAITING, None, State.WAITING)


def test_undo_is_ones_own_last_act_within_two_minutes(cast, room):
    visit = waiting(cast)
    step = serving.call_next(station_id=room.pk, actor=cast.doctor)
    event = last_act(visit)
    with pytest.raises(CannotUndo):
        serving.undo_act(event_id=event.pk, actor=cast.nurse)
    with time_machine.travel(event.at + serving.UNDO_FOR + timedelta(seconds=1), tick=False), pytest.raises(CannotUndo):
        serving.undo_act(event_id=event.pk, actor=cast.doctor)
    serving.call_step(step_id=step.pk, actor=cast.doctor)
    with pytest.raises(CannotUndo):
        serving.undo_act(event_id=event.pk, actor=cast.doctor)
    assert step_of(visit).call_count == 2


def test_what_money_or_a_signature_did_is_not_undone(cast):
    visit = waiting(cast)
    services.start_consultation(visit_id=visit.pk, actor=cast.doctor)
    services.close_consultation(visit_id=visit.pk, actor=cast.doctor, next_status=Status.CASHIER)
    with pytest.raises(CannotUndo):
        serving.undo_act(event_id=last_act(visit).pk, actor=cast.doctor)
    visit.refresh_from_db()
    assert visit.status == Status.CASHIER


def test_undo_after_the_visit_was_cancelled_is_refused(cast, nurse_room):
    visit = waiting(cast, status=Status.ARRIVED)
    serving.call_next(station_id=nurse_room.pk, actor=cast.nurse)
    event = last_act(visit)
    services.cancel_visit(visit_id=visit.pk, actor=cast.receptionist, reason="Pulang")
    with pytest.raises(CannotUndo):
        serving.undo_act(event_id=event.pk, actor=cast.nurse)
    assert not QueueStep.objects.filter(visit=visit, open=1).exists()


# --- midnight, stations ----------------------------------------------------------------------------------------


def test_who_waits_past_midnight_is_called_and_who_was_forgotten_yesterday_is_not(cast, room):
    with time_machine.travel("2026-11-20T15:00:00+07:00", tick=False):
        VisitFactory(doctor=cast.doctor)
    with time_machine.travel("2026-11-20T23:30:00+07:00", tick=False):
        late = VisitFactory(doctor=cast.doctor)
    with time_machine.travel("2026-11-21T00:30:00+07:00", tick=False):
        night = VisitFactory(doctor=cast.doctor)
        assert serving.call_next(station_id=room.pk, actor=cast.doctor).visit == late
        assert serving.call_next(station_id=room.pk, actor=cast.doctor).visit == night
        with pytest.raises(NobodyWaits):
            serving.call_next(station_id=room.pk, actor=cast.doctor)
    assert (late.visit_on.day, step_of(late).queue_on.day, night.visit_on.day) == (20, 20, 21)


def test_a_station_in_use_stays_open(cast, room):
    values = {"name": room.name, "stage": "doctor", "spoken": "ruang", "spoken_number": 1, "order": 0}
    SessionFactory(station=room)
    with pytest.raises(StationInUse):
        stations.save_station(station_id=room.pk, actor=cast.admin, is_active=False, **values)
    with pytest.raises(StationInUse):
        stations.save_station(station_id=room.pk, actor=cast.admin, is_active=True, **{**values, "stage": "nurse"})
    other = StationFactory()
    waiting(cast)
    serving.call_next(station_id=other.pk, actor=cast.doctor)
    with pytest.raises(StationInUse):
        stations.save_station(station_id=other.pk, actor=cast.admin, is_active=False, **values)
    free = StationFactory()
    saved = stations.save_station(station_id=free.pk, actor=cast.admin, is_active=False, **{**values, "name": "Lama"})
    assert (saved.name, saved.is_active) == ("Lama", False)
    assert AuditEvent.objects.get(action="scheduling.station.saved").detail["name"] == "Lama"


def test_calls_name_the_room_of_the_session_when_nobody_chose_a_station(cast, room):
    SessionFactory(doctor=cast.doctor, station=room, practice_on=clock.today())
    visit = waiting(cast)
    services.call_ticket(visit_id=visit.pk, actor=cast.doctor)
    assert last_act(visit).station == room


def test_patients_and_services_stay_apart(cast):
    """A transfer needs a service that the other doctor gives by name, too."""
    service = ServiceFactory()
    service.doctors.add(cast.doctor)
    visit = VisitFactory(doctor=cast.doctor, service=service, patient=PatientFactory())
    with pytest.raises(ServiceNotOffered):
        detours.transfer_to_doctor(
            visit_id=visit.pk, doctor_id=DoctorFactory().pk, actor=cast.receptionist, reason=REASON
        )

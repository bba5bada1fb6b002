"""Two stations, the desk and the kiosk, and second thoughts at once, on a real database."""

import pytest

from core import clock
from scheduling import services
from scheduling.errors import AppointmentNotOpen, CannotUndo, NobodyWaits, StepNotOpen
from scheduling.models import QueueEvent, QueueStep, QueueTicket, Visit
from scheduling.services import arrivals, serving
from tests.factories.accounts import DoctorFactory, UserFactory
from tests.factories.scheduling import AppointmentFactory, StationFactory, VisitFactory, session_at
from tests.scheduling.test_races import outcomes

pytestmark = pytest.mark.django_db(transaction=True)

State = QueueStep.State


def at_the_nurse(count):
    doctor = DoctorFactory()
    return [VisitFactory(doctor=doctor, status=Visit.Status.ARRIVED) for _ in range(count)]


def test_stations_that_call_at_once_never_get_the_same_number(race):
    at_the_nurse(8)
    rooms = [StationFactory(stage="nurse") for _ in range(5)]
    nurses = [UserFactory(roles=["nurse"]) for _ in range(5)]
    results = race(
        lambda room, nurse: serving.call_next(station_id=room.pk, actor=nurse),
        [(rooms[n % 5], nurses[n % 5]) for n in range(10)],
    )
    assert outcomes(results) == {"QueueStep": 8, NobodyWaits.__name__: 2}
    called = [row.pk for row in results if isinstance(row, QueueStep)]
    assert len(set(called)) == 8
    assert QueueEvent.objects.filter(kind="call").count() == 8
    assert not QueueStep.objects.exclude(call_count=1).exists()


def test_fifty_numbers_at_once_are_unique_and_without_gaps(race):
    results = race(arrivals.take_number, [()] * 50)
    assert outcomes(results) == {"QueueTicket": 50}
    assert sorted(QueueTicket.objects.values_list("number", flat=True)) == list(range(1, 51))
    assert QueueStep.objects.count() == 50


def test_desk_kiosk_and_phone_at_once_give_one_visit(race, cast):
    desk = UserFactory(roles=["receptionist"])
    slot = session_at(clock.today(), clock.local(clock.now()).hour, count=1).slots.first()
    booked = AppointmentFactory(slot=slot, patient=cast.patient_user.patient)
    results = race(
        lambda step: step(),
        [
            (lambda: services.check_in(appointment_id=booked.pk, actor=desk),),
            (lambda: arrivals.check_in_with_code(code=booked.code),),
            (lambda: arrivals.check_in_on_site(appointment_id=booked.pk, actor=cast.patient_user),),
        ]
        * 3,
    )
    visits = {row.pk for row in results if isinstance(row, Visit)}
    assert len(visits) == 1 == Visit.objects.count() == QueueTicket.objects.count()
    assert {type(row) for row in results} <= {Visit, AppointmentNotOpen}, outcomes(results)
    assert sum(isinstance(row, Visit) for row in results) >= 6, "kiosk and phone always get the number"


def test_no_answer_against_beginning(race):
    visit = at_the_nurse(1)[0]
    nurse, room = UserFactory(roles=["nurse"]), StationFactory(stage="nurse")
    step = serving.call_next(station_id=room.pk, actor=nurse)
    results = race(lambda act: act(step_id=step.pk, actor=nurse), [(serving.skip_step,), (serving.start_step,)])
    step.refresh_from_db()
    visit.refresh_from_db()
    assert (step.state, visit.status) == (State.SERVING, Visit.Status.TRIAGE), "who is there is inside either way"
    assert outcomes(results) in ({"QueueStep": 2}, {"QueueStep": 1, StepNotOpen.__name__: 1})


def test_undo_against_another_call(race):
    visit = at_the_nurse(1)[0]
    nurse, other = UserFactory(roles=["nurse"]), UserFactory(roles=["nurse"])
    room = StationFactory(stage="nurse")
    step = serving.call_next(station_id=room.pk, actor=nurse)
    event = QueueEvent.objects.get(step=step)
    results = race(
        lambda act: act(),
        [
            (lambda: serving.undo_act(event_id=event.pk, actor=nurse),),
            (lambda: serving.call_step(step_id=step.pk, actor=other),),
        ],
    )
    step.refresh_from_db()
    undone = QueueEvent.objects.get(pk=event.pk).undone_at is not None
    assert step.state == State.CALLED
    assert step.call_count == QueueTicket.objects.get(visit=visit).call_count == (1 if undone else 2)
    assert sum(isinstance(row, CannotUndo) for row in results) == (0 if undone else 1)


def test_six_undo_once(race):
    at_the_nurse(1)
    nurse, room = UserFactory(roles=["nurse"]), StationFactory(stage="nurse")
    serving.call_next(station_id=room.pk, actor=nurse)
    event = QueueEvent.objects.get()
    results = race(lambda: serving.undo_act(event_id=event.pk, actor=nurse), [()] * 6)
    assert outcomes(results) == {"QueueStep": 1, CannotUndo.__name__: 5}

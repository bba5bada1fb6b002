"""Stays in the queue: they follow the visit, and one rule says who is next."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core import clock
from scheduling import services
from scheduling.models import QueueEvent, QueueStep, Stage, Visit
from scheduling.services import queue
from tests.factories.patients import PatientFactory
from tests.factories.scheduling import AppointmentFactory, ServiceFactory, VisitFactory, session_at

State, Kind, Status = QueueStep.State, QueueEvent.Kind, Visit.Status


def walk_in(cast, **fields):
    return services.register_walk_in(
        patient_id=PatientFactory().pk, service_id=ServiceFactory().pk, doctor_id=cast.doctor.pk, complaint="Demam",
        actor=cast.receptionist, **fields,
    )  # fmt: skip


def stays(visit):
    return [(step.stage, step.state) for step in QueueStep.objects.filter(visit=visit).order_by("id")]


def acts(visit):
    return [event.kind for event in QueueEvent.objects.filter(step__visit=visit).order_by("id")]


@pytest.mark.django_db
def test_stays_follow_the_whole_way(cast):
    visit = walk_in(cast, priority="elderly")
    first = QueueStep.objects.get(visit=visit)
    assert (first.stage, first.state, first.priority) == (Stage.NURSE, State.WAITING, "elderly")
    assert (first.due_at, first.queue_on, first.ticket) == (visit.arrived_at, visit.visit_on, visit.ticket)
    services.start_triage(visit_id=visit.pk, actor=cast.nurse)
    services.finish_triage(visit_id=visit.pk, actor=cast.nurse)
    at_doctor = QueueStep.objects.get(visit=visit, open=1)
    assert (at_doctor.doctor, at_doctor.due_at, at_doctor.priority) == (cast.doctor, first.due_at, "elderly")
    services.start_consultation(visit_id=visit.pk, actor=cast.doctor)
    services.close_consultation(visit_id=visit.pk, actor=cast.doctor, next_status=Status.PHARMACY)
    services.move_visit(visit_id=visit.pk, to_status=Status.CASHIER)
    services.finish_visit(visit_id=visit.pk, actor=cast.cashier)
    assert stays(visit) == [("nurse", "done"), ("doctor", "done"), ("pharmacy", "done"), ("cashier", "done")]
    assert acts(visit) == ["start", "finish", "start", "finish", "finish", "finish"]


@pytest.mark.django_db
def test_a_doctor_who_takes_a_patient_without_the_nurse_ends_that_stay(cast):
    visit = walk_in(cast)
    services.start_consultation(visit_id=visit.pk, actor=cast.doctor)
    assert stays(visit) == [("nurse", "cancelled"), ("doctor", "serving")]


@pytest.mark.django_db
def test_a_cancelled_visit_leaves_no_open_stay(cast):
    visit = walk_in(cast)
    services.cancel_visit(visit_id=visit.pk, actor=cast.receptionist, reason="Pulang")
    assert stays(visit) == [("nurse", "cancelled")]


@pytest.mark.django_db
def test_calling_writes_the_act_and_keeps_the_first_time(cast):
    visit = walk_in(cast)
    services.call_ticket(visit_id=visit.pk, actor=cast.nurse)
    step = QueueStep.objects.get(visit=visit)
    services.call_ticket(visit_id=visit.pk, actor=cast.nurse)
    again = QueueStep.objects.get(visit=visit)
    assert (again.state, again.call_count, again.called_at) == (State.CALLED, 2, step.called_at)
    assert acts(visit) == ["call", "recall"]


@pytest.mark.django_db
def test_a_visit_from_before_the_queue_can_be_called(cast):
    visit = VisitFactory(doctor=cast.doctor)
    QueueEvent.objects.all().delete()
    QueueStep.objects.all().delete()
    services.call_ticket(visit_id=visit.pk, actor=cast.doctor)
    assert stays(visit) == [("doctor", "called")]


@pytest.mark.django_db
def test_who_comes_before_the_appointment_is_due_at_its_time_and_who_comes_late_at_the_arrival(cast):
    first, second = session_at(clock.today(), 23, doctor=cast.doctor, count=2).slots.all()
    early = services.check_in(appointment_id=AppointmentFactory(slot=first).pk, actor=cast.receptionist)
    assert QueueStep.objects.get(visit=early).due_at == first.starts_at
    late = Visit(arrived_at=second.starts_at + timedelta(minutes=1), appointment=AppointmentFactory(slot=second))
    assert queue.due_of(late) == late.arrived_at


# --- the rule --------------------------------------------------------------------------------------------------

NOON = datetime(2026, 11, 20, 5, tzinfo=UTC)


@dataclass(frozen=True)
class Stay:
    priority: str
    due_at: datetime
    entered_at: datetime
    ticket_id: int


def some(kinds):
    return [Stay(kind, NOON + timedelta(minutes=n), NOON, n) for n, kind in enumerate(kinds)]


KINDS = st.sampled_from(["", "", "", "elderly", "pregnant", "disabled", "other", "emergency"])
STAYS = st.lists(
    st.builds(
        lambda kind, due, came, number: Stay(kind, NOON + timedelta(minutes=due), NOON + timedelta(minutes=came), number),
        KINDS, st.integers(-90, 90), st.integers(-90, 90), st.integers(1, 10**6),
    ),
    max_size=40, unique_by=lambda stay: stay.ticket_id,
)  # fmt: skip


@given(STAYS, st.integers(0, 4), st.randoms(use_true_random=False))
@settings(max_examples=300, deadline=None)
def test_the_order_rule(stays, in_a_row, random):
    result = queue.ordered(stays, in_a_row=in_a_row)
    assert sorted(result, key=id) == sorted(stays, key=id), "everybody once"
    shuffled = stays[:]
    random.shuffle(shuffled)
    assert queue.ordered(shuffled, in_a_row=in_a_row) == result, "the order of asking does not matter"
    urgent = [queue.urgency_of(stay.priority) for stay in result]
    assert urgent[: urgent.count(0)] == [0] * urgent.count(0), "emergencies first"
    for kind in (0, 1, 2):
        turns = [queue.turn(stay) for stay in result if queue.urgency_of(stay.priority) == kind]
        assert turns == sorted(turns), "within a kind by turn"
    row = in_a_row
    for place in range(urgent.count(0), len(urgent)):
        waits = 2 in urgent[place:]
        row = row + 1 if urgent[place] == 1 else 0
        assert not (waits and urgent[place] == 1 and row > queue.MOST_PRIORITIES_IN_A_ROW)
        if urgent[place] == 2 and 1 in urgent[place:]:
            assert place == 0 or urgent[:place].count(1) + in_a_row >= queue.MOST_PRIORITIES_IN_A_ROW


@given(STAYS)
@settings(max_examples=100, deadline=None)
def test_calling_one_after_the_other_gives_the_same_order(stays):
    """Calling the first, counting, and ordering the rest anew is what the rule said at the beginning."""
    expected, called, row, rest = queue.ordered(stays), [], 0, stays[:]
    while rest:
        first = queue.ordered(rest, in_a_row=row)[0]
        urgency = queue.urgency_of(first.priority)
        row = row + 1 if urgency == 1 else row if urgency == 0 else 0
        rest.remove(first)
        called.append(first)
    assert called == expected


def test_the_order_by_example():
    a, b, c, d, e, f = some(["", "elderly", "", "pregnant", "disabled", "emergency"])
    assert queue.ordered([a, b, c, d, e, f]) == [f, b, d, a, e, c]
    assert queue.ordered([a, b, c, d, e, f], in_a_row=2) == [f, a, b, d, c, e]

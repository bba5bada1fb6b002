"""When a patient is probably called, and how far off that was."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.core.cache import cache

from core import clock
from scheduling import services
from scheduling.models import QueueStep, Visit
from scheduling.services import estimates
from tests.factories.patients import PatientFactory
from tests.factories.scheduling import AppointmentFactory, ServiceFactory, StationFactory, VisitFactory, session_at

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 11, 20, 5, 0, tzinfo=UTC)  # 12.00 in the clinic
Status = Visit.Status


def minutes(number):
    return timedelta(minutes=number)


@pytest.fixture(autouse=True)
def noon():
    cache.clear()
    with time_machine.travel(NOON, tick=False) as traveller:
        yield traveller


def done(doctor, length, *, ago_days=0, count=1):
    """A consultation that took `length` minutes, some days ago."""
    for _ in range(count):
        day = clock.today() - timedelta(days=ago_days)
        visit = VisitFactory(doctor=doctor, visit_on=day, status=Status.IN_CONSULTATION)
        start = clock.now() - timedelta(days=ago_days, hours=2)
        QueueStep.objects.filter(visit=visit).update(
            state="done", started_at=start, ended_at=start + minutes(length), queue_on=day
        )


def waits(cast, since, **fields):
    with time_machine.travel(NOON - minutes(since), tick=False):
        return VisitFactory(doctor=cast.doctor, service=ServiceFactory(duration_minutes=20), **fields)


def test_the_pace_is_todays_else_the_months_else_the_services(cast):
    service = ServiceFactory(duration_minutes=25)
    assert estimates.pace_of(cast.doctor.pk, service) == (25, "service")
    done(cast.doctor, 40, ago_days=31, count=9)
    done(cast.doctor, 12, ago_days=3, count=2)
    done(cast.doctor, 14, ago_days=30)
    cache.clear()
    assert estimates.pace_of(cast.doctor.pk, service) == (12, "month")
    done(cast.doctor, 7, count=2)
    cache.clear()
    assert estimates.pace_of(cast.doctor.pk, service)[1] == "month"
    done(cast.doctor, 9)
    assert estimates.pace_of(cast.doctor.pk, service)[1] == "month", "kept for some seconds"
    cache.clear()
    assert estimates.pace_of(cast.doctor.pk, service) == (7, "today")
    assert estimates.pace_of(cast.other_doctor.pk, service) == (25, "service")


def test_the_place_in_the_order_counts_with_those_at_the_nurse(cast):
    first = waits(cast, 40, status=Status.ARRIVED)
    second = waits(cast, 30)
    third = waits(cast, 20)
    waits(cast, 10)
    VisitFactory(doctor=cast.other_doctor)
    found = [estimates.estimate_for(visit) for visit in (first, second, third)]
    assert [(row.ahead, row.call_at) for row in found] == [
        (0, NOON), (1, NOON + minutes(20)), (2, NOON + minutes(40)),
    ]  # fmt: skip
    assert (found[0].source, found[0].pace_minutes, found[0].is_late) == ("service", 20, False)
    elderly = waits(cast, 1, priority="elderly")
    assert estimates.estimate_for(elderly).ahead == 0
    assert estimates.estimate_for(third).ahead == 3


def test_who_is_inside_and_who_is_called_come_first(cast):
    inside, called, own = waits(cast, 50), waits(cast, 40), waits(cast, 30)
    with time_machine.travel(NOON - minutes(15), tick=False):
        services.start_consultation(visit_id=inside.pk, actor=cast.doctor)
        services.call_ticket(visit_id=called.pk, actor=cast.doctor)
    row = estimates.estimate_for(own)
    assert (row.ahead, row.call_at) == (1, NOON + minutes(5 + 20))
    assert estimates.estimate_for(called).is_called
    inside.refresh_from_db()
    assert estimates.estimate_for(inside) is None


def test_who_the_nurse_calls_is_told_where_to_go(cast):
    room = StationFactory(stage="nurse")
    first, called = waits(cast, 50), waits(cast, 40, status=Status.ARRIVED)
    services.call_ticket(visit_id=called.pk, actor=cast.nurse, station_id=room.pk)
    row = estimates.estimate_for(called)
    assert (row.is_called, row.place) == (True, room.name)
    services.start_triage(visit_id=called.pk, actor=cast.nurse, station_id=room.pk)
    row = estimates.estimate_for(called)
    assert (row.is_called, row.place, row.ahead) == (False, "", 1)
    assert estimates.estimate_for(first).ahead == 0


def test_a_consultation_that_takes_long_does_not_put_the_estimate_into_the_past(cast):
    inside, own = waits(cast, 90), waits(cast, 30)
    with time_machine.travel(NOON - minutes(80), tick=False):
        services.start_consultation(visit_id=inside.pk, actor=cast.doctor)
    assert estimates.estimate_for(own).call_at == NOON


def test_before_the_session_and_with_a_delay(cast):
    session = session_at(clock.today(), 13, doctor=cast.doctor)
    own = waits(cast, 5)
    assert estimates.estimate_for(own).call_at == session.starts_at == NOON + minutes(60)
    session.delay_minutes = 45
    session.save()
    row = estimates.estimate_for(own)
    assert (row.call_at, row.is_late, row.delay_minutes) == (NOON + minutes(105), True, 45)
    inside = waits(cast, 50)
    services.start_consultation(visit_id=inside.pk, actor=cast.doctor)
    row = estimates.estimate_for(own)
    assert (row.call_at, row.is_late) == (NOON + minutes(20), False), "the doctor has begun"


def test_booked_patients_who_are_expected_first_take_their_time(cast):
    session = session_at(clock.today(), 12, doctor=cast.doctor, count=4)
    slots = list(session.slots.all())
    AppointmentFactory(slot=slots[0])
    own = services.check_in(appointment_id=AppointmentFactory(slot=slots[2]).pk, actor=cast.receptionist)
    waits(cast, 10)
    assert estimates.estimate_for(own).ahead == 1
    assert estimates.estimate_for(own).call_at == NOON + minutes(30 + 30), "one waits, one is to come"


def test_the_first_estimate_is_kept_until_the_doctor(cast):
    waits(cast, 30)
    visit = services.register_walk_in(
        patient_id=PatientFactory().pk, service_id=ServiceFactory(duration_minutes=20).pk, doctor_id=cast.doctor.pk,
        complaint="Demam", actor=cast.receptionist,
    )  # fmt: skip
    first = QueueStep.objects.get(visit=visit)
    assert first.estimated_at == NOON + minutes(20) == estimates.estimate_for(visit).call_at
    services.finish_triage(visit_id=visit.pk, actor=cast.nurse)
    assert QueueStep.objects.get(visit=visit, stage="doctor").estimated_at == first.estimated_at


@pytest.mark.parametrize(("seconds", "shown"), [(0, 0), (1, 5), (299, 5), (300, 5), (301, 10)])
def test_what_is_shown_is_rounded_up_to_five_minutes(seconds, shown):
    row = estimates.Estimate(NOON + timedelta(seconds=seconds), 0, False, 0, 10, "today")
    assert row.shown_at == NOON + minutes(shown)


def test_other_places_have_no_estimate(cast):
    for status in (Status.LABORATORY, Status.PHARMACY, Status.CASHIER, Status.FINISHED, Status.CANCELLED):
        assert estimates.estimate_for(VisitFactory(status=status, doctor=cast.doctor)) is None


def test_few_queries_however_many_wait(cast, django_assert_num_queries):
    own = waits(cast, 90)
    own = Visit.objects.select_related("service").get(pk=own.pk)
    estimates.pace_of(cast.doctor.pk, own.service)
    with django_assert_num_queries(4):
        estimates.estimate_for(own)
    for number in range(30):
        waits(cast, number)
    with django_assert_num_queries(4):
        assert estimates.estimate_for(own).ahead == 0


def test_the_error_by_doctor_and_day_and_the_times_of_stages(cast):
    for off in (0, 5, -10, 30):
        visit = VisitFactory(doctor=cast.doctor)
        QueueStep.objects.filter(visit=visit).update(
            estimated_at=NOON, called_at=NOON + minutes(off), entered_at=NOON - minutes(20), state="done",
            started_at=NOON + minutes(off + 2), ended_at=NOON + minutes(off + 12),
        )  # fmt: skip
    day = clock.today()
    total, by_doctor, by_day = estimates.errors_between(day, day)
    assert (total.count, total.median_minutes, total.near_share, total.median_signed) == (4, 7.5, 0.75, 2.5)
    assert [(row.label, row.count) for row in by_doctor] == [(cast.doctor.pk, 4)]
    assert [(row.label, row.count) for row in by_day] == [(day, 4)]
    (times,) = estimates.times_between(day, day)
    assert (times.stage, times.count, times.wait_median, times.service_median, times.stay_median) == (
        "doctor", 4, 22.5, 10, 34.5,
    )  # fmt: skip
    assert estimates.errors_between(day + timedelta(days=1), day + timedelta(days=1)) == (None, [], [])

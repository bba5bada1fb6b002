"""Which times are free, over all doctors: the counted answer against one that reads every row."""

import random
from datetime import timedelta

import pytest

from accounts.models import User
from core import clock
from scheduling import querysets
from scheduling.models import Appointment, PracticeSession, Slot
from tests.factories.accounts import DoctorFactory, UserFactory
from tests.factories.patients import PatientFactory
from tests.factories.scheduling import AppointmentFactory, ServiceFactory, session_at

pytestmark = pytest.mark.django_db

Status = PracticeSession.Status


@pytest.fixture
def desk():
    """A patient and a colleague for every booking, so that hundreds of bookings need no people of their own."""
    return {"patient": PatientFactory(), "booked_by": UserFactory()}


def many_slots(seed, desk):
    """Sessions of every state around both ends of what is offered, with people and services that left."""
    rng = random.Random(seed)
    doctors = [DoctorFactory() for _one in range(3)]
    left, without_role = DoctorFactory(is_active=False), UserFactory()
    services = [ServiceFactory(), ServiceFactory(), ServiceFactory(is_active=False)]
    ends = (-2, -1, 0, querysets.HORIZON_DAYS - 1, querysets.HORIZON_DAYS, querysets.HORIZON_DAYS + 1)
    for _number in range(60):
        day = clock.today() + timedelta(days=rng.choice(ends) if rng.random() < 0.6 else rng.randrange(1, 4))
        session = session_at(
            day, rng.choice((8, 9, 10, 23)), doctor=rng.choice([*doctors, *doctors, left, without_role]),
            service=rng.choice(services), status=rng.choice([Status.APPROVED] * 5 + list(Status)),
        )  # fmt: skip
        for slot in session.slots.all():
            if rng.random() < 0.2:
                Slot.objects.filter(pk=slot.pk).update(is_closed=True)
            if rng.random() < 0.3:  # given back
                AppointmentFactory(slot=slot, status=Appointment.Status.CANCELLED, lines=False, **desk)
            if rng.random() < 0.4:
                AppointmentFactory(slot=slot, lines=False, **desk)


def by_reading_all(now):
    """Return (doctor, service) -> first start, count and the slots of that start, one row after the other."""
    doctors = {doctor.pk for doctor in User.objects.doctors()}
    found = {}
    for slot in Slot.objects.select_related("session__doctor", "session__service").order_by("starts_at"):
        session = slot.session
        if not now < slot.starts_at < now + timedelta(days=querysets.HORIZON_DAYS):
            continue
        if slot.is_closed or session.status != Status.APPROVED or slot.appointments.filter(active=1).exists():
            continue
        if session.doctor_id not in doctors or not session.service.is_active:
            continue
        first, count, at_first = found.get((session.doctor_id, session.service_id), (slot.starts_at, 0, set()))
        if slot.starts_at == first:
            at_first.add(slot.pk)
        found[session.doctor_id, session.service_id] = (first, count + 1, at_first)
    return found


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_offers_are_what_reading_every_slot_says(desk, seed):
    many_slots(seed, desk)
    now = clock.now()
    expected = by_reading_all(now)
    offers = querysets.offers(now)
    assert len(expected) >= 3, "the made-up rows say nothing"
    assert {(one.doctor.pk, one.service.pk): (one.starts_at, one.free_count) for one in offers} == {
        key: (first, count) for key, (first, count, _slots) in expected.items()
    }
    assert all(one.slot_id in expected[one.doctor.pk, one.service.pk][2] for one in offers)
    assert offers == sorted(offers, key=lambda one: (one.starts_at, one.doctor.username))


def test_slots_that_nobody_holds_are_the_same_by_join_and_one_by_one(desk):
    many_slots(4, desk)
    by_join = set(Slot.objects.not_taken().values_list("pk", flat=True))
    assert by_join == set(Slot.objects.with_bookings().filter(is_booked=False).values_list("pk", flat=True))
    assert 0 < len(by_join) < Slot.objects.count()


@pytest.mark.parametrize("count", [3, 30])
def test_offers_cost_three_queries(cast, count, django_assert_num_queries):
    for number in range(count):
        session_at(clock.today() + timedelta(days=1 + number % 5), 8 + number % 10, count=1)
    now = clock.now()
    with django_assert_num_queries(3):
        assert len(querysets.offers(now)) == count


def test_nothing_free_is_one_query(cast, django_assert_num_queries):
    with django_assert_num_queries(1):
        assert querysets.offers(clock.now()) == []

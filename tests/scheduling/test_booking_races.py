"""Bookings, moves, offers and their ends at once, on a real database: one truth is left."""

from datetime import timedelta
from uuid import uuid4

import pytest

from core import clock
from notifications.models import Email
from scheduling import services
from scheduling.errors import AppointmentNotOpen, OfferEnded, SlotTaken
from scheduling.models import Appointment, AppointmentMove, WaitlistEntry
from tests.factories.accounts import UserFactory
from tests.factories.patients import PatientFactory
from tests.factories.scheduling import AppointmentFactory, SessionFactory, booking, session_at
from tests.scheduling.test_races import outcomes

pytestmark = pytest.mark.django_db(transaction=True)

Status = Appointment.Status
MANY = 12


def wish(session, desk):
    day = session.practice_on
    return services.join_waitlist(
        patient_id=PatientFactory().pk, service_id=session.service_id, actor=desk, first_on=clock.today(), last_on=day
    )


def one_each(slots):
    """Every slot has one active appointment at most."""
    for slot in slots:
        assert Appointment.objects.filter(slot=slot, active=1).count() <= 1


def test_many_moves_into_one_slot_give_one(race):
    desk, target = UserFactory(), SessionFactory()
    source = session_at(target.practice_on, 13, count=MANY, service=target.service)
    movers = [AppointmentFactory(slot=slot) for slot in source.slots.all()]
    goal = target.slots.first()
    results = race(
        lambda row: services.reschedule_appointment(appointment_id=row.pk, slot_id=goal.pk, actor=desk),
        [(row,) for row in movers],
    )
    assert outcomes(results) == {"Appointment": 1, SlotTaken.__name__: MANY - 1}
    assert Appointment.objects.filter(slot=goal, active=1).count() == 1
    assert AppointmentMove.objects.count() == 1
    assert Email.objects.filter(template="appointment_moved").count() <= 1


def test_two_appointments_that_swap_places_end_without_a_deadlock(race):
    desk, session = UserFactory(), SessionFactory()
    first, second, free = session.slots.all()
    rows = [AppointmentFactory(slot=first), AppointmentFactory(slot=second)]
    race(
        lambda row, slot: services.reschedule_appointment(appointment_id=row.pk, slot_id=slot.pk, actor=desk),
        [(rows[0], free), (rows[1], free), (rows[0], second), (rows[1], first)],
    )
    one_each([first, second, free])
    assert Appointment.objects.filter(active=1).count() == 2
    for row in rows:
        row.refresh_from_db()
        assert row.sequence == row.moves.count()


def test_a_move_and_a_booking_of_one_slot_give_one(race):
    desk, session = UserFactory(), SessionFactory()
    first, goal = session.slots.all()[:2]
    row = AppointmentFactory(slot=first)
    results = race(
        lambda step: step(),
        [
            (lambda: services.reschedule_appointment(appointment_id=row.pk, slot_id=goal.pk, actor=desk),),
            *[(lambda: services.book_appointment(**booking(PatientFactory(), goal, desk)),) for _ in range(6)],
        ],
    )
    assert outcomes(results) == {"Appointment": 1, SlotTaken.__name__: 6}


def test_moving_and_cancelling_at_once_leave_one_truth(race):
    desk, session = UserFactory(), SessionFactory()
    first, goal = session.slots.all()[:2]
    row = AppointmentFactory(slot=first)
    results = race(
        lambda step: step(),
        [
            (lambda: services.reschedule_appointment(appointment_id=row.pk, slot_id=goal.pk, actor=desk),),
            (lambda: services.cancel_appointment(appointment_id=row.pk, actor=desk, reason="Batal"),),
        ],
    )
    row.refresh_from_db()
    assert row.status == Status.CANCELLED
    assert row.slot_id == (goal.pk if row.moves.exists() else first.pk)
    assert not [result for result in results if not isinstance(result, Appointment | AppointmentNotOpen)]


def test_one_freed_slot_is_offered_once_however_many_look(race):
    desk, session = UserFactory(), SessionFactory(slot_count=1)
    slot = session.slots.first()
    for _ in range(3):
        wish(session, desk)
    results = race(lambda step: step(), [
        *[(lambda: services.offer_freed_slot(slot.pk),)] * 4,
        *[(lambda: services.offer_free_times(clock.now()),)] * 4,
    ])  # fmt: skip
    assert not [row for row in results if isinstance(row, Exception)]
    assert Appointment.objects.filter(status=Status.OFFERED).count() == 1
    assert WaitlistEntry.objects.filter(status="offered").count() == 1


def test_an_offer_and_a_booking_of_one_slot_give_one(race):
    desk, session = UserFactory(), SessionFactory(slot_count=1)
    slot = session.slots.first()
    wish(session, desk)
    results = race(lambda step: step(), [
        (lambda: services.offer_freed_slot(slot.pk),),
        *[(lambda: services.book_appointment(**booking(PatientFactory(), slot, desk)),) for _ in range(4)],
    ])  # fmt: skip
    assert not [row for row in results if isinstance(row, Exception) and not isinstance(row, SlotTaken)]
    assert Appointment.objects.filter(slot=slot, active=1).count() == 1


def test_accepting_declining_and_the_end_of_an_offer_at_once_leave_one_truth(race):
    desk, session = UserFactory(), SessionFactory(slot_count=1)
    entry = wish(session, desk)
    offer = services.offer_freed_slot(session.slots.first().pk)
    end = offer.held_until + timedelta(seconds=1)
    results = race(lambda step: step(), [
        *[(lambda: services.accept_offer(appointment_id=offer.pk, actor=desk, complaint="Batuk"),)] * 3,
        (lambda: services.decline_offer(appointment_id=offer.pk, actor=desk),),
        (lambda: services.expire_holds(end),),
    ])  # fmt: skip
    offer.refresh_from_db()
    entry.refresh_from_db()
    assert not [row for row in results if isinstance(row, Exception) and not isinstance(row, OfferEnded)]
    assert (offer.status, entry.status) in {
        (Status.PENDING, "booked"), (Status.EXPIRED, "booked"), (Status.EXPIRED, "waiting"), (Status.CANCELLED, "waiting"),
    }  # fmt: skip
    winners = sum(isinstance(row, Appointment) for row in results) + sum(row == 1 for row in results)
    assert winners == (2 if (offer.status, entry.status) == (Status.EXPIRED, "booked") else 1)


def test_one_expiry_of_many_sweeps(race):
    row = AppointmentFactory(
        status="pending", held_until=clock.now(), patient=PatientFactory(email="siti@surat.example")
    )
    results = race(lambda: services.expire_holds(clock.now() + timedelta(seconds=1)), [()] * 8)
    assert sorted(results) == [0] * 7 + [1]
    row.refresh_from_db()
    assert row.status == Status.EXPIRED
    assert Email.objects.filter(template="appointment_expired").count() == 1


def test_approving_against_the_end_of_the_hold_leaves_one_truth(race):
    row, admin = AppointmentFactory(status="pending", held_until=clock.now() + timedelta(hours=1)), UserFactory()
    results = race(lambda step: step(), [
        *[(lambda: services.approve_appointment(appointment_id=row.pk, actor=admin),)] * 3,
        *[(lambda: services.expire_holds(clock.now() + timedelta(hours=2)),)] * 3,
    ])  # fmt: skip
    row.refresh_from_db()
    assert sum(isinstance(result, Appointment) or result == 1 for result in results) == 1
    assert row.status in (Status.APPROVED, Status.EXPIRED)


def test_families_and_single_bookings_of_the_same_times(race):
    desk, session = UserFactory(), SessionFactory(slot_count=6)
    slots = list(session.slots.all())

    def family(order):
        items = [
            services.FamilyItem(patient_id=PatientFactory().pk, slot_id=slots[at].pk, complaint="Kontrol")
            for at in order
        ]
        return services.book_family(items=items, actor=desk, source="reception", idempotency_key=uuid4())

    results = race(lambda step: step(), [
        (lambda: family([0, 1, 2, 3]),),
        (lambda: family([3, 2, 1, 0]),),
        (lambda: family([2, 3, 4, 5]),),
        (lambda: services.book_appointment(**booking(PatientFactory(), slots[2], desk)),),
        (lambda: services.book_appointment(**booking(PatientFactory(), slots[3], desk)),),
    ])  # fmt: skip
    one_each(slots)
    booked = sum(len(row) for row in results if isinstance(row, list))
    booked += sum(isinstance(row, Appointment) for row in results)
    assert Appointment.objects.count() == booked, "a family is booked whole or not at all"
    assert booked in (1, 2, 4)
    assert not [row for row in results if isinstance(row, Exception) and not isinstance(row, SlotTaken)]


def test_one_family_sent_many_times_is_booked_once(race):
    desk, session, key = UserFactory(), SessionFactory(), uuid4()
    items = [
        services.FamilyItem(patient_id=PatientFactory().pk, slot_id=slot.pk, complaint="Kontrol")
        for slot in session.slots.all()
    ]
    results = race(
        lambda: services.book_family(items=items, actor=desk, source="reception", idempotency_key=key), [()] * 8
    )
    assert outcomes(results) == {"list": 8}
    assert Appointment.objects.count() == 3

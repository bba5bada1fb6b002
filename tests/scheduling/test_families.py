"""Several people in one act: all of them, or none."""

from uuid import uuid4

import pytest

from core import clock
from core.errors import InvalidInput
from notifications.models import Email
from scheduling import querysets, services
from scheduling.errors import (
    NotYourAppointment,
    PatientNotActive,
    ServicesTooLong,
    SlotTaken,
    TooManyAppointments,
)
from scheduling.models import Appointment
from tests.factories.patients import PatientFactory
from tests.factories.scheduling import AppointmentFactory, ServiceFactory, session_at

pytestmark = pytest.mark.django_db


def family(people, slots, **fields):
    return [
        services.FamilyItem(patient_id=person.pk, slot_id=slot.pk, complaint="Kontrol anak", **fields)
        for person, slot in zip(people, slots, strict=True)
    ]


def book(items, actor, source="reception", key=None):
    return services.book_family(items=items, actor=actor, source=source, idempotency_key=key or uuid4())


def test_a_guardian_books_for_dependants_only(cast, session):
    stranger = PatientFactory()
    items = family([cast.patient_user.patient, stranger], session.slots.all()[:2])
    with pytest.raises(NotYourAppointment, match=stranger.full_name):
        book(items, cast.patient_user, source="portal")
    assert not Appointment.objects.exists()


def test_all_are_booked_in_order_and_once(cast, session):
    people, key = [PatientFactory() for _ in range(3)], uuid4()
    items = family(people, session.slots.all())
    booked = book(items, cast.receptionist, key=key)
    assert [row.patient_id for row in booked] == [person.pk for person in people]
    assert [row.slot_id for row in booked] == [slot.pk for slot in session.slots.all()]
    again = book(items, cast.receptionist, key=key)
    assert [row.pk for row in again] == [row.pk for row in booked]
    assert Appointment.objects.count() == 3


def test_a_form_that_comes_back_with_another_time_is_refused(cast, session):
    people, slots, key = [PatientFactory() for _ in range(2)], list(session.slots.all()), uuid4()
    book(family(people, slots[:2]), cast.receptionist, key=key)
    with pytest.raises(InvalidInput, match=people[1].full_name):
        book(family(people, [slots[0], slots[2]]), cast.receptionist, key=key)
    assert set(Appointment.objects.values_list("slot_id", flat=True)) == {slots[0].pk, slots[1].pk}


def test_one_refusal_refuses_all_and_names_the_person(cast, session):
    people = [PatientFactory(email="a@surat.example"), PatientFactory(full_name="Bayu Aji")]
    slots = list(session.slots.all()[:2])
    AppointmentFactory(slot=slots[1])
    with pytest.raises(SlotTaken, match="Bayu Aji"):
        book(family(people, slots), cast.receptionist)
    with pytest.raises(PatientNotActive):
        book(
            family([people[0], PatientFactory(status="archived")], [slots[0], session.slots.all()[2]]),
            cast.receptionist,
        )
    extra = ServiceFactory(duration_minutes=30)
    with pytest.raises(ServicesTooLong):
        book(family(people[:1], slots[:1], extra_service_ids=(extra.pk,)), cast.receptionist)
    assert (Appointment.objects.count(), Email.objects.count()) == (1, 0)


def test_each_keeps_to_the_limits_of_the_portal(cast, session):
    patient = cast.patient_user.patient
    for day in range(2, 5):
        slot = session_at(clock.today().replace(day=clock.today().day + day), 9).slots.first()
        AppointmentFactory(patient=patient, slot=slot)
    with pytest.raises(TooManyAppointments):
        book(family([patient], session.slots.all()[:1]), cast.patient_user, source="portal")


def test_nobody_twice_too_many_and_one_time_for_two_are_refused(cast, session):
    slots, person = list(session.slots.all()), PatientFactory()
    for items in (
        [],
        family([person, person], slots[:2]),
        family([person, PatientFactory()], [slots[0], slots[0]]),
        [services.FamilyItem(patient_id=uuid4(), slot_id=uuid4(), complaint="x") for _ in range(7)],
        [services.FamilyItem(patient_id=person.pk, slot_id=slots[0].pk, complaint=" ")],
    ):
        with pytest.raises(InvalidInput):
            book(items, cast.receptionist)
    assert not Appointment.objects.exists()


def test_consecutive_times_stop_at_one_that_is_taken(cast):
    session = session_at(clock.today().replace(day=clock.today().day + 1), 9, count=5)
    slots = list(session.slots.select_related("session"))
    assert querysets.row_of_times(slots[0], 3) == slots[:3]
    AppointmentFactory(slot=slots[3])
    assert querysets.row_of_times(slots[1], 3) == slots[1:3]
    assert querysets.row_of_times(slots[4], 3) == slots[4:]
    assert querysets.row_of_times(slots[0], 2, minutes=31) == []

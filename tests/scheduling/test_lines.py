"""Several services in one appointment, and who gives which service."""

from datetime import timedelta

import pytest

from core import clock
from core.errors import InvalidInput
from scheduling import querysets, services
from scheduling.errors import ServiceNotOffered, ServicesTooLong
from scheduling.models import Appointment, AppointmentLine, VisitLine
from tests.factories.patients import PatientFactory
from tests.factories.scheduling import AppointmentFactory, ServiceFactory, booking, session_at

pytestmark = pytest.mark.django_db


def book(slot, actor, extra=()):
    return services.book_appointment(
        **booking(PatientFactory(), slot, actor, extra_service_ids=[service.pk for service in extra])
    )


@pytest.fixture
def short(session):
    """The session's service takes 20 of the 30 minutes."""
    session.service.duration_minutes = 20
    session.service.save()
    return session


def test_lines_keep_price_and_duration_of_the_booking(cast, short):
    extra = ServiceFactory(price_idr=45_500, duration_minutes=10)
    appointment = book(short.slots.first(), cast.receptionist, [extra])
    extra.price_idr, extra.duration_minutes = 1, 240
    extra.save()
    appointment.refresh_from_db()
    assert list(appointment.lines.values_list("position", "service_id", "price_idr", "duration_minutes")) == [
        (1, short.service_id, 100_000, 20), (2, extra.pk, 45_500, 10),
    ]  # fmt: skip
    assert appointment.price_idr == 145_500


def test_the_services_must_fit_the_time_and_the_sentence_names_one_that_does(cast, short):
    extra = ServiceFactory(duration_minutes=15)
    with pytest.raises(ServicesTooLong) as alone:
        book(short.slots.first(), cast.receptionist, [extra])
    assert "35" in str(alone.value)
    assert "30" in str(alone.value)
    session_at(short.practice_on + timedelta(days=1), 14, doctor=cast.doctor, service=short.service, slot_minutes=60)
    with pytest.raises(ServicesTooLong) as with_time:
        book(short.slots.first(), cast.receptionist, [extra])
    assert "14" in str(with_time.value)
    assert not Appointment.objects.exists()


def test_the_sessions_own_service_always_fits(cast, session):
    session.service.duration_minutes = 90
    session.service.save()
    assert book(session.slots.first(), cast.receptionist).lines.get().duration_minutes == 90


def test_only_what_the_doctor_gives_is_added(cast, short):
    for extra in (
        ServiceFactory(specialty="tht", duration_minutes=5),
        ServiceFactory(is_active=False, duration_minutes=5),
    ):
        with pytest.raises(ServiceNotOffered):
            book(short.slots.first(), cast.receptionist, [extra])
    with pytest.raises(InvalidInput):
        book(short.slots.first(), cast.receptionist, [ServiceFactory(duration_minutes=1) for _ in range(5)])
    same = book(short.slots.first(), cast.receptionist, [short.service])
    assert same.lines.count() == 1, "the same service again is no second line"


def test_a_service_that_names_doctors_is_theirs_alone(cast):
    everybody, theirs = ServiceFactory(), ServiceFactory(specialty="tht")
    theirs.doctors.add(cast.doctor)
    assert services.offers(cast.doctor, everybody)
    assert services.offers(cast.doctor, theirs)
    assert not services.offers(cast.other_doctor, theirs), "the specialty alone is not enough once somebody is named"
    assert not services.offers(cast.receptionist, everybody)
    named = {doctor.pk: {service.pk for service in given} for doctor, given in querysets.doctor_services()}
    assert named == {cast.doctor.pk: {everybody.pk, theirs.pk}}
    with pytest.raises(ServiceNotOffered):
        services.offered_service(service_id=theirs.pk, doctor_id=cast.other_doctor.pk)
    everybody.is_active = False
    everybody.save()
    assert not services.offers(cast.doctor, everybody)


def test_a_visit_takes_the_lines_of_its_appointment(cast):
    session = session_at(clock.today(), 23, doctor=cast.doctor, slot_minutes=60, count=1)
    extra = ServiceFactory(price_idr=45_500, duration_minutes=10)
    appointment = book(session.slots.first(), cast.receptionist, [extra])
    services.approve_appointment(appointment_id=appointment.pk, actor=cast.admin)
    visit = services.check_in(appointment_id=appointment.pk, actor=cast.receptionist)
    assert list(visit.lines.values_list("position", "service_id", "price_idr")) == [
        (1, session.service_id, 100_000), (2, extra.pk, 45_500),
    ]  # fmt: skip
    assert visit.price_idr == 145_500


def test_a_bare_appointment_gives_its_visit_one_line(cast):
    slot = session_at(clock.today(), 23, doctor=cast.doctor, count=1).slots.first()
    appointment = AppointmentFactory(slot=slot, lines=False)
    services.check_in(appointment_id=appointment.pk, actor=cast.receptionist)
    assert VisitLine.objects.values_list("service_id", "price_idr").get() == (appointment.service_id, 100_000)
    assert not AppointmentLine.objects.exists()

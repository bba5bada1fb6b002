import pytest

from scheduling.models import Service
from tests.factories.scheduling import ServiceFactory, SessionFactory


@pytest.fixture
def session(cast):
    """Tomorrow's approved session of the cast's doctor, three slots from 09.00; bookings wait for approval."""
    return SessionFactory(doctor=cast.doctor)


@pytest.fixture
def instant_session(cast):
    """The same, for a service that is booked at once, with the other doctor."""
    service = ServiceFactory(booking_mode=Service.BookingMode.INSTANT, specialty="tht")
    return SessionFactory(doctor=cast.other_doctor, service=service)

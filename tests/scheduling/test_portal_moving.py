"""Another time, by the patient: old and new side by side, the limits, and what is never moved."""

from datetime import timedelta

import pytest
import time_machine
from django.urls import reverse

from core import clock
from scheduling import services
from scheduling.models import Appointment, AppointmentMove
from tests.factories.patients import GuardianLinkFactory, PatientFactory
from tests.factories.scheduling import AppointmentFactory, SessionFactory, booking, session_at

pytestmark = pytest.mark.django_db


@pytest.fixture
def client(cast, client_for):
    return client_for(cast.patient_user)


@pytest.fixture
def mine(cast, session):
    return AppointmentFactory(patient=cast.patient_user.patient, slot=session.slots.first())


def times(appointment, slot=None):
    return reverse("scheduling:portal-appointment-move", args=[appointment.pk]) + (f"?slot={slot.pk}" if slot else "")


def to(appointment, slot=None):
    return reverse("scheduling:portal-appointment-move-to", args=[appointment.pk]) + (
        f"?slot={slot.pk}" if slot else ""
    )


def send(client, appointment, slot, **fields):
    return client.post(to(appointment), {"slot": slot.pk, "expected": appointment.slot_id, **fields})


def test_by_following_the_pages_the_time_changes_and_the_code_stays(client, session, mine):
    detail = client.get(services.portal_path(mine)).content.decode()
    assert times(mine) in detail
    free = session.slots.all()[2]
    assert to(mine, free) in client.get(times(mine)).content.decode()
    page = client.get(to(mine, free))
    assert (page.context["appointment"].slot, page.context["slot"], page.context["asks_again"]) == (
        mine.slot, free, True,
    )  # fmt: skip
    answer = send(client, mine, free)
    assert answer["Location"] == services.portal_path(mine)
    moved = Appointment.objects.get()
    assert (moved.pk, moved.code, moved.slot, moved.status, moved.sequence) == (mine.pk, mine.code, free, "pending", 1)
    assert AppointmentMove.objects.get().from_slot == mine.slot


def test_an_instant_service_stays_confirmed(cast, client, instant_session):
    mine = AppointmentFactory(patient=cast.patient_user.patient, slot=instant_session.slots.first())
    free = instant_session.slots.last()
    assert client.get(to(mine, free)).context["asks_again"] is False
    send(client, mine, free)
    mine.refresh_from_db()
    assert (mine.slot, mine.status) == (free, "approved")


def test_a_lost_time_leads_back_to_the_others(cast, client, session, mine):
    free, other = session.slots.all()[1:]
    services.book_appointment(**booking(PatientFactory(), free, cast.receptionist))
    for answer in (client.get(to(mine, free)), send(client, mine, free)):
        assert answer.status_code == 409
        assert to(mine, other) in answer.content.decode()
    mine.refresh_from_db()
    assert mine.slot == session.slots.first()


def test_a_page_that_shows_an_older_time_moves_nothing(client, session, mine):
    other = session.slots.all()[1]
    answer = send(client, mine, session.slots.last(), expected=str(other.pk))
    assert answer.status_code == 409
    mine.refresh_from_db()
    assert mine.slot == session.slots.first()


def test_too_late_says_whom_to_call_and_offers_no_buttons(cast, client_for, session, mine):
    with time_machine.travel(session.starts_at - timedelta(hours=1)):
        client = client_for(cast.patient_user)
        page = client.get(services.portal_path(mine))
        assert page.context["changes"].refusal
        assert page.context["changes"].refusal in page.content.decode()
        assert times(mine) not in page.content.decode()
        assert client.get(times(mine))["Location"] == services.portal_path(mine)
        assert send(client, mine, session.slots.last()).status_code == 409
    assert AppointmentMove.objects.count() == 0


def test_after_as_many_moves_as_allowed_it_stays(client, session, mine, settings):
    settings.BOOKING_MOVES = 1
    _first, second, third = session.slots.all()
    send(client, mine, second)
    mine.refresh_from_db()
    page = client.get(services.portal_path(mine))
    assert (page.context["changes"].may_move, page.context["changes"].may_cancel) == (False, True)
    assert send(client, mine, third).status_code == 409
    mine.refresh_from_db()
    assert mine.slot == second


def test_a_time_of_another_service_is_no_time_for_it(client, session, mine):
    other = SessionFactory(doctor=session.doctor, practice_on=clock.today() + timedelta(days=3)).slots.first()
    assert client.get(to(mine, other))["Location"] == times(mine)
    assert send(client, mine, other)["Location"] == times(mine)
    mine.refresh_from_db()
    assert mine.slot == session.slots.first()


def test_other_days_of_the_same_doctor_are_offered(client, session, mine):
    later = session_at(clock.today() + timedelta(days=5), 9, doctor=session.doctor, service=session.service)
    assert times(mine, later.slots.first()) in client.get(times(mine)).content.decode()
    assert to(mine, later.slots.last()) in client.get(times(mine, later.slots.first())).content.decode()


def test_strangers_and_ended_links_move_nothing(cast, client_for, session):
    link = GuardianLinkFactory(guardian=cast.patient_user)
    childs = AppointmentFactory(patient=link.dependant, slot=session.slots.first())
    guardian, stranger = client_for(cast.patient_user), client_for(cast.other_patient_user)
    assert guardian.get(times(childs)).status_code == 200
    link.status = "ended"
    link.save()
    for client in (guardian, stranger):
        assert client.get(times(childs)).status_code == 404
        assert client.get(to(childs, session.slots.last())).status_code == 404
        assert send(client, childs, session.slots.last(), person=link.dependant_id).status_code in (404, 409)
    childs.refresh_from_db()
    assert childs.slot == session.slots.first()


def test_a_finished_visit_has_no_other_time(cast, client, session):
    over = AppointmentFactory(patient=cast.patient_user.patient, slot=session.slots.first(), status="finished")
    assert client.get(times(over))["Location"] == services.portal_path(over)
    assert send(client, over, session.slots.last()).status_code == 409

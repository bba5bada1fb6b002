"""Several people in one go: chosen in forms, times one after another, all of them or none."""

import re
from datetime import timedelta
from uuid import uuid4

import pytest
from django.urls import reverse

from core import clock
from scheduling import services
from scheduling.models import Appointment
from tests.factories.patients import GuardianLinkFactory, PatientFactory
from tests.factories.scheduling import AppointmentFactory, booking, session_at

pytestmark = pytest.mark.django_db


def url(name, slot=None):
    return reverse(f"scheduling:portal-{name}") + (f"?slot={slot.pk}" if slot else "")


@pytest.fixture
def mother(cast):
    return cast.patient_user


@pytest.fixture
def child(mother):
    return GuardianLinkFactory(guardian=mother).dependant


@pytest.fixture
def client(mother, client_for):
    return client_for(mother)


def form(chosen, times, /, **fields):
    return {
        "people": [one.pk for one in chosen], "slots": [slot.pk for slot in times], "slot": times[0].pk,
        "idempotency_key": uuid4(), **{f"p{one.pk.hex}-complaint": f"Imunisasi {one.full_name}" for one in chosen},
        **fields,
    }  # fmt: skip


def hidden(page, name):
    return re.findall(rf'name="{name}" value="([^"]*)"', page.content.decode())


def test_by_following_the_pages(mother, child, client, session):
    first, second, _third = session.slots.all()
    assert url("family-book", first) in client.get(url("book-times", first)).content.decode()
    page = client.get(url("family-book", first))
    people = re.findall(r'name="people" value="([^"]+)"', page.content.decode())
    assert people == [str(mother.patient.pk), str(child.pk)]
    page = client.post(url("family-times"), {"people": people, "slot": first.pk})
    starts = re.findall(r'<button class="run" type="submit" name="slot" value="([^"]+)"', page.content.decode())
    assert starts == [str(first.pk), str(second.pk)]
    page = client.post(url("family-check"), {"people": hidden(page, "people"), "slot": starts[0]})
    assert hidden(page, "slots") == [str(first.pk), str(second.pk)]
    names = re.findall(r'name="(p[0-9a-f]{32}-complaint)"', page.content.decode())
    data = {name: hidden(page, name) for name in ("people", "slots")}
    sent = {**data, "slot": first.pk, "idempotency_key": hidden(page, "idempotency_key")[0]}
    answer = client.post(url("family-confirm"), {**sent, names[0]: "Batuk", names[1]: "Imunisasi"})
    assert answer["Location"] == url("family-list")
    booked = {row.patient_id: (row.slot, row.complaint, row.source) for row in Appointment.objects.all()}
    assert booked == {
        mother.patient.pk: (first, "Batuk", "portal"),
        child.pk: (second, "Imunisasi", "portal"),
    }
    listed = client.get(url("family-list")).content.decode()
    assert mother.patient.full_name in listed
    assert child.full_name in listed


def test_double_click_books_once(mother, child, client, session):
    data = form([mother.patient, child], session.slots.all()[:2])
    first, second = client.post(url("family-confirm"), data), client.post(url("family-confirm"), data)
    assert (first.status_code, second.status_code) == (302, 302)
    assert Appointment.objects.count() == 2


def test_one_lost_time_books_nobody_and_keeps_what_was_typed(cast, mother, child, client, session):
    first, second, _third = session.slots.all()
    later = session_at(clock.today() + timedelta(days=3), 9, doctor=session.doctor, service=session.service)
    services.book_appointment(**booking(PatientFactory(), second, cast.receptionist))
    answer = client.post(url("family-confirm"), form([mother.patient, child], [first, second]))
    assert answer.status_code == 409
    assert Appointment.objects.count() == 1
    page = answer.content.decode()
    assert f'value="Imunisasi {child.full_name}"' in page
    assert f'value="{later.slots.first().pk}"' in page
    assert f'value="{first.pk}"' not in page


def test_a_refusal_of_one_names_the_person_and_books_nobody(mother, child, client, session):
    slots = list(session.slots.all()[:2])
    AppointmentFactory(patient=child, slot=session_at(session.practice_on, 9).slots.all()[1])
    answer = client.post(url("family-confirm"), form([mother.patient, child], slots))
    assert answer.status_code == 409
    assert f"{child.full_name}:" in answer.content.decode()
    assert Appointment.objects.count() == 1


def test_an_empty_complaint_is_asked_for_again(mother, child, client, session):
    data = form([mother.patient, child], session.slots.all()[:2], **{f"p{child.pk.hex}-complaint": " "})
    answer = client.post(url("family-confirm"), data)
    assert answer.status_code == 422
    assert f"Imunisasi {mother.patient.full_name}" in answer.content.decode()
    missing = {name: value for name, value in data.items() if not name.endswith("complaint")}
    assert client.post(url("family-confirm"), missing).status_code == 422
    assert Appointment.objects.count() == 0


def test_strangers_in_the_form_are_left_out(mother, child, client, session):
    stranger = PatientFactory()
    slots = list(session.slots.all()[:2])
    answer = client.post(url("family-confirm"), form([mother.patient, stranger], slots))
    assert answer["Location"] == url("family-book", slots[0])
    assert Appointment.objects.count() == 0
    times = client.post(url("family-times"), {"people": [stranger.pk, mother.patient.pk], "slot": slots[0].pk})
    assert (times.status_code, stranger.full_name in times.content.decode()) == (422, False)


def test_a_link_that_ended_meanwhile_books_nobody(mother, child, client, session):
    data = form([mother.patient, child], session.slots.all()[:2])
    mother.guardian_links.update(status="ended")
    assert client.post(url("family-confirm"), data).status_code == 302
    assert Appointment.objects.count() == 0


@pytest.mark.parametrize(
    "fields",
    [
        {"slots": ["x", "y"]},
        {"slots": []},
        {"slots": ["00000000-0000-0000-0000-000000000000"] * 2},
        {"idempotency_key": "' OR 1=1"},
        {"people": []},
        {"people": "x"},
    ],
)
def test_forged_forms_book_nothing(mother, child, client, session, fields):
    answer = client.post(url("family-confirm"), form([mother.patient, child], session.slots.all()[:2], **fields))
    assert answer.status_code == 302
    assert Appointment.objects.count() == 0


def test_one_time_for_two_people_is_refused(mother, child, client, session):
    slot = session.slots.first()
    answer = client.post(url("family-confirm"), form([mother.patient, child], [slot, slot]))
    assert answer.status_code == 422
    assert Appointment.objects.count() == 0


def test_without_times_one_after_another_it_says_so(cast, mother, child, client, session):
    services.book_appointment(**booking(PatientFactory(), session.slots.all()[1], cast.receptionist))
    answer = client.post(
        url("family-times"), {"people": [mother.patient.pk, child.pk], "slot": session.slots.first().pk}
    )
    assert 'class="run"' not in answer.content.decode()
    assert "banner-warning" in answer.content.decode()


def test_who_is_alone_has_no_family_booking(cast, client_for, session):
    alone = client_for(cast.other_patient_user)
    assert alone.get(url("family-book", session.slots.first()))["Location"] == url("book")
    assert alone.post(url("family-times"), {"slot": session.slots.first().pk}).status_code == 422


def test_nothing_of_people_stands_in_addresses(mother, child, client, session):
    page = client.post(url("family-times"), {"people": [mother.patient.pk, child.pk], "slot": session.slots.first().pk})
    addresses = re.findall(r'(?:href|action|formaction)="([^"]+)"', page.content.decode())
    assert not [one for one in addresses if str(child.pk) in one or str(mother.patient.pk) in one]

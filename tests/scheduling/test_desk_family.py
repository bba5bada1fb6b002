"""A family at the desk: the wrong person first, then page by page, all of them or none."""

import re
from datetime import date, timedelta
from html import unescape
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from audit.models import AuditEvent
from core import clock
from notifications.models import Email
from patients.guardians import family_of
from patients.models import Patient
from scheduling import services
from scheduling.models import Appointment
from tests.factories.patients import GuardianLinkFactory, PatientFactory
from tests.factories.scheduling import AppointmentFactory, ServiceFactory, SessionFactory, booking, session_at

pytestmark = pytest.mark.django_db


@pytest.fixture
def mother(cast):
    patient = cast.patient_user.patient
    Patient.objects.filter(pk=patient.pk).update(email="siti@surat.example")
    return patient


@pytest.fixture
def children(cast, mother):
    rows = [PatientFactory(full_name=name, birth_date=date(2018, 6, 2)) for name in ("Anak Satu", "Bayi Dua")]
    for row in rows:
        GuardianLinkFactory(guardian=cast.patient_user, dependant=row)
    return rows


@pytest.fixture
def desk(cast, client_for):
    return client_for(cast.receptionist)


def url(name, patient):
    return reverse(f"scheduling:patient-family{name}", args=[patient.pk])


def prefix(person):
    return f"p{person.pk.hex}"


def typed(people, slots, /, **fields):
    data = {"people": [one.pk for one in people], "slot": slots[0].pk, "idempotency_key": uuid4(), "source": "phone"}
    for one, slot in zip(people, slots, strict=True):
        data |= {f"{prefix(one)}-slot": slot.pk, f"{prefix(one)}-complaint": f"Batuk {one.full_name}"}
    return data | fields


def hidden(page, name):
    return re.findall(rf'name="{name}" value="([^"]*)"', page.content.decode())


def booked():
    return {row.patient_id: (row.slot, row.source) for row in Appointment.objects.all()}


def test_who_may_not_book_gets_no_page_and_books_nobody(cast, client_for, mother, children, session):
    data = typed([mother, *children], session.slots.all())
    for person, status in ((cast.doctor, 403), (cast.nurse, 403), (cast.patient_user, 404)):
        client = client_for(person)
        assert client.get(url("", mother)).status_code == status
        for step in ("-times", "-check", "-confirm"):
            assert client.post(url(step, mother), data).status_code == status
    assert not Appointment.objects.exists()


def test_by_following_the_pages(cast, desk, mother, children, session):
    slots = list(session.slots.all())
    assert url("", mother) in desk.get(reverse("scheduling:patient-book", args=[mother.pk])).content.decode()
    assert f"?slot={slots[0].pk}" in desk.get(url("", mother)).content.decode()
    page = desk.get(url("", mother), {"slot": slots[0].pk})
    ticked = re.findall(r'name="people" value="([^"]+)" id="[^"]+" checked', page.content.decode())
    assert ticked == [str(one.pk) for one in (mother, *children)]
    page = desk.post(url("-times", mother), {"slot": slots[0].pk, "people": ticked})
    [times] = re.findall(r'name="times" value="([^"]+)"', page.content.decode())
    assert times == ",".join(str(slot.pk) for slot in slots)
    page = desk.post(url("-check", mother), {"slot": slots[0].pk, "people": hidden(page, "people"), "times": times})
    assert re.findall(r'<option value="([^"]+)" selected', page.content.decode()) == times.split(",")
    data = typed([mother, *children], slots, idempotency_key=hidden(page, "idempotency_key")[0])
    answer = desk.post(url("-confirm", mother), data)
    assert booked() == {one.pk: (slot, "phone") for one, slot in zip((mother, *children), slots, strict=True)}
    assert children[1].full_name in desk.get(answer["Location"]).content.decode()
    read = AuditEvent.objects.filter(action="patients.chart.read", actor_id=cast.receptionist.pk)
    assert {event.patient_id for event in read} == {one.pk for one in (mother, *children)}


def test_a_double_click_books_and_tells_once(desk, mother, children, session, django_capture_on_commit_callbacks):
    data = typed([mother, children[0]], session.slots.all()[:2])
    with django_capture_on_commit_callbacks(execute=True):
        answers = [desk.post(url("-confirm", mother), data) for _click in range(2)]
    assert [answer.status_code for answer in answers] == [302, 302]
    assert Appointment.objects.count() == 2
    assert Email.objects.filter(patient_id=mother.pk).count() == 1


def test_a_time_that_went_names_the_person_books_nobody_and_keeps_what_was_typed(cast, desk, mother, children, session):
    slots = list(session.slots.all())
    services.book_appointment(**booking(PatientFactory(), slots[1], cast.receptionist))
    answer = desk.post(url("-confirm", mother), typed([mother, children[0]], slots[:2]))
    page = unescape(answer.content.decode())
    assert answer.status_code == 409
    assert re.search(r"<li>Anak Satu: [^<]+</li>", page)
    assert "Batuk Anak Satu" in page
    assert f'<option value="{slots[0].pk}" selected' in page
    assert str(slots[1].pk) not in page
    assert f'<option value="{slots[2].pk}">' in page
    assert Appointment.objects.count() == 1
    again = typed([mother, children[0]], [slots[0], slots[2]], idempotency_key=hidden(answer, "idempotency_key")[0])
    assert desk.post(url("-confirm", mother), again).status_code == 302
    assert Appointment.objects.count() == 3


def test_a_time_that_went_before_the_last_page_offers_others(cast, desk, mother, children, session):
    slots = list(session.slots.all())
    later = session_at(clock.today() + timedelta(days=3), 9, doctor=session.doctor, service=session.service)
    services.book_appointment(**booking(PatientFactory(), slots[1], cast.receptionist))
    data = {"slot": slots[0].pk, "people": [mother.pk, children[0].pk], "times": f"{slots[0].pk},{slots[1].pk}"}
    answer = desk.post(url("-check", mother), {**data, f"{prefix(mother)}-complaint": "Batuk lama"})
    page = answer.content.decode()
    assert answer.status_code == 409
    assert hidden(answer, f"{prefix(mother)}-complaint") == ["Batuk lama"]
    ways = hidden(answer, "times")
    assert ways[0] == f"{slots[0].pk},{slots[2].pk}", "not one after another, but on the day that was asked for"
    assert ways[1].startswith(str(later.slots.first().pk))
    assert page.count('class="run"') == 3


def test_further_services_need_times_that_hold_them(cast, desk, mother, children, session):
    extra = ServiceFactory(specialty="umum", duration_minutes=20)
    long = SessionFactory(
        doctor=session.doctor, service=session.service, slot_minutes=60, slot_count=2,
        starts_at=session.starts_at + timedelta(days=4), practice_on=session.practice_on + timedelta(days=4),
    )  # fmt: skip
    first = session.slots.first()
    data = {"slot": first.pk, "people": [mother.pk, children[0].pk], f"{prefix(children[0])}-extra": [extra.pk]}
    times = hidden(desk.post(url("-times", mother), data), "times")
    assert times == [",".join(str(slot.pk) for slot in long.slots.all())]
    both = list(long.slots.all())
    answer = desk.post(url("-confirm", mother), data | typed([mother, children[0]], both))
    assert answer.status_code == 302
    lines = {row.patient_id: [line.service_id for line in row.lines.all()] for row in Appointment.objects.all()}
    assert lines == {mother.pk: [session.service_id], children[0].pk: [session.service_id, extra.pk]}
    long.slots.update(is_closed=True)
    page = desk.post(url("-times", mother), data)
    assert "banner-warning" in page.content.decode()


def test_another_patient_is_found_and_added_and_the_ticks_stay(cast, desk, mother, children, session):
    guest = PatientFactory(full_name="Nenek Saodah")
    data = {"slot": session.slots.first().pk, "people": [mother.pk]}
    assert desk.post(url("", mother), data).status_code == 422
    page = desk.post(url("", mother), {**data, "q": guest.record_number})
    assert hidden(page, "add") == [str(guest.pk)]
    assert AuditEvent.objects.filter(action="patients.patient.searched").count() == 1
    page = desk.post(url("", mother), {**data, "add": guest.pk}).content.decode()
    ticked = re.findall(r'name="people" value="([^"]+)" id="[^"]+" checked', page)
    assert ticked == [str(mother.pk), str(guest.pk)]
    assert children[0].full_name in page


@pytest.mark.parametrize("fields", [{"people": []}, {"people": "x"}, {"people": ["own"]}, {"people": ["own", uuid4()]}])
def test_one_alone_nobody_and_who_is_not_there_book_nothing(desk, mother, children, session, fields):
    people = [mother.pk if one == "own" else one for one in fields["people"]]
    data = typed([mother, children[0]], session.slots.all()[:2], people=people)
    for step in ("-times", "-check", "-confirm"):
        assert desk.post(url(step, mother), data).status_code == 422
    assert not Appointment.objects.exists()


def test_each_rule_of_a_booking_holds_for_everybody(cast, desk, mother, children, session):
    slots = list(session.slots.all()[:2])
    AppointmentFactory(patient=children[0], slot=session_at(session.practice_on, 9).slots.all()[1])
    for data, status in (
        (typed([mother, children[0]], slots), 409),
        (typed([mother, children[1]], slots, **{f"{prefix(mother)}-slot": slots[1].pk}), 422),
        (typed([mother, children[1]], slots, **{f"{prefix(mother)}-complaint": " "}), 422),
        (typed([mother, children[1]], slots, **{f"{prefix(mother)}-slot": "x"}), 422),
        (typed([mother, children[1]], slots, idempotency_key="x"), 422),
    ):
        assert desk.post(url("-confirm", mother), data).status_code == status
    assert Appointment.objects.count() == 1
    page = desk.post(
        url("-confirm", mother), typed([mother, children[1]], slots, **{f"{prefix(children[1])}-slot": ""})
    )
    assert page.content.decode().count("data-error-summary") == 1
    assert f'href="#id_{prefix(children[1])}-slot">Bayi Dua, ' in page.content.decode()
    Patient.objects.filter(pk=children[1].pk).update(status=Patient.Status.ARCHIVED)
    assert desk.post(url("-confirm", mother), typed([mother, children[1]], slots)).status_code == 409
    assert Appointment.objects.count() == 1


def test_a_session_that_fell_out_begins_again(desk, mother, children, session):
    data = typed([mother, children[0]], session.slots.all()[:2])
    session.status = "rejected"
    session.save(update_fields=["status"])
    for step in ("-times", "-check", "-confirm"):
        assert desk.post(url(step, mother), data)["Location"] == url("", mother)
        assert desk.get(url(step, mother))["Location"] == url("", mother)
    assert not Appointment.objects.exists()


def test_nothing_of_the_others_stands_in_addresses(desk, mother, children, session):
    slots = list(session.slots.all())
    data = {"slot": slots[0].pk, "people": [mother.pk, children[0].pk], "times": f"{slots[0].pk},{slots[1].pk}"}
    for step in ("-times", "-check"):
        page = desk.post(url(step, mother), data).content.decode()
        ways = re.findall(r'(?:href|action|formaction)="([^"]+)"', page)
        assert not [way for way in ways if str(children[0].pk) in way and "/consents/" not in way]


def test_the_pages_cost_the_same_for_two_and_for_six(cast, desk, mother, session):
    more = session_at(clock.today() + timedelta(days=2), 9, count=8, doctor=session.doctor, service=session.service)
    slots, counts = list(more.slots.all()), []
    people = [mother, *(PatientFactory() for _number in range(5))]
    for count in (2, 6):
        data = {"slot": slots[0].pk, "people": [one.pk for one in people[:count]]}
        desk.post(url("-times", mother), data)
        with CaptureQueriesContext(connection) as queries:
            desk.post(url("-times", mother), data)
        counts.append(len(queries))
    assert counts[0] == counts[1]


class TestFamily:
    def names(self, cast, patient):
        return [row.full_name for row in family_of(user=cast.receptionist, patient=patient)]

    def test_from_each_side(self, cast, mother, children):
        baby = PatientFactory(full_name="Bayi Ny. Siti", mother=mother)
        assert self.names(cast, mother) == ["Anak Satu", "Bayi Dua", "Bayi Ny. Siti"]
        assert self.names(cast, children[0]) == ["Bayi Dua", "Siti Aminah"]
        assert self.names(cast, baby) == ["Siti Aminah"]
        assert self.names(cast, PatientFactory()) == []

    def test_what_ended_and_who_is_archived_do_not_count(self, cast, mother, children):
        cast.patient_user.guardian_links.filter(dependant=children[0]).update(status="ended")
        Patient.objects.filter(pk=children[1].pk).update(status=Patient.Status.ARCHIVED)
        GuardianLinkFactory(guardian=cast.patient_user, ends_on=clock.today())
        assert self.names(cast, mother) == []

    def test_links_are_for_who_may_read_them(self, cast, mother, children):
        assert family_of(user=cast.doctor, patient=mother) == []
        assert family_of(user=cast.cashier, patient=mother) == []

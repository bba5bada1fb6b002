"""Booking by the patient, screen by screen and without script."""

import re
from datetime import timedelta
from uuid import uuid4

import pytest
import time_machine
from django.urls import reverse

from core import clock
from scheduling import services
from scheduling.models import Appointment
from tests.factories.patients import PatientFactory
from tests.factories.scheduling import AppointmentFactory, SessionFactory, VisitFactory, booking, session_at

pytestmark = pytest.mark.django_db


def url(name, slot=None):
    return reverse(f"scheduling:portal-{name}") + (f"?slot={slot.pk}" if slot else "")


@pytest.fixture
def client(cast, client_for):
    return client_for(cast.patient_user)


def confirm(client, free, /, **fields):
    data = {"slot": free.pk, "complaint": "Batuk", "idempotency_key": uuid4(), **fields}
    return client.post(url("book-confirm"), data)


def hidden(page, name):
    return re.search(rf'name="{name}" value="([^"]*)"', page.content.decode()).group(1)


def test_another_patients_appointment_does_not_exist_for_me(cast, client_for, session):
    mine = AppointmentFactory(patient=cast.patient_user.patient, slot=session.slots.first())
    stranger = client_for(cast.other_patient_user)
    for name in ("portal-appointment-detail", "portal-appointment-cancel"):
        address = reverse(f"scheduling:{name}", args=[mine.pk])
        assert stranger.get(address).status_code == 404
        assert stranger.post(address, {"reason": "x"}).status_code in (404, 405)
    assert str(mine.pk) not in stranger.get(url("appointment-list")).content.decode()
    mine.refresh_from_db()
    assert mine.status == "approved"


def test_five_screens_by_following_what_the_pages_offer(cast, client, session):
    first = client.get(url("book"))
    times = re.search(r'href="(/portal/book/times/[^"]+)"', first.content.decode()).group(1)
    assert re.fullmatch(r"/portal/book/times/\?slot=[0-9a-f-]{36}", times)
    second = client.get(times)
    complaint = re.findall(r'href="(/portal/book/complaint/[^"]+)"', second.content.decode())[1]
    assert re.fullmatch(r"/portal/book/complaint/\?slot=[0-9a-f-]{36}", complaint)
    third = client.get(complaint)
    assert "tel:119" in third.content.decode()
    target = re.search(r'action="(/portal/book/check/[^"]+)"', third.content.decode()).group(1)
    fourth = client.post(target, {"complaint": "Batuk & pilek <b>"})
    assert "Batuk &amp; pilek &lt;b&gt;" in fourth.content.decode()
    data = {name: hidden(fourth, name) for name in ("slot", "idempotency_key")}
    fifth = client.post(url("book-confirm"), {**data, "complaint": "Batuk & pilek <b>"}, follow=True)
    assert fifth.status_code == 200
    appointment = Appointment.objects.get()
    assert (appointment.complaint, appointment.status, appointment.source, appointment.patient_id) == (
        "Batuk & pilek <b>", "pending", "portal", cast.patient_user.patient.pk,
    )  # fmt: skip
    assert appointment.slot == session.slots.all()[1]
    assert appointment.booked_by == cast.patient_user


def test_double_click_is_one_booking(client, session):
    data = {"slot": session.slots.first().pk, "complaint": "Batuk", "idempotency_key": uuid4()}
    first, second = client.post(url("book-confirm"), data), client.post(url("book-confirm"), data)
    assert (first.status_code, second.status_code) == (302, 302)
    assert first["Location"] == second["Location"]
    assert Appointment.objects.count() == 1


def test_instant_service_is_confirmed_at_once(client, instant_session):
    page = client.get(confirm(client, instant_session.slots.first())["Location"])
    assert Appointment.objects.get().status == "approved"
    assert page.status_code == 200


def test_a_lost_slot_offers_others_of_the_same_doctor_and_keeps_the_complaint(cast, client, session):
    slot, free = session.slots.all()[:2]
    services.book_appointment(**booking(PatientFactory(), slot, cast.receptionist))
    answer = confirm(client, slot, complaint='Sakit "kepala"')
    assert answer.status_code == 409
    page = answer.content.decode()
    assert f'name="slot" value="{free.pk}"' in page
    assert f'value="{slot.pk}"' not in page
    assert "Sakit &quot;kepala&quot;" in page
    assert Appointment.objects.count() == 1
    for step in ("book-complaint", "book-check"):
        assert client.post(url(step, slot), {"complaint": "Batuk"}).status_code == 409


def test_when_the_day_is_full_the_next_day_is_offered(cast, client, session):
    tomorrow = clock.today() + timedelta(days=1)
    other = session_at(tomorrow + timedelta(days=1), 9, doctor=cast.doctor, service=session.service)
    for slot in session.slots.all():
        services.book_appointment(**booking(PatientFactory(), slot, cast.receptionist))
    answer = confirm(client, session.slots.first())
    assert answer.status_code == 409
    assert str(other.slots.first().pk) in answer.content.decode()


def test_only_future_free_slots_of_approved_sessions_are_shown(cast, client):
    today = clock.today()
    with time_machine.travel(clock.day_bounds(today)[0] + timedelta(hours=10, minutes=10), tick=False):
        session = session_at(today, 10, doctor=cast.doctor)
        pending = SessionFactory(doctor=cast.doctor, service=session.service, status="pending")
        services.book_appointment(**booking(PatientFactory(), session.slots.all()[1], cast.receptionist))
        page = client.get(url("book-times", session.slots.all()[2])).content.decode()
        shown = set(re.findall(r"complaint/\?slot=([0-9a-f-]{36})", page))
        assert shown == {str(session.slots.all()[2].pk)}
        assert client.get(url("book-times", pending.slots.first())).status_code == 302


def test_forged_doctor_price_status_and_patient_are_ignored(cast, client, session):
    confirm(
        client, session.slots.first(), price_idr=1, doctor=cast.other_doctor.pk, status="approved", source="reception",
        patient=cast.other_patient_user.patient.pk, service=uuid4(),
    )  # fmt: skip
    appointment = Appointment.objects.get()
    assert (appointment.price_idr, appointment.doctor_id, appointment.status, appointment.patient_id) == (
        100_000, cast.doctor.pk, "pending", cast.patient_user.patient.pk,
    )  # fmt: skip


@pytest.mark.parametrize(
    "fields",
    [
        {"slot": "x"},
        {"slot": ""},
        {"slot": str(uuid4())},
        {"idempotency_key": "' OR 1=1"},
        {"idempotency_key": ""},
        {"complaint": ""},
        {"complaint": "x" * 1001},
    ],
)
def test_forged_forms_start_again_and_book_nothing(client, session, fields):
    answer = confirm(client, session.slots.first(), **fields)
    assert answer.status_code == 302
    assert answer["Location"] == url("book")
    assert Appointment.objects.count() == 0


@pytest.mark.parametrize("slot", ["", "x", "00000000-0000-0000-0000-000000000000", "' OR 1=1 --"])
def test_forged_addresses_start_again(client, slot):
    for name in ("book-times", "book-complaint", "book-check"):
        assert client.get(url(name), {"slot": slot})["Location"] == url("book")


def test_empty_complaint_is_asked_for_again_with_the_slot_kept(client, session):
    answer = client.post(url("book-check", session.slots.first()), {"complaint": "  "})
    assert answer.status_code == 422
    assert str(session.slots.first().pk) in answer.content.decode()


def test_fourth_booking_is_refused_in_words(cast, client):
    for day in range(1, 4):
        slot = session_at(clock.today() + timedelta(days=day), 9, doctor=cast.doctor).slots.first()
        AppointmentFactory(patient=cast.patient_user.patient, slot=slot)
    slot = session_at(clock.today() + timedelta(days=5), 9, doctor=cast.doctor).slots.first()
    answer = confirm(client, slot)
    assert answer.status_code == 409
    assert Appointment.objects.count() == 3
    assert "banner-warning" in client.get(url("book")).content.decode()


def test_cancel_own_while_ahead(cast, client, client_for, session):
    appointment = AppointmentFactory(patient=cast.patient_user.patient, slot=session.slots.first())
    address = reverse("scheduling:portal-appointment-cancel", args=[appointment.pk])
    assert client.get(address).status_code == 200
    with time_machine.travel(session.starts_at, tick=False):
        assert client_for(cast.patient_user).post(address, {"reason": ""}).status_code == 409
    assert client.post(address, {"reason": "Sudah sembuh"})["Location"] == url("appointment-list")
    appointment.refresh_from_db()
    assert (appointment.status, appointment.reason) == ("cancelled", "Sudah sembuh")


def test_detail_shows_reason_and_queue_number(cast, client):
    rejected = AppointmentFactory(patient=cast.patient_user.patient, status="rejected", reason="Dokter cuti")
    page = client.get(reverse("scheduling:portal-appointment-detail", args=[rejected.pk])).content.decode()
    assert "Dokter cuti" in page
    arrived = AppointmentFactory(patient=cast.patient_user.patient, status="arrived")
    visit = VisitFactory(patient=cast.patient_user.patient, appointment=arrived, doctor=arrived.doctor)
    page = client.get(reverse("scheduling:portal-appointment-detail", args=[arrived.pk])).content.decode()
    assert visit.ticket.label in page


@pytest.mark.parametrize("count", [3, 30])
def test_query_counts(cast, client, count, django_assert_max_num_queries):
    patient = cast.patient_user.patient
    for number in range(count):
        session = session_at(clock.today() + timedelta(days=1 + number), 9)
        AppointmentFactory(patient=patient, slot=session.slots.first(), status="cancelled" if number else "approved")
    client.get(url("book"))
    with django_assert_max_num_queries(12):
        client.get(url("book"))
    with django_assert_max_num_queries(10):
        client.get(url("book-times", session.slots.last()))
    with django_assert_max_num_queries(10):
        client.get(url("appointment-list"))

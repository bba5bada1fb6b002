"""Times before signing in: nothing about patients, bounded work, and a choice that is never lost."""

import re
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import pytest
import time_machine
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from core import clock
from patients.models import Patient
from scheduling import services
from scheduling.models import Appointment
from scheduling.portal import choices, public
from tests.factories.patients import PatientFactory
from tests.factories.scheduling import AppointmentFactory, ServiceFactory, SessionFactory, booking

pytestmark = pytest.mark.django_db


def url(name, slot=None):
    return reverse(f"scheduling:{name}") + (f"?slot={slot.pk}" if slot else "")


def test_a_stranger_sees_doctors_and_free_times_and_no_patient(session, client):
    taken, free, last = session.slots.all()
    patient = PatientFactory(full_name="Siti Aminah")
    AppointmentFactory(patient=patient, slot=taken, complaint="Sangat rahasia")
    listed = client.get(url("public-schedule"))
    times = re.search(r'href="(/schedule/times/\?slot=[0-9a-f-]{36})"', listed.content.decode()).group(1)
    page = client.get(times)
    shown = re.findall(r'href="/schedule/choice/\?slot=([0-9a-f-]{36})"', page.content.decode())
    assert shown == [str(free.pk), str(last.pk)]
    for answer in (listed, page):
        text = answer.content.decode()
        assert session.doctor.display_name in text
        for secret in (patient.full_name, patient.record_number, "rahasia", str(taken.pk), session.doctor.email):
            assert secret not in text


def test_what_is_kept_for_a_minute_costs_no_query_and_is_read_anew_afterwards(
    cast, session, client, django_assert_num_queries, monkeypatch
):
    kept, real = [], cache.set
    monkeypatch.setattr(cache, "set", lambda key, value, seconds: (kept.append(seconds), real(key, value, seconds)))
    first = client.get(url("public-schedule"))
    assert (first["Cache-Control"], "Cookie" in first["Vary"]) == ("private, max-age=60", True)
    assert kept == [60]
    for slot in session.slots.all():
        services.book_appointment(**booking(PatientFactory(), slot, cast.receptionist))
    with django_assert_num_queries(0):
        assert session.doctor.display_name in client.get(url("public-schedule")).content.decode()
    cache.clear()  # what the end of the minute does; Redis keeps its own time
    assert session.doctor.display_name not in client.get(url("public-schedule")).content.decode()


def test_nothing_of_an_account_lies_in_the_shared_cache(session):
    session.doctor.refresh_from_db()
    kept = repr(public._offers())
    for secret in (session.doctor.password, session.doctor.email, session.doctor.username):
        assert secret not in kept


def test_languages_are_kept_apart(session, client):
    session.service.name_id, session.service.name_en = "Periksa umum", "General check"
    session.service.save()
    assert "Periksa umum" in client.get(url("public-schedule")).content.decode()
    client.cookies["emr_language"] = "en"
    assert "General check" in client.get(url("public-schedule")).content.decode()


def test_kinds_of_doctors_narrow_the_list(cast, session, client):
    other = SessionFactory(doctor=cast.other_doctor, service=ServiceFactory(specialty="tht"))
    page = client.get(url("public-schedule"), {"specialty": "tht"}).content.decode()
    assert (str(other.slots.first().pk) in page, str(session.slots.first().pk) in page) == (True, False)
    everything = client.get(url("public-schedule"), {"specialty": "nothing like it"}).content.decode()
    assert str(session.slots.first().pk) in everything


def test_the_choice_goes_through_the_sign_in(cast, session, client):
    slot = session.slots.first()
    page = client.get(url("public-choice", slot))
    assert "no-store" in page["Cache-Control"]
    door = re.search(r'href="(/portal/masuk/\?next=[^"]+)"', page.content.decode()).group(1)
    wanted = parse_qs(urlsplit(door).query)["next"][0]
    assert wanted == f"{url('portal-book-complaint')}?slot={slot.pk}"
    cast.patient_user.set_password("Kata sandi yang panjang 7")
    cast.patient_user.save()
    asked = client.get(door).content.decode()
    assert f'value="{wanted}"' in asked
    form = {"login": "siti", "password": "Kata sandi yang panjang 7", "next": wanted}
    assert client.post(reverse("accounts:portal-login"), form)["Location"] == wanted


def test_the_choice_is_still_there_days_after_a_sign_up_and_goes_with_the_booking(cast, client_for):
    session = SessionFactory(doctor=cast.doctor, practice_on=clock.today() + timedelta(days=4))
    slot = session.slots.first()
    stranger = Client()
    stranger.get(url("public-choice", slot))
    cookie = stranger.cookies[choices.COOKIE]
    assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "Lax", "/portal/")
    assert "Siti" not in cookie.value
    with time_machine.travel(clock.now() + timedelta(days=2)):
        client = client_for(cast.patient_user)
        client.cookies[choices.COOKIE] = cookie.value
        goes_on = f"{url('portal-book-complaint')}?slot={slot.pk}"
        assert goes_on in client.get(url("portal-book")).content.decode()
        data = {"slot": slot.pk, "complaint": "Batuk", "idempotency_key": uuid4()}
        answer = client.post(url("portal-book-confirm"), data)
        assert Appointment.objects.get().slot == slot
        assert answer.cookies[choices.COOKIE].value == ""


def test_a_forged_or_old_choice_is_no_choice(cast, session, client_for):
    client = client_for(cast.patient_user)
    for value in ("x", f"{session.slots.first().pk}", f"{session.slots.first().pk}:abc:def", "\x00"):
        client.cookies[choices.COOKIE] = value
        assert client.get(url("portal-book")).context["kept"] is None
    stranger = Client()
    stranger.get(url("public-choice", session.slots.first()))
    client.cookies[choices.COOKIE] = stranger.cookies[choices.COOKIE].value
    assert client.get(url("portal-book")).context["kept"] is not None
    with time_machine.travel(clock.now() + timedelta(days=8)):
        again = client_for(cast.patient_user)
        again.cookies[choices.COOKIE] = stranger.cookies[choices.COOKIE].value
        assert again.get(url("portal-book")).context["kept"] is None


@pytest.mark.parametrize("slot", ["", "x", "00000000-0000-0000-0000-000000000000", "' OR 1=1 --"])
def test_forged_addresses_go_back_to_the_list(client, slot):
    for name in ("public-times", "public-choice"):
        assert client.get(url(name), {"slot": slot})["Location"] == url("public-schedule")


def test_a_taken_or_past_time_is_not_chosen(cast, session, client):
    taken, other, _last = session.slots.all()
    services.book_appointment(**booking(PatientFactory(), taken, cast.receptionist))
    assert client.get(url("public-choice", taken))["Location"] == url("public-schedule")
    with time_machine.travel(other.starts_at + timedelta(minutes=1)):
        assert client.get(url("public-choice", other))["Location"] == url("public-schedule")


def test_patients_go_straight_on(cast, session, client_for):
    client = client_for(cast.patient_user)
    assert client.get(url("public-schedule"))["Location"] == url("portal-book")
    slot = session.slots.first()
    for name in ("public-times", "public-choice"):
        assert client.get(url(name, slot))["Location"] == f"{url('portal-book-complaint')}?slot={slot.pk}"


def test_looking_all_day_is_slowed_down(session, client, monkeypatch):
    monkeypatch.setattr(public, "LOOKS", 3)
    for _look in range(3):
        assert client.get(url("public-schedule")).status_code == 200
    refused = client.get(url("public-times", session.slots.first()))
    assert (refused.status_code, refused["Retry-After"]) == (429, "60")
    assert Patient.objects.count() == 0

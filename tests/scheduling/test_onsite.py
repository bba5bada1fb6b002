"""Saying "I am here" from the own phone: only after scanning a kiosk's code, only for oneself and one's people."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from core import clock
from scheduling import onsite
from scheduling.models import Appointment, DeviceLink, Visit
from scheduling.services import devices
from tests.conftest import sign_in
from tests.factories.patients import GuardianLinkFactory, PatientFactory
from tests.factories.scheduling import AppointmentFactory, VisitFactory, session_at
from tests.scheduling.screens import screen

pytestmark = pytest.mark.django_db
PAGE = "scheduling:onsite"


@pytest.fixture
def kiosk():
    return screen(DeviceLink.Kind.KIOSK)[0]


@pytest.fixture
def appointment(cast):
    slot = session_at(clock.today(), 11, doctor=cast.doctor).slots.first()
    return AppointmentFactory(patient=cast.patient_user.patient, slot=slot)


def scan(client, kiosk):
    return client.get(reverse("scheduling:onsite-scan", args=[devices.on_site_proof(kiosk)]))


def arrive(client, appointment):
    return client.post(reverse("scheduling:onsite-check-in", args=[appointment.pk]), follow=True)


def has_come(appointment):
    return Visit.objects.filter(appointment=appointment).exists()


def test_scan_then_say_so_and_see_the_number(cast, client_for, kiosk, appointment):
    client = client_for(cast.patient_user)
    VisitFactory(doctor=cast.doctor, status=Visit.Status.WAITING)
    assert scan(client, kiosk)["Location"] == reverse(PAGE)
    page = client.get(reverse(PAGE)).content.decode()
    assert reverse("scheduling:onsite-check-in", args=[appointment.pk]) in page
    arrive(client, appointment)
    visit = Visit.objects.get(appointment=appointment)
    assert (visit.arrived_by, visit.checked_in_by) == ("phone", cast.patient_user)
    panel = client.get(reverse("scheduling:onsite-panel")).content.decode()
    assert visit.ticket.label in panel
    assert "live:queue" in panel
    arrive(client, appointment)
    assert Visit.objects.filter(appointment=appointment).count() == 1


def test_from_home_there_is_no_button_and_the_form_is_refused(cast, client_for, kiosk, appointment):
    client = client_for(cast.patient_user)
    assert (
        reverse("scheduling:onsite-check-in", args=[appointment.pk]) not in client.get(reverse(PAGE)).content.decode()
    )
    answer = arrive(client, appointment)
    assert [message.level_tag for message in answer.context["messages"]] == ["error"]
    assert not has_come(appointment)
    appointment.refresh_from_db()
    assert appointment.status == Appointment.Status.APPROVED


@pytest.mark.parametrize("what", ["old", "forged", "revoked", "of a board"])
def test_codes_that_do_not_count_leave_nothing(cast, client_for, kiosk, appointment, what):
    client = client_for(cast.patient_user)
    shown_by = screen(DeviceLink.Kind.BOARD)[0] if what == "of a board" else kiosk
    proof = devices.on_site_proof(shown_by)
    if what == "revoked":
        devices.revoke_device(link_id=kiosk.pk, actor=kiosk.created_by)
    if what == "forged":
        proof = proof[::-1]
    later = timedelta(seconds=92 if what == "old" else 0)
    with time_machine.travel(clock.now() + later):
        answer = client.get(reverse("scheduling:onsite-scan", args=[proof]))
        assert answer.status_code == 410
        arrive(client, appointment)
    assert not has_come(appointment)


def test_a_scan_counts_fifteen_minutes_and_only_while_the_kiosk_is_open(cast, client_for, kiosk, appointment):
    client = client_for(cast.patient_user)
    with time_machine.travel(clock.now(), tick=False) as traveller:
        scan(client, kiosk)
        traveller.shift(timedelta(minutes=14, seconds=50))
        assert client.get(reverse(PAGE)).context["is_here"]
        traveller.shift(timedelta(seconds=11))
        assert not client.get(reverse(PAGE)).context["is_here"]
        scan(client, kiosk)
        devices.revoke_device(link_id=kiosk.pk, actor=kiosk.created_by)
        arrive(client, appointment)
    assert not has_come(appointment)


def test_who_scans_before_signing_in_goes_on_afterwards(cast, kiosk, appointment):
    client = Client()
    planted = client.session
    planted.save()
    client.cookies["emr_session"] = planted.session_key
    assert scan(client, kiosk)["Location"] == reverse(PAGE)
    assert client.session.session_key != planted.session_key, "nobody who planted the session goes on with it"
    assert client.get(reverse(PAGE))["Location"].startswith(reverse("accounts:portal-login"))
    sign_in(client, cast.patient_user)
    arrive(client, appointment)
    assert has_come(appointment)


def test_for_a_child_yes_and_for_strangers_no(cast, client_for, kiosk, appointment):
    child = PatientFactory(full_name="Budi Kecil", birth_date=date(2018, 6, 2), email="")
    GuardianLinkFactory(guardian=cast.patient_user, dependant=child)
    childs = AppointmentFactory(patient=child, slot=session_at(clock.today(), 11).slots.first())
    client, stranger = client_for(cast.patient_user), client_for(cast.other_patient_user)
    scan(client, kiosk)
    scan(stranger, kiosk)
    assert stranger.post(reverse("scheduling:onsite-check-in", args=[childs.pk])).status_code == 404
    assert "Budi Kecil" not in stranger.get(reverse(PAGE)).content.decode()
    arrive(client, childs)
    assert has_come(childs)


@pytest.mark.parametrize("note", [None, "x", 5, [], {}, {"screen": "x", "at": "y"}, {"screen": 1, "at": 2}])
def test_a_note_that_is_not_ours_counts_as_none(note):
    assert not onsite.is_here({onsite.KEY: note})


def test_a_clock_that_was_set_back_does_not_lengthen_a_scan(kiosk):
    session = {}
    onsite.remember(session, kiosk)
    assert onsite.is_here(session)
    with time_machine.travel(clock.now() - timedelta(hours=1)):
        assert not onsite.is_here(session)

"""The kiosk: a code gives the number, wrong codes tell nothing and end, a number is given once, nobody's name appears."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest
import time_machine
from django.core.cache import cache
from django.test import Client

from audit.models import AuditEvent
from core import clock
from scheduling.models import Appointment, DeviceLink, QueueStep, QueueTicket, Stage, Visit
from scheduling.views import kiosk
from tests.factories.scheduling import AppointmentFactory, session_at
from tests.scheduling.screens import address, screen, station

pytestmark = pytest.mark.django_db


@pytest.fixture
def token():
    return screen(DeviceLink.Kind.KIOSK)[1]


@pytest.fixture
def appointment(cast):
    """Of today at eleven; tests begin at ten."""
    slot = session_at(clock.today(), 11, doctor=cast.doctor).slots.first()
    return AppointmentFactory(patient=cast.patient_user.patient, slot=slot)


def enter(token, code, client=None):
    return (client or Client()).post(address("kiosk-check-in", token), {"code": code})


def test_a_booking_code_gives_a_number_and_the_same_again(token, appointment):
    client = Client()
    answer = enter(token, appointment.code, client)
    visit = Visit.objects.get(appointment=appointment)
    assert answer.status_code == 302
    assert answer["Location"] == address("kiosk-number", token, visit.ticket.pk)
    assert (visit.arrived_by, visit.checked_in_by) == ("kiosk", None)
    page = client.get(answer["Location"])
    text = page.content.decode()
    assert visit.ticket.label in text
    assert f"15;url={address('kiosk', token)}" in text, "back to the start by itself, without script"
    for secret in (appointment.patient.full_name, appointment.doctor.full_name, visit.number, appointment.code):
        assert secret not in text
    assert enter(token, appointment.code)["Location"] == answer["Location"]
    assert Visit.objects.count() == 1
    assert not client.cookies


@pytest.mark.parametrize("typed", ["lower", "dashes", "address"])
def test_a_code_is_taken_as_scanners_and_fingers_give_it(token, appointment, typed):
    code = appointment.code
    given = {
        "lower": f" {code.lower()} ",
        "dashes": f"{code[:4]}-{code[4:]}",
        "address": f"https://klinik.example/b/{code}/",
    }[typed]
    assert enter(token, given).status_code == 302


def test_unknown_codes_and_codes_of_other_days_get_one_sentence_and_change_nothing(token, cast, appointment):
    tomorrow = AppointmentFactory(
        patient=cast.patient_user.patient, slot=session_at(clock.today() + timedelta(days=1), 11).slots.first()
    )
    pending = AppointmentFactory(slot=session_at(clock.today(), 14).slots.first(), status=Appointment.Status.PENDING)
    answers = [enter(token, code) for code in ("ABCDEFGH", tomorrow.code, pending.code, "<script>")]
    assert {answer.status_code for answer in answers} == {409}
    assert len({answer.context["problem"] for answer in answers}) == 1
    assert enter(token, "").status_code == 422
    assert not Visit.objects.exists()


def test_after_twenty_wrong_codes_no_code_is_looked_at_for_ten_minutes(token, appointment, monkeypatch):
    name, kept, add = f"scheduling:kiosk:wrong:{DeviceLink.objects.get().pk.hex}", {}, cache.add

    def watched(key, value, seconds):
        kept[key] = seconds
        return add(key, value, seconds)

    monkeypatch.setattr(cache, "add", watched)
    for _try in range(kiosk.WRONG_CODES):
        wrong = enter(token, "ABCDEFGH").context["problem"]
    closed = enter(token, appointment.code)
    assert closed.status_code == 409
    assert closed.context["problem"] != wrong
    for _try in range(10):
        enter(token, "ABCDEFGH")
    assert AuditEvent.objects.filter(action="scheduling.kiosk.codes_refused").count() == 1
    assert not Visit.objects.exists()
    other = screen(DeviceLink.Kind.KIOSK)[1]
    assert enter(other, appointment.code).status_code == 302, "each kiosk counts for itself"
    assert kept[name] == 600
    cache.delete(name)  # as time does; Redis has a clock of its own, which no test moves
    assert enter(token, appointment.code).status_code == 302


def test_too_early_is_told_and_is_no_wrong_code(token, cast):
    link = DeviceLink.objects.get()
    late = AppointmentFactory(slot=session_at(clock.today(), 20, doctor=cast.doctor).slots.first())
    assert enter(token, late.code).status_code == 409
    assert cache.get(f"scheduling:kiosk:wrong:{link.pk.hex}") is None


@pytest.mark.parametrize(("priority", "kept"), [("", ""), ("elderly", "elderly"), ("emergency", ""), ("<b>", "")])
def test_a_number_for_the_desk(token, priority, kept):
    desk = station("Pendaftaran", stage=Stage.REGISTRATION, spoken="pendaftaran")
    client = Client()
    answer = client.post(address("kiosk-take-number", token), {"priority": priority, "key": str(uuid4())})
    ticket = QueueTicket.objects.get()
    assert answer["Location"] == address("kiosk-number", token, ticket.pk)
    assert (ticket.label, ticket.visit) == ("R-001", None)
    assert QueueStep.objects.get().priority == kept
    text = client.get(answer["Location"]).content.decode()
    assert "R-001" in text
    assert desk.name in text


def test_one_form_gives_one_number(token):
    key = str(uuid4())
    places = {Client().post(address("kiosk-take-number", token), {"key": key})["Location"] for _time in range(3)}
    assert len(places) == QueueTicket.objects.count() == 1
    Client().post(address("kiosk-take-number", token), {"key": "no key"})
    assert QueueTicket.objects.count() == 2


def test_playing_children_get_twelve_numbers_a_minute(token):
    statuses = [Client().post(address("kiosk-take-number", token)).status_code for _time in range(14)]
    assert statuses == [302] * 12 + [409] * 2
    assert QueueTicket.objects.count() == 12


def test_numbers_of_other_days_and_unknown_ones_lead_back_to_the_start(token):
    with time_machine.travel(clock.now() - timedelta(days=1)):
        Client().post(address("kiosk-take-number", token))
    for pk in (QueueTicket.objects.get().pk, uuid4()):
        answer = Client().get(address("kiosk-number", token, pk))
        assert (answer.status_code, answer["Location"]) == (302, address("kiosk", token))


def test_the_code_for_phones_changes(token):
    with time_machine.travel(clock.now(), tick=False) as traveller:
        first = Client().get(address("kiosk-phone-code", token)).content
        assert b"<svg" in first
        traveller.shift(timedelta(seconds=30))
        assert Client().get(address("kiosk-phone-code", token)).content != first

"""Moving an appointment from the calendar: by form and by drag, with what happened meanwhile explained."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connections
from django.urls import reverse

from audit.models import AuditEvent
from core import clock
from scheduling.models import Appointment, AppointmentMove
from tests.conftest import sign_in
from tests.factories.accounts import UserFactory
from tests.factories.patients import PatientFactory
from tests.factories.scheduling import AppointmentFactory, ServiceFactory, SessionFactory, session_at

DAY = timedelta(days=1)
HTMX = {"HTTP_HX_REQUEST": "true", "HTTP_HX_TARGET": "dialog-place"}


def address(appointment) -> str:
    return reverse("scheduling:appointment-move", args=[appointment.pk])


@pytest.fixture
def made(cast):
    """An appointment of tomorrow at 09.00 and the two free times after it."""
    slots = list(session_at(clock.today() + DAY, 9, doctor=cast.doctor).slots.all())
    return AppointmentFactory(slot=slots[0]), slots[1], slots[2]


def data(appointment, slot, **fields):
    return {"slot": str(slot.pk), "was": str(appointment.slot_id), **fields}


def test_the_form_finds_times_by_day_and_doctor_asks_and_moves(cast, client_for, made):
    appointment, free, _other = made
    elsewhere = session_at(clock.today() + DAY * 3, 9, doctor=cast.other_doctor, service=appointment.service)
    session_at(clock.today() + DAY, 9, doctor=cast.other_doctor, service=ServiceFactory(code="LAIN"))
    client = client_for(cast.receptionist)
    page = client.get(address(appointment))
    assert [doctor for doctor, _slots in page.context["groups"]] == [cast.doctor]
    assert len(page.context["suggestions"]) == 3 or len(page.context["suggestions"]) == 2
    other_day = client.get(
        address(appointment), {"day": elsewhere.practice_on.isoformat(), "doctor": cast.other_doctor.pk}
    )
    assert [len(slots) for _doctor, slots in other_day.context["groups"]] == [3]
    question = client.get(address(appointment), {"slot": free.pk}).content.decode()
    assert str(free.pk) in question
    assert str(appointment.slot_id) in question
    answer = client.post(address(appointment), data(appointment, free, reason="Minta lebih siang"))
    assert answer.status_code == 302
    appointment.refresh_from_db()
    assert appointment.slot_id == free.pk
    assert AppointmentMove.objects.get().moved_by == cast.receptionist


def test_a_drag_asks_in_a_dialog_and_returns_to_the_calendar(cast, client_for, made):
    appointment, free, _other = made
    client, back = client_for(cast.receptionist), "/calendar/?view=week"
    question = client.get(address(appointment), {"slot": free.pk, "was": appointment.slot_id, "next": back}, **HTMX)
    assert "<dialog" in question.content.decode()
    assert "<html" not in question.content.decode()
    answer = client.post(address(appointment), data(appointment, free, next=back), **HTMX)
    assert (answer.status_code, answer["HX-Redirect"]) == (204, back)
    away = client.post(address(appointment), data(appointment, free, next="https://jahat.example/"), **HTMX)
    assert "jahat" not in away.headers.get("HX-Redirect", "") + away.content.decode()


def test_a_taken_slot_is_explained_with_times_near_it_and_the_table_is_fetched_anew(cast, client_for, made):
    appointment, free, other = made
    AppointmentFactory(slot=free)
    client = client_for(cast.receptionist)
    answer = client.post(address(appointment), data(appointment, free), **HTMX)
    assert (answer.status_code, answer["HX-Trigger"]) == (409, "calendar:stale")
    assert [slot.pk for slot in answer.context["suggestions"]] == [other.pk]
    page = client.post(address(appointment), data(appointment, free))
    assert page.status_code == 409
    assert page.context["refusal"]
    appointment.refresh_from_db()
    assert appointment.slot_id not in (free.pk, other.pk)
    assert not AuditEvent.objects.filter(action="scheduling.appointment.moved").exists()


def test_an_appointment_that_was_moved_meanwhile_is_not_moved_again(cast, client_for, made):
    appointment, free, other = made
    shown = appointment.slot_id
    client = client_for(cast.receptionist)
    assert client.post(address(appointment), data(appointment, free)).status_code == 302
    late = client.post(address(appointment), {"slot": str(other.pk), "was": str(shown)})
    assert late.status_code == 409
    appointment.refresh_from_db()
    assert appointment.slot_id == free.pk


@pytest.mark.parametrize("which", ["past", "closed", "other service", "pending session", "unknown", "none"])
def test_times_that_are_not_offered_are_refused(cast, client_for, made, which):
    appointment = made[0]
    day = clock.today() + DAY * 2
    slot = {
        "past": lambda: session_at(clock.today(), 1, doctor=cast.doctor, service=appointment.service).slots.first(),
        "closed": lambda: session_at(day, 9, doctor=cast.doctor, service=appointment.service).slots.first(),
        "other service": lambda: session_at(day, 9, doctor=cast.doctor, service=ServiceFactory(code="X")).slots.first(),
        "pending session": lambda: session_at(day, 9, service=appointment.service, status="pending").slots.first(),
    }.get(which, lambda: None)()
    if which == "closed":
        slot.session.slots.update(is_closed=True)
    text = str(slot.pk) if slot else {"unknown": "0192f0c1-0000-7000-8000-000000000000", "none": ""}[which]
    client = client_for(cast.receptionist)
    assert client.get(address(appointment), {"slot": text}).status_code == 200
    for headers in ({}, HTMX):
        answer = client.post(address(appointment), {"slot": text, "was": str(appointment.slot_id)}, **headers)
        assert answer.status_code in (409, 422)
    before = appointment.slot_id
    appointment.refresh_from_db()
    assert appointment.slot_id == before
    assert not AppointmentMove.objects.exists()


@pytest.mark.parametrize("status", ["arrived", "finished", "cancelled", "no_show"])
def test_what_cannot_be_moved_says_so(cast, client_for, made, status):
    appointment, free, _other = made
    Appointment.objects.filter(pk=appointment.pk).update(status=status)
    client = client_for(cast.receptionist)
    assert not client.get(address(appointment)).context["is_open"]
    assert client.post(address(appointment), data(appointment, free)).status_code == 409


def test_only_those_who_book_move(cast, client_for, made):
    appointment, free, _other = made
    for who in ("doctor", "nurse", "owner"):
        assert client_for(getattr(cast, who)).post(address(appointment), data(appointment, free)).status_code == 403
    page = client_for(cast.doctor).get(reverse("scheduling:calendar"), {"day": (clock.today() + DAY).isoformat()})
    assert "data-appointment" not in page.content.decode()
    desk = client_for(cast.receptionist).get(reverse("scheduling:calendar"), {"day": (clock.today() + DAY).isoformat()})
    assert f'data-appointment="{appointment.pk}"' in desk.content.decode()


@pytest.mark.django_db(transaction=True)
def test_of_many_who_drag_into_one_slot_one_moves(race):
    from django.test import Client

    slots = list(SessionFactory(slot_count=9).slots.all())
    appointments = [AppointmentFactory(slot=slot, patient=PatientFactory()) for slot in slots[:8]]
    clients = [sign_in(Client(), UserFactory(roles=["receptionist"])) for _number in appointments]

    def drag(client, appointment):
        try:
            return client.post(address(appointment), data(appointment, slots[8]), **HTMX).status_code
        finally:
            connections.close_all()

    results = race(drag, list(zip(clients, appointments, strict=True)))
    assert sorted(results) == [204] + [409] * 7
    assert Appointment.objects.filter(slot=slots[8], active=1).count() == 1
    assert AppointmentMove.objects.count() == 1

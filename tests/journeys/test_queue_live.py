"""One call, seen by everybody: the board in the waiting room, the flow at the desk, the doctor's list, the patient's phone.

The board loses its connection and says so; it heals by itself.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import ExitStack

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.journeys.browsing import LIVE_WITHIN, Person, listening, path, words
from tests.journeys.clinic import Clinic

pytestmark = pytest.mark.journey

MakePerson = Callable[..., Person]

STALE_WITHIN = 25_000  # ms; the board says it after 15 s without an answer
HEALED_WITHIN = 15_000

# An emergency is called first, whoever else waits for the nurse.
PREPARE = """
from accounts.models import User
from patients.models import Patient
from scheduling.models import Service, Stage, Station
from scheduling import services
from scheduling.services import devices
desk, doctor = (User.objects.get(username=name) for name in ("resepsionis", "dr.rina"))
patient = Patient.objects.get(user__username="pasien")
service = Service.objects.filter(practice_sessions__doctor=doctor).first()
visit = services.register_walk_in(
    patient_id=patient.pk, service_id=service.pk, doctor_id=doctor.pk, complaint="Mimisan tidak berhenti.",
    priority="emergency", actor=desk,
)
nurse = Station.objects.get(stage=Stage.NURSE)
_link, token = devices.make_device(kind="board", name="Ruang tunggu uji", actor=User.objects.get(username="admin"))
answer = [visit.ticket.label, str(nurse.pk), nurse.name, token, patient.full_name]
"""


def sit_down(nurse: Person, station_id: str) -> Page:
    page = nurse.go("scheduling:station")
    page.locator(f"button[name=station][value='{station_id}']").click()
    expect(page.locator("#station-panel")).to_be_visible()
    return page


def act(page: Page, button: Locator) -> None:
    """Press a button of the station; it answers with the whole page."""
    with page.expect_navigation():
        button.click()
    expect(page.locator("#station-panel")).to_be_visible()


def test_everybody_sees_the_nurses_call(person: MakePerson, clinic: Clinic) -> None:
    number, station_id, place, token, name = clinic.read(PREPARE)
    nurse, reception, doctor = person("ns.dewi"), person("resepsionis"), person("dr.rina")
    phone, screen = person("pasien", phone=True), person("the board")
    for staff in (nurse, reception, doctor):
        staff.sign_in()
    phone.sign_in(door="accounts:portal-login")

    board = screen.page
    listening(board, path("scheduling:board", token))
    listening(reception.page, path("scheduling:flow"))
    listening(doctor.page, path("workspace:consultation-list"))
    listening(phone.page, path("workspace:portal-home"))
    station = sit_down(nurse, station_id)

    shown = board.locator(".board-number")
    in_flow = reception.page.locator(".flow-place").filter(has_text=number)
    in_list = doctor.page.locator("#doctor-queue-panel li").filter(has_text=number)
    on_phone = phone.page.locator(".card-now").filter(has_text=number)
    turn = words("It is your turn. Please come in.")
    called, missed = words("Called"), words("Did not answer")
    expect(shown).not_to_have_text(number)
    expect(in_flow).not_to_contain_text(called)
    expect(in_list).not_to_contain_text(called)
    expect(on_phone).not_to_contain_text(turn)

    with ExitStack() as living:
        for watcher in (screen, reception, doctor, phone):
            living.enter_context(watcher.lives())

        act(station, station.locator("#call-next"))
        expect(shown).to_have_text(number, timeout=LIVE_WITHIN)
        expect(board.locator(".board-place")).to_have_text(place)
        expect(in_flow).to_contain_text(called, timeout=LIVE_WITHIN)
        expect(in_flow).to_contain_text(place)
        expect(in_list).to_contain_text(called, timeout=LIVE_WITHIN)
        expect(on_phone).to_contain_text(turn, timeout=LIVE_WITHIN)
        expect(on_phone).to_contain_text(place)
        first = board.locator(".board-current").get_attribute("data-call")

        row = station.locator(".station-rows li").filter(has_text=number)
        act(station, row.locator("button[id^=again-]"))
        expect(board.locator(f".board-current:not([data-call='{first}'])")).to_be_visible(timeout=LIVE_WITHIN)
        expect(shown).to_have_text(number)

        row.locator("button[id^=skip-]").click()
        with station.expect_navigation():
            nurse.confirm()
        expect(in_flow).to_contain_text(words("did not answer"), timeout=LIVE_WITHIN)
        expect(in_list).to_contain_text(missed, timeout=LIVE_WITHIN)
        expect(on_phone).not_to_contain_text(turn, timeout=LIVE_WITHIN)

        act(station, station.locator("#undo-last"))  # they came after all
        expect(in_flow).to_contain_text(called, timeout=LIVE_WITHIN)
        expect(in_list).to_contain_text(called, timeout=LIVE_WITHIN)
        expect(on_phone).to_contain_text(turn, timeout=LIVE_WITHIN)
        expect(in_flow).not_to_contain_text(words("did not answer"))
        expect(shown).to_have_text(number)
        assert no_name(board, name)

        alarm = board.locator("[data-stale]")
        expect(alarm).to_be_hidden()
        with screen.offline():
            act(station, row.locator("button[id^=start-]"))
            act(station, station.locator("#undo-last"))
            act(station, row.locator("button[id^=again-]"))
            latest = board.locator(".board-current").get_attribute("data-call")
            expect(alarm).to_be_visible(timeout=STALE_WITHIN)
            expect(shown).to_have_text(number)
        expect(alarm).to_be_hidden(timeout=HEALED_WITHIN)
        expect(board.locator(f".board-current:not([data-call='{latest}'])")).to_be_visible()
        assert no_name(board, name)
    assert screen.context.cookies() == []


def no_name(board: Page, name: str) -> bool:
    """Whether no part of the name of a person stands anywhere in the page of a board."""
    source = board.content()
    return not any(re.search(rf"\b{re.escape(part)}\b", source, re.IGNORECASE) for part in name.split())

"""Three boards watch one call; the link is ended while they watch. A kiosk gives a number, and the desk calls it."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.browsing import LIVE_WITHIN, Person, listening, path
from tests.journeys.clinic import Clinic

pytestmark = pytest.mark.journey

MakePerson = Callable[..., Person]

CALL = """
from accounts.models import User
from scheduling.models import QueueStep, Station
from scheduling.services import queue
from django.db import transaction
step = QueueStep.objects.filter(open=1, ticket__prefix="R").order_by("-entered_at").select_related("ticket").first()
with transaction.atomic():
    queue.call(step, actor=User.objects.get(username="resepsionis"), station_id=Station.objects.get(name="Loket 1").pk)
answer = step.ticket.label
"""


def make_screen(admin: Person, kind: str) -> str:
    """Make a screen in the admin's list; returns the path of its link."""
    page = admin.go("scheduling:device-list")
    page.locator(f"input[name=kind][value={kind}]").check()
    page.locator("input[name=name]").fill(f"Layar {kind}")
    page.locator("main form:has(input[name=name]) button[type=submit]").click()
    return urlsplit(page.locator("#made-link").input_value()).path


def watching(person: Person, address: str) -> Page:
    """Open a board and wait until it listens."""
    secret = address.strip("/").rpartition("/")[2]
    assert secret not in listening(person.page, address), "the secret is not in the socket's address"
    return person.page


def test_three_boards_watch_one_queue(person: MakePerson, clinic: Clinic) -> None:
    admin = person("admin")
    admin.sign_in()
    board, kiosk = make_screen(admin, "board"), make_screen(admin, "kiosk")

    visitor = person("visitor at the kiosk")
    visitor.page.goto(kiosk)
    visitor.page.locator("button[name=priority][value=elderly]").click()
    number = visitor.page.locator(".kiosk-number").inner_text()
    assert number.startswith("R-")
    assert visitor.context.cookies() == []

    people = [person(f"board {place}") for place in range(3)]
    pages = [watching(one, board) for one in people]
    label = clinic.read(CALL)
    assert label == number
    for page in pages:
        expect(page.locator(".board-number")).to_have_text(number, timeout=LIVE_WITHIN)
        expect(page.locator(".board-place")).to_have_text("Loket 1")
        clips = page.locator(".board-current").get_attribute("data-clips") or ""
        assert clips.startswith("nomor-antrean huruf-r nol ")
        assert clips.endswith("silakan-ke loket nomor satu")

    for one in people:
        one.allow(404, "^/board/")
        one.may_lose_connection()
    admin.go("scheduling:device-list")
    admin.page.get_by_role("row").filter(has_text="Layar board").locator("button").click()
    admin.confirm()
    for page in pages:
        expect(page.locator("[data-ended]")).to_be_visible(timeout=LIVE_WITHIN)
        expect(page.locator(".board-number")).to_have_count(0)
    assert people[0].context.cookies() == []
    visitor.page.wait_for_url(f"**{kiosk}")  # the number makes room for the next person
    assert path("scheduling:device-list") in admin.page.url


TELL = """([wants, told]) => {
  const element = document.querySelector("[hx-trigger*='live:queue']");
  for (const name of ["liveKind", "liveId"]) delete element.dataset[name];
  Object.assign(element.dataset, wants);
  document.body.dispatchEvent(new CustomEvent("live:queue", { bubbles: true, detail: { topic: "queue", ...told } }));
}"""


def test_a_panel_asks_again_for_its_own_row_only(person: MakePerson) -> None:
    reception = person("resepsionis")
    reception.sign_in()
    page = reception.page
    listening(page, path("scheduling:queue"))
    for wants, told in (
        ({}, {"kind": "visit", "id": "1"}),
        ({"liveKind": "step visit"}, {"kind": "visit", "id": "1"}),
        ({"liveId": "2"}, {"kind": "visit", "id": "2"}),
        ({"liveKind": "step", "liveId": "2"}, {}),
    ):
        page.evaluate("() => document.querySelector('#queue-panel').setAttribute('data-old', '')")
        with page.expect_response("**/panel/**"):
            page.evaluate(TELL, [wants, told])
        expect(page.locator("#queue-panel:not([data-old])")).to_be_attached()  # it came, and asks again when told so
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "/panel/" in request.url else None)
    for wants, told in (
        ({"liveKind": "step"}, {"kind": "visit", "id": "1"}),
        ({"liveId": "2"}, {"kind": "visit", "id": "1"}),
    ):
        page.evaluate(TELL, [wants, told])
    page.wait_for_timeout(1000)
    assert asked == []

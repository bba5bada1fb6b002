"""An appointment gets another time in the calendar: dragged with the mouse, and by keyboard alone. Another desk looks on."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.journeys.browsing import LIVE_WITHIN, Person, listening, path, words
from tests.journeys.clinic import Clinic

pytestmark = pytest.mark.journey

MakePerson = Callable[..., Person]

# One coming appointment whose session has two free times, on a day with another service to drop it on wrongly.
FOUND = """
from core import clock
from scheduling.models import Appointment, Slot
ahead = Appointment.objects.filter(status="approved", slot__starts_at__gt=clock.day_bounds(clock.today())[1])
rows = ahead.select_related("slot__session", "patient").prefetch_related("lines").order_by("slot__starts_at")
answer = None
for row in rows:
    free = list(Slot.objects.bookable(clock.now()).filter(session=row.slot.session).order_by("starts_at")[:2])
    day = clock.local(row.slot.starts_at).date()
    first, last = clock.day_bounds(day)
    others = Slot.objects.bookable(clock.now()).filter(starts_at__gte=first, starts_at__lt=last)
    other = others.exclude(session__service=row.service_id).first()
    if len(free) == 2 and other and len(row.lines.all()) < 2:
        answer = {
            "pk": str(row.pk), "day": day.isoformat(), "name": row.patient.full_name, "slot": str(row.slot_id),
            "free": [str(slot.pk) for slot in free], "other": str(other.pk), "moves": row.moves.count(),
        }
        break
assert answer, "the demo has no such appointment"
"""
STANDS = """
from scheduling.models import Appointment
row = Appointment.objects.get(pk="{pk}")
answer = [str(row.slot_id), row.moves.count(), row.sequence]
"""


def cell(page: Page, slot: str) -> Locator:
    return page.locator(f"#s-{slot}")


def drag(page: Page, slot: str, to: str, *, drop: bool = True) -> None:
    """Lift an appointment with the mouse and carry it over another time."""
    cell(page, to).scroll_into_view_if_needed()
    cell(page, slot).scroll_into_view_if_needed()
    start, end = cell(page, slot).bounding_box(), cell(page, to).bounding_box()
    assert start
    assert end
    page.mouse.move(start["x"] + 20, start["y"] + start["height"] / 2)
    page.mouse.down()
    page.mouse.move(start["x"] + 40, start["y"] + start["height"] / 2 + 10, steps=3)
    expect(page.locator(".calendar-ghost")).to_be_visible()
    page.mouse.move(end["x"] + 20, end["y"] + end["height"] / 2, steps=5)
    if drop:
        page.mouse.up()


def test_an_appointment_is_moved_by_mouse_and_by_keyboard(person: MakePerson, clinic: Clinic) -> None:
    found = clinic.read(FOUND)
    was, (first, second) = found["slot"], found["free"]
    where = f"{path('scheduling:calendar')}?day={found['day']}"
    tall = {"viewport": {"width": 1280, "height": 1600}}
    desk, onlooker = person("resepsionis", **tall), person("depan")
    for one in (desk, onlooker):
        one.sign_in()
    listening(onlooker.page, where)
    page = desk.page
    page.goto(where)

    drag(page, was, first, drop=False)
    page.keyboard.press("Escape")
    expect(page.locator(".calendar-ghost")).to_have_count(0)
    page.mouse.up()
    drag(page, was, found["other"])
    expect(page.locator("#calendar-status")).to_have_text(words("Not a free time of this service: nothing was moved."))
    expect(page.locator("#move-dialog")).to_have_count(0)
    slot, moves, sequence = clinic.read(STANDS.format(pk=found["pk"]))
    assert (slot, moves) == (was, found["moves"])

    with onlooker.lives():
        drag(page, was, first)
        dialog = page.locator("#move-dialog[open]")
        expect(dialog).to_contain_text(found["name"])
        dialog.locator("textarea[name=reason]").fill("Dokter datang lebih siang.")
        dialog.locator("button[type=submit]").click()
        expect(cell(page, first)).to_contain_text(found["name"])
        expect(cell(page, was)).to_contain_text(words("Free"))
        expect(cell(onlooker.page, first)).to_contain_text(found["name"], timeout=LIVE_WITHIN)
        expect(cell(onlooker.page, was)).to_contain_text(words("Free"))

        by_keyboard(page, first, second)
        expect(cell(page, second)).to_contain_text(found["name"])
        expect(cell(onlooker.page, second)).to_contain_text(found["name"], timeout=LIVE_WITHIN)
    assert clinic.read(STANDS.format(pk=found["pk"])) == [second, moves + 2, sequence + 2]


def by_keyboard(page: Page, slot: str, to: str) -> None:
    """Open the panel of a time, go to "Move…" and choose another time, without a mouse."""
    cell(page, slot).focus()
    page.keyboard.press("Enter")
    expect(page.locator("#calendar-panel-title")).to_be_focused()
    for _press in range(8):
        page.keyboard.press("Tab")
        if page.locator("#panel-move:focus").count():
            break
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/move/\?next="))
    choice = page.locator(f"main a[href*='slot={to}']").first
    choice.focus()
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(rf"/move/\?slot={to}"))
    yes = page.locator("main form:has(input[name=slot]) button[type=submit]")
    yes.focus()
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(rf"{path('scheduling:calendar')}\?"))

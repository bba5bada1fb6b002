"""Every page of the day for every role: axe-core in both themes, the keyboard, and no sideways scrolling.

The walk over all pages is made once, on the embedded product: the same templates and styles answer in production.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Error as PlaywrightError
from playwright.sync_api import Page, expect

from tests.journeys.browsing import DESKTOP, PHONE, Person, path
from tests.journeys.clinic import Clinic
from tests.journeys.pages import DAY, PORTAL, Stop
from tests.journeys.scenes import prepare

pytestmark = pytest.mark.journey

SMALLEST_PORTAL, SMALLEST_STAFF = 320, 390
SERIOUS = {"serious", "critical"}
# A theme changes colours and nothing else (tokens.css), so what else was found in the one holds in the other.
OF_COLOUR = ["color-contrast", "link-in-text-block"]
# What finds faults only; a screen reader's user does not hear which rules passed.
AXE = """(only) => axe.run(document, { ...(only && { runOnly: only }), resultTypes: ["violations"], preload: false })
.then((found) => found.violations.map((one) => ({
  id: one.id, impact: one.impact, help: one.help,
  nodes: one.nodes.slice(0, 3).map((node) => `${node.target.join(" ")}: ${node.failureSummary.split("\\n").slice(1, 2)}`),
})))"""
WIDER = """() => {
  const width = window.innerWidth;
  if (document.scrollingElement.scrollWidth <= width) return [];
  const out = [...document.querySelectorAll("body *")].filter((one) => one.getBoundingClientRect().right > width + 1);
  const name = (one) => `${one.tagName.toLowerCase()}${one.id ? "#" + one.id : ""}.${[...one.classList].join(".")}`;
  return [`${document.scrollingElement.scrollWidth} > ${width}`, ...out.slice(0, 4).map(name)];
}"""
SETTLED = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"

MakePerson = Callable[..., Person]


def violations(page: Page, label: str, only: list[str] | None = None) -> list[str]:
    """Return what axe-core finds on the page as it stands, by all its rules or some, when it is serious or critical."""
    if not page.evaluate("() => Boolean(window.axe)"):
        page.evaluate(AXE_SCRIPT)
    return [
        f"{label}: {found['id']} ({found['impact']}): {found['help']} {found['nodes']}"
        for found in page.evaluate(AXE, only)
        if found["impact"] in SERIOUS
    ]


def in_both_themes(page: Page, label: str) -> list[str]:
    """Look at the page in light and dark; the account's theme is that of the device."""
    found = []
    for scheme, only in (("light", None), ("dark", OF_COLOUR)):
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        page.evaluate(SETTLED)
        found += violations(page, f"{label} {scheme}", only)
    page.emulate_media(color_scheme="light", reduced_motion="reduce")
    return found


def overflow(page: Page, label: str, width: int) -> list[str]:
    """Return what makes the page wider than a small screen."""
    page.set_viewport_size({"width": width, "height": 800})
    wider = page.evaluate(WIDER)
    for _moment in range(10):  # charts follow a new width a moment later
        if wider:
            page.wait_for_timeout(100)
            wider = page.evaluate(WIDER)
    return [f"{label} at {width} px is too wide: {wider}"] if wider else []


def look_at(person: Person, stop: Stop, *, is_portal: bool) -> list[str]:
    """Return everything that is wrong with one page."""
    page, label = person.page, f"{person.username}/{stop.name}"
    page.set_viewport_size(DESKTOP)
    stop.open(page, person.ways)
    expect(page.locator("h1")).to_have_count(1)
    found = in_both_themes(page, f"{label} desktop")
    if is_portal:
        page.set_viewport_size(PHONE)
        found += in_both_themes(page, f"{label} phone")
    return found + overflow(page, label, SMALLEST_PORTAL if is_portal else SMALLEST_STAFF)


@pytest.fixture(scope="module")
def prepared(clinic: Clinic) -> None:
    if not clinic.is_embedded:
        pytest.skip("looked at on the embedded product")
    prepare(clinic)


@pytest.mark.usefixtures("prepared")
@pytest.mark.parametrize("who", DAY)
def test_pages_are_accessible(who: str, person: MakePerson) -> None:
    """No serious or critical violation in light and dark, and nothing wider than a small screen."""
    one = person(who)
    for name in ("patients:register", "patients:portal-sign-up", "patients:portal-family-ask", "accounts:user-create",
                 "scheduling:time-off-add"):  # fmt: skip
        one.allow(422, f"^{path(name)}$")
    one.allow(422, "^/patients/[0-9a-f-]+/documents/add/$")
    one.allow(410, f"^{path('accounts:link-use')}$")
    one.allow(423, f"^{path('workspace:cashier')}$")
    if who != "stranger":
        one.sign_in(door="accounts:portal-login" if who in PORTAL else "accounts:login")
    found = []
    for stop in DAY[who]:
        try:
            found += look_at(one, stop, is_portal=who in PORTAL)
        except (AssertionError, PlaywrightError) as error:
            found.append(f"{who}/{stop.name}: {str(error).splitlines()[0]}")
    assert not found, "\n".join(found)


# --- Keyboard and touch ---------------------------------------------------------------------------------------------


def tab_to(page: Page, selector: str, *, most: int = 25) -> None:
    """Press Tab until the element has the focus."""
    for _press in range(most):
        if page.evaluate("selector => Boolean(document.activeElement?.matches(selector))", selector):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"{selector} is not reached within {most} tabs")


def test_sign_in_and_search_by_keyboard(person: MakePerson, clinic: Clinic) -> None:
    """A receptionist signs in, finds a patient and opens the record without touching the mouse."""
    one = person("resepsionis")
    page = one.go("accounts:login")
    page.keyboard.press("Tab")
    if not page.evaluate("() => document.activeElement.matches('.skip-link')"):
        assert page.evaluate("() => document.activeElement.closest('main') !== null"), "the first stop is no skip link"
    tab_to(page, "#id_login")
    page.keyboard.type("resepsionis")
    tab_to(page, "#id_password")
    page.keyboard.type(one.clinic.password("resepsionis"))
    with page.expect_navigation():
        page.keyboard.press("Enter")
    expect(page.locator("#id_code")).to_be_focused()
    page.keyboard.type(clinic.code("resepsionis"))
    with page.expect_navigation():
        page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.locator(".skip-link")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#content")).to_be_focused()

    page.keyboard.press("Control+k")
    expect(page.locator("[data-patient-search]")).to_be_focused()
    page.keyboard.type("siti")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    expect(page.locator("[data-result]").first).to_be_visible()
    page.keyboard.press("Control+k")
    page.keyboard.press("ArrowDown")
    expect(page.locator("[data-result]").first).to_be_focused()
    page.keyboard.press("ArrowUp")
    expect(page.locator("#patient-q")).to_be_focused()
    page.keyboard.press("ArrowDown")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    assert re.search(r"/patients/[0-9a-f-]{36}/$", page.url)
    expect(page.locator(".patient-header")).to_be_visible()

    page.goto(path("patients:search"))
    expect(page.locator("[data-result]").first).to_be_visible()  # opened lately
    page.keyboard.type("Tan Mei-Ling")
    page.keyboard.press("ArrowDown")  # faster than the answer
    expect(page.locator("[data-result]:focus")).to_contain_text("Tan Mei-Ling")


def swipe(page: Page, *, start: int, end: int) -> None:
    """Move one finger sideways over the page."""
    finger = page.context.new_cdp_session(page)
    finger.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [{"x": start, "y": 400}]})
    for step in (0.5, 1):
        point = {"x": round(start + (end - start) * step), "y": 402}
        finger.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": [point]})
    finger.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    finger.detach()


def test_the_drawer_on_a_phone(person: MakePerson) -> None:
    """The menu of staff opens by a tap and closes by Escape, a swipe, the space beside it, and after a tap on an entry."""
    one = person("resepsionis", phone=True)
    page = one.sign_in()
    drawer, opener = page.locator("#sidebar"), page.locator("[data-sidebar-toggle]")
    is_open, is_closed = re.compile(r"\bis-open\b"), re.compile(r"^(?!.*\bis-open\b)")
    expect(drawer).to_have_class(is_closed)
    expect(opener).to_have_attribute("aria-expanded", "false")

    opener.focus()
    page.keyboard.press("Enter")
    expect(drawer).to_have_class(is_open)
    expect(opener).to_have_attribute("aria-expanded", "true")
    assert page.evaluate("() => document.activeElement.closest('#sidebar') !== null")
    page.keyboard.press("Escape")
    expect(drawer).to_have_class(is_closed)
    expect(opener).to_be_focused()

    opener.tap()
    expect(drawer).to_have_class(is_open)
    page.wait_for_timeout(300)
    swipe(page, start=220, end=40)
    expect(drawer).to_have_class(is_closed)

    opener.tap()
    expect(drawer).to_have_class(is_open)
    page.wait_for_timeout(300)
    page.touchscreen.tap(380, 500)
    expect(drawer).to_have_class(is_closed)

    opener.tap()
    expect(drawer).to_have_class(is_open)
    entry = drawer.locator(f"a[href='{path('scheduling:queue')}']")
    size = entry.bounding_box()
    assert size is not None
    assert size["height"] >= 44
    entry.tap()
    page.wait_for_url(f"**{path('scheduling:queue')}")
    expect(drawer).to_have_class(is_closed)

"""Sessions in real browsers: the lock of a page left alone, in one tab and in two, and being signed out from elsewhere.

The clinic here locks after one minute, so that nobody has to wait long.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.journeys.browsing import Person, path, second_step, words
from tests.journeys.clinic import Clinic, Mailbox

pytestmark = pytest.mark.journey

LOCK_WITHIN = 75_000
TYPED = "Demam tiga hari, batuk berdahak"
MakePerson = Callable[..., Person]


@pytest.fixture(scope="module")
def hasty(tmp_path_factory: pytest.TempPathFactory, mailbox: Mailbox, clinic: Clinic) -> Iterator[Clinic]:
    """A clinic whose sessions lock after a minute."""
    found = Clinic(
        tmp_path_factory.mktemp("hasty"),
        mailbox,
        database_url=os.environ.get("DATABASE_URL", ""),
        redis_url=os.environ.get("REDIS_URL", ""),
        certificate=clinic.certificate,
    )
    os.environ["IDLE_LOCK_MINUTES"] = "1"
    try:
        found.start()
        yield found
    finally:
        found.stop()
        del os.environ["IDLE_LOCK_MINUTES"]


@pytest.fixture
def someone(browser: Browser, hasty: Clinic) -> Iterator[MakePerson]:
    """Return a function that gives somebody with a browser in that clinic; nobody may have seen a problem."""
    people: list[Person] = []

    def make(username: str, **options: Any) -> Person:
        people.append(Person(browser, hasty, username, **options))
        people[-1].allow(423, "")
        return people[-1]

    yield make
    for one in people:
        one.context.close()
    problems = [problem for one in people for problem in one.problems]
    assert not problems, "\n".join(problems)


def covered(page: Page) -> None:
    """The lock covers the page: nothing of it is seen, spoken or printed."""
    expect(page.locator("#session-lock")).to_be_visible(timeout=LOCK_WITHIN)
    expect(page.locator("main h1")).to_be_hidden()
    assert page.title() == words("Locked")
    assert words("Locked") in page.locator("#session-lock").inner_text()
    shown = page.evaluate("document.body.innerText")
    assert TYPED not in shown
    page.emulate_media(media="print")
    expect(page.locator("main h1")).to_be_hidden()
    page.emulate_media(media="screen")


def unlock(page: Page, password: str) -> None:
    page.locator("#session-lock input[type=password]").fill(password)
    page.locator("#session-lock [data-lock-form] button.btn-primary").click()


def type_without_script(patient: Person) -> None:
    patient.sign_in(door="accounts:portal-login")
    page = patient.go("support:portal-message-list")
    page.locator("input[name=subject]").fill("Kartu berobat")
    page.locator("textarea[name=body]").fill(TYPED)


def send_without_script(patient: Person, clinic: Clinic) -> None:
    """Without script nothing covers the page; the form itself meets the lock and goes on after the password."""
    page = patient.page
    page.locator("main form button[type=submit]").first.click()
    expect(page.locator("main h1")).to_have_text(words("Locked"))
    assert TYPED not in page.content()
    assert "Kartu berobat" not in page.content()
    page.locator("main input[name=password]").fill(clinic.password("pasien"))
    page.locator("main form button[type=submit]").first.click()
    expect(page.locator("main h1")).to_have_text(words("Not sent yet"))
    page.locator("form[data-send-on] button").click()
    expect(page.locator("main")).to_contain_text("Kartu berobat")
    patient.go("support:portal-message-list")
    expect(page.get_by_text("Kartu berobat")).to_have_count(1)


def test_a_page_left_alone(someone: MakePerson, hasty: Clinic) -> None:
    """Warned, locked, refused a wrong password, unlocked with the text and the caret where they were.

    Meanwhile somebody without script leaves a form alone too, and a key that is pressed after the warning keeps another
    page open.
    """
    patient = someone("pasien", java_script_enabled=False)
    type_without_script(patient)
    reception, busy = someone("resepsionis"), someone("depan")
    for one in (reception, busy):
        one.sign_in()
        one.go("patients:register").fill("input[name=full_name]", TYPED)
    page = reception.page

    warning = busy.page.locator("[data-session-warning]")
    expect(warning).to_have_text(re.compile(r"\w"), timeout=LOCK_WITHIN)
    assert warning.get_attribute("aria-live") == "polite"
    busy.page.locator("input[name=full_name]").press("End")
    expect(warning).to_be_empty()
    expect(page.locator("[data-session-warning]")).to_have_text(re.compile(r"\w"))

    expect(page.locator("#session-lock input[type=password]")).to_be_focused(timeout=LOCK_WITHIN)
    expect(busy.page.locator("main h1")).to_be_visible()
    expect(busy.page.locator("#session-lock")).to_be_hidden()
    covered(page)
    for keys in ("Escape", "Escape", "Control+k", "Tab", "Tab", "Tab", "Tab", "Tab"):
        page.keyboard.press(keys)
    covered(page)
    assert page.evaluate(
        "document.activeElement === document.body || document.activeElement.closest('#session-lock') !== null"
    )
    reception.allow(422, path("accounts:session-unlock"))
    unlock(page, "salah-sama-sekali")
    expect(page.locator("[data-lock-error]")).to_have_text(re.compile(r"\w"))
    covered(page)
    unlock(page, hasty.password("resepsionis"))
    expect(page.locator("#session-lock")).to_be_hidden()
    expect(page.locator("input[name=full_name]")).to_have_value(TYPED)
    expect(page.locator("input[name=full_name]")).to_be_focused()
    assert page.title() != words("Locked")
    reception.allow(422, path("patients:register"))  # not all is filled in; but the form is taken
    page.locator("main form.form-grid, main form").first.evaluate("form => form.requestSubmit()")
    page.wait_for_load_state()
    expect(page.locator("main h1")).to_be_visible()
    send_without_script(patient, hasty)


def test_tabs_lock_and_unlock_together(someone: MakePerson, hasty: Clinic) -> None:
    reception = someone("resepsionis")
    reception.sign_in()
    first = reception.go("patients:register")
    first.fill("input[name=full_name]", TYPED)
    second = reception.context.new_page()
    second.goto(path("scheduling:queue"))
    second.locator(".user-button").click()
    second.locator("[data-lock-now] button").click()
    covered(second)
    covered(first)
    unlock(first, hasty.password("resepsionis"))
    expect(first.locator("#session-lock")).to_be_hidden()
    expect(second.locator("#session-lock")).to_be_hidden()
    expect(first.locator("input[name=full_name]")).to_have_value(TYPED)
    third = reception.context.new_page()
    third.goto(path("scheduling:queue"))
    expect(third.locator("main h1")).to_be_visible()


def test_signed_out_from_another_browser(someone: MakePerson, hasty: Clinic) -> None:
    """Two browsers of one person: one ends the other, which is out at its next click and keeps what was typed."""
    here, there = someone("resepsionis"), someone("resepsionis")
    there.allow(403, f"^{path('patients:registration-draft')}$")  # a draft that is saved after the end
    here.sign_in()
    there.sign_in()
    there.go("patients:register").fill("input[name=full_name]", TYPED)
    page = here.go("accounts:session-list")
    expect(page.locator(".session-row")).not_to_have_count(1)
    page.locator(f"form[action='{path('accounts:session-end-others')}'] button").click()
    expect(page.locator(".session-row")).to_have_count(1)
    there.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    there.page.bring_to_front()
    tab = there.context.new_page()
    tab.goto(path("patients:register"))
    expect(tab.locator("input[name=login]").first).to_be_visible()
    expect(there.page.locator("#session-lock [data-lock-ended]")).to_be_visible()
    expect(there.page.locator("main h1")).to_be_hidden()
    tab.close()
    with there.context.expect_page() as opened:
        there.page.locator("[data-lock-sign-in]").click()
    door = opened.value
    door.locator("main form input[name=login]").first.fill("resepsionis")
    door.locator("main form input[name=password]").first.fill(hasty.password("resepsionis"))
    door.locator("main form button[type=submit]").first.click()
    door.wait_for_load_state()
    second_step(door, hasty, "resepsionis")
    expect(door).to_have_url(re.compile(re.escape(path("patients:register"))))
    expect(there.page.locator("#session-lock")).to_be_hidden()
    expect(there.page.locator("input[name=full_name]")).to_have_value(TYPED)


def test_roles_changed_elsewhere(someone: MakePerson, hasty: Clinic) -> None:
    """An admin changes roles: the other browser is out at its next click."""
    nurse, admin = someone("ns.dewi"), someone("admin")
    nurse.sign_in()
    nurse.go("scheduling:queue")
    admin.sign_in()
    pk = hasty.read("from accounts.models import User; answer = str(User.objects.get(username='ns.dewi').pk)")
    page = admin.go("accounts:user-edit", pk)
    page.check("input[name=roles][value=cashier]")
    page.locator(f"form[action='{path('accounts:user-roles', pk)}'] button[type=submit]").click()
    page.wait_for_load_state()
    nurse.go("scheduling:queue")
    expect(nurse.page.locator("input[name=login]").first).to_be_visible()

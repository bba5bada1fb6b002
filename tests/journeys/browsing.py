"""People in front of a browser: one context each, watched for everything that must never happen on any page."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext, pgettext
from playwright.sync_api import Browser, BrowserContext, Locator, Page, ViewportSize, expect

from tests.journeys.clinic import Clinic

CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = (
    "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip
PHONE: ViewportSize = {"width": 390, "height": 844}
DESKTOP: ViewportSize = {"width": 1280, "height": 800}
LIVE_WITHIN = 15_000  # ms, on a busy machine; a page without a live connection asks again after 20 s at the earliest

# What htmx writes when a page is left while a panel asks again: the browser ends the request, nobody sees anything.
# A request that fails writes `htmx:sendError` too, and that is a problem.
LEFT_MEANWHILE = re.compile(r"^htmx:(afterRequest|sendAbort), \[object HTML\w*Element\]$")

# Runs in every page before its own scripts. What it writes as an error fails the journey.
WATCH = """
addEventListener("securitypolicyviolation", (event) => {
  console.error(`CSP violation: ${event.violatedDirective} ${event.blockedURI} in ${location.pathname}`);
});
window.WebSocket = class extends WebSocket {
  constructor(...given) {
    super(...given);
    this.addEventListener("open", () => { document.documentElement.dataset.journeyListens = ""; });
  }
};
addEventListener("DOMContentLoaded", () => {
  const language = document.documentElement.lang;
  const isFile = /[/](file|pdf)[/]$|[.]pdf$/.test(location.pathname); // the browser wraps a PDF into a page of its own
  const isPage = document.contentType === "text/html" && !isFile;
  if (location.protocol.startsWith("http") && isPage && language !== "id") {
    console.error(`The language of ${location.pathname} is "${language}", not "id"`);
  }
});
"""


def words(source: str, context: str = "") -> str:
    """Return what a source string reads on the pages, which are in Indonesian; the source itself while untranslated."""
    with translation.override("id"):
        return pgettext(context, source) if context else gettext(source)


def path(name: str, *arguments: Any) -> str:
    """Return the address of a route."""
    return reverse(name, args=arguments)


class Person:
    """One person with a browser of their own. `page` is the first tab."""

    def __init__(self, browser: Browser, clinic: Clinic, username: str, *, phone: bool = False, **options: Any) -> None:
        self.clinic = clinic
        self.username = username
        self.problems: list[str] = []
        self.ways: dict[tuple[str, ...], str] = {}  # addresses found by following links
        self._allowed: list[tuple[int, str]] = []
        self._may_lose_connection = False
        self._is_offline = False
        shape = {"viewport": PHONE, "is_mobile": True, "has_touch": True} if phone else {"viewport": DESKTOP}
        self.context: BrowserContext = browser.new_context(
            base_url=clinic.url,
            locale="id-ID",
            timezone_id="Asia/Jakarta",
            reduced_motion="reduce",
            **{**shape, **options},
        )
        self.context.set_default_timeout(30_000)
        self.context.add_init_script(WATCH)
        self.context.on("console", self._on_console)
        self.context.on("weberror", lambda found: self._note(f"uncaught: {found.error}"))
        self.context.on("response", self._on_response)
        self.context.on("dialog", self._on_dialog)
        self.page: Page = self.context.new_page()

    # --- watching ---------------------------------------------------------------------------------------------------

    def allow(self, status: int, address: str) -> None:
        """A refusal that the journey asks for: answers of `status` from addresses that match are no problem."""
        self._allowed.append((status, address))

    def may_lose_connection(self) -> None:
        """The journey ends this person's sessions: a page that is still open may try its live connection once more."""
        self._may_lose_connection = True

    @contextmanager
    def offline(self) -> Iterator[None]:
        """No network inside; what the browser says about that in its console is no problem."""
        self._is_offline = True
        self.context.set_offline(True)
        yield
        self.context.set_offline(False)

    def _note(self, problem: str) -> None:
        self.problems.append(f"{self.username}: {problem}")

    def _on_console(self, message: Any) -> None:
        if LEFT_MEANWHILE.match(message.text):
            return
        if self._is_offline and "ERR_INTERNET_DISCONNECTED" in message.text:
            return
        if (
            self._may_lose_connection
            and re.search("/ws/(live|board)/' failed", message.text)
            and "code: 403" in message.text
        ):
            return
        if message.type == "error" and not message.text.startswith("Failed to load resource: the server responded"):
            self._note(f"console: {message.text}")

    def _on_response(self, response: Any) -> None:
        if response.status < 400 or not response.url.startswith(self.clinic.url):
            return
        address = response.url.removeprefix(self.clinic.url)
        if not any(response.status == status and re.search(part, address) for status, part in self._allowed):
            self._note(f"{response.status} from {response.request.method} {address}")

    def _on_dialog(self, dialog: Any) -> None:
        self._note(f"dialog of the browser ({dialog.type}): {dialog.message}")
        dialog.accept()

    # --- moving -----------------------------------------------------------------------------------------------------

    def go(self, name: str, *arguments: Any, query: str = "") -> Page:
        """Open a route in the first tab."""
        self.page.goto(path(name, *arguments) + query)
        return self.page

    def sign_in(self, username: str = "", password: str = "", *, door: str = "accounts:login") -> Page:
        """Sign in through the form of a door."""
        page = self.go(door)
        form = page.locator("main form").first
        form.locator("input[name=login]").fill(username or self.username)
        form.locator("input[name=password]").fill(password or self.clinic.password(self.username))
        with page.expect_navigation() as gone:
            form.locator("button[type=submit]").click()
        if password:
            self.clinic.typed_secrets.add(password)
        assert gone.value.status < 500, f"{self.username} cannot sign in: {gone.value.status}"
        second_step(page, self.clinic, username or self.username)
        return page

    def confirm(self) -> None:
        """Press the yes of the product's own question."""
        self.page.locator("#confirm-dialog[open] [data-confirm-yes-button]").click()

    def choose(self, box: str, typed: str, option: str | re.Pattern[str]) -> None:
        """Search in a combobox and take an option. `box`: id of the select behind it."""
        page = self.page
        control = page.locator(f"#{box}-ts-control")
        control.click()
        control.press_sequentially(typed, delay=15)
        page.locator(f"#{box}-ts-dropdown .option").filter(has_text=option).first.click()

    def download(self, address: str) -> bytes:
        """Fetch a PDF with this person's session."""
        answer = self.context.request.get(address)
        assert answer.status == 200, f"{answer.status} from {address}"
        assert answer.headers["content-type"] == "application/pdf"
        assert "no-store" in answer.headers["cache-control"]
        return answer.body()

    def refused(self, name: str, *arguments: Any, status: int) -> None:
        """Open an address that is not for this person: the product's own page says so."""
        address = path(name, *arguments)
        self.allow(status, f"^{re.escape(address)}$")
        answer = self.page.goto(address)
        assert answer is not None
        assert answer.status == status
        expect(self.page.locator("h1")).to_be_visible()
        expect(self.page.locator("link[href*='css/tokens']")).to_have_count(1)

    @contextmanager
    def lives(self) -> Iterator[None]:
        """What happens inside must reach the first tab without a reload."""
        self.page.evaluate("window.journeyMark = true")
        yield
        assert self.page.evaluate("window.journeyMark === true"), "the page was loaded again"


def second_step(page: Page, clinic: Clinic, username: str) -> None:
    """Enter a code as a telephone would show it, when the sign-in asks for one."""
    verify = path("accounts:factor-verify")
    if urlsplit(page.url).path != verify:
        return
    page.locator("input[name=code]").first.fill(clinic.code(username))
    with page.expect_navigation(url=lambda url: urlsplit(url).path != verify):
        page.locator("form:has(#id_code) button[type=submit]").click()


def row(page: Page, text: str) -> Locator:
    """Return the table row about somebody."""
    return page.get_by_role("row").filter(has_text=text)


def pk_in(address: str) -> str:
    """Return the id in an address."""
    found = re.search(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", address)
    assert found, f"no id in {address}"
    return found[0]


def listening(page: Page, address: str) -> str:
    """Open a page and wait until its live connection stands: it hears what happens from now on. Returns where it leads."""
    with page.expect_websocket() as opened:
        page.goto(address)
    assert opened.value.url.startswith(("ws://localhost", "wss://localhost"))
    expect(page.locator("html[data-journey-listens]")).to_be_attached()
    return opened.value.url

"""Saves pictures of every page of the clinic's day: `python tools/screenshots.py --out DIR`.

Desktop (1280) and phone (390), light and dark, in Indonesian: DIR/role-page-size-theme.png. Without --base it opens a demo
clinic of its own in a temporary folder and removes it afterwards; with --base it looks at a running one in demo mode, where
the doctor's draft and a complaint on the way to a booking are typed as the pages ask for them, and pages about requests
and alerts that are not there are left out. Needs the packages of requirements-e2e.lock and Chromium.
"""

from __future__ import annotations

import argparse
import contextlib
import logging
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "emr.settings.test")

import django

django.setup()

from playwright.sync_api import Browser, Page, sync_playwright  # noqa: E402

from tests.journeys.browsing import ARGUMENTS, CHROMIUM, DESKTOP, PHONE, path  # noqa: E402
from tests.journeys.clinic import Clinic, Mailbox  # noqa: E402
from tests.journeys.pages import BACK_OFFICE, DAY, PORTAL  # noqa: E402
from tests.journeys.scenes import prepare  # noqa: E402

SIZES = {"1280": DESKTOP, "390": PHONE}
TALLEST = 4000  # px; longer pages are cut
CODE_WITHIN = 60  # seconds until the demo shows a code that was not used
PAGES = {**DAY, "back-office": BACK_OFFICE}
THEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")


@contextlib.contextmanager
def demo_clinic() -> Iterator[str]:
    """Open a demo clinic for as long as the block runs; gives its address."""
    with tempfile.TemporaryDirectory(prefix="emr-screenshots-") as directory:
        logging.getLogger("mail.log").setLevel(logging.WARNING)
        mailbox = Mailbox()
        clinic = Clinic(Path(directory), mailbox)
        mailbox.start()
        try:
            clinic.start()
            prepare(clinic)
            yield clinic.url
        finally:
            clinic.stop()
            mailbox.stop()


def sign_in(page: Page, username: str) -> None:
    """Press the demo sign-in of a person on the page of their door, and the code that is shown in place of a telephone."""
    page.goto(path("accounts:portal-login" if username in PORTAL else "accounts:login"))
    page.locator("details:has(input[name=login]) > summary").click()
    with page.expect_navigation():
        page.locator(f"form:has(input[name=login][value='{username}']) button[type=submit]").click()
    for _second in range(CODE_WITHIN):
        if "/masuk/" not in page.url:
            return
        if page.locator("[data-demo-code] button").count():
            with page.expect_navigation():
                page.locator("[data-demo-code] button").click()
        else:  # the codes around now were used
            page.wait_for_timeout(1_000)
            page.reload()
    raise AssertionError(f"{username} cannot sign in")


def save_pictures(browser: Browser, base: str, out: Path, who: str, only: str) -> list[str]:
    """Save the pictures of one person's pages; returns what could not be opened."""
    missing = []
    ways: dict[tuple[str, ...], str] = {}
    context = browser.new_context(
        base_url=base, viewport=DESKTOP, locale="id-ID", timezone_id="Asia/Jakarta", reduced_motion="reduce"
    )
    page = context.new_page()
    if who != "stranger":
        sign_in(page, "admin" if who == "back-office" else who)
    for stop in PAGES[who]:
        if only and only not in f"{who}-{stop.name}":
            continue
        try:
            page.set_viewport_size(DESKTOP)
            stop.open(page, ways)
        except Exception as error:
            missing.append(f"{who}-{stop.name}: {str(error).splitlines()[0]}")
            continue
        for size, viewport in SIZES.items():
            page.set_viewport_size(viewport)
            # The whole page as one screen: bars that stick to the edge stand at the edge of the picture.
            height = page.evaluate("() => document.scrollingElement.scrollHeight")
            page.set_viewport_size({"width": viewport["width"], "height": min(height, TALLEST)})
            for theme in THEMES:
                page.emulate_media(color_scheme=theme, reduced_motion="reduce")
                page.wait_for_timeout(60)
                page.screenshot(path=out / f"{who.replace('.', '-')}-{stop.name}-{size}-{theme}.png")
        page.emulate_media(color_scheme="light", reduced_motion="reduce")
    context.close()
    return missing


def main() -> int:
    """Run the tool; 1 when a page could not be opened."""
    parser = argparse.ArgumentParser(description="Save pictures of every page of the clinic's day.")
    parser.add_argument("--out", type=Path, required=True, help="folder for the pictures; made when it is not there")
    parser.add_argument("--base", default="", help="address of a running demo clinic (default: start one)")
    parser.add_argument("--only", default="", help="only pages whose role-page contains this")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    missing = []
    with contextlib.ExitStack() as stack:
        base = options.base.rstrip("/") or stack.enter_context(demo_clinic())
        playwright = stack.enter_context(sync_playwright())
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(ARGUMENTS))
        for who in PAGES:
            if not options.only or any(options.only in f"{who}-{stop.name}" for stop in PAGES[who]):
                missing += save_pictures(browser, base, options.out, who, options.only)
        browser.close()
    sys.stdout.write(f"{len(list(options.out.glob('*.png')))} pictures in {options.out}\n")
    sys.stdout.writelines(f"not saved: {line}\n" for line in missing)
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())

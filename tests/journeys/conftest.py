"""Set-up of the journeys: `pytest -m journey tests/journeys`.

They run against the embedded product on SQLite. With DATABASE_URL (mysql://…) and REDIS_URL in the environment they run
against a new database beside the named one, as in production: DEBUG off, nginx with TLS in front of pages and live
connections, worker and scheduler as processes of their own.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import pytest

from tests.journeys.clinic import Clinic, Mailbox

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from tests.journeys.browsing import Person

# `make test` installs no browser tools; then there is nothing to collect here.
collect_ignore_glob = [] if find_spec("playwright") and find_spec("axe_playwright_python") else ["test_*.py"]


@pytest.fixture(autouse=True)
def _clean_cache():
    """The journeys share no cache with this process; the general fixture would empty a Redis."""


@pytest.fixture(scope="session")
def mailbox() -> Iterator[Mailbox]:
    logging.getLogger("mail.log").setLevel(logging.WARNING)
    box = Mailbox()
    box.start()
    yield box
    box.stop()


@pytest.fixture(scope="session")
def clinic(tmp_path_factory: pytest.TempPathFactory, mailbox: Mailbox) -> Iterator[Clinic]:
    """The demo clinic, open."""
    found = Clinic(
        tmp_path_factory.mktemp("clinic"),
        mailbox,
        database_url=os.environ.get("DATABASE_URL", ""),
        redis_url=os.environ.get("REDIS_URL", ""),
    )
    try:
        found.start()
        yield found
    finally:
        found.stop()


@pytest.fixture(scope="session")
def browser(clinic: Clinic) -> Iterator[Browser]:
    from playwright.sync_api import expect, sync_playwright

    from tests.journeys.browsing import ARGUMENTS, CHROMIUM

    expect.set_options(timeout=15_000)
    if clinic.certificate:
        os.environ["NODE_EXTRA_CA_CERTS"] = str(clinic.certificate.file)  # for requests outside the browser's pages
    trusted = [f"--ignore-certificate-errors-spki-list={clinic.certificate.fingerprint}"] if clinic.certificate else []
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=CHROMIUM, args=[*ARGUMENTS, *trusted])
        yield found
        found.close()


@pytest.fixture
def person(browser: Browser, clinic: Clinic, request: pytest.FixtureRequest) -> Iterator[Callable[..., Person]]:
    """Return a function that gives somebody with a browser; after the test nobody may have seen a problem."""
    from tests.journeys.browsing import Person

    people: list[Person] = []

    def make(username: str, **options: Any) -> Person:
        people.append(Person(browser, clinic, username, **options))
        return people[-1]

    yield make
    for place, one in enumerate(people):
        for number, page in enumerate(one.context.pages):
            if os.environ.get("JOURNEY_SHOTS"):
                page.screenshot(
                    path=f"{os.environ['JOURNEY_SHOTS']}/{request.node.name}-{place}-{one.username}-{number}.png"
                )
        one.context.close()
    problems = [problem for one in people for problem in one.problems]
    assert not problems, "\n".join(problems)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What is left behind is looked at when everybody has gone."""
    items.sort(key=lambda item: item.path.name == "test_left_behind.py")

"""Every page of the back office in a browser: the strict policy holds, axe-core in both themes, nothing too wide."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib import admin
from playwright.sync_api import Error as PlaywrightError
from playwright.sync_api import expect

from tests.journeys.browsing import Person, path
from tests.journeys.clinic import Clinic
from tests.journeys.pages import BACK_OFFICE, TABLES
from tests.journeys.test_accessibility import look_at

pytestmark = pytest.mark.journey


def test_every_page(person: Callable[..., Person], clinic: Clinic) -> None:
    """`person` fails on every violation of the policy, error in the console and refused answer.

    What a page looks like is looked at once, on the embedded product: the same templates and styles answer in production.
    """
    assert {f"{model._meta.app_label}_{model._meta.model_name}" for model in admin.site._registry} == set(TABLES)
    one = person("admin")
    one.sign_in()
    found = []
    for stop in BACK_OFFICE:
        try:
            if clinic.is_embedded:
                found += look_at(one, stop, is_portal=False)
            else:
                stop.open(one.page, one.ways)
                expect(one.page.locator("h1")).to_have_count(1)
        except (AssertionError, PlaywrightError) as error:
            found.append(f"{stop.name}: {str(error).splitlines()[0]}")
    assert not found, "\n".join(found)


def test_missing_and_forbidden_pages(person: Callable[..., Person]) -> None:
    one = person("admin")
    one.sign_in()
    one.allow(404, "/back-office/nothing/$")
    one.allow(403, "/patient/add/$")
    for address in (
        "nothing/",
        "patients/patient/add/",
        "pharmacy/medicine/00000000-0000-7000-8000-000000000000/change/",
    ):
        one.page.goto(f"{path('admin:index')}{address}")
        assert one.page.locator("h1").count() == 1


def test_export_brings_a_file(person: Callable[..., Person]) -> None:
    one = person("admin")
    one.sign_in()
    page = one.go("admin:pharmacy_medicine_export")
    page.locator("select[name=format]").select_option(label="csv")
    with page.expect_download() as download:
        page.locator("main form [type=submit]").click()
    assert download.value.suggested_filename.endswith(".csv")

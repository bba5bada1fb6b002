"""Who did what: the patient reads it in the portal, the owner in the log, without names where none belong."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.journeys import steps
from tests.journeys.browsing import Person, path, words
from tests.journeys.clinic import Clinic
from tests.journeys.steps import Case

pytestmark = pytest.mark.journey

MakePerson = Callable[..., Person]

ALERT = """
from datetime import timedelta
from accounts.models import User
from core import clock
from reports.models import AccessAlert
now = clock.now()
actor = User.objects.get(username="ns.yosef")
alert = AccessAlert.objects.create(
    kind="many_charts", actor=actor, window="journey", count=70, since=now - timedelta(hours=1), until=now
)
answer = str(alert.pk)
"""


def test_who_saw_the_record(person: MakePerson, clinic: Clinic) -> None:
    """The patient finds the desk's look at the own record; the owner finds it by number and reads no name."""
    case = Case("Tan Mei-Ling")
    desk = person("resepsionis")
    desk.sign_in()
    steps.find(desk, "Tan Mei", case)
    record_number = clinic.read(
        f"from patients.models import Patient; answer = Patient.objects.get(pk='{case.patient_id}').record_number"
    )
    clerk = clinic.read("from accounts.models import User; answer = User.objects.get(username='resepsionis').full_name")

    patient = person("pasien", phone=True)
    patient.sign_in(door="accounts:portal-login")
    page = patient.go("patients:portal-profile")
    page.locator(f"main a[href='{path('reports:portal-record-access')}']").first.click()
    expect(page.locator("main")).to_contain_text(clerk)
    patient.refused("reports:audit-browser", status=404)

    owner = person("pemilik")
    owner.sign_in()
    page = owner.go("reports:audit-browser")
    page.fill("input[name=record_number]", record_number)
    page.locator("form:has(#audit-number) button").click()
    expect(page.locator("main table")).to_contain_text(clerk)
    expect(page.locator("main")).not_to_contain_text(case.name)
    assert record_number not in page.url, "a number stands in the address"
    desk.refused("reports:audit-browser", status=403)

    page = owner.go("reports:audit-browser", query="?result=refused")
    expect(page.locator("main table tbody tr").first).to_contain_text(words("refused"))
    with page.expect_download() as download:
        page.locator(f"form[action='{path('reports:audit-export')}'] button").click()
    content = Path(download.value.path()).read_text(encoding="utf-8-sig")
    assert len(content.splitlines()) > 1
    assert case.name not in content


def test_an_alert_is_reviewed_once(person: MakePerson, clinic: Clinic) -> None:
    pk = clinic.read(ALERT)
    owner, second = person("pemilik"), person("admin")
    for one in (owner, second):
        one.sign_in()
        one.go("reports:alert-detail", pk)
    second.allow(409, "^/audit-alerts/")
    for one in (owner, second):
        one.page.check("input[name=outcome][value=explained]")
        one.page.fill("[name=note]", "Vaksinasi massal hari itu, sudah ditanyakan")
        one.page.locator("form:has([name=note]) button[type=submit]").click()
        one.page.wait_for_load_state()
    expect(owner.page.locator(".messages .banner")).to_be_visible()
    assert "/audit-alerts/" in second.page.url

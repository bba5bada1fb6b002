"""A doctor opens the record of somebody else's patient in an emergency; the owner reviews it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.browsing import Person, path, words
from tests.journeys.clinic import Clinic
from tests.journeys.test_accessibility import in_both_themes

pytestmark = pytest.mark.journey

MakePerson = Callable[..., Person]

STRANGER = """
from accounts.models import User
from consultations.models import Note
from patients.models import Patient
doctor = User.objects.get(username="dr.rina")
mine = Patient.objects.readable_by(doctor)
theirs = Patient.objects.filter(pk__in=Note.objects.filter(status="signed").values("patient")).exclude(pk__in=mine.values("pk"))
patient = theirs.order_by("record_number").first()
answer = [str(patient.pk), patient.record_number, patient.full_name]
"""


@pytest.mark.parametrize("shape", ["phone", "desktop"])
def test_a_record_is_opened_for_an_hour_and_reviewed(clinic: Clinic, person: MakePerson, shape: str) -> None:
    found: list[str] = []

    def look(page: Page, name: str) -> None:
        if clinic.is_embedded:
            found.extend(in_both_themes(page, f"emergency/{name} {shape}"))

    pk, number, name = clinic.read(STRANGER)
    doctor = person("dr.rina", phone=shape == "phone")
    doctor.sign_in()
    doctor.refused("workspace:patient-chart", pk, status=404)

    page = doctor.go("patients:search")
    page.locator(f"a[href='{path('patients:emergency-find')}']").click()
    page.locator("#id_number").fill("1" * 20)
    page.locator("main form button[type=submit]").click()
    expect(page.locator("main")).to_contain_text(words("Nobody found"))
    look(page, "nobody")
    page.locator("#id_number").fill(number)
    page.locator("main form button[type=submit]").click()
    expect(page.locator("main .line-rows a.btn")).to_have_count(1)
    expect(page.locator("main")).not_to_contain_text(name)
    look(page, "found")
    page.locator("main .line-rows a.btn").click()
    doctor.allow(422, "^/patients/emergency/start/")
    page.locator("main form button[type=submit]").click()
    expect(page.locator("[data-error-summary]")).to_be_visible()
    look(page, "refused")
    page.locator("input[name=reason_code][value=unconscious]").check()
    page.locator("#id_reason_text").fill("Pasien pingsan di ruang tunggu, riwayat tidak diketahui")
    page.locator("main form button[type=submit]").click()
    expect(page).to_have_url(clinic.url + path("workspace:patient-chart", pk))
    expect(page.locator("[data-emergency-minutes]")).to_have_text("60")
    look(page, "chart")
    doctor.go("patients:detail", pk)
    expect(page.locator("[data-emergency-seconds]")).to_have_count(1)
    look(page, "patient")
    page.locator("[data-emergency-seconds] button").click()
    expect(page.locator("[data-emergency-seconds]")).to_have_count(0)
    doctor.allow(404, "^/patients/")
    page.goto(path("workspace:patient-chart", pk))
    expect(page.locator("main")).to_contain_text(words("Emergency access has ended"))
    look(page, "over")

    owner = person("pemilik", phone=shape == "phone")
    page = owner.sign_in()
    owner.go("patients:emergency-list")
    line = page.get_by_role("row").filter(has_text=number)
    expect(line).to_have_count(1)
    expect(page.locator("main")).not_to_contain_text(name)
    line.locator("td.actions a").click()
    expect(page.locator("main")).to_contain_text("pingsan di ruang tunggu")
    look(page, "detail")
    page.locator("input[name=outcome][value=justified]").check()
    page.locator("main form button[type=submit]").click()
    expect(page.locator(".messages .banner")).to_be_visible()
    expect(line).to_have_count(0)
    assert not found, "\n".join(found)

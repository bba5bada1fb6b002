"""A doctor opens the record of somebody else's patient in an emergency; the owner reviews it."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.browsing import Person, path, words
from tests.journeys.clinic import Clinic

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


def picture(page: Page, name: str) -> None:
    folder = os.environ.get("JOURNEY_SHOTS")
    if folder:
        page.screenshot(path=f"{folder}/emergency-{name}.png", full_page=True)


@pytest.mark.parametrize("look", ["phone-light", "phone-dark", "desktop-light", "desktop-dark"])
def test_a_record_is_opened_for_an_hour_and_reviewed(clinic: Clinic, person: MakePerson, look: str) -> None:
    shape = {"phone": look.startswith("phone"), "color_scheme": look.split("-")[1]}
    pk, number, name = clinic.read(STRANGER)
    doctor = person("dr.rina", **shape)
    doctor.sign_in()
    doctor.refused("workspace:patient-chart", pk, status=404)

    page = doctor.go("patients:search")
    picture(page, f"search-{look}")
    page.locator(f"a[href='{path('patients:emergency-find')}']").click()
    page.locator("#id_number").fill("1" * 20)
    page.locator("main form button[type=submit]").click()
    expect(page.locator("main")).to_contain_text(words("Nobody found"))
    picture(page, f"nobody-{look}")
    page.locator("#id_number").fill(number)
    page.locator("main form button[type=submit]").click()
    expect(page.locator("main")).not_to_contain_text(name)
    picture(page, f"found-{look}")
    page.locator("main .line-rows a.btn").click()
    picture(page, f"reason-{look}")
    doctor.allow(422, "^/patients/emergency/start/")
    page.locator("main form button[type=submit]").click()
    expect(page.locator("[data-error-summary]")).to_be_visible()
    picture(page, f"refused-{look}")
    page.locator("input[name=reason_code][value=unconscious]").check()
    page.locator("#id_reason_text").fill("Pasien pingsan di ruang tunggu, riwayat tidak diketahui")
    page.locator("main form button[type=submit]").click()
    expect(page).to_have_url(clinic.url + path("workspace:patient-chart", pk))
    expect(page.locator("[data-emergency-minutes]")).to_have_text("60")
    picture(page, f"chart-{look}")
    doctor.go("patients:detail", pk)
    expect(page.locator("[data-emergency-seconds]")).to_have_count(1)
    picture(page, f"patient-{look}")
    page.locator("[data-emergency-seconds] button").click()
    doctor.allow(404, "^/patients/")
    page.goto(path("workspace:patient-chart", pk))
    expect(page.locator("main")).to_contain_text(words("Emergency access has ended"))
    picture(page, f"over-{look}")

    owner = person("pemilik", **shape)
    page = owner.sign_in()
    picture(page, f"overview-{look}")
    owner.go("patients:emergency-list")
    expect(page.locator("main")).to_contain_text(number)
    expect(page.locator("main")).not_to_contain_text(name)
    picture(page, f"list-{look}")
    page.locator("main td.actions a").first.click()
    picture(page, f"detail-{look}")
    page.locator("input[name=outcome][value=justified]").check()
    page.locator("main form button[type=submit]").click()
    expect(page.locator(".messages")).to_be_visible()
    picture(page, f"reviewed-{look}")

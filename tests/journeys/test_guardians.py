"""Somebody asks to act for a child, the desk looks at the document, and two tabs are about two persons."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.browsing import Person, path, row, words
from tests.journeys.clinic import Clinic, Mailbox

pytestmark = pytest.mark.journey

MakePerson = Callable[..., Person]

GUARDIAN, GUARDIAN_EMAIL = "Tan Mei-Ling", "pasien@surat.example"
COMPLAINT = "Pilek sejak kemarin malam, tidak demam."
CHILD = """
from patients.guardians import is_minor
from patients.models import GuardianLink, Patient
taken = GuardianLink.objects.exclude(dependant=None).values("dependant")
rows = Patient.objects.filter(user=None, status="active").exclude(pk__in=taken).order_by("-record_number")[:150]
child = next(one for one in rows if is_minor(one) and one.nik)
answer = [str(child.pk), child.full_name, child.birth_date.isoformat(), child.record_number]
"""
BOOKED = """
from scheduling.models import Appointment
answer = Appointment.objects.filter(patient_id="{pk}").count()
"""


def to_complaint(page: Page) -> None:
    """Choose the first doctor and time, up to the question what it is about."""
    page.goto(path("scheduling:portal-book"))
    page.locator("a.row-link").first.click()
    page.locator(".slots a").first.click()
    page.fill("textarea[name=complaint]", COMPLAINT)


def switch_to(page: Page, name: str) -> None:
    page.locator(".person-strip summary").click()
    with page.expect_navigation():
        page.locator(".person-choice").filter(has_text=name).click()
    expect(page.locator(".person-strip-name")).to_contain_text(name)


def test_a_mother_and_her_child(person: MakePerson, clinic: Clinic, mailbox: Mailbox) -> None:
    pk, name, born, number = clinic.read(CHILD)
    booked = clinic.read(BOOKED.format(pk=pk))
    subject = words("Access for a family member")
    told = sum(subject in mail["Subject"] for mail in mailbox.to(GUARDIAN_EMAIL))
    mother = person("pasien", phone=True)
    mother.sign_in(door="accounts:portal-login")
    page = mother.go("patients:portal-family-ask")
    page.fill("input[name=full_name]", name)
    page.fill("input[name=birth_date]", born)
    page.select_option("select[name=relationship]", "PRN")
    page.locator("main form button[type=submit]").first.click()
    page.wait_for_url(f"**{path('patients:portal-family')}")
    expect(page.locator("main")).to_contain_text(name)
    assert number not in page.locator("main").inner_text(), "asking tells nobody who is a patient here"

    desk = person("resepsionis")
    desk.sign_in()
    counter = desk.go("patients:guardian-request-list")
    row(counter, name).locator("td.actions a").click()
    counter.locator("a[href*='patient=']").filter(has_text=number).click()
    counter.select_option("select[name=relationship]", "PRN")
    counter.check("input[name=proof][value=family_card]")
    counter.locator("form:has(input[name=dependant]) button[type=submit]").click()
    counter.wait_for_url(f"**{path('patients:guardian-request-list')}")
    mail = mailbox.wait(GUARDIAN_EMAIL, subject, count=told + 1)
    assert name not in mail

    page = mother.go("workspace:portal-home")
    expect(page.locator(".person-strip-name")).to_contain_text(GUARDIAN)
    to_complaint(page)
    other = mother.context.new_page()
    other.goto(path("workspace:portal-home"))
    switch_to(other, name)
    other.goto(path("patients:portal-profile"))
    expect(other.locator("main")).to_contain_text(number)

    mother.allow(409, "^/portal/book/")
    page.locator("form:has(textarea[name=complaint]) button[type=submit]").click()
    expect(page.locator("h1")).to_have_text(words("Nothing was sent"))
    expect(page.locator("main")).to_contain_text(GUARDIAN)
    expect(page.locator("main")).to_contain_text(name)
    page.locator("form:has(input[name=switch_person]) button").click()
    page.wait_for_url(f"**{path('scheduling:portal-book-check')}*")
    expect(page.locator(".person-strip-name")).to_contain_text(GUARDIAN)
    expect(page.locator("main")).to_contain_text(COMPLAINT)

    switch_to(other, name)
    mother.allow(409, "^/portal/book/confirm/")
    page.locator(f"form[action='{path('scheduling:portal-book-confirm')}'] button.btn-primary").click()
    expect(page.locator("h1")).to_have_text(words("Nothing was sent"))
    assert clinic.read(BOOKED.format(pk=pk)) == booked, "a booking went to the wrong person"
    to_complaint(other)
    other.locator("form:has(textarea[name=complaint]) button[type=submit]").click()
    other.locator(f"form[action='{path('scheduling:portal-book-confirm')}'] button.btn-primary").click()
    other.wait_for_url(re.compile(r"/portal/appointments/"))
    assert clinic.read(BOOKED.format(pk=pk)) == booked + 1

    counter = desk.go("patients:guardians", pk)
    counter.locator("a[href*='/guardian-links/']").first.click()
    counter.fill("[name=reason]", "Kartu keluarga ternyata sudah tidak berlaku")
    counter.locator("form:has([name=reason]) button[type=submit]").click()
    expect(counter.locator(".messages .banner")).to_be_visible()
    other.goto(path("patients:portal-profile"))
    expect(other.locator("main")).not_to_contain_text(number)
    mother.allow(404, "^/portal/appointments/")
    other.goto(path("workspace:portal-home"))
    expect(other.locator("main")).not_to_contain_text(name)

"""Registering at the desk: by keyboard alone, and through a lost connection."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.browsing import Person, path, pk_in
from tests.journeys.clinic import Clinic

pytestmark = pytest.mark.journey

NAME = "Ranggawarsita Kusumadilaga"
NIK = "2171015705900077"  # a woman born on 17 May 1990
MOST_TABS = 40
MakePerson = Callable[..., Person]

STORED = """
from patients.models import Patient
row = Patient.objects.get(pk={pk!r})
home = row.addresses.get(use="identity")
social = row.demographics
answer = {{
    "name": row.full_name, "prefix": row.title_prefix, "nik": row.nik, "born": row.birth_date.isoformat(), "sex": row.sex,
    "mother": row.mother_name, "phone": row.phone, "village": home.village_name, "district": home.district_name,
    "rt": home.rt, "religion": social.religion_label, "marital": social.marital_label,
}}
"""
COUNT = "from patients.models import Patient\nanswer = len([1 for row in Patient.objects.all() if row.full_name == {name!r}])\n"


def tab_to(page: Page, name: str) -> None:
    """Press Tab until the field of this name has the focus; a field that only a mouse reaches fails here."""
    for _press in range(MOST_TABS):
        if page.evaluate("() => document.activeElement.name || document.activeElement.id || ''") == name:
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"Tab does not lead to {name}")


def test_a_patient_is_registered_by_keyboard_alone(person: MakePerson, clinic: Clinic) -> None:
    desk = person("resepsionis")
    desk.sign_in()
    page = desk.page
    keys = page.keyboard
    keys.press("Control+k")
    keys.type("dr. " + NAME, delay=5)
    new = page.locator("[formaction]", has_text=re.compile("Ranggawarsita")).first
    expect(new).to_be_visible()
    for _press in range(MOST_TABS):
        if new.evaluate("button => button === document.activeElement"):
            break
        keys.press("Tab")
    keys.press("Enter")
    page.wait_for_url(f"**{path('patients:register-start')}")

    tab_to(page, "nik")
    keys.type(NIK)
    assert page.input_value("input[name=birth_date]") == "1990-05-17"
    assert page.is_checked("input[name=sex][value=female]")
    tab_to(page, "full_name")
    keys.press("Control+a")
    keys.type("dr. " + NAME)
    tab_to(page, "birth_place")
    keys.type("Tanjungpinang")
    tab_to(page, "address_line")
    keys.type("Jl. Melati No. 7")
    tab_to(page, "address_rt")
    keys.type("003")
    tab_to(page, "address_rw")
    keys.type("004")
    keys.press("Tab")
    keys.type("baloi permai")
    option = page.locator("[role=option]", has_text="Baloi Permai").first
    expect(option).to_be_visible()
    keys.press("ArrowDown")
    keys.press("Enter")
    for name, first in (("religion", "Islam"), ("marital", "Belum")):
        tab_to(page, name)
        keys.type(first)
    tab_to(page, "mother_name")
    keys.type("Rumsinah")
    tab_to(page, "phone")
    keys.type("0812 7654 3210")
    keys.press("Control+Enter")
    page.wait_for_url("**/registered/")
    expect(page.locator(".registered-number")).to_have_text(re.compile(r"^\d{6}$"))

    stored = clinic.read(STORED.format(pk=pk_in(page.url)))
    assert stored == {
        "name": NAME, "prefix": "dr.", "nik": NIK, "born": "1990-05-17", "sex": "female", "mother": "Rumsinah",
        "phone": "+6281276543210", "village": "Baloi Permai", "district": "Batam Kota", "rt": "003", "religion": "Islam",
        "marital": "Belum kawin",
    }  # fmt: skip


def test_what_was_typed_survives_a_lost_connection_and_a_closed_tab(person: MakePerson, clinic: Clinic) -> None:
    desk = person("resepsionis")
    desk.sign_in()
    name = "Sukarsih Tanpa Jaringan"
    page = desk.go("patients:register")
    page.fill("input[name=full_name]", name)
    expect(page.locator("[data-draft-status]")).to_contain_text(
        re.compile(r"\d"), timeout=15_000
    )  # kept at a time of day

    with desk.offline():
        page.fill("input[name=mother_name]", "Suminten")
        status = page.locator("[data-draft-status]")
        offline = page.get_attribute("form[data-registration]", "data-word-offline") or ""
        expect(status).to_have_text(offline, timeout=15_000)
        assert page.input_value("input[name=mother_name]") == "Suminten"
    expect(status).to_contain_text(re.compile(r"\d"), timeout=30_000)

    page.close(run_before_unload=False)
    page = desk.page = desk.context.new_page()
    desk.go("patients:register")
    page.locator(".draft-banner a").first.click()
    expect(page.locator("input[name=full_name]")).to_have_value(name)
    expect(page.locator("input[name=mother_name]")).to_have_value("Suminten")
    page.fill("input[name=birth_date]", "1971-02-03")
    page.check("input[name=sex][value=female]")
    page.select_option("select[name=nik_missing]", "not_shown")
    page.locator("[data-register-button]").dblclick()
    page.wait_for_url("**/registered/")
    assert clinic.read(COUNT.format(name=name)) == 1
    assert page.evaluate("() => localStorage.length + sessionStorage.length") <= 2
    kept = page.evaluate("() => JSON.stringify([localStorage, sessionStorage])")
    assert "Sukarsih" not in kept
    assert "Suminten" not in kept

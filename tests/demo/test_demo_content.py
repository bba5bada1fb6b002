"""The files the demo clinic is built from: complete, well formed and consistent with each other."""

from __future__ import annotations

import csv
import itertools
import json
import re
from pathlib import Path
from string import Formatter
from typing import Any

import pytest

from accounts.models import Specialty
from patients.models import Allergy
from pharmacy.models import Medicine
from scheduling.models import Service

DATA = Path(__file__).resolve().parents[2] / "emr" / "demo" / "data"

ICD10 = re.compile(r"[A-Z]\d{2}(\.\d)?")
ATC = re.compile(r"[ABCDGHJLMNPRSV]\d{2}[A-Z]{2}(\d{2})?")
USERNAME = re.compile(r"[a-z]+(\.[a-z]+)?")
CHAPTERS = [  # last code letter and number of each chapter, in order
    ("B99", "I"), ("D48", "II"), ("D89", "III"), ("E90", "IV"), ("F99", "V"), ("G99", "VI"), ("H59", "VII"),
    ("H95", "VIII"), ("I99", "IX"), ("J99", "X"), ("K93", "XI"), ("L99", "XII"), ("M99", "XIII"), ("N99", "XIV"),
    ("O99", "XV"), ("P96", "XVI"), ("Q99", "XVII"), ("R99", "XVIII"), ("T98", "XIX"), ("Y98", "XX"), ("Z99", "XXI"),
]  # fmt: skip
ALLERGEN_GROUPS = set(Allergy.Group.values) - {""}
SPECIALTIES = set(Specialty.values)
ROLES = {"admin", "doctor", "nurse", "receptionist", "cashier", "pharmacist", "lab_officer", "owner"}
STYLES = {"melayu", "jawa", "batak", "minang", "bugis", "tionghoa", "ntt_flores", "sunda"}
BODY_LIMITS = {  # nothing outside these is a plausible outpatient
    "systolic": (80, 180), "diastolic": (50, 110), "heart_rate": (60, 165), "respiratory_rate": (14, 50),
    "temperature_c": (35.5, 40), "oxygen_saturation": (92, 100), "weight_kg": (35, 110),
}  # fmt: skip


def read_csv(name: str) -> list[dict[str, str]]:
    with (DATA / name).open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


def read_json(name: str) -> dict[str, Any]:
    return json.loads((DATA / name).read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def diagnoses() -> list[dict[str, str]]:
    return read_csv("icd10.csv")


@pytest.fixture(scope="module")
def medicines() -> list[dict[str, str]]:
    return read_csv("medicines.csv")


@pytest.fixture(scope="module")
def scenarios() -> list[dict[str, Any]]:
    return read_json("templates_soap.json")["scenarios"]


def chapter_of(code: str) -> str:
    return next(chapter for last, chapter in CHAPTERS if code[:3] <= last)


def every_name(style: dict[str, Any], sex: str) -> set[str]:
    """All names that the patterns of one ethnic group and sex can make."""
    parts = style[sex]
    names = set()
    for pattern in parts["patterns"]:
        keys = [field for _text, field, _spec, _conversion in Formatter().parse(pattern) if field]
        for words in itertools.product(*(parts[key] for key in keys)):
            names.add(pattern.format(**dict(zip(keys, words, strict=True))))
    return names


# diagnoses


def test_diagnosis_codes_are_unique_valid_and_in_their_chapter(diagnoses):
    codes = [row["code"] for row in diagnoses]
    assert len(codes) >= 180
    assert len(set(codes)) == len(codes)
    for row in diagnoses:
        assert ICD10.fullmatch(row["code"]), row["code"]
        assert row["chapter"] == chapter_of(row["code"]), row["code"]


def test_diagnoses_fit_their_columns(diagnoses):
    for row in diagnoses:
        assert set(row) == {"code", "display_en", "display_id", "chapter", "is_primary_allowed", "keywords"}
        assert min(len(row["display_en"].strip()), len(row["display_id"].strip())) >= 4, row["code"]
        assert max(len(row["display_en"]), len(row["display_id"])) <= 250
        assert row["keywords"] == row["keywords"].strip().lower(), row["code"]
        assert len(row["keywords"]) <= 300, row["code"]
        assert row["is_primary_allowed"] in {"0", "1"}


def test_diagnoses_follow_the_edition_of_2010(diagnoses):
    codes = {row["code"] for row in diagnoses}
    assert {"A91", "A90", "J06.9", "I10", "E11.9", "H61.2", "K02.1", "A09.9"} <= codes
    assert not codes & {"A97", "A97.9", "A09", "I84.9", "I48.9", "K35.9", "E86.0"}  # other editions


def test_external_causes_and_asterisk_codes_are_never_primary(diagnoses):
    allowed = {row["code"] for row in diagnoses if row["is_primary_allowed"] == "1"}
    assert not [code for code in allowed if code[0] in "VWXY"]
    assert not allowed & {"G63.2", "H36.0", "H62.2", "B95.6", "Z37.0"}


# medicines


def test_medicines_are_unique_and_complete(medicines):
    assert len(medicines) >= 170
    assert [row["code"] for row in medicines] == [f"OB-{n:04d}" for n in range(1, len(medicines) + 1)]
    articles = [(row["generic_name"], row["brand"], row["strength"], row["form"]) for row in medicines]
    assert len(set(articles)) == len(articles)
    optional = {"brand", "allergen_groups"}
    for row in medicines:
        assert [key for key, value in row.items() if key not in optional and not value.strip()] == [], row["code"]


def test_medicine_codes_come_from_the_closed_lists(medicines):
    for row in medicines:
        assert ATC.fullmatch(row["atc"]), row["code"]
        assert row["route"] in Medicine.Route.values, row["code"]
        assert row["drug_category"] in Medicine.Category.values, row["code"]
        assert set(filter(None, row["allergen_groups"].split("|"))) <= ALLERGEN_GROUPS, row["code"]
        assert {row["is_lasa"], row["is_high_alert"]} <= {"0", "1"}, row["code"]


def test_label_colour_follows_the_route(medicines):
    for row in medicines:
        assert row["label_colour"] == ("white" if row["route"] == "oral" else "blue"), row["code"]


def test_prices_and_quantities_are_positive_and_leave_a_margin(medicines):
    for row in medicines:
        price, cost = int(row["price_idr"]), int(row["cost_idr"])
        assert 0 < cost < price <= 500_000, row["code"]
        assert int(row["typical_quantity"]) > 0, row["code"]
        assert int(row["min_stock"]) > 0, row["code"]
        for column in ("dose_quantity", "frequency_per_day", "duration_days"):
            assert float(row[column]) > 0, (row["code"], column)


def test_counted_medicines_last_for_their_days(medicines):
    """Tablets and capsules: quantity is dose times frequency times days; packs that are one unit are left out."""
    for row in medicines:
        if row["form"] in {"tablet", "kapsul"} and row["unit"] != "strip":
            needed = int(row["frequency_per_day"]) * float(row["dose_quantity"]) * int(row["duration_days"])
            assert int(row["typical_quantity"]) == pytest.approx(needed), row["code"]


def test_directions_agree_with_the_structured_dose(medicines):
    for row in medicines:
        assert len(row["typical_signa"]) <= 200
        stated = re.match(r"(\d+) x sehari (?:kumur )?([\d,]+)", row["typical_signa"])
        if stated:
            assert stated[1] == row["frequency_per_day"], row["code"]
            assert float(stated[2].replace(",", ".")) == float(row["dose_quantity"]), row["code"]


@pytest.mark.parametrize(
    ("atc", "group"),
    [
        ("J01C", "penisilin"), ("J01D", "sefalosporin"), ("J01FA", "makrolida"), ("J01MA", "kuinolon"),
        ("S02AA16", "kuinolon"), ("J01AA", "tetrasiklin"), ("J01EE", "sulfonamida"), ("M01A", "nsaid"),
        ("B01AC06", "nsaid"), ("N02AX", "opioid"), ("R05DA04", "opioid"), ("N01BB", "anestesi_lokal"),
        ("D08AG", "yodium"), ("R02AA15", "yodium"),
    ],
)  # fmt: skip
def test_every_member_of_a_class_carries_its_allergen_group(medicines, atc, group):
    members = [row for row in medicines if row["atc"].startswith(atc)]
    assert members
    assert [row["code"] for row in members if group not in row["allergen_groups"].split("|")] == []


# visit scenarios


def test_scenarios_cover_each_specialty(scenarios):
    count = {specialty: sum(row["specialty"] == specialty for row in scenarios) for specialty in SPECIALTIES}
    assert min(count.values()) >= 6
    assert sum(count.values()) == len(scenarios) >= 45


def test_scenarios_refer_to_existing_codes(scenarios, diagnoses, medicines):
    primary = {row["code"] for row in diagnoses if row["is_primary_allowed"] == "1"}
    codes = {row["code"] for row in diagnoses}
    stock = {row["code"] for row in medicines}
    for row in scenarios:
        assert row["icd10"][0] in primary, row["complaint"]
        assert set(row["icd10"]) <= codes, row["complaint"]
        prescribed = [line["code"] for line in row["medicines"]]
        assert set(prescribed) <= stock, row["complaint"]
        for chosen in (row["icd10"], prescribed):
            assert len(set(chosen)) == len(chosen), row["complaint"]
        for line in row["medicines"]:
            assert type(line["quantity"]) is int, row["complaint"]
            assert line["quantity"] > 0, row["complaint"]
            assert 0 < len(line["signa"]) <= 300, row["complaint"]


def test_scenarios_have_a_whole_note_and_a_fee(scenarios):
    for row in scenarios:
        for part in ("complaint", "subjective", "objective", "assessment", "plan"):
            assert len(row[part]) > 10, (row["complaint"], part)
        assert 50_000 <= row["fee_idr"] <= 500_000, row["complaint"]


def test_scenarios_describe_plausible_people(scenarios):
    for row in scenarios:
        assert row["sex"] in {"any", "male", "female"}
        assert 0 <= row["age_min"] <= row["age_max"] <= 80, row["complaint"]
        if row["specialty"] == "kandungan":
            assert row["sex"] == "female", row["complaint"]
        if row["specialty"] == "anak":
            assert row["age_max"] <= 17, row["complaint"]
        if "age_months" in row:
            assert row["age_max"] == 0, row["complaint"]
            assert 0 <= row["age_months"][0] <= row["age_months"][1] < 12, row["complaint"]
        if any(code[0] == "O" for code in row["icd10"]):
            assert 18 <= row["age_min"] <= row["age_max"] <= 45, row["complaint"]


def test_scenario_vital_signs_are_plausible_ranges(scenarios):
    for row in scenarios:
        vitals = row["vitals"]
        assert set(vitals) == set(BODY_LIMITS), row["complaint"]
        for key, span in vitals.items():
            if span is not None:
                low, high = BODY_LIMITS[key]
                assert low <= span[0] <= span[1] <= high, (row["complaint"], key)
        assert (vitals["systolic"] is None) == (vitals["diastolic"] is None)
        if vitals["systolic"]:
            assert vitals["systolic"][0] - vitals["diastolic"][1] >= 15, row["complaint"]
        assert (vitals["weight_kg"] is None) == (row["age_max"] < 15), row["complaint"]


def test_children_weights_grow_with_age():
    rows = read_json("templates_soap.json")["weight_by_age"]
    assert (rows[0]["age_months"], rows[-1]["age_months"]) == (0, 18 * 12)
    for before, after in itertools.pairwise(rows):
        assert before["age_months"] < after["age_months"]
        for sex in ("male", "female"):
            assert before[sex][0] < after[sex][0] < after[sex][1]
            assert before[sex][1] < after[sex][1]


# people and places


def test_names_can_make_far_more_patients_than_needed():
    styles = read_json("names.json")["styles"]
    assert {style["style"] for style in styles} == STYLES
    for style in styles:
        assert style["weight"] > 0
        assert min(len(style["mother_names"]), len(style["birth_places"])) >= 7
        for sex in ("male", "female"):
            assert len(every_name(style, sex)) >= 100, (style["style"], sex)


def test_names_include_the_kinds_that_break_software():
    styles = read_json("names.json")["styles"]
    names = set().union(*(every_name(style, sex) for style in styles for sex in ("male", "female")))
    assert max(map(len, names)) <= 60
    assert {"Ma'ruf", "Nu'man"} <= names
    for part in (" bin ", " binti ", "-", "'"):
        assert any(part in name for name in names), part
    assert sum(" " not in name for name in names) >= 100


def test_addresses_are_the_districts_of_batam():
    data = read_json("addresses.json")
    districts = data["kecamatan"]
    assert [row["nik_code"] for row in districts] == [f"2171{n:02d}" for n in range(1, 13)]
    assert len({row["name"] for row in districts}) == 12
    villages = [village for row in districts for village in row["kelurahan"]]
    assert len({village["name"] for village in villages}) == len(villages) == 64
    for row in districts:
        assert row["streets"], row["name"]
        for village in row["kelurahan"]:
            assert re.fullmatch(r"294\d\d", village["postal_code"]), village["name"]


# clinic


def test_staff_fill_every_role_and_specialty():
    staff = read_json("staff.json")["staff"]
    assert len(staff) >= 12
    for key in ("username", "email", "phone"):
        assert len({row[key] for row in staff}) == len(staff)
    assert {role for row in staff for role in row["roles"]} == ROLES
    assert {row["specialty"] for row in staff if row["roles"] == ["doctor"]} == SPECIALTIES
    assert any(set(row["roles"]) == {"receptionist", "cashier"} for row in staff)


def test_staff_are_clearly_invented():
    for row in read_json("staff.json")["staff"]:
        assert USERNAME.fullmatch(row["username"])
        assert row["email"].endswith("@batamsehat.example")
        assert row["phone"].startswith("0811-0000-")
        licensed = {"doctor", "nurse", "pharmacist", "lab_officer"} & set(row["roles"])
        for number in (row["sip_number"], row["str_number"]):
            assert number.startswith("DEMO") if licensed else number == "", row["username"]


def test_services_are_bookable_in_each_specialty():
    services = read_json("services.json")["services"]
    assert len({row["code"] for row in services}) == len(services) >= 12
    assert {row["specialty"] for row in services} == SPECIALTIES
    assert {row["booking_mode"] for row in services} == set(Service.BookingMode.values)
    letters = {(row["specialty"], row["queue_prefix"]) for row in services}
    assert len(letters) == len(SPECIALTIES) == len({letter for _specialty, letter in letters})
    for row in services:
        assert min(len(row["name_id"]), len(row["name_en"])) >= 5
        assert row["duration_minutes"] in {30, 60, 90, 120}  # the slot lengths a session can have
        assert row["price_idr"] >= 50_000


def test_allergies_use_the_same_groups_as_the_medicines(medicines):
    allergies = read_json("allergies.json")["allergies"]
    assert len({row["substance"] for row in allergies}) == len(allergies) >= 20
    assert {row["category"] for row in allergies} == set(Allergy.Category.values)
    assert {row["severity"] for row in allergies} == set(Allergy.Severity.values)
    stocked = {group for row in medicines for group in row["allergen_groups"].split("|") if group}
    assert stocked == ALLERGEN_GROUPS
    for row in allergies:
        assert row["reaction"]
        if row["category"] == "medication":
            assert row["allergen_group"] in stocked, row["substance"]
        else:
            assert row["allergen_group"] == "", row["substance"]

"""Who looks like one person: signs, score, the panel beside a registration."""

from datetime import date

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from patients import services
from patients.errors import LikelyDuplicate
from patients.models import Patient
from patients.search import write_tokens
from patients.services import likeness
from patients.services.likeness import Facts, compare
from tests.factories.patients import PatientFactory

TODAY = date(2026, 3, 5)
BORN = date(1990, 5, 17)
NIK = "2171015705900001"
OTHER_NIK = "2171026806910002"
PANEL = "/patients/register/duplicates/"

SITI = Facts(full_name="Siti Aminah", birth_date=BORN, sex="female")


def like(**changes) -> Facts:
    return Facts(**{**vars(SITI), **changes})


@pytest.mark.parametrize(
    ("other", "signs", "score"),
    [
        (like(), ("name", "birth_date"), 75),
        (like(full_name="Aminah"), ("name", "birth_date"), 65),
        (like(full_name="Siti Aminnah, S.Pd."), ("name", "birth_date"), 75),
        (like(birth_date=date(1990, 5, 18)), ("name", "near_birth_date"), 60),
        (like(birth_date=date(1991, 6, 18)), ("name",), 40),
        (like(full_name="Budi"), (), 0),
        (like(sex="male"), ("name", "birth_date", "other_sex"), 65),
        (like(full_name="Wati", birth_date=None), (), 0),
    ],
)  # fmt: skip
def test_signs_and_score(other, signs, score):
    found = compare(SITI, other, today=TODAY)
    assert (found.signs, found.score) == (signs, score)
    assert compare(other, SITI, today=TODAY) == found


def test_numbers_count_for_and_against():
    with_nik = like(nik=NIK)
    assert compare(with_nik, Facts(full_name="Wati", nik=NIK), today=TODAY) == likeness.Likeness(("nik",), 100)
    assert compare(with_nik, like(nik=OTHER_NIK), today=TODAY).score == 50
    # One wrong digit is a slip, not another person.
    assert compare(with_nik, like(nik=NIK[:-1] + "2"), today=TODAY).score == 75
    # The number that stands for "not known" says nothing.
    placeholder = Facts(full_name="A", nik="9" * 16)
    assert compare(placeholder, Facts(full_name="B", nik="9" * 16), today=TODAY).score == 0
    card = Facts(full_name="Wati", bpjs_number="0001234567890")
    assert compare(card, Facts(full_name="Rina", bpjs_number="0001234567890"), today=TODAY).score == 85


def test_the_mother_makes_it_stronger():
    mine = like(mother_name="Sumiati")
    assert compare(mine, like(mother_name="Soemiati"), today=TODAY).score == 95
    assert compare(mine, like(mother_name="Rohana"), today=TODAY).score == 70
    near = compare(mine, like(mother_name="Sumiati", birth_date=date(1990, 5, 18)), today=TODAY)
    assert (near.score, near.is_high) == (80, True)
    unknown = like(mother_name="Tidak diketahui")
    assert compare(unknown, like(mother_name="tidak  diketahui"), today=TODAY).signs == ("name", "birth_date")


def test_twins_and_babies_share_mother_and_day():
    born = date(2026, 2, 1)
    first = Facts(full_name="By. Ny. Rina", birth_date=born, mother_name="Rina Hartati")
    found = compare(first, Facts(full_name="Ahmad Fauzan", birth_date=born, mother_name="Rina Hartati"), today=TODAY)
    assert (found.signs, found.score) == (("birth_date", "mother", "baby"), 70)
    grown = Facts(full_name="Anton", birth_date=BORN, mother_name="Rina Hartati")
    other = Facts(full_name="Dewi", birth_date=BORN, mother_name="Rina Hartati")
    assert compare(grown, other, today=TODAY).score == 55


def test_a_phone_alone_is_weak():
    family = compare(Facts(full_name="A B", phone="+628123"), Facts(full_name="C D", phone="+628123"), today=TODAY)
    assert (family.signs, family.score) == (("phone",), 10)


@pytest.mark.parametrize(
    ("other", "near"),
    [
        (date(1990, 5, 17), False), (date(1990, 5, 18), True), (date(1990, 5, 27), True), (date(1980, 5, 17), True),
        (date(1991, 6, 17), False), (date(1990, 6, 18), False),
    ],
)  # fmt: skip
def test_near_dates(other, near):
    assert likeness.is_near_date(BORN, other) is near
    assert (other in likeness.near_dates(BORN, today=TODAY)) is near


def test_day_and_month_swapped_is_near():
    first, second = date(1990, 5, 3), date(1990, 3, 5)
    assert likeness.is_near_date(first, second)
    assert second in likeness.near_dates(first, today=TODAY)
    assert likeness.swapped_date(date(1990, 5, 17)) is None
    assert likeness.swapped_date(date(1990, 5, 5)) is None
    assert all(day <= TODAY for day in likeness.near_dates(date(2026, 3, 1), today=TODAY))


def register(actor, **changes):
    fields = {"full_name": "Siti Aminah", "birth_date": BORN, "sex": "female", **changes}
    return services.register_patient(actor=actor, **fields)


def found_by(cast, **facts):
    return [(found.pk, found.signs) for found in services.find_duplicates(user=cast.receptionist, **facts)]


def test_every_sign_is_found_in_the_index(cast):
    desk = cast.receptionist
    near = register(desk, birth_date=date(1990, 5, 3))
    card = register(desk, full_name="Rina", birth_date=date(1980, 1, 1), bpjs_number="0001234567890")
    baby = register(desk, full_name="By. Ny. Rina", birth_date=date(2026, 2, 1), mother_name="Rina Hartati")
    assert found_by(cast, full_name="Aminah Siti", birth_date=date(1990, 3, 5)) == [
        (near.pk, ["name", "near_birth_date"])
    ]
    assert found_by(cast, full_name="Budi", bpjs_number="0001234567890") == [(card.pk, ["bpjs"])]
    assert found_by(cast, full_name="Fauzan", birth_date=date(2026, 2, 1), mother_name="Rina Hartati") == [
        (baby.pk, ["birth_date", "mother", "baby"])
    ]
    assert found_by(cast, full_name="Fauzan", birth_date=date(2026, 2, 1)) == []


def test_the_likeliest_comes_first_and_four_statements_are_enough(cast):
    weak = [
        register(cast.receptionist, full_name=name, phone="081234567890", birth_date=date(1970, 1, 1))
        for name in ("Wati", "Joko", "Rudi")
    ]
    strong = register(cast.receptionist, mother_name="Sumiati")
    with CaptureQueriesContext(connection) as queries:
        found = services.find_duplicates(
            user=cast.receptionist, full_name="Siti Aminah", birth_date=BORN, mother_name="Sumiati", nik=NIK,
            phone="0812-3456-7890", bpjs_number="0001234567890",
        )  # fmt: skip
    assert [row.pk for row in found] == [strong.pk, *[row.pk for row in reversed(weak)]]
    assert [row.score for row in found] == [95, 10, 10, 10]
    roles = [query for query in queries if "accounts_role" in query["sql"]]
    assert len(queries) - len(roles) == 4


def test_a_merged_record_stands_for_the_one_it_went_into(cast):
    old = register(cast.receptionist)
    kept = register(cast.receptionist, full_name="Orang Lain", birth_date=date(1980, 1, 1))
    Patient.objects.filter(pk=old.pk).update(status=Patient.Status.MERGED, merged_into=kept)
    assert found_by(cast, full_name="Siti Aminah", birth_date=BORN) == [(kept.pk, ["name", "birth_date"])]


def test_a_reason_is_needed_for_twins_but_not_for_a_near_date(cast):
    register(cast.receptionist, birth_date=date(2026, 2, 1), full_name="By. Ny. Rina", mother_name="Rina Hartati")
    with pytest.raises(LikelyDuplicate):
        register(cast.receptionist, birth_date=date(2026, 2, 1), full_name="Fauzan", mother_name="Rina Hartati")
    twin = register(
        cast.receptionist, birth_date=date(2026, 2, 1), full_name="Fauzan", mother_name="Rina Hartati",
        duplicate_reason="Kembar",
    )  # fmt: skip
    assert Patient.objects.get(pk=twin.pk).duplicate_reason == "Kembar"
    register(cast.receptionist)
    register(cast.receptionist, birth_date=date(1990, 5, 18))
    with pytest.raises(LikelyDuplicate):
        register(cast.receptionist)


def test_the_panel_compares_with_what_was_typed(cast, client_for):
    known = PatientFactory(full_name="Budi Santosa", birth_date=date(1988, 2, 3), mother_name="Sumiati", nik=NIK)
    write_tokens(known)
    typed = {"full_name": "Budi Santoso", "birth_date": "1988-03-02", "mother_name": "Sumiyati", "duplicate_reason": ""}
    body = client_for(cast.receptionist).post(PANEL, typed, headers={"HX-Request": "true"}).content.decode()
    assert reverse("patients:detail", args=[known.pk]) in body
    assert "Sumiyati" in body
    assert "Sumiati" in body
    assert NIK not in body
    assert 'type="checkbox" name="duplicate_reason"' in body


def test_reasons_that_were_ticked_and_typed_are_kept_together(cast, client_for):
    PatientFactory(full_name="Budi Santoso", birth_date=date(1988, 2, 3))
    form = {
        "full_name": "Budi Santoso", "birth_date": "1988-02-03", "sex": "male", "guarantor": "self", "language": "id",
        "nik_missing": "not_shown", "duplicate_reason": ["Kembar", "KTP berbeda"],
    }  # fmt: skip
    assert client_for(cast.receptionist).post("/patients/register/", form).status_code == 302
    assert Patient.objects.latest("id").duplicate_reason == "Kembar; KTP berbeda"

"""Finding patients by every number they are known by, and who stays of records that were merged or archived."""

from __future__ import annotations

from datetime import date
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from core import checks, clock, keys_index
from core.models import SearchIndex
from core.search import blind
from patients.models import Patient, PatientIdentifier, PatientToken
from patients.search import find_exactly, find_patients, write_tokens
from tests.factories.patients import PatientFactory

BORN = date(1985, 3, 12)
BPJS = "0001234567890"


def numbered(full_name: str, *identifiers: tuple[str, str], **values: object) -> Patient:
    patient = PatientFactory(full_name=full_name, **values)
    for kind, value in identifiers:
        PatientIdentifier.objects.create(patient=patient, kind=kind, value=value, created_at=clock.now())
    write_tokens(patient)
    return patient


def merge(gone: Patient, kept: Patient) -> None:
    Patient.objects.filter(pk=gone.pk).update(status=Patient.Status.MERGED, merged_into=kept)
    gone.refresh_from_db()
    write_tokens(gone)


def found(user: object, query: str) -> list[str]:
    with CaptureQueriesContext(connection) as statements:
        rows = find_patients(user=user, query=query)
    assert len(statements) <= 6
    return [row.record_number for row in rows]


@pytest.fixture
def people(cast) -> dict[str, Patient]:
    rows = [
        numbered("Siti Aminah", bpjs_number=BPJS, record_number="000101"),
        numbered("John Smith", ("passport", "A1234567"), ("kitas", "2C21JE1234-A"), record_number="000102"),
        numbered(
            "Budi Tambunan", ("old_record", "12-34-56"), ("family_card", "2171011203150007"), record_number="000103"
        ),
        numbered("Rina Tambunan", ("family_card", "2171011203150007"), record_number="000104"),
        numbered("Made Sudana", ("old_record", "K-0042/2011"), ("ihs", "P02478375538"), record_number="000105"),
    ]
    return {row.record_number: row for row in rows}


class TestNumbers:
    @pytest.mark.parametrize(
        ("query", "expected"),
        [
            (BPJS, ["000101"]),
            ("0001 2345 67890", ["000101"]),
            ("A1234567", ["000102"]),
            ("a 1234567", ["000102"]),
            ("2c21je1234a", ["000102"]),
            ("123456", ["000103"]),
            ("12-34-56", ["000103"]),
            ("2171011203150007", ["000104", "000103"]),
            ("k-0042/2011", ["000105"]),
            ("K00422011", ["000105"]),
            ("P02478375538", ["000105"]),
            ("0001234567891", []),
            ("A1234568", []),
        ],
    )
    def test_every_number(self, cast, people, query, expected):
        assert found(cast.receptionist, query) == expected

    def test_a_record_number_comes_before_the_same_old_number(self, cast, people):
        numbered("Wahyu Baru", record_number="123456")
        assert found(cast.receptionist, "123456") == ["123456", "000103"]

    def test_a_number_among_words_is_a_name_when_no_number_fits(self, cast, people):
        assert found(cast.receptionist, "rina 1234") == ["000104"]

    @pytest.mark.parametrize("query", [BPJS, "A1234567", "12-34-56"])
    def test_nobody_without_the_right(self, cast, people, query):
        for user in (cast.owner, cast.doctor, cast.other_patient_user):
            assert found(user, query) == []

    def test_a_doctor_finds_the_own_patient_only(self, cast, people):
        own = numbered("Siti Lain", ("old_record", "777"), care_team=[cast.doctor])
        numbered("Siti Asing", ("old_record", "777"))
        assert found(cast.doctor, "777") == [own.record_number]

    def test_a_number_that_went_finds_nobody(self, cast, people):
        PatientIdentifier.objects.filter(kind="passport").delete()
        write_tokens(people["000102"])
        assert found(cast.receptionist, "A1234567") == []

    def test_reindexing_writes_them_all_without_a_statement_each(self, cast, people):
        PatientToken.objects.all().delete()
        with CaptureQueriesContext(connection) as statements:
            call_command("reindex_patients", stdout=StringIO())
        few = len([one for one in statements if "patients_patientidentifier" in one["sql"]])
        assert few == 1
        assert found(cast.receptionist, "A1234567") == ["000102"]
        assert found(cast.receptionist, BPJS) == ["000101"]

    def test_no_number_is_readable_in_the_index(self, people):
        numbers = {BPJS, "A1234567", "123456"}
        assert not numbers & {str(token) for token in PatientToken.objects.values_list("token", flat=True)}


class TestMerged:
    @pytest.mark.parametrize("query", ["000102", "RM 102", "A1234567", "2C21JE1234A"])
    def test_numbers_of_a_merged_record_find_the_one_that_stayed(self, cast, people, query):
        merge(people["000102"], people["000101"])
        rows = find_patients(user=cast.receptionist, query=query)
        assert [(row.record_number, row.former_number) for row in rows] == [("000101", "000102")]

    def test_through_two_merges(self, cast, people):
        merge(people["000102"], people["000101"])
        merge(people["000101"], people["000105"])
        rows = find_patients(user=cast.receptionist, query="000102")
        assert [(row.record_number, row.former_number) for row in rows] == [("000105", "000102")]
        assert len(found(cast.receptionist, BPJS)) == 1

    def test_a_circle_ends(self, cast, people):
        merge(people["000102"], people["000101"])
        merge(people["000101"], people["000102"])
        assert found(cast.receptionist, "000102") == []

    def test_their_names_and_dates_find_nobody(self, cast, people):
        merge(people["000102"], people["000101"])
        day = f"{people['000102'].birth_date:%d-%m-%Y}"
        for query in ("john smith", "smith", "smiht", "joh", f"smith {day}"):
            assert found(cast.receptionist, query) == [], query
        assert "000102" not in found(cast.receptionist, day)
        Patient.objects.filter(pk=people["000104"].pk).update(status=Patient.Status.MERGED)  # past the services
        for query in ("rina tambunan", "rina", "tambunan"):
            assert "000104" not in found(cast.receptionist, query), query

    def test_undone(self, cast, people):
        merge(people["000102"], people["000101"])
        Patient.objects.filter(pk=people["000102"].pk).update(status=Patient.Status.ACTIVE, merged_into=None)
        write_tokens(Patient.objects.get(pk=people["000102"].pk))
        assert found(cast.receptionist, "john smith") == ["000102"]

    def test_one_that_stayed_and_may_not_be_seen_is_not_shown(self, cast, people):
        merge(people["000102"], people["000101"])
        people["000102"].care_team.create(member=f"user:{cast.doctor.pk.hex}", since=clock.now())
        assert found(cast.doctor, "000102") == []

    def test_emergency_access_reaches_the_one_that_stayed(self, people):
        merge(people["000102"], people["000101"])
        assert [row.record_number for row in find_exactly("000102")] == ["000101"]


def test_archived_ones_come_last(cast):
    for at, status in enumerate(["archived", "active", "archived", "active"]):
        PatientFactory(full_name="Halimah Tusadiah", record_number=f"00020{at}", status=status, phone="+6281234567001")
    for query in ("halimah tusadiah", "halimah", "081234567001"):
        assert found(cast.receptionist, query) == ["000203", "000201", "000202", "000200"], query


@pytest.mark.django_db
class TestFoldingVersion:
    def warnings(self) -> list[str]:
        return [str(message.id) for message in checks.check_search_folding(None, ["default"])]

    def test_an_older_index_is_told_until_it_is_written_again(self):
        assert self.warnings() == []
        SearchIndex.objects.update(folding=blind.FOLDING_VERSION - 1)
        assert self.warnings() == ["core.W112"]
        call_command("reindex_patients", "--missing", stdout=StringIO())
        assert self.warnings() == ["core.W112"]
        call_command("reindex_patients", stdout=StringIO())
        assert self.warnings() == []
        assert keys_index.is_folded_anew()

    def test_keys_are_read_from_a_database_without_the_column(self):
        with CaptureQueriesContext(connection) as statements:
            keys_index.reading(), keys_index.state()
        assert statements.captured_queries
        assert not any('"folding"' in one["sql"] or "`folding`" in one["sql"] for one in statements)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("m rizki", ["000302", "000301", "000300"]),
        ("muhammad rizki", ["000301", "000300"]),
        ("rizki m", ["000302", "000301", "000300"]),
        ("muhammad r", ["000301", "000300"]),
        ("nuraini harahap", ["000303"]),
        ("nur aini harahap", ["000303"]),
        ("abdurrahman", ["000304"]),
        ("abdul rahman", ["000304"]),
        ("muhammad zubair harahap tanjung", ["000305"]),
        ("sriwahyuni", ["000306"]),
    ],
)
def test_initials_joined_words_and_words_too_many(cast, query, expected):
    for number, name in (
        ("000300", "Muhammad Rizki"), ("000301", "M. Rizki"), ("000302", "Mawar Rizki"), ("000303", "Nur Aini Harahap"),
        ("000304", "Abdurrahman"), ("000305", "Zubair Tanjung"), ("000306", "Sri Wahyuni"),
    ):  # fmt: skip
        PatientFactory(full_name=name, record_number=number)
    assert sorted(found(cast.receptionist, query), reverse=True) == expected

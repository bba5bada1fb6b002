"""Finding patients: every kind of query, who may find whom, and how many statements it takes."""

from __future__ import annotations

from datetime import date
from io import StringIO

import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from core.search import blind
from patients import search
from patients.models import Patient, PatientToken
from patients.search import BLIND_COLUMNS, fill_blind_columns, find_patients, write_tokens
from tests.factories.patients import PatientFactory

NIK = "2171015203850001"
BORN = date(1985, 3, 12)
KEY = settings.KEYS.search_master_key
MOST_STATEMENTS = 6


def register(full_name: str, **values: object) -> Patient:
    """A patient as the services leave it: columns, blind columns and folding."""
    patient = PatientFactory(full_name=full_name, **values)
    fill_blind_columns(patient)
    patient.save(update_fields=BLIND_COLUMNS)
    return patient


@pytest.fixture
def clinic(cast) -> dict[str, Patient]:
    people = [
        register("Siti Aminah", record_number="000101", nik=NIK, birth_date=BORN, phone="+6281234567001"),
        register("SITI NURHALIZA", record_number="000102", birth_date=date(1990, 1, 1), phone="+6281234567002"),
        register("Budi Tambunan", record_number="000103", birth_date=BORN, phone="+6281234567001"),
        register("Muhammad Rizki Alfarizi", record_number="000104", birth_date=date(2001, 12, 31)),
        register("Soerjadi", record_number="000105", birth_date=date(1950, 8, 17)),
        register("dr. H. Ma'ruf Tambunan, Sp.PD", record_number="123456", birth_date=date(1960, 2, 29)),
        register("Kurniawan", record_number="000107", birth_date=date(1999, 9, 9)),
        register("Maria Kusumawardhani", record_number="000108", birth_date=date(1988, 8, 8)),
        register("Li Wei", record_number="000109", birth_date=date(1977, 7, 7)),
        register("陈伟", record_number="000110", birth_date=date(1977, 7, 8)),
        register("Nur Aini Sitorus", record_number="000111", birth_date=date(1992, 4, 4), phone="+6581234567"),
    ]
    return {person.record_number: person for person in people}


def numbers(user: object, query: str, limit: int = 20) -> list[str]:
    with CaptureQueriesContext(
        connection,
    ) as statements:
        found = find_patients(user=user, query=query, limit=limit)
    assert len(statements) <= MOST_STATEMENTS
    return [patient.record_number for patient in found]


class TestNumbers:
    @pytest.mark.parametrize("query", ["123456", "12-34-56", " 12.34.56 ", "RM 12-34-56", "No. RM 123456"])
    def test_record_number(self, cast, clinic, query):
        assert numbers(cast.receptionist, query) == ["123456"]

    @pytest.mark.parametrize("query", ["101", "000101", "00-01-01"])
    def test_record_number_with_its_zeros(self, cast, clinic, query):
        assert numbers(cast.receptionist, query) == ["000101"]

    @pytest.mark.parametrize("query", [NIK, "2171 0152 0385 0001"])
    def test_nik(self, cast, clinic, query):
        assert numbers(cast.receptionist, query) == ["000101"]

    @pytest.mark.parametrize("query", ["0812-3456-7001", "+6281234567001", "6281234567001"])
    def test_phone_of_a_family_newest_first(self, cast, clinic, query):
        assert numbers(cast.receptionist, query) == ["000103", "000101"]

    def test_phone_of_another_country(self, cast, clinic):
        assert numbers(cast.receptionist, "+65 8123 4567") == ["000111"]

    @pytest.mark.parametrize("query", ["999999", "2171015203850009", "0812-3456-7999", "217101520385000"])
    def test_unknown_number_finds_nobody(self, cast, clinic, query):
        assert numbers(cast.receptionist, query) == []

    def test_number_takes_three_statements(self, cast, clinic, django_assert_num_queries):
        user = cast.receptionist
        user.capabilities  # loads the roles
        with django_assert_num_queries(3):  # the key, the index of further numbers, the patients
            find_patients(user=user, query=NIK)


class TestBirthDate:
    @pytest.mark.parametrize("query", ["12-03-1985", "12/3/1985", "1985-03-12"])
    def test_alone(self, cast, clinic, query):
        assert numbers(cast.receptionist, query) == ["000103", "000101"]

    @pytest.mark.parametrize("query", ["siti 12-03-1985", "12/03/1985 aminah", "sit 12-03-1985", "aminha 12-03-1985"])
    def test_with_a_name_whole_begun_or_misspelt(self, cast, clinic, query):
        assert numbers(cast.receptionist, query) == ["000101"]

    @pytest.mark.parametrize("query", ["siti 13-03-1985", "sitorus 12-03-1985", "31-02-1985"])
    def test_no_match(self, cast, clinic, query):
        assert numbers(cast.receptionist, query) == []


class TestNames:
    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ("tambunan", ["000103", "123456"]),
            ("tam", ["123456", "000103"]),
            ("Budi Tambunan", ["000103"]),
            ("tambunan budi", ["000103"]),
            ("bud tamb", ["000103"]),
            ("tambunna", ["000103", "123456"]),
            ("tmbunan budi", ["000103"]),
            ("ma'ruf", ["123456"]),
            ("maruf", ["123456"]),
            ("dr. Maruf", ["123456"]),
            ("siti aminah", ["000101"]),
            ("aminah siti", ["000101"]),
            ("st aminah", ["000101"]),
            ("siti am", ["000101"]),
            ("siti", ["000102", "000101"]),
            ("sit", ["000102", "000101", "000111"]),
            ("siti nurhalisa", ["000102"]),
            ("moh rizky", ["000104"]),
            ("mochamad riski alfa", ["000104"]),
            ("alfarisi", ["000104"]),
            ("suryadi", ["000105"]),
            ("soerjadi", ["000105"]),
            ("kurniawan", ["000107"]),
            ("kurn", ["000107"]),
            ("kurniawam", ["000107"]),
            ("kusumawardani", ["000108"]),
            ("kusumaward", ["000108"]),
            ("kusumawadrani", ["000108"]),
            ("maria kusu", ["000108"]),
            ("li", ["000109"]),
            ("wei li", ["000109"]),
            ("陈伟", ["000110"]),
            ("nur ain sitor", ["000111"]),
            ("n sitorus", ["000111"]),
            ("siti tambunan", []),
            ("siti siti", []),
            ("wahyu", []),
            ("xyzzy", []),
        ],
    )
    def test_query(self, cast, clinic, query, found):
        assert sorted(numbers(cast.receptionist, query)) == sorted(found)

    def test_better_answers_come_first(self, cast, clinic):
        exact = register("Tambunan", record_number="000120")
        longer = register("Tambunanto Jaya", record_number="000121")
        assert numbers(cast.receptionist, "tambunan") == ["000120", "123456", "000103", "000121"]
        assert {exact.pk, longer.pk} <= {patient.pk for patient in find_patients(user=cast.admin, query="tambunan")}

    @pytest.mark.parametrize(
        "query",
        [
            "",
            "   ",
            "%",
            "_",
            "\x00",
            "' OR 1=1 --",
            "<script>alert(1)</script>",
            "😀",
            "\ud800",
            "a" * 5000,
            "9" * 5000,
            "-",
            "+",
            "*",
        ],
    )
    def test_meaningless_text_finds_nobody(self, cast, clinic, query):
        assert numbers(cast.receptionist, query) == []

    def test_limit(self, cast, clinic):
        for at in range(30):
            register(f"Siti Maimunah {at}", record_number=f"0002{at:02}")
        assert len(numbers(cast.receptionist, "siti")) == 20
        assert len(numbers(cast.receptionist, "maimunah", limit=7)) == 7
        assert numbers(cast.receptionist, "maimunah", limit=0) == []
        assert numbers(cast.receptionist, "siti")[0] == "000229"

    @pytest.mark.parametrize("query", ["tambunan", "siti aminah", "siti", NIK, "12-03-1985", "tambunna"])
    def test_statements_do_not_grow_with_the_rows(self, cast, clinic, query):
        user = cast.receptionist

        def count() -> int:
            with CaptureQueriesContext(connection) as statements:
                find_patients(user=user, query=query)
            return len(statements)

        before = count()
        for at in range(30):
            register(f"Siti Aminah Tambunan {at}", record_number=f"0003{at:02}", birth_date=BORN)
        assert count() <= before <= MOST_STATEMENTS

    def test_list_columns_are_there_and_no_other(self, cast, clinic, django_assert_num_queries):
        patient = find_patients(user=cast.receptionist, query=NIK)[0]
        with django_assert_num_queries(0):
            assert (patient.full_name, patient.birth_date, patient.nik) == ("Siti Aminah", BORN, NIK)
            assert (patient.masked_nik, patient.phone, patient.sex_label) != ("", "", "")
        assert "address" in patient.get_deferred_fields()

    def test_walk_is_bounded(self, cast, clinic, monkeypatch):
        monkeypatch.setattr(search, "WALK_CAP", 3)
        assert numbers(cast.receptionist, "siti") == []
        assert numbers(cast.receptionist, "siti aminah") == ["000101"]


class TestWhoFindsWhom:
    @pytest.mark.parametrize(
        "query", ["siti", "tambunan", NIK, "000101", "0812-3456-7001", "12-03-1985", "siti aminah", "kurniawan"]
    )
    def test_nobody_without_the_right(self, cast, clinic, query):
        cast.patient_user
        for user in (None, cast.owner, cast.doctor, cast.pharmacist, cast.other_patient_user):
            assert numbers(user, query) == []

    def test_inactive_receptionist(self, cast, clinic):
        user = cast.receptionist
        user.is_active = False
        assert numbers(user, "siti") == []

    def test_doctor_finds_the_own_patients_only(self, cast, clinic):
        own = PatientFactory(
            full_name="Budi Tambunan", record_number="000130", birth_date=BORN, care_team=[cast.doctor]
        )
        for query in ("tambunan", "budi tambunan", "budi", "12-03-1985", "budi 12-03-1985", "000130", "tambunna"):
            assert numbers(cast.doctor, query) == [own.record_number], query
        assert numbers(cast.doctor, "000103") == []
        assert numbers(cast.other_doctor, "tambunan") == []

    def test_cap_counts_only_who_may_be_seen(self, cast, clinic, monkeypatch):
        own = PatientFactory(full_name="Tambunan Tua", record_number="000140", care_team=[cast.doctor])
        for at in range(6):
            register(f"Tambunan Muda {at}", record_number=f"00015{at}")
        monkeypatch.setattr(search, "CANDIDATE_CAP", 3)
        assert numbers(cast.doctor, "tambunan") == [own.record_number]

    def test_walk_counts_only_who_may_be_seen(self, cast, clinic, monkeypatch):
        own = PatientFactory(full_name="Siti", record_number="000141", care_team=[cast.doctor])
        for at in range(6):
            register("Siti", record_number=f"00016{at}")
        monkeypatch.setattr(search, "WALK_CAP", 3)
        assert numbers(cast.doctor, "siti") == [own.record_number]

    def test_patient_finds_only_themselves(self, cast, clinic):
        user = cast.patient_user
        assert numbers(user, "siti") == [user.patient.record_number]
        assert numbers(user, "tambunan") == []


@pytest.mark.django_db
class TestIndex:
    def present(self, patient: Patient) -> set[int]:
        return set(PatientToken.objects.filter(patient=patient).values_list("token", flat=True))

    def test_tokens_follow_the_name(self):
        patient = PatientFactory(full_name="Budi Tambunan", birth_date=BORN)
        assert self.present(patient) == blind.tokens(blind.name_terms("Budi Tambunan", BORN), key=KEY)
        patient.full_name = "Budi Sitorus"
        patient.save(update_fields=["full_name"])
        write_tokens(patient)
        assert self.present(patient) == blind.tokens(blind.name_terms("Budi Sitorus", BORN), key=KEY)

    def test_writing_again_changes_nothing(self):
        patient = PatientFactory(full_name="Budi Tambunan")
        assert search.write_tokens_of([patient]) == 0

    def test_new_patient_takes_four_statements(self, django_assert_num_queries):
        patient = PatientFactory(full_name="Budi Tambunan", phone=None)
        PatientToken.objects.all().delete()
        with transaction.atomic(), django_assert_num_queries(6):  # with the savepoint and its release
            write_tokens(patient)

    def test_same_words_of_two_patients(self):
        first, second = PatientFactory(full_name="Tambunan"), PatientFactory(full_name="Tambunan")
        assert self.present(first) == self.present(second)

    def test_blind_columns(self):
        patient = PatientFactory(nik=NIK, phone="0812-3456-7001")
        fill_blind_columns(patient)
        assert patient.nik_bidx == blind.blind_index("nik", NIK, key=KEY)
        assert patient.phone_bidx == blind.blind_index("phone", "+6281234567001", key=KEY)
        patient.nik, patient.phone = None, None
        fill_blind_columns(patient)
        assert (patient.nik_bidx, patient.phone_bidx) == (None, None)

    def test_placeholder_nik_is_not_unique(self):
        for _ in range(2):
            patient = PatientFactory(nik="9" * 16)
            assert patient.nik_bidx is None

    def test_second_patient_with_the_same_nik_is_refused_by_the_database(self):
        PatientFactory(nik=NIK)
        with pytest.raises(IntegrityError), transaction.atomic():
            PatientFactory(nik=NIK)
        assert Patient.objects.count() == 1

    def test_patients_without_nik_are_many(self):
        PatientFactory(nik=None)
        PatientFactory(nik=None)
        assert Patient.objects.filter(nik_bidx__isnull=True).count() == 2


@pytest.mark.django_db
class TestReindex:
    def index(self) -> set[tuple[object, ...]]:
        return set(PatientToken.objects.values_list("token", "patient_id")) | set(
            Patient.objects.values_list("nik_bidx", "phone_bidx", "pk")
        )

    def run(self, *arguments: str) -> str:
        out = StringIO()
        call_command("reindex_patients", *arguments, stdout=out)
        return out.getvalue()

    @pytest.fixture(autouse=True)
    def _patients(self):
        for at, name in enumerate(("Budi Tambunan", "Siti", "Maria Sitorus", "Li Wei", "Soerjadi")):
            PatientFactory(full_name=name, nik=f"217101520385000{at + 1}")

    @pytest.mark.parametrize("batch_size", ["1", "2", "5", "200"])
    def test_index_is_built_again(self, batch_size):
        before = self.index()
        PatientToken.objects.all().delete()
        Patient.objects.update(nik_bidx=None, phone_bidx=7)
        assert "5 patient(s)" in self.run("--batch-size", batch_size)
        assert self.index() == before

    def test_stale_tokens_go(self):
        before = self.index()
        PatientToken.objects.create(token=42, patient=Patient.objects.first())
        self.run()
        assert self.index() == before

    def test_missing_only(self):
        before = self.index()
        patient = Patient.objects.first()
        PatientToken.objects.filter(patient=patient).delete()
        assert "Done: 1 patient(s)." in self.run("--missing")
        assert self.index() == before

    def test_second_run_changes_nothing(self):
        assert "0 index row(s) changed" in self.run()

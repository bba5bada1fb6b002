"""From a file to records: what is checked, what is written, what happens to duplicates, kills and second admins."""

from __future__ import annotations

import io

import openpyxl
import pytest

from audit.models import AuditEvent
from core import files
from core.models import Counter, StoredFile
from jobs import runner, services, steps
from jobs.models import Job
from patients.errors import ReasonMissing
from patients.import_errors import ImportNotPossible, MappingIncomplete
from patients.importing import running
from patients.models import (
    Patient,
    PatientAddress,
    PatientContact,
    PatientDemographics,
    PatientIdentifier,
    PatientImport,
    PatientImportRow,
    PatientToken,
    PolicyCoverage,
)
from patients.search import find_patients
from patients.services import imports, register_patient
from tests.patients.importing.lists import khanza, nik, people

pytestmark = pytest.mark.django_db


def outcomes(source: PatientImport) -> dict[int, tuple[str, str]]:
    return {row.number: (row.outcome, row.problem) for row in source.rows.order_by("number")}


def register(cast, **fields):
    from datetime import date

    given = {"full_name": "Siti Aminah", "birth_date": date(1985, 3, 12), "sex": "female"} | fields
    return register_patient(actor=cast.admin, **given)


def test_a_khanza_list_becomes_records(imported, admin):
    rows = [
        khanza(1, "AMINAH, NY", jk="P", no_ktp="2171015203850001", no_peserta="1234567890", kd_pj="BPJS KESEHATAN"),
        khanza(12, "dr. BUDI SANTOSO, Sp.A", no_ktp="-", no_tlp="812345678", gol_darah="AB-", pekerjaan="Nelayan",
               tgl_lahir="31/12/1960", stts_nikah="DUDA", agama="KATHOLIK", pnd="S1"),
    ]  # fmt: skip
    source, job = imported(rows)
    assert source.state == "imported"
    assert outcomes(source) == {2: ("created", ""), 3: ("created", "")}
    first, second = Patient.objects.order_by("record_number")
    assert (first.full_name, first.sex, first.nik, first.bpjs_number, first.guarantor) == (
        "AMINAH", "female", "2171015203850001", "0001234567890", "bpjs",
    )  # fmt: skip
    assert (second.title_prefix, second.full_name, second.title_suffix) == ("dr.", "BUDI SANTOSO", "Sp.A")
    assert (second.nik, second.phone, second.blood_type, second.rhesus) == (None, "+62812345678", "AB", "-")
    assert str(second.birth_date) == "1960-12-31"
    social = PatientDemographics.objects.get(patient=second)
    assert (social.religion_code, social.religion_label) == ("3", "Katolik")
    assert (social.marital_code, social.education_code) == ("4", "6")
    assert (social.occupation_code, social.occupation_text) == ("5", "Nelayan")
    assert PatientIdentifier.objects.get(patient=second).value == "000012"
    assert PatientContact.objects.get(patient=second).relation_code == "4"
    assert PatientAddress.objects.get(patient=second).line == second.address == "Jl. Melati No. 3"
    policy = PolicyCoverage.objects.get()
    assert (policy.patient, policy.number, policy.is_primary) == (first, "0001234567890", True)
    assert [row.pk for row in find_patients(user=admin, query="budi santoso")] == [second.pk]
    assert [row.pk for row in find_patients(user=admin, query="000012")][:1] == [second.pk]
    assert [row.pk for row in find_patients(user=admin, query="0001234567890")] == [first.pk]
    assert job.summary == "2 imported, 0 known records completed, 0 left out, 0 wrong."


def test_each_patient_has_an_event_like_one_from_the_desk(imported, cast):
    imported(people(3))
    register(cast)
    events = list(AuditEvent.objects.filter(action="patients.patient.registered").order_by("id"))
    assert len(events) == 4
    assert len({event.patient_id for event in events}) == 4
    assert {event.detail["source"] for event in events[:3]} == {"import"}
    assert set(events[0].detail) == set(events[3].detail)
    started, finished = AuditEvent.objects.filter(action__startswith="patients.import.").order_by("id")[1:]
    assert started.detail["rows"] == 4
    assert finished.detail == {"rows": 3, "created": 3}


def test_checking_writes_nothing_but_the_rows_in_the_way(checked, cast):
    known = register(cast, nik=nik(3))
    before = (
        Patient.objects.count(),
        PatientToken.objects.count(),
        Counter.objects.get(name="patients.record_number").value,
    )
    rows = people(6)
    rows[2]["no_ktp"] = nik(3)
    rows[3]["tgl_lahir"] = "1985-02-30"
    rows[4]["no_ktp"] = "217101"
    rows[5] = {**rows[0], "no_rkm_medis": "000099", "no_tlp": ""}
    source = checked(rows)
    after = (
        Patient.objects.count(),
        PatientToken.objects.count(),
        Counter.objects.get(name="patients.record_number").value,
    )
    assert before == after
    assert source.state == "checked"
    assert outcomes(source) == {
        4: ("duplicate", "nik"),
        5: ("error", "value"),
        6: ("error", "value"),
        7: ("duplicate", "nik"),
    }
    assert source.rows.get(number=4).patient == known
    assert source.rows.get(number=4).messages == [f"Same NIK as patient {known.record_number}."]
    assert source.rows.get(number=5).messages == ["Date of birth: This date does not exist. Check day and month."]
    assert source.rows.get(number=6).messages == ["NIK: A NIK has 16 digits. You typed 6."]
    assert source.rows.get(number=7).messages == ["Same NIK as row 2 of this file."]
    assert source.counts == {"nik": 2, "value": 2, "notes": 0, "rows": 6}


def test_all_that_is_wrong_in_a_row_is_said_at_once_without_the_values(checked):
    row = khanza(1, "SITI", no_ktp="123", no_tlp="abc", jk="Q", agama="Jedi", no_peserta="99")
    source = checked([row])
    messages = source.rows.get().messages
    assert [message.split(":")[0] for message in messages] == ["NIK", "BPJS number", "Phone", "Religion", "Sex"] or {
        message.split(":")[0] for message in messages
    } == {"NIK", "BPJS number", "Phone", "Religion", "Sex"}
    assert not [message for message in messages if "Jedi" in message or "abc" in message or "123" in message]


def test_wrong_values_can_be_left_out_but_no_needed_one(imported):
    rows = [
        khanza(1, "SITI AMINAH", no_ktp="123", agama="Jedi"),
        khanza(2, "BUDI", tgl_lahir="kapan"),
        khanza(3, "  "),
    ]
    source, _job = imported(rows, on_value="leave_out")
    assert outcomes(source) == {2: ("created", ""), 3: ("error", "value"), 4: ("error", "value")}
    patient = Patient.objects.get()
    assert (patient.nik, patient.demographics.religion_code) == (None, "")
    assert len(source.rows.get(number=2).messages) == 2


@pytest.mark.parametrize(
    ("problem", "known", "row"),
    [
        ("nik", {"nik": nik(1)}, {"no_ktp": nik(1), "tgl_lahir": "1990-01-01"}),
        (
            "bpjs",
            {"bpjs_number": "0001234567890"},
            {"no_peserta": "0001234567890", "no_ktp": "", "tgl_lahir": "1990-01-01"},
        ),
        ("person", {"mother_name": "Rohani"}, {"no_ktp": "", "no_rkm_medis": "77", "jk": "P"}),
    ],
)
def test_known_people_are_left_out_completed_or_made_anew(imported, cast, problem, known, row):
    patient = register(cast, **known)
    rows = [khanza(1, "SITI AMINAH", **row)]
    source, _job = imported(rows)
    assert outcomes(source) == {2: ("skipped", problem)}
    assert source.rows.get().patient == patient
    source, _job = imported(rows, **{f"on_{problem}": "update"})
    assert outcomes(source) == {2: ("updated", problem)}
    patient.refresh_from_db()
    assert (patient.birth_place, patient.address) == ("BATAM", "Jl. Melati No. 3")
    assert patient.demographics.religion_code == "1"
    event = AuditEvent.objects.get(action="patients.patient.updated")
    assert event.patient_id == patient.pk
    assert "birth_place" in event.detail["fields"]
    assert Patient.objects.count() == 1
    if problem == "nik":
        source, _job = imported(rows, on_nik="create", reason="kembar")
        assert outcomes(source)[2][0] == "skipped", "a NIK has one record whatever was chosen"
        return
    source, _job = imported(rows, reason="Kembar", **{f"on_{name}": "create" for name in (problem, "old_number")})
    assert outcomes(source)[2][0] == "created"
    assert Patient.objects.latest("pk").duplicate_reason == "Kembar"


def test_completing_replaces_nothing(imported, cast):
    patient = register(cast, nik=nik(1), phone="081299998888", address="Jl. Lama 1", mother_name="Rohana")
    source, _job = imported([khanza(1, "SITI AMINAH BARU", jk="P", tgl_lahir="1990-01-01")], on_nik="update")
    patient.refresh_from_db()
    assert outcomes(source) == {2: ("updated", "nik")}
    assert (patient.full_name, patient.phone, patient.address, patient.mother_name) == (
        "Siti Aminah", "+6281299998888", "Jl. Lama 1", "Rohana",
    )  # fmt: skip
    assert str(patient.birth_date) == "1985-03-12"
    assert [row.pk for row in find_patients(user=cast.admin, query="000001")] == [patient.pk]
    source, _job = imported([khanza(1, "SITI AMINAH BARU", jk="P", tgl_lahir="1990-01-01")], on_nik="update")
    assert outcomes(source) == {2: ("skipped", "nik")}, "nothing was left to fill"


def test_the_same_list_twice_registers_nobody_twice(imported):
    imported(people(5))
    source, _job = imported(people(5))
    assert {outcome for outcome, _problem in outcomes(source).values()} == {"skipped"}
    assert Patient.objects.count() == 5


def test_old_numbers_are_taken_over_when_that_is_chosen_and_they_are_free(imported, cast):
    register(cast)  # has 000001
    rows = people(3)
    rows[0]["no_rkm_medis"], rows[1]["no_rkm_medis"], rows[2]["no_rkm_medis"] = "1", "00-70-07", "A-12"
    imported(rows, numbers="keep")
    made = list(Patient.objects.order_by("pk").values_list("record_number", flat=True))[1:]
    assert made == ["007008", "007007", "007009"]
    assert Counter.objects.get(name="patients.record_number").value == 7009
    assert set(PatientIdentifier.objects.values_list("kind", flat=True)) == {"old_record"}
    assert PatientIdentifier.objects.count() == 2
    register(cast, full_name="Orang Lain")
    assert Patient.objects.latest("pk").record_number == "007010"


def test_a_file_without_headings(imported):
    data = b"Siti Aminah;12-03-1985;P\nBudi Santoso;5 Maret 1990;L\n"
    source, _job = imported(data, mapping={0: "full_name", 1: "birth_date", 2: "sex"}, has_heading=False)
    assert outcomes(source) == {1: ("created", ""), 2: ("created", "")}
    assert {str(patient.birth_date) for patient in Patient.objects.all()} == {"1985-03-12", "1990-03-05"}


def test_an_age_is_an_estimated_birth_date(imported):
    imported(b"nama,umur,jk\nSiti Aminah,45 Th,P\n")
    patient = Patient.objects.get()
    assert (patient.birth_accuracy, str(patient.birth_date)) == ("estimated", "1981-03-05")


def test_names_of_regions_become_codes(imported):
    rows = [
        {"nama": f"Orang {chr(65 + at)}", "tgl_lahir": f"1980-01-{at + 1:02d}", "kelurahan": "BALOI PERMAI",
         "kecamatan": "Kec. Batam Kota", "kota": "KOTA BATAM", "rt": "RT 03", "rw": "7"}
        for at in range(20)
    ]  # fmt: skip
    imported(rows)
    places = set(PatientAddress.objects.values_list("village_code", "province_name", "rt", "rw"))
    assert {(len(code), province) for code, province, _rt, _rw in places} == {(10, "Kepulauan Riau")}
    assert {(row.rt, row.rw) for row in PatientAddress.objects.all()} == {("003", "007")}


def test_the_report_says_what_became_of_each_row_and_gives_back_what_to_mend(imported):
    rows = people(4)
    rows[1]["tgl_lahir"] = "?"
    rows[2]["nm_pasien"] = "=HYPERLINK(1)"
    rows[3]["no_ktp"] = rows[0]["no_ktp"]
    _source, job = imported(rows)
    book = openpyxl.load_workbook(io.BytesIO(files.read(job.result)))
    result, mend = book.worksheets
    shown = [[cell.value for cell in row] for row in result.iter_rows()]
    assert shown[0] == ["Row", "Outcome", "Record number", "Notes"]
    assert [row[:2] for row in shown[1:]] == [[2, "Imported"], [3, "Wrong"], [4, "Imported"], [5, "Left out"]]
    assert shown[1][2] == Patient.objects.order_by("pk").first().record_number
    back = [[cell.value for cell in row] for row in mend.iter_rows()]
    assert back[0][1] == "nm_pasien"
    assert [row[1] for row in back[1:]] == [rows[1]["nm_pasien"], rows[3]["nm_pasien"]]
    assert job.result_name == "import-report.xlsx"


def test_two_hundred_in_a_transaction_at_a_constant_price(
    imported, django_assert_max_num_queries, checked, admin, monkeypatch
):
    counts = []
    for total in (3, 30):
        rows = [
            {
                **row,
                "no_ktp": nik(int(row["no_rkm_medis"]) + 100 * total),
                "nm_pasien": f"{row['nm_pasien']} {total * 'X'}",
            }
            for row in people(total)
        ]
        source = imports.start(import_id=checked(rows).pk, actor=admin)
        with django_assert_max_num_queries(90) as queries:
            runner.run_to_end(source.import_job_id)
        counts.append(len(queries))
    assert counts[1] - counts[0] <= 12, counts  # bulk inserts are cut into parts on SQLite


class Killed(BaseException):
    """As a kill: nothing of ours runs after it."""


def test_a_killed_import_goes_on_without_anybody_twice(checked, admin, monkeypatch):
    monkeypatch.setattr(running, "IMPORT_BATCH", 4)
    source = imports.start(import_id=checked(people(20)).pk, actor=admin)
    real, calls = running.register_many, []

    def die(**given):
        calls.append(1)
        made = real(**given)
        if len(calls) == 3:
            raise Killed
        return made

    monkeypatch.setattr(running, "register_many", die)
    from django.db import transaction

    with pytest.raises(Killed), transaction.atomic():
        runner.work(source.import_job_id)
    monkeypatch.setattr(running, "register_many", real)
    Job.objects.filter(pk=source.import_job_id).update(lease_until=None, state="queued")
    assert runner.run_to_end(source.import_job_id).state == "done"
    assert Patient.objects.count() == 20
    assert PatientImportRow.objects.filter(source=source, outcome="created").count() == 20
    source.refresh_from_db()
    assert source.counts == {"created": 20, "rows": 20, "notes": 0}


def test_a_cancelled_import_keeps_what_it_did_and_goes_on(checked, admin, monkeypatch):
    monkeypatch.setattr(running, "IMPORT_BATCH", 5)
    source = imports.start(import_id=checked(people(12)).pk, actor=admin)
    real = running.register_many

    def cancel(**given):
        monkeypatch.setattr(running, "register_many", real)
        made = real(**given)
        return made

    def rest(step):
        if Patient.objects.count() == 5:
            services.cancel(job_id=step.job_id, actor=admin)

    monkeypatch.setattr(steps.JobStep, "rest", rest)
    monkeypatch.setattr(running, "register_many", cancel)
    assert runner.work(source.import_job_id) is None
    assert Patient.objects.count() == 5
    monkeypatch.setattr(steps.JobStep, "rest", lambda step: None)
    services.resume(job_id=source.import_job_id, actor=admin)
    assert runner.run_to_end(source.import_job_id).state == "done"
    assert Patient.objects.count() == 12


def test_what_cannot_be_mapped_or_begun_is_a_sentence(admin):
    source = imports.upload(data=b"nama,alamat\nSiti,Batam\n", name="x.csv", actor=admin)

    def choose(mapping):
        return imports.set_mapping(import_id=source.pk, actor=admin, mapping=mapping, has_heading=True)

    with pytest.raises(MappingIncomplete, match="date of birth"):
        choose({0: "full_name"})
    with pytest.raises(MappingIncomplete, match="full name"):
        choose({0: "birth_date"})
    with pytest.raises(MappingIncomplete, match="two columns"):
        choose({0: "full_name", 1: "full_name"})
    with pytest.raises(ImportNotPossible, match="not checked"):
        imports.start(import_id=source.pk, actor=admin)
    choose({0: "full_name", 1: "birth_date"})
    with pytest.raises(ImportNotPossible, match="being worked on"):
        choose({0: "full_name", 1: "birth_date"})
    imports.cancel(import_id=source.pk, actor=admin)
    assert StoredFile.objects.count() == 0
    assert Job.objects.get().state == "cancelled"
    with pytest.raises(ImportNotPossible, match="over"):
        choose({0: "full_name", 1: "birth_date"})


def test_likely_duplicates_are_imported_with_a_reason_only(checked, admin):
    source = checked(people(2))
    with pytest.raises(ReasonMissing, match="Write why"):
        imports.start(import_id=source.pk, actor=admin, on_person="create")
    assert not Job.objects.filter(kind=imports.RUN).exists()


def test_the_file_goes_when_the_import_is_over_or_forgotten(imported, checked, admin, time_machine):
    from datetime import timedelta

    from core import clock

    done, job = imported(people(2))
    waiting = checked(people(3))
    assert imports.tidy() == 1
    done.refresh_from_db()
    waiting.refresh_from_db()
    assert (done.file, waiting.file is None) == (None, False)
    assert job.result is not None
    time_machine.move_to(clock.now() + timedelta(days=8))
    assert imports.tidy() == 1
    assert imports.tidy() == 0


def test_the_same_file_is_known_again(admin):
    first = imports.upload(data=b"nama,tgl_lahir\nSiti,1980-01-01\n", name="a.csv", actor=admin)
    second = imports.upload(data=b"nama,tgl_lahir\nSiti,1980-01-01\n", name="b.csv", actor=admin)
    other = imports.upload(data=b"nama,tgl_lahir\nSiti,1980-01-02\n", name="a.csv", actor=admin)
    assert imports.same_file(second) == first
    assert imports.same_file(other) is None
    imports.cancel(import_id=first.pk, actor=admin)
    assert imports.same_file(second) is None

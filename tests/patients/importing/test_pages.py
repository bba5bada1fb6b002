"""The screens of imports and exports, and the commands."""

from __future__ import annotations

import io
from datetime import date
from io import StringIO

import openpyxl
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.urls import reverse

from audit.models import AuditEvent
from core import files
from jobs import runner
from jobs.models import Job
from patients.models import Patient, PatientImport, PatientImportRow
from patients.services import exports, imports, register_patient
from tests.conftest import sign_in
from tests.patients.importing.lists import csv_bytes, khanza, people

pytestmark = pytest.mark.django_db


def url(name: str, *args) -> str:
    return reverse(f"patients:{name}", args=args)


def upload(client, data: bytes, name: str = "pasien.csv"):
    return client.post(url("import-upload"), {"file": SimpleUploadedFile(name, data)})


def test_from_the_file_to_the_report(admin, client_for):
    client = client_for(admin)
    rows = people(4)
    rows[3]["tgl_lahir"] = "kapan"
    answer = upload(client, csv_bytes(rows), "../../etc/daftar pasien.csv")
    source = PatientImport.objects.get()
    assert answer["Location"] == url("import-detail", source.pk)
    assert source.file_name == "daftar pasien.csv"
    page = client.get(answer["Location"]).content.decode()
    assert "Choose the columns" in page
    assert "· 4 rows</p>" in page, "the heading is no row of the list"
    assert ">4</td>" in client.get(url("import-list")).content.decode()

    page = client.get(url("import-mapping", source.pk)).content.decode()
    assert "nm_pasien" in page
    assert rows[0]["no_ktp"] not in page
    assert "21••••••••" in page
    chosen = {f"column_{at}": source.mapping.get(str(at), "-") for at in range(source.sheet["columns"])}
    answer = client.post(url("import-mapping", source.pk), {**chosen, "has_heading": "on", "on_value": "reject"})
    assert answer.status_code == 302, answer.context["form"].errors
    source.refresh_from_db()
    assert "Checking a list of patients" in client.get(url("import-detail", source.pk)).content.decode()
    runner.run_to_end(source.check_job_id)
    page = client.get(url("import-detail", source.pk)).content.decode()
    for words in (
        "4 rows checked: 1 wrong, 0 look like known patients.",
        "New people without a problem",
        "Start the import",
    ):
        assert words in page
    problems = client.get(url("import-problems", source.pk)).content.decode()
    assert "The date is not written as DD/MM/YYYY" in problems
    assert client.get(url("import-problems", source.pk), {"problem": "nik"}).status_code == 200

    decisions = {"on_nik": "skip", "on_bpjs": "skip", "on_old_number": "skip", "on_person": "skip", "numbers": "new"}
    assert client.post(url("import-start", source.pk), {**decisions, "on_person": "create"}).status_code == 422
    assert client.post(url("import-start", source.pk), decisions).status_code == 302
    source.refresh_from_db()
    job = runner.run_to_end(source.import_job_id)
    page = client.get(url("import-detail", source.pk)).content.decode()
    assert "3 imported, 0 known records completed, 0 left out, 1 wrong." in page
    assert reverse("jobs:result", args=[job.pk]) in page
    assert "Start the import" not in page
    assert Patient.objects.count() == 3


def test_a_big_workbook_is_read_in_the_background(admin, client_for, monkeypatch):
    from tests.patients.importing.lists import xlsx_bytes

    monkeypatch.setattr(imports, "AT_ONCE", 100)
    client = client_for(admin)
    upload(client, xlsx_bytes([["Nama", "Tanggal lahir"], ["Siti Aminah", date(1985, 3, 12)]]), "besar.xlsx")
    source = PatientImport.objects.get()
    assert source.state == "reading"
    assert "Reading a list of patients" in client.get(url("import-detail", source.pk)).content.decode()
    before = source.file_id
    assert runner.run_to_end(source.read_job_id).state == "done"
    source.refresh_from_db()
    assert (source.state, source.row_count, source.mapping) == ("uploaded", 2, {"0": "full_name", "1": "birth_date"})
    assert source.file_id != before
    assert Job.objects.get(pk=source.read_job_id).outcome == {"rows": 1}
    assert "Choose the columns" in client.get(url("import-detail", source.pk)).content.decode()


def test_a_list_without_a_heading_counts_every_row(admin, client_for):
    client = client_for(admin)
    answer = upload(client, b"Siti Aminah,12/03/1985\nBudi Santoso,13/03/1985\n")
    assert "· 2 rows</p>" in client.get(answer["Location"]).content.decode()
    source = PatientImport.objects.get()
    chosen = {"column_0": "full_name", "column_1": "birth_date", "has_heading": "on", "on_value": "reject"}
    assert client.post(url("import-mapping", source.pk), chosen).status_code == 302
    assert "· 1 rows</p>" in client.get(answer["Location"]).content.decode(), "somebody said the first row is one"


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "The file is empty"),
        (b"%PDF-1.7 \x00\x01", "no CSV and no XLSX"),
        (b"\xd0\xcf\x11\xe0abc", "old Excel file"),
        (b"PK\x03\x04 broken", "damaged or protected"),
        (b";".join(b"k%d" % at for at in range(200)), "more than 100 columns"),
        (b",,,\n,,\n", "All rows of this file are empty"),
        (b'nama,tgl\n"Siti,1985', None),
    ],
)
def test_what_is_no_list_is_refused_in_words(admin, client_for, data, words):
    answer = upload(client_for(admin), data)
    if words is None:
        assert answer.status_code == 302
        return
    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert PatientImport.objects.count() == 0


def test_a_file_over_15_mb_is_refused(admin, client_for, monkeypatch):
    from patients.forms import imports as forms

    monkeypatch.setattr(forms, "MAX_UPLOAD", 100)
    answer = upload(client_for(admin), b"nama,tgl\n" * 50)
    assert answer.status_code == 422
    assert "more than 15 MB" in answer.content.decode()


def test_the_same_file_again_is_said_with_the_other_import(admin, client_for):
    client = client_for(admin)
    upload(client, csv_bytes(people(2)))
    first = PatientImport.objects.get()
    upload(client, csv_bytes(people(2)), "lain.csv")
    page = client.get(url("import-detail", PatientImport.objects.latest("pk").pk)).content.decode()
    assert "The very same file was uploaded" in page
    assert url("import-detail", first.pk) in page


def test_hostile_cells_are_text_on_every_page(admin, client_for):
    client = client_for(admin)
    markup = "<script>alert(1)</script>"
    rows = [
        khanza(1, markup),
        {**khanza(2, "Siti"), "no_ktp": markup, "tgl_lahir": markup, "agama": "=cmd|' /C calc'!A0"},
    ]
    rows = [{markup if name == "pnd" else name: value for name, value in row.items()} for row in rows]
    upload(client, csv_bytes(rows), f"{markup}.csv")
    source = PatientImport.objects.get()
    chosen = {f"column_{at}": source.mapping.get(str(at), "-") for at in range(source.sheet["columns"])}
    pages = [client.get(url("import-mapping", source.pk))]
    client.post(url("import-mapping", source.pk), {**chosen, "has_heading": "on", "on_value": "reject"})
    source.refresh_from_db()
    runner.run_to_end(source.check_job_id)
    pages += [client.get(url(name, source.pk)) for name in ("import-detail", "import-problems")]
    pages.append(client.get(url("import-list")))
    assert [markup in page.content.decode() for page in pages] == [False] * 4


def test_an_import_is_not_there_for_others(admin, cast, client_for):
    source = imports.upload(data=csv_bytes(people(1)), name="x.csv", actor=admin)
    for name in ("import-detail", "import-mapping", "import-problems"):
        assert client_for(cast.receptionist).get(url(name, source.pk)).status_code == 403
        assert client_for(admin).get(url(name, "0192f0c1-0000-7000-8000-000000000000")).status_code == 404


def test_the_list_of_problems_costs_the_same_for_3_and_30(admin, client_for, django_assert_max_num_queries):
    client = client_for(admin)
    source = imports.upload(data=csv_bytes(people(1)), name="x.csv", actor=admin)
    client.get(url("import-problems", source.pk))
    counts, number = [], 0
    for total in (3, 27):
        for _row in range(total):
            number += 1
            patient = register_patient(
                actor=admin,
                full_name=f"Orang {number * 'a'}",
                birth_date=date(1980, 1, 1),
                sex="male",
                duplicate_reason="x",
            )
            PatientImportRow.objects.create(
                source=source, number=number, outcome="duplicate", problem="person", messages=["x"], patient=patient
            )
        with django_assert_max_num_queries(15) as queries:
            client.get(url("import-problems", source.pk))
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_the_empty_list_is_an_import_of_our_own(admin, client_for, imported):
    answer = client_for(admin).get(url("import-template"))
    book = openpyxl.load_workbook(io.BytesIO(answer.content))
    assert book.sheetnames == ["Pasien", "Pilihan", "Petunjuk"]
    heads = {cell.value: cell.column_letter for cell in book["Pasien"][1]}
    assert "Email" in heads
    assert "E-mail" not in heads
    assert book["Pasien"].column_dimensions[heads["Nama lengkap"]].width == 36
    source, _job = imported(answer.content)
    assert source.counts == {"rows": 1, "created": 1, "notes": 0}
    patient = Patient.objects.get()
    assert (patient.full_name, patient.nik, patient.guarantor, str(patient.birth_date)) == (
        "Siti Aminah", "2171015203850001", "bpjs", "1985-03-12",
    )  # fmt: skip
    assert patient.demographics.occupation_code == "4"
    assert patient.addresses.get().village_name == "Baloi Permai"


# --- Export -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def siti(admin):
    return register_patient(
        actor=admin, full_name="=SUM(A1:A9)", birth_date=date(1985, 3, 12), sex="female", nik="2171015203850001",
        phone="081234567890", address="Jl. Melati 3", mother_name="@Rohani",
    )  # fmt: skip


def exported(admin, **asked) -> tuple[Job, bytes]:
    from jobs import services

    job = services.request(kind=exports.EXPORT, actor=admin, parameters=exports.parameters(**asked))
    job = runner.run_to_end(job.pk)
    assert job.state == "done", job.error
    return job, files.read(job.result)


def test_no_cell_is_a_formula_and_numbers_keep_their_digits(admin, siti):
    columns = ["full_name", "nik", "phone", "mother_name", "birth_date"]
    _job, data = exported(admin, columns=columns, reason="report", ending="csv")
    text = data.decode("utf-8-sig").splitlines()
    assert text[0] == "Nama lengkap;NIK;Tanggal lahir;Perkiraan;Nama ibu kandung;No. HP"
    assert text[1] == "'=SUM(A1:A9);2171015203850001;12/03/1985;;'@Rohani;0812-3456-7890"
    job, data = exported(admin, columns=columns, reason="report")
    sheet = openpyxl.load_workbook(io.BytesIO(data)).active
    written = [cell for cell in sheet[2] if cell.column_letter != "D"]  # the date is exact
    assert [cell.value for cell in written] == [
        "=SUM(A1:A9)",
        "2171015203850001",
        "12/03/1985",
        "@Rohani",
        "0812-3456-7890",
    ]
    assert sheet["D2"].value is None
    assert {cell.data_type for cell in written} in ({"s"}, {"inlineStr"})
    assert b"<f>" not in data
    assert {cell.number_format for cell in written} == {"@"}
    widths = [sheet.column_dimensions[letter].width for letter in "ABCDEF"]
    assert widths == [36, 20, 17, 13, 30, 18], "names, numbers and addresses are read without pulling at columns"
    assert job.expires_at - job.finished_at == exports.LIFETIME


@pytest.mark.parametrize(
    ("accuracy", "word"), [("exact", ""), ("month", "bulan"), ("year", "tahun"), ("estimated", "perkiraan")]
)
def test_a_date_of_birth_says_how_far_it_is_known_and_comes_back_so(admin, siti, imported, accuracy, word):
    Patient.objects.update(birth_accuracy=accuracy, nik=None, nik_bidx=None, nik_bidx_b=None, mother_name="")
    _job, data = exported(admin, columns=["full_name", "birth_date", "sex"], reason="migration", ending="csv")
    assert data.decode("utf-8-sig").splitlines()[1] == f"'=SUM(A1:A9);12/03/1985;{word};P"
    Patient.objects.update(full_name="Orang Lain", birth_date=date(1960, 1, 1), birth_accuracy="exact")
    imported(data.replace(b"=SUM(A1:A9)", b"Siti Aminah").replace(b"'", b""))
    known = Patient.objects.exclude(pk=siti.pk).get()
    assert (known.birth_accuracy, known.birth_date) == (accuracy, date(1985, 3, 12))


def test_an_unknown_word_about_the_date_of_birth_is_refused(imported):
    source, _job = imported(b"nama,tgl lahir,perkiraan,jk\nSiti Aminah,12/03/1985,kira-kira,P\n")
    assert source.counts["error"] == 1
    assert not Patient.objects.exists()


def test_an_export_is_written_down_with_size_columns_and_reason(admin, siti):
    exported(admin, columns=["full_name"], reason="contact", guarantor="self")
    event = AuditEvent.objects.get(action="patients.list.exported")
    assert event.detail == {"rows": 1, "columns": ["full_name"], "filters": ["guarantor"], "reason": "contact"}
    assert event.actor_id == admin.pk


def test_filters_narrow_and_merged_records_never_leave(admin, siti):
    def names(**asked):
        return (
            exported(admin, columns=["record_number"], reason="check", ending="csv", **asked)[1]
            .decode()
            .splitlines()[1:]
        )

    other = register_patient(actor=admin, full_name="Budi", birth_date=date(1990, 1, 1), sex="male", guarantor="bpjs")
    assert names() == [siti.record_number, other.record_number]
    assert names(guarantor="bpjs") == [other.record_number]
    assert names(registered_until=date(2026, 3, 4)) == []
    assert names(registered_from=date(2026, 3, 5), registered_until=date(2026, 3, 5)) == names()
    Patient.objects.filter(pk=other.pk).update(status="archived")
    assert names(status="archived") == [other.record_number]
    Patient.objects.filter(pk=other.pk).update(status="merged", merged_into=siti)
    assert names() == [siti.record_number]


def test_the_nik_needs_a_fresh_factor(admin, siti, client_for, client, time_machine):
    from datetime import timedelta

    from core import clock

    form = {"columns": ["full_name", "nik"], "ending": "csv", "reason": "report"}
    fresh = client_for(admin)
    page = fresh.get(url("export")).content.decode()
    assert 'value="nik"' not in page
    assert fresh.post(url("export"), form).status_code == 422, "not among the columns without asking for it"
    assert fresh.post(f"{url('export')}?nik=1", form).status_code == 302
    assert Job.objects.get().parameters["columns"] == ["full_name", "nik"]
    sign_in(client, admin)
    time_machine.move_to(clock.now() + timedelta(minutes=6))
    for answer in (client.get(f"{url('export')}?nik=1"), client.post(f"{url('export')}?nik=1", form)):
        assert answer.status_code == 302
        assert reverse("accounts:factor-confirm") in answer["Location"]
    assert Job.objects.count() == 1


def test_what_was_exported_can_be_imported_again(admin, siti, imported):
    _job, data = exported(admin, columns=list(exports.COLUMNS), reason="migration", ending="csv")
    source, _job = imported(data, on_value="leave_out")
    assert source.counts["skipped"] == 1
    assert source.rows.get().problem == "nik"


def test_an_export_costs_the_same_for_3_and_30(admin, django_assert_max_num_queries):
    counts = []
    for total in (3, 27):
        for number in range(total):
            register_patient(
                actor=admin, full_name=f"Orang {total * 'b'} {number * 'a'}", birth_date=date(1980, 1, 1), sex="male",
                duplicate_reason="x",
            )  # fmt: skip
        from core.sheets import CsvWriter

        asked = exports.parameters(columns=list(exports.COLUMNS), reason="check")
        with django_assert_max_num_queries(10) as queries:
            exports.write(CsvWriter(), actor=admin, asked=asked, progress=lambda done, total: None)
        counts.append(len(queries))
    assert counts[0] == counts[1]


# --- Commands ---------------------------------------------------------------------------------------------------------


def run(*arguments: str) -> str:
    out = StringIO()
    call_command(*arguments, stdout=out, stderr=out)
    return out.getvalue()


def test_the_command_imports_and_prints_no_identity(admin, tmp_path):
    path = tmp_path / "pasien.csv"
    path.write_bytes(csv_bytes(people(6)))
    text = run("import_patients", str(path), "--actor", admin.username, "--dry-run")
    assert "6 rows checked: 0 wrong" in text
    assert Patient.objects.count() == 0
    text += run("import_patients", str(path), "--actor", admin.username, "--keep-numbers")
    assert "6 imported" in text
    assert Patient.objects.filter(record_number="000006").exists()
    assert not [row for row in people(6) if row["nm_pasien"] in text or row["no_ktp"] in text]
    path.write_bytes(csv_bytes(people(2)))
    with pytest.raises(CommandError, match="no unfinished import"):
        run("import_patients", str(path), "--actor", admin.username, "--resume")


def test_the_command_takes_a_mapping_and_refuses_what_is_wrong(admin, cast, tmp_path):
    path, mapping = tmp_path / "x.csv", tmp_path / "m.json"
    path.write_text("siapa;kapan\nSiti Aminah;12/03/1985\n")
    mapping.write_text('{"Siapa": "full_name", "kapan": "birth_date"}')
    assert "1 imported" in run("import_patients", str(path), "--actor", admin.username, "--mapping", str(mapping))
    for text, words in (
        ('{"x": "full_name"}', "no such columns"),
        ('{"siapa": "name"}', "Unknown fields"),
        ("[", "no JSON"),
    ):
        mapping.write_text(text)
        with pytest.raises(CommandError, match=words):
            run("import_patients", str(path), "--actor", admin.username, "--mapping", str(mapping))
    with pytest.raises(CommandError, match="may import"):
        run("import_patients", str(path), "--actor", cast.receptionist.username)
    with pytest.raises(CommandError, match="cannot be read"):
        run("import_patients", str(tmp_path / "none.csv"), "--actor", admin.username)


def test_the_command_exports_to_a_file_for_one_pair_of_eyes(admin, siti, tmp_path):
    path = tmp_path / "pasien.xlsx"
    assert "1 patients are in" in run("export_patients", "--out", str(path), "--actor", admin.username)
    assert path.stat().st_mode & 0o777 == 0o600
    assert AuditEvent.objects.get(action="patients.list.exported").detail["rows"] == 1
    with pytest.raises(CommandError, match="cannot be written"):
        run("export_patients", "--out", str(path), "--actor", admin.username)
    with pytest.raises(CommandError, match="must end"):
        run("export_patients", "--out", str(tmp_path / "x.pdf"), "--actor", admin.username)

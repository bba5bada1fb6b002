"""Files in the spellings of the world, and those made to harm; single cells as other systems write them."""

from __future__ import annotations

import io
import random
import zipfile
from datetime import date, datetime

import pytest

from patients.importing import reading, values
from patients.importing.columns import COLUMNS, has_heading, masked, recognise, repeated
from patients.importing.reading import UnreadableFile, plain_rows, read_table
from patients.importing.values import WrongValue
from tests.patients.importing.lists import KHANZA, xlsx_bytes


def rows(data: bytes) -> list[list[str]]:
    return [cells for _number, cells in plain_rows(read_table(data).plain)]


TEXT = "nama,kota\nSiti Aminah,Batam\nNu'man Café,Tanjung Pinang\n"


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
def test_csv_in_usual_spellings(delimiter, encoding):
    assert rows(TEXT.replace(",", delimiter).encode(encoding)) == [
        ["nama", "kota"], ["Siti Aminah", "Batam"], ["Nu'man Café", "Tanjung Pinang"],
    ]  # fmt: skip


def test_quotes_line_breaks_and_a_line_that_names_the_separator():
    data = b'sep=;\r\nnama;alamat\r\n"Siti; Aminah";"Jl. Melati 3\nBatam"\r\n'
    assert rows(data) == [["nama", "alamat"], ["Siti; Aminah", "Jl. Melati 3\nBatam"]]


def test_numbers_are_those_of_the_spreadsheet_and_empty_rows_are_left_out():
    table = read_table(b"\n\nnama,x\n,,\nSiti,1\n , \nBudi,2\n")
    assert list(plain_rows(table.plain)) == [(3, ["nama", "x"]), (5, ["Siti", "1"]), (7, ["Budi", "2"])]
    assert list(plain_rows(table.plain, after=5)) == [(7, ["Budi", "2"])]
    assert (table.row_count, table.column_count, table.first_number) == (3, 2, 3)


def test_a_workbook_gives_values_as_text():
    data = xlsx_bytes([
        ["nama", "lahir", "nik", "rm", "umur", "tanggal", "ya"],
        ["Siti", date(1985, 3, 12), 3171015203850001, 123, 40.0, datetime(1985, 3, 12, 10, 30), True],
        [None, None, None, None, None, None, None],
        ["=1+1", "#N/A", 12.5, "'=x", 99999999999999, None, None],
    ])  # fmt: skip
    assert rows(data)[1] == ["Siti", "1985-03-12", "3.17102E+15", "123", "40", "1985-03-12 10:30", "1"]
    assert rows(data)[2] == ["", "", "12.5", "=x", "99999999999999"], "a formula without a stored value is nothing"


def zipped(**parts: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    return file.getvalue()


def with_part(data: bytes, name: str, change) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as new:
        for part in old.namelist():
            content = old.read(part)
            new.writestr(part, change(content) if part == name else content)
    return file.getvalue()


GOOD = xlsx_bytes([["nama"], ["Siti"]])
SHEET = "xl/worksheets/sheet1.xml"


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (zipped(**{"a.txt": b"x"}), "no CSV and no XLSX"),
        (GOOD[: len(GOOD) // 2], "damaged or protected"),
        (with_part(GOOD, SHEET, lambda xml: b"<worksheet><broken"), "damaged or protected"),
        (with_part(GOOD, SHEET, lambda xml: b"<!DOCTYPE x [<!ENTITY a 'b'>]>" + xml), "damaged or protected"),
        (with_part(GOOD, SHEET, lambda xml: xml + b" " * 60_000_000), "too big"),
        (
            zipped(**{"[Content_Types].xml": b"", "xl/workbook.xml": b"", **{f"{at}": b"" for at in range(2_001)}}),
            "too big",
        ),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "no CSV and no XLSX"),
        (b"nama\x00,x\n", "no CSV and no XLSX"),
        (b'"' + b"x" * 200_000, "cannot be read as CSV"),
        (b"nama\n" + b",".join([b"x"] * 101), "more than 100 columns"),
    ],
    ids=range(10),
)
def test_harmful_and_broken_files_are_a_sentence(data, words):
    with pytest.raises(UnreadableFile, match=words):
        read_table(data)


ENTITY = b"<!DOCTYPE x [<!ENTITY a 'b'>]>"


@pytest.mark.parametrize("before", [0, 4_090, 5_000, reading.SCAN_BYTES - 60, reading.SCAN_BYTES - 40, 1_000_000])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_entities_are_refused_wherever_they_are_defined(before, encoding):
    head = f'<?xml version="1.0" encoding="{encoding}"?><!--{"x" * before}-->{ENTITY.decode()}<worksheet/>'
    data = with_part(GOOD, SHEET, lambda _xml: head.encode(encoding))
    with pytest.raises(UnreadableFile, match="damaged or protected"):
        reading._refuse_harm(data)


def test_no_piece_hides_a_beginning(monkeypatch):
    monkeypatch.setattr(reading, "SCAN_BYTES", 7)
    for before in range(12):
        data = with_part(
            GOOD, SHEET, lambda xml, before=before: b"<!--" + b"x" * before + b"-->" + ENTITY.lower() + xml
        )
        with pytest.raises(UnreadableFile, match="damaged or protected"):
            reading._refuse_harm(data)
    reading._refuse_harm(GOOD)


def test_capitals_in_the_name_of_a_part_hide_nothing():
    file = io.BytesIO(GOOD)
    with zipfile.ZipFile(file, "a") as archive:
        archive.writestr("xl/worksheets/OTHER.XML", ENTITY)
    with pytest.raises(UnreadableFile, match="damaged or protected"):
        read_table(file.getvalue())


def test_too_many_rows_are_refused(monkeypatch):
    monkeypatch.setattr(reading, "MAX_ROWS", 10)
    read_table(b"nama\n" + b"x\n" * 10)
    with pytest.raises(UnreadableFile, match="more than 10 rows"):
        read_table(b"nama\n" + b"x\n" * 11)


def test_a_sheet_that_lies_about_its_size_costs_nothing():
    data = with_part(GOOD, SHEET, lambda xml: xml.replace(b'ref="A1:A2"', b'ref="A1:XFD1048576"'))
    assert rows(data) == [["nama"], ["Siti"]]
    far = with_part(GOOD, SHEET, lambda xml: xml.replace(b'r="A2"', b'r="XFD2"'))
    with pytest.raises(UnreadableFile, match="more than 100 columns"):
        read_table(far)


def test_links_to_other_files_are_not_followed():
    link = b'<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"></Relationships>'
    file = io.BytesIO(GOOD)
    with zipfile.ZipFile(file, "a") as archive:
        archive.writestr("xl/externalLinks/externalLink1.xml", b"<externalLink/>")
        archive.writestr("xl/externalLinks/_rels/externalLink1.xml.rels", link)
    assert rows(file.getvalue()) == [["nama"], ["Siti"]]


def test_random_bytes_and_changed_files_are_read_or_refused():
    rng = random.Random(4)
    for _time in range(400):
        data = bytes(rng.randrange(256) for _byte in range(rng.randrange(1, 400)))
        broken = bytearray(GOOD)
        for _change in range(rng.randrange(1, 20)):
            broken[rng.randrange(len(broken))] = rng.randrange(256)
        for one in (data, bytes(broken)):
            try:
                read_table(one)
            except UnreadableFile as error:
                assert str(error)  # noqa: PT017 - either way is fine, anything else is not


# --- Headings ---------------------------------------------------------------------------------------------------------


def test_headings_of_khanza_are_all_known():
    found = recognise(KHANZA)
    assert len(found) == len(KHANZA), set(range(len(KHANZA))) - set(found)
    assert found[0] == "old_record"
    assert found[15] == "contact_name"


def test_headings_in_other_words_and_twice():
    headings = ["No. RM", "NAMA PASIEN", "Tgl_Lahir", "L/P", "Kelurahan / Desa", "nama", "???"]
    assert recognise(headings) == {0: "old_record", 1: "full_name", 2: "birth_date", 3: "sex", 4: "village"}
    assert repeated(["Nama", "nama ", "NIK"]) == ["nama "]


def test_our_own_headings_are_known():
    assert list(recognise([column.heading for column in COLUMNS]).values()) == [column.code for column in COLUMNS]


@pytest.mark.parametrize(
    ("first", "expected"),
    [
        (["Nama", "Tanggal lahir"], True),
        (["a", "b"], True),
        (["Siti Aminah", "12/03/1985"], False),
        (["Siti Aminah", "2171015203850001"], False),
    ],
)
def test_a_first_row_of_data_is_no_heading(first, expected):
    assert has_heading(first) is expected


def test_previews_hide():
    assert masked("Siti Aminah") == "Si•• Am••••"
    assert masked("2171015203850001") == "21••••••••"
    assert masked("L") == "L"


# --- Cells ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("12/03/1985", date(1985, 3, 12)), ("12-3-1985", date(1985, 3, 12)), ("12.03.1985", date(1985, 3, 12)),
        ("1985-03-12", date(1985, 3, 12)), ("1985-03-12 00:00:00", date(1985, 3, 12)), ("1985/3/12", date(1985, 3, 12)),
        ("12 Maret 1985", date(1985, 3, 12)), ("1 Agustus 1945", date(1945, 8, 1)), ("3-Mei-1990", date(1990, 5, 3)),
        ("31118", date(1985, 3, 12)), ("0000-00-00", None), ("-", None), ("", None), ("tidak ada", None),
    ],
)  # fmt: skip
def test_birth_dates(text, expected):
    assert values.birth_date(text) == expected


@pytest.mark.parametrize(
    "text",
    ["12/03/85", "85-03-12", "30/02/1985", "13/13/1985", "kemarin", "2030-01-01", "1800-01-01", "3.17E+15", "123"],
)
def test_wrong_birth_dates_are_a_sentence_without_the_value(text):
    with pytest.raises(WrongValue) as found:
        values.birth_date(text)
    assert text not in str(found.value)


@pytest.mark.parametrize(
    ("parse", "text", "expected"),
    [
        (values.nik, "2171 0152 0385 0001", "2171015203850001"), (values.nik, "'2171015203850001", "2171015203850001"),
        (values.nik, "0000000000000000", ""), (values.nik, "9999999999999999", ""), (values.nik, "-", ""), (values.nik, "0", ""),
        (values.bpjs_number, "1234567890", "0001234567890"), (values.bpjs_number, "0001234567890", "0001234567890"),
        (values.bpjs_number, "-", ""), (values.phone, "81234567890", "081234567890"), (values.phone, "0", ""),
        (values.phone, "0812-3456-7890 / 0778123456", "0812-3456-7890"), (values.sex, "Laki-Laki", "male"),
        (values.sex, "P", "female"),
        (values.sex, "PR", "female"), (values.sex, "", "unknown"), (values.payer, "BPJS Kesehatan PBI", "bpjs"),
        (values.payer, "UMUM", "self"), (values.payer, "Prudential", "insurance"), (values.payer, "", ""),
        (values.blood_type, "ab +", ("AB", "+")), (values.blood_type, "0", ("O", "")), (values.blood_type, "-", ("", "")),
        (values.blood_type, "O RH POSITIF", ("O", "+")), (values.country, "WNI", "ID"), (values.country, "Singapura", "SG"),
        (values.country, "my", "MY"), (values.country, "", "ID"), (values.occupation, "PNS", ("1", "PNS")),
        (values.occupation, "Ibu rumah tangga", ("5", "Ibu rumah tangga")), (values.occupation, "3", ("3", "")),
        (values.rt, "RT 03", "03"), (values.rt, "000", ""), (values.postal_code, "00000", ""),
    ],
)  # fmt: skip
def test_cells(parse, text, expected):
    assert parse(text) == expected


@pytest.mark.parametrize(
    ("parse", "text"),
    [
        (values.nik, "3.17102E+15"), (values.nik, "3,17102E+15"), (values.bpjs_number, "1.23E+12"), (values.phone, "8.12E+10"),
        (values.number, "1E+09"), (values.sex, "Z"), (values.blood_type, "C"), (values.country, "Atlantis"),
        (values.born_from_age, "tua"), (values.born_from_age, "131"),
    ],
)  # fmt: skip
def test_wrong_cells_are_a_sentence_without_the_value(parse, text):
    with pytest.raises(WrongValue) as found:
        parse(text)
    assert text not in str(found.value).split()


def test_a_rounded_nik_says_what_to_do():
    with pytest.raises(WrongValue, match=r"rounded this NIK.*Set the column to Text"):
        values.nik("3.17102E+15")


@pytest.mark.parametrize(
    ("list_name", "text", "code"),
    [
        ("religion", "ISLAM", "1"), ("religion", "Katholik", "3"), ("religion", "2", "2"), ("marital", "BELUM MENIKAH", "1"),
        ("marital", "JANDA", "4"), ("education", "SLTA/SEDERAJAT", "3"), ("education", "S1", "6"), ("relation", "SUAMI", "4"),
        ("religion", "", ""),
    ],
)  # fmt: skip
def test_words_of_other_systems_become_codes(list_name, text, code):
    assert values.code(list_name, text) == code


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("SITI AMINAH, NY", ("", "SITI AMINAH", "")), ("BUDI SANTOSO,TN", ("", "BUDI SANTOSO", "")),
        ("AHMAD . AN", ("", "AHMAD", "")), ("Ny. Siti Aminah", ("", "Siti Aminah", "")),
        ("BY. NY. ROHANI", ("", "BY. NY. ROHANI", "")),
        ("dr. Budi, Sp.A", ("dr.", "Budi", "Sp.A")), ("Ny", ("", "Ny", "")), ("DANNY", ("", "DANNY", "")),
        ("Suharto", ("", "Suharto", "")),
    ],
)  # fmt: skip
def test_names_lose_the_salutation_at_the_end(text, expected):
    assert values.name(text) == expected

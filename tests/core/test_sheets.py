"""Tables as files: readable by spreadsheets, never run by them."""

from __future__ import annotations

import csv
import io
import zipfile
from xml.etree import ElementTree

import openpyxl
import pytest

from core import sheets
from core.sheets import CsvWriter, XlsxWriter, escape_formula, unescape_formula

HOSTILE = ["=1+1", "+1+1", "-1+cmd|' /C calc'!A0", "@SUM(A1)", "\t=1", "\r=1", "|x", "%x"]


@pytest.mark.parametrize("text", HOSTILE)
def test_what_looks_like_a_formula_is_text_in_both(text):
    assert unescape_formula(escape_formula(text)) == text
    writer = CsvWriter()
    writer.sheet("x", ["a"])
    writer.row([text])
    cell = next(
        csv.reader(io.StringIO(writer.finish().decode("utf-8-sig").split("\r\n", 1)[1], newline=""), delimiter=";")
    )[0]
    assert cell == f"'{text}"
    book = XlsxWriter()
    book.sheet("x", ["a"])
    book.row([text])
    data = book.finish()
    sheet = zipfile.ZipFile(io.BytesIO(data)).read("xl/worksheets/sheet1.xml")
    assert b"<f>" not in sheet
    assert openpyxl.load_workbook(io.BytesIO(data)).active["A2"].data_type in ("s", "inlineStr")


@pytest.mark.parametrize("cell", ["-12", "+62812345", "-1,5", 5, None, "Siti", ""])
def test_numbers_and_words_stay(cell):
    assert escape_formula(cell) == cell


def test_columns_are_as_wide_as_asked_or_as_their_heading():
    book = XlsxWriter()
    book.sheet("x", ["Nama", "Nama ibu kandung", "x" * 90, "No."], [36, None])
    sheet = openpyxl.load_workbook(io.BytesIO(book.finish())).active
    assert [sheet.column_dimensions[letter].width for letter in "ABCD"] == [36, 20, 48, 12]


def test_a_workbook_is_read_as_it_was_written():
    book = XlsxWriter()
    book.sheet("Hasil [1]/2", ["Nomor", "Nama", "Catatan"])
    book.row([1, "Nu'man & <b>Café</b> 😀\x00\x0b", None])
    book.row([20, "  dua\nbaris  ", "2171015203850001"])
    book.sheet("Kedua", ["x"] * 30)
    book.row([str(at) for at in range(30)])
    loaded = openpyxl.load_workbook(io.BytesIO(book.finish()))
    assert loaded.sheetnames == ["Hasil  1  2", "Kedua"]
    first = loaded.worksheets[0]
    assert [cell.value for cell in first[2]] == [1, "Nu'man & <b>Café</b> 😀", None]
    assert [cell.value for cell in first[3]] == [20, "  dua\nbaris  ", "2171015203850001"]
    assert first["B2"].number_format == "@"
    assert first["A1"].font.bold
    assert first.freeze_panes == "A2"
    assert loaded.worksheets[1]["AD2"].value == "29"


def test_every_part_is_xml_and_named_in_the_package():
    book = XlsxWriter()
    book.sheet("a", ["x"])
    archive = zipfile.ZipFile(io.BytesIO(book.finish()))
    for name in archive.namelist():
        ElementTree.fromstring(archive.read(name))
    assert {
        "[Content_Types].xml",
        "_rels/.rels",
        "xl/workbook.xml",
        "xl/_rels/workbook.xml.rels",
        "xl/styles.xml",
    } <= set(archive.namelist())


def test_more_rows_than_a_sheet_has_are_refused(monkeypatch):
    monkeypatch.setattr(sheets, "MOST_ROWS", 3)
    book = XlsxWriter()
    book.sheet("a", ["x"])
    book.row(["1"])
    book.row(["2"])
    with pytest.raises(sheets.TooManyRows):
        book.row(["3"])

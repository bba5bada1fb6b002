"""Files of rows as they come: CSV in the usual spellings and XLSX, brought into one plain form. Pure: no table is asked.

The plain form is gzipped CSV in UTF-8, each row with its number in front as the spreadsheet shows it (the heading is row
1); rows without any text are left out. Reading it again is cheap, which an import does at each of its turns.
"""

from __future__ import annotations

import csv
import gzip
import io
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time
from itertools import islice
from typing import IO, Any

from django.utils.translation import gettext as _

from core.errors import InvalidInput
from core.sheets import unescape_formula

MAX_ROWS = 200_000
MAX_COLUMNS = 100
MAX_CELL = 2_000  # letters; longer cells are cut, no field is as long
MAX_UNZIPPED = 512 * 1024 * 1024
MAX_PARTS = 2_000
BOMB_RATIO = 200  # a sheet of people compresses to a tenth
BOMB_FLOOR = 20 * 1024 * 1024
EXACT_DIGITS = 15  # of a number in a spreadsheet; a NIK has 16
SAMPLE_ROWS = 5
DELIMITERS = ",;\t|"
SCAN_BYTES = 256 * 1024  # looked at in one piece
DOCTYPE = b"<!DOCTYPE"
OLE = b"\xd0\xcf\x11\xe0"
ZIP = b"PK\x03\x04"
CELL_ERRORS = frozenset({"#N/A", "#NAME?", "#VALUE!", "#REF!", "#DIV/0!", "#NUM!", "#NULL!"})
_SEPARATOR_LINE = re.compile(r"^sep=(.)\r?\n", re.IGNORECASE)


class UnreadableFile(InvalidInput):
    """The file is no table of rows that we can read."""

    code = "patients.unreadable_file"


@dataclass(frozen=True)
class Table:
    """A file in the plain form, and what its first rows look like."""

    plain: bytes
    row_count: int  # rows with text, the heading among them
    column_count: int
    first_number: int  # of the first row with text
    sample: list[list[str]]  # the first rows, the heading among them


def is_workbook(data: bytes) -> bool:
    """True for what may be an XLSX file."""
    return data.startswith(ZIP)


def read_table(data: bytes) -> Table:
    """Return a file in the plain form.

    Raises:
        UnreadableFile: empty, no CSV and no XLSX, protected, damaged, too many rows or columns, or made to harm.
    """
    if not data.strip():
        raise UnreadableFile(_("The file is empty. Save it again from your spreadsheet, then choose it once more."))
    if data.startswith(OLE):
        sentence = _("This is an old Excel file (.xls) or one with a password.")
        advice = _("Save it as XLSX or CSV without a password, then choose it once more.")
        raise UnreadableFile(f"{sentence} {advice}")
    rows = _xlsx_rows(data) if is_workbook(data) else _csv_rows(data)
    buffer = io.BytesIO()
    count = columns = first = 0
    sample: list[list[str]] = []
    with gzip.open(buffer, "wt", compresslevel=3, encoding="utf-8", newline="") as text:
        writer = csv.writer(text)
        for number, cells in rows:
            count, columns, first = count + 1, max(columns, len(cells)), first or number
            if count > MAX_ROWS + 1:
                raise UnreadableFile(
                    _("The file has more than %(most)d rows. Split it into several files.") % {"most": MAX_ROWS}
                )
            if columns > MAX_COLUMNS:
                raise _too_wide()
            if len(sample) <= SAMPLE_ROWS:
                sample.append(cells)
            writer.writerow([number, *cells])
    if not count:
        raise UnreadableFile(_("All rows of this file are empty."))
    return Table(buffer.getvalue(), count, columns, first, sample)


def plain_rows(plain: bytes, *, after: int = 0) -> Iterator[tuple[int, list[str]]]:
    """Yield number and cells of each row of the plain form whose number is greater than `after`."""
    with gzip.open(io.BytesIO(plain), "rt", encoding="utf-8", newline="") as text:
        for record in csv.reader(text):
            number = int(record[0])
            if number > after:
                yield number, record[1:]


# --- CSV ------------------------------------------------------------------------------------------------------------


def _csv_rows(data: bytes) -> Iterator[tuple[int, list[str]]]:
    text = _decoded(data)
    separator = _SEPARATOR_LINE.match(text)
    if separator:
        text = text[separator.end() :]
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator[1] if separator else _delimiter(text))
    try:
        for number, record in enumerate(reader, start=1):
            cells = _tidy(record)
            if cells:
                yield number, cells
    except csv.Error as error:
        raise UnreadableFile(
            _("Line %(line)d cannot be read as CSV: a quotation mark is not closed, or the cell is too long.")
            % {"line": reader.line_num}
        ) from error


def _decoded(data: bytes) -> str:
    is_utf16 = data.startswith((b"\xff\xfe", b"\xfe\xff"))
    for encoding in ["utf-16"] if is_utf16 else ["utf-8-sig", "cp1252"]:
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\x00" not in text:
            return text
    raise UnreadableFile(_("This is no CSV and no XLSX file. Choose the list of patients as CSV or XLSX."))


def _delimiter(text: str) -> str:
    """Return the sign that divides most of the first lines into equally many cells, more than one."""
    beginning = "\n".join(islice(text.splitlines(), 20))
    best, most = ",", 0.0
    for sign in DELIMITERS:
        try:
            widths = [len(record) for record in csv.reader(io.StringIO(beginning), delimiter=sign) if record]
        except csv.Error:
            continue
        if not widths or max(widths) < 2:
            continue
        usual = max(set(widths), key=widths.count)
        score = widths.count(usual) / len(widths) * min(usual, MAX_COLUMNS)
        if usual > 1 and score > most:
            best, most = sign, score
    return best


# --- XLSX -----------------------------------------------------------------------------------------------------------


def _xlsx_rows(data: bytes) -> Iterator[tuple[int, list[str]]]:
    _refuse_harm(data)
    import openpyxl

    try:
        book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True, keep_links=False)
    except Exception as error:
        raise _damaged() from error
    try:
        shown = [sheet for sheet in book.worksheets if sheet.sheet_state == "visible"]
        if not shown:
            raise UnreadableFile(_("This workbook has no sheet with rows."))
        shown[0].reset_dimensions()  # the size a file claims may be a lie
        for number, cells in enumerate(_values(shown[0]), start=1):
            if any(cell is not None for cell in cells[MAX_COLUMNS:]):
                raise _too_wide()
            texts = _tidy([cell_text(cell) for cell in cells[:MAX_COLUMNS]])
            if texts:
                yield number, texts
    finally:
        book.close()


def _values(sheet: Any) -> Iterator[tuple[Any, ...]]:
    rows = sheet.iter_rows(values_only=True)
    while True:
        try:
            row = next(rows, None)
        except Exception as error:
            raise _damaged() from error
        if row is None:
            return
        yield row


def _refuse_harm(data: bytes) -> None:
    """Refuse archives that are no workbook, unpack to far more than they are, or define entities of their own."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            parts = archive.infolist()
            names = {part.filename for part in parts}
            if "[Content_Types].xml" not in names or not any(name.endswith("workbook.xml") for name in names):
                raise UnreadableFile(_("This is no CSV and no XLSX file. Choose the list of patients as CSV or XLSX."))
            size = sum(part.file_size for part in parts)
            is_bomb = size > BOMB_FLOOR and size > BOMB_RATIO * len(data)
            if len(parts) > MAX_PARTS or size > MAX_UNZIPPED or is_bomb:
                raise UnreadableFile(_("This workbook is too big to be opened. Save the list as CSV, or split it."))
            for part in parts:
                if part.filename.lower().endswith((".xml", ".rels")):
                    with archive.open(part) as content:
                        if _has_doctype(content):
                            raise _damaged()
    except UnreadableFile:
        raise
    except Exception as error:  # whatever a broken archive makes of the unpacker
        raise _damaged() from error


def _has_doctype(content: IO[bytes]) -> bool:
    """True when a member defines a document type anywhere: any length of comment or space may stand before it.

    Read in pieces, so a member of any size takes little memory; the unpacker gives no more than the size in the directory,
    which was judged before. Without zero bytes UTF-16 reads like UTF-8.
    """
    tail = b""
    while piece := content.read(SCAN_BYTES):
        seen = tail + piece.replace(b"\0", b"").upper()
        if DOCTYPE in seen:
            return True
        tail = seen[-(len(DOCTYPE) - 1) :]
    return False


def _too_wide() -> UnreadableFile:
    return UnreadableFile(
        _("The file has more than %(most)d columns. Remove those that are not needed.") % {"most": MAX_COLUMNS}
    )


def _damaged() -> UnreadableFile:
    return UnreadableFile(
        _("This workbook is damaged or protected. Open it in your spreadsheet, save it anew as XLSX or CSV.")
    )


def cell_text(cell: Any) -> str:
    """Return the value of a spreadsheet cell as text: dates as 1985-03-05, whole numbers without decimals.

    A number too long for a spreadsheet to hold exactly is written as it shows it (3.17101E+15), so that it is refused as
    such: its last digits are gone.
    """
    if cell is None:
        return ""
    if isinstance(cell, str):
        return "" if cell in CELL_ERRORS else unescape_formula(cell)
    if isinstance(cell, bool):
        return "1" if cell else "0"
    if isinstance(cell, int | float):
        return _number_text(cell)
    if isinstance(cell, datetime):
        return cell.date().isoformat() if cell.time() == time() else cell.isoformat(" ", "minutes")
    if isinstance(cell, date):
        return cell.isoformat()
    return str(cell)


def _number_text(number: float) -> str:
    if abs(number) >= 10**EXACT_DIGITS or number != number:
        return f"{number:.5E}"
    return str(int(number)) if number == int(number) else repr(number)


def _tidy(cells: list[str]) -> list[str]:
    """Return the cells without space around, cut, and without empty ones at the end; empty when there is no text at all."""
    tidy = [unescape_formula(cell.strip())[:MAX_CELL] for cell in cells]
    while tidy and not tidy[-1]:
        tidy.pop()
    return tidy

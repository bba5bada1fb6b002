"""Tables as files: CSV and XLSX that no spreadsheet runs anything of, written row by row without files in between.

The XLSX writer knows texts and whole numbers only. What it wrote lies compressed in memory, so a list of 100,000 people
never stands in clear on a disk (other writers use temporary files).
"""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Sequence
from typing import IO, Any, Protocol
from xml.sax.saxutils import escape, quoteattr

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%")
NUMBER = re.compile(r"[+-]?\d+([.,]\d+)?")
CSV_TYPE = "text/csv; charset=utf-8"
XLSX_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
MOST_LETTERS = 32_767  # of one cell
MOST_ROWS = 1_048_576  # of one sheet
LEAST_WIDTH, MOST_WIDTH = 12, 48  # letters, of a column whose width nobody gave

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_NOT_IN_TITLES = re.compile(r"[\[\]:*?/\\]")
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
# 1: text that is never a formula or a number; 2: heading.
_STYLES = (
    f'{_HEAD}<styleSheet xmlns="{_MAIN}"><fonts count="2"><font><sz val="11"/><name val="Calibri"/></font>'
    '<font><b/><sz val="11"/><name val="Calibri"/></font></fonts><fills count="2"><fill><patternFill patternType="none"/>'
    '</fill><fill><patternFill patternType="gray125"/></fill></fills><borders count="1"><border><left/><right/><top/>'
    '<bottom/><diagonal/></border></borders><cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/>'
    '</cellStyleXfs><cellXfs count="3"><xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/>'
    '<xf numFmtId="49" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1" quotePrefix="1"/>'
    '<xf numFmtId="49" fontId="1" fillId="0" borderId="0" xfId="0" applyFont="1" applyNumberFormat="1"/></cellXfs>'
    '<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>'
)


class TooManyRows(ValueError):
    """More rows than a sheet has."""


class TableWriter(Protocol):
    """Takes rows one after the other; `finish` gives the file."""

    content_type: str
    ending: str

    def sheet(self, title: str, headings: Sequence[str], widths: Sequence[int | None] = ()) -> None:
        """Begin a table. `widths` are those of the first columns in letters; without, a column is as wide as its heading."""

    def row(self, cells: Sequence[Any]) -> None:
        """Add a row: texts, whole numbers, or None for nothing."""

    def finish(self) -> bytes:
        """Return the file; nothing can be added any more."""


def escape_formula(cell: Any) -> Any:
    """Return a cell that no spreadsheet runs: text that starts like a formula gets an apostrophe in front."""
    if not isinstance(cell, str) or not cell.startswith(FORMULA_STARTS) or NUMBER.fullmatch(cell):
        return cell
    return f"'{cell}"


def unescape_formula(cell: Any) -> Any:
    """Undo `escape_formula`, so that an exported file can be imported again."""
    if isinstance(cell, str) and cell[:1] == "'" and cell[1:].startswith(FORMULA_STARTS):
        return cell[1:]
    return cell


class CsvWriter:
    """CSV in UTF-8 with a mark that tells spreadsheets so, separated by semicolons as Indonesian spreadsheets expect."""

    content_type = CSV_TYPE
    ending = "csv"

    def __init__(self) -> None:
        self._text = io.StringIO()
        self._text.write("\ufeff")
        self._writer = csv.writer(self._text, delimiter=";", lineterminator="\r\n")

    def sheet(self, title: str, headings: Sequence[str], widths: Sequence[int | None] = ()) -> None:
        self.row(headings)

    def row(self, cells: Sequence[Any]) -> None:
        self._writer.writerow(["" if cell is None else escape_formula(cell) for cell in cells])

    def finish(self) -> bytes:
        return self._text.getvalue().encode("utf-8", "replace")


class XlsxWriter:
    """A workbook of plain tables: a frozen bold heading, texts as texts, whole numbers as numbers."""

    content_type = XLSX_TYPE
    ending = "xlsx"

    def __init__(self) -> None:
        self._buffer = io.BytesIO()
        self._zip = zipfile.ZipFile(self._buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=4)
        self._titles: list[str] = []
        self._part: IO[bytes] | None = None
        self._rows = 0

    def sheet(self, title: str, headings: Sequence[str], widths: Sequence[int | None] = ()) -> None:
        self._close_part()
        self._titles.append(_NOT_IN_TITLES.sub(" ", title)[:31])
        self._part = self._zip.open(f"xl/worksheets/sheet{len(self._titles)}.xml", "w", force_zip64=True)
        self._rows = 0
        usual = [min(MOST_WIDTH, max(LEAST_WIDTH, len(heading) + 4)) for heading in headings]
        given = [*widths, *[None] * (len(headings) - len(widths))]
        columns = "".join(
            f'<col min="{at}" max="{at}" width="{width or own}" customWidth="1"/>'
            for at, (width, own) in enumerate(zip(given, usual, strict=True), start=1)
        )
        self._part.write(
            f'{_HEAD}<worksheet xmlns="{_MAIN}"><sheetViews><sheetView workbookViewId="0"><pane ySplit="1" topLeftCell="A2" '
            f'activePane="bottomLeft" state="frozen"/></sheetView></sheetViews><cols>{columns}</cols><sheetData>'.encode()
        )
        self._write(headings, style=2)

    def row(self, cells: Sequence[Any]) -> None:
        self._write(cells, style=1)

    def finish(self) -> bytes:
        self._close_part()
        sheets, relations, types = "", "", ""
        for at, title in enumerate(self._titles, start=1):
            sheets += f'<sheet name={quoteattr(title)} sheetId="{at}" r:id="rId{at}"/>'
            relations += f'<Relationship Id="rId{at}" Type="{_RELATIONS}/worksheet" Target="worksheets/sheet{at}.xml"/>'
            types += (
                f'<Override PartName="/xl/worksheets/sheet{at}.xml" '
                'ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/>'
            )
        styles = f'<Relationship Id="rId{len(self._titles) + 1}" Type="{_RELATIONS}/styles" Target="styles.xml"/>'
        office = "application/vnd.openxmlformats-officedocument.spreadsheetml"
        parts = {
            "xl/workbook.xml": f'<workbook xmlns="{_MAIN}" xmlns:r="{_RELATIONS}"><sheets>{sheets}</sheets></workbook>',
            "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{_PACKAGE}/relationships">{relations}{styles}</Relationships>',
            "_rels/.rels": f'<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="rId1" '
            f'Type="{_RELATIONS}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
            "[Content_Types].xml": f'<Types xmlns="{_PACKAGE}/content-types"><Default Extension="rels" '
            'ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" '
            f'ContentType="application/xml"/><Override PartName="/xl/workbook.xml" ContentType="{office}.sheet.main+xml"/>'
            f'<Override PartName="/xl/styles.xml" ContentType="{office}.styles+xml"/>{types}</Types>',
        }
        self._zip.writestr("xl/styles.xml", _STYLES)
        for name, text in parts.items():
            self._zip.writestr(name, _HEAD + text)
        self._zip.close()
        return self._buffer.getvalue()

    def _write(self, cells: Sequence[Any], *, style: int) -> None:
        if self._part is None:
            raise RuntimeError("begin a sheet first")
        if self._rows >= MOST_ROWS:
            raise TooManyRows
        self._rows += 1
        written = []
        for at, cell in enumerate(cells):
            if cell is None or cell == "":
                continue
            place = f"{_column(at)}{self._rows}"
            if isinstance(cell, int) and not isinstance(cell, bool):
                written.append(f'<c r="{place}"><v>{cell}</v></c>')
            else:
                text = escape(_NOT_XML.sub("", str(cell))[:MOST_LETTERS])
                written.append(
                    f'<c r="{place}" s="{style}" t="inlineStr"><is><t xml:space="preserve">{text}</t></is></c>'
                )
        self._part.write(f'<row r="{self._rows}">{"".join(written)}</row>'.encode())

    def _close_part(self) -> None:
        if self._part is not None:
            self._part.write(b"</sheetData></worksheet>")
            self._part.close()
            self._part = None


def _column(at: int) -> str:
    name = ""
    at += 1
    while at:
        at, letter = divmod(at - 1, 26)
        name = chr(65 + letter) + name
    return name


WRITERS: dict[str, type[CsvWriter] | type[XlsxWriter]] = {"xlsx": XlsxWriter, "csv": CsvWriter}

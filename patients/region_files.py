"""Read lists of regions from CSV and XLSX files, and the short list that comes with the product."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from django.utils.translation import gettext as _

from core.errors import InvalidInput
from patients.services.regions import RegionRow, import_regions

SHIPPED = Path(__file__).parent / "data" / "regions_kepri.csv"
COLUMNS = ("code", "name", "postal_code", "bps_code")
NAMES = {"kode": "code", "nama": "name", "kode_pos": "postal_code", "kodepos": "postal_code", "kode_bps": "bps_code"}


class UnreadableList(InvalidInput):
    """The file is no list of regions."""

    code = "patients.unreadable_region_list"


def read_rows(path: Path) -> Iterator[RegionRow]:
    """Yield the lines of a CSV (comma, semicolon or tab) or XLSX file.

    The first line names the columns (code, name, postal_code, bps_code, or kode, nama, kode_pos, kode_bps); without
    such a line the first two columns are code and name.

    Raises:
        UnreadableList: it cannot be opened, is not UTF-8, or has no code and name.
    """
    lines = _xlsx(path) if path.suffix.lower() == ".xlsx" else _csv(path)
    first = next(lines, None)
    if first is None:
        raise UnreadableList(_("%(file)s is empty.") % {"file": path.name})
    header = [NAMES.get(name, name) for name in (cell.strip().lower().replace(" ", "_") for cell in first)]
    has_header = "code" in header and "name" in header
    columns = header if has_header else list(COLUMNS[: len(first)])
    if len(columns) < 2:
        raise UnreadableList(_("%(file)s needs the columns code and name.") % {"file": path.name})
    if not has_header:
        yield _row(1, columns, first)
    for line, cells in enumerate(lines, start=2):
        if any(cell.strip() for cell in cells):
            yield _row(line, columns, cells)


def seed(**kwargs: Any) -> None:
    """Load the short list into a database that has no regions yet; receiver of `post_migrate`. Safe to repeat."""
    from patients.models import Region

    if not Region.objects.exists():
        import_regions(rows=read_rows(SHIPPED))


def _row(line: int, columns: Sequence[str], cells: Sequence[str]) -> RegionRow:
    values = dict(zip(columns, cells, strict=False))
    return RegionRow(line, *(values.get(name, "") for name in COLUMNS))


def _csv(path: Path) -> Iterator[list[str]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            beginning = file.readline()
            file.seek(0)
            delimiter = max(",;\t", key=beginning.count)
            yield from csv.reader(file, delimiter=delimiter)
    except OSError as error:
        raise UnreadableList(
            _("%(file)s cannot be read: %(reason)s.") % {"file": path.name, "reason": error.strerror}
        ) from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise UnreadableList(_("%(file)s is not a CSV file in UTF-8.") % {"file": path.name}) from error


def _xlsx(path: Path) -> Iterator[list[str]]:
    from zipfile import BadZipFile

    import openpyxl

    try:
        book = openpyxl.load_workbook(path, read_only=True, data_only=True)
    except (OSError, BadZipFile, KeyError, ValueError) as error:
        raise UnreadableList(_("%(file)s is not an Excel file.") % {"file": path.name}) from error
    try:
        for cells in book.worksheets[0].iter_rows(values_only=True):
            yield ["" if cell is None else str(cell) for cell in cells]
    finally:
        book.close()

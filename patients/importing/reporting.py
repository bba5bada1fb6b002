"""The report of an import: what became of each row, and the rows to mend as they came."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext as _

from core.sheets import XlsxWriter
from patients.importing.columns import BY_CODE, recognise
from patients.importing.reading import plain_rows
from patients.models import PatientImport, PatientImportRow

BATCH = 2_000
NOTES = 80  # letters, the width of the column of sentences
Outcome = PatientImportRow.Outcome


def report(source: PatientImport, plain: bytes) -> bytes:
    """Return the workbook: each row with outcome, record number and sentences; then the rows that were not imported.

    The second sheet has the columns of the uploaded file, so that it can be mended and uploaded again. Memory is that of
    the finished file and one batch.
    """
    book = XlsxWriter()
    book.sheet(_("Result"), [_("Row"), _("Outcome"), _("Record number"), _("Notes")], [8, 24, 18, NOTES])
    to_mend: dict[int, str] = {}
    for row in _rows(source):
        notes = " ".join(row.messages or [])
        number = row.patient.record_number if row.patient else ""
        book.row([row.number, str(row.get_outcome_display()), number, notes])
        if row.outcome in (Outcome.ERROR, Outcome.SKIPPED):
            to_mend[row.number] = notes
    if plain and to_mend:
        _add_rows_to_mend(book, source, plain, to_mend)
    return book.finish()


def _add_rows_to_mend(book: XlsxWriter, source: PatientImport, plain: bytes, to_mend: dict[int, str]) -> None:
    columns = int(source.sheet["columns"])
    first = source.sheet["first"] if source.options.get("has_heading", True) else []
    headings = [*first, *[""] * (columns - len(first))]
    known = recognise(headings)
    widths = [BY_CODE[known[at]].width if at in known else None for at in range(columns)]
    book.sheet(_("To mend"), [*headings, _("Notes")], [*widths, NOTES])
    for number, cells in plain_rows(plain):
        if number in to_mend:
            book.row([*cells, *[""] * (columns - len(cells)), to_mend[number]])


def _rows(source: PatientImport) -> Iterator[Any]:
    last = 0
    while True:
        rows = PatientImportRow.objects.filter(source=source, number__gt=last).order_by("number")
        batch = list(
            rows.select_related("patient").only("number", "outcome", "messages", "patient__record_number")[:BATCH]
        )
        yield from batch
        if len(batch) < BATCH:
            return
        last = batch[-1].number

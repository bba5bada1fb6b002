"""The three jobs of an import: read the file, check it without writing, import it batch by batch."""

from __future__ import annotations

from collections import Counter as Tally
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any
from uuid import UUID

from django.db import IntegrityError
from django.utils.translation import gettext as _

import jobs
from core import files
from core.db import next_numbers, retry_transaction
from patients.import_errors import ImportNotPossible
from patients.importing.known import Match, SeenRows, find_known
from patients.importing.reading import plain_rows, read_table
from patients.importing.reporting import report
from patients.importing.rows import Row, RowReader
from patients.models import Patient, PatientIdentifier, PatientImport, PatientImportRow
from patients.services import imports
from patients.services.completing import complete_record
from patients.services.identity import RECORD_NUMBER_COUNTER, RECORD_NUMBER_DIGITS
from patients.services.registering_many import NewPatient, register_many

CHECK_BATCH = 500
IMPORT_BATCH = 200  # the desk waits for the record-number counter while a batch is written
Outcome, Problem = PatientImportRow.Outcome, PatientImportRow.Problem


def run_read(step: jobs.JobStep) -> jobs.JobResult:
    """Bring the uploaded file into its plain form."""
    source = _source(step)
    stored = source.file
    if stored is None:
        raise ImportNotPossible(_("The file of this import is gone. Upload it again."))
    table = read_table(files.read(stored))
    plain = files.put(table.plain, content_type=imports.PLAIN_TYPE)
    source = imports.finish_reading(import_id=source.pk, table=table, plain=plain)
    return jobs.JobResult(outcome={"rows": source.data_row_count})


def run_check(step: jobs.JobStep) -> jobs.JobResult:
    """Read every row and look for it, writing down only what is in the way. Repeated from the beginning after a kill."""
    source, reader, rows = _opened(step)
    imports.forget_rows(source.pk)
    seen, tally, done, total = SeenRows(), Tally[str](), 0, source.data_row_count
    step.progress(0, total, phase="checking")
    while batch := [reader.read(number, cells) for number, cells in islice(rows, CHECK_BATCH)]:
        good = [row for row in batch if row.person is not None]
        within = {row.number: match for row in good if (match := seen.match(row)) is not None}
        matches = {**find_known(good), **within}
        problems = [_checked(source.pk, row, matches.get(row.number)) for row in batch]
        written = [row for row in problems if row is not None]
        done += len(batch)
        _write_checked(step, written, done, total)
        tally.update(row.problem for row in written)
        tally["notes"] += sum(bool(row.notes) and row.person is not None for row in batch)
    tally["rows"] = done
    imports.finish_check(import_id=source.pk, counts=dict(tally), step=step)
    return jobs.JobResult(outcome=dict(tally))


def run_import(step: jobs.JobStep) -> jobs.JobResult:
    """Import the rows, two hundred in a transaction; taken up again behind the last batch that was committed."""
    cursor = step.cursor or {"row": 0, "done": 0, "tally": {}}
    source, reader, rows = _opened(step, after=cursor["row"])
    total = source.data_row_count
    step.progress(cursor["done"], total, phase="importing")
    while batch := list(islice(rows, IMPORT_BATCH)):
        cursor = _import_batch(step, source, reader, batch, cursor, total)
        step.rest()
    step.progress(cursor["done"], total, phase="report")
    result = report(source, files.read(source.file) if source.file else b"")
    imports.finish_import(import_id=source.pk, counts=cursor["tally"], step=step)
    name = _("import-report")
    return jobs.JobResult(
        data=result, name=f"{name}.xlsx", content_type=imports.XLSX_TYPE, outcome=cursor["tally"]
    )  # fmt: skip


def _import_batch(step: Any, source: PatientImport, reader: RowReader, batch: Any, cursor: Any, total: int) -> Any:
    """Import one batch; once more when a desk registered one of its people in the moment between look and insert."""
    try:
        return _batch(step, source, reader, batch, cursor, total)
    except IntegrityError:
        return _batch(step, source, reader, batch, cursor, total)


@retry_transaction
def _batch(
    step: jobs.JobStep,
    source: PatientImport,
    reader: RowReader,
    batch: Sequence[tuple[int, list[str]]],
    cursor: dict[str, Any],
    total: int,
) -> dict[str, Any]:
    done = cursor["done"] + len(batch)
    numbers = [number for number, _cells in batch]
    rows = [reader.read(number, cells) for number, cells in batch]
    # The tally of this batch is known only at its end: the place is kept now, so that nobody else works beside us.
    step.progress(done, total, cursor={**cursor, "row": numbers[-1], "done": done})
    next_numbers(RECORD_NUMBER_COUNTER, 0)  # whoever registers waits from here on: what we look for cannot appear
    plan = _Plan(source, rows)
    made = register_many(people=[plan.creates[number] for number in plan.creates], actor=step.actor, source="import")
    created = dict(zip(plan.creates, made, strict=True))
    outcomes = [_imported(source.pk, row, plan, created, step.actor) for row in rows]
    PatientImportRow.objects.filter(source=source, number__gte=numbers[0], number__lte=numbers[-1]).delete()
    PatientImportRow.objects.bulk_create(outcomes)
    tally = Tally(cursor["tally"])
    tally.update(row.outcome for row in outcomes)
    after = {"row": numbers[-1], "done": done, "tally": dict(tally)}
    step.progress(done, total, cursor=after)
    return after


class _Plan:
    """What to do with each row of a batch, by the decisions of the import."""

    def __init__(self, source: PatientImport, rows: Sequence[Row]) -> None:
        self.creates: dict[int, NewPatient] = {}
        self.matches: dict[int, Match] = {}
        self.updates: set[int] = set()
        decisions = imports.decisions_of(source)
        good = [row for row in rows if row.person is not None]
        known, seen = find_known(good), SeenRows()
        taken = _taken_numbers(good) if decisions["numbers"] == "keep" else None
        for row in good:
            assert row.person is not None
            within = seen.match(row)
            match = known.get(row.number) or within
            decision = decisions[f"on_{match.problem}"] if match is not None else "create"
            if match is not None:
                self.matches[row.number] = match
            if decision == "update":
                self.updates.add(row.number)
            elif decision == "create":
                person = _with_number(row.person, row.old_number, taken)
                reason = source.reason if match is not None else ""
                self.creates[row.number] = NewPatient(**{**vars(person), "reason": reason})


def _with_number(person: NewPatient, old_number: str, taken: set[str] | None) -> NewPatient:
    """Return the person with the old record number as record number when that was chosen and it is free."""
    digits = "".join(sign for sign in old_number if sign.isalnum())
    if taken is None or not (digits.isascii() and digits.isdigit()) or not 0 < int(digits) < 10**RECORD_NUMBER_DIGITS:
        return person
    number = f"{int(digits):0{RECORD_NUMBER_DIGITS}d}"
    if number in taken:
        return person
    taken.add(number)
    kept = tuple((kind, one) for kind, one in person.numbers if kind != PatientIdentifier.Kind.OLD_RECORD)
    return NewPatient(**{**vars(person), "record_number": number, "numbers": kept})


def _taken_numbers(rows: Sequence[Row]) -> set[str]:
    """Record numbers of patients among those that the rows ask for. One statement."""
    wanted = {
        f"{int(digits):0{RECORD_NUMBER_DIGITS}d}"
        for row in rows
        if (digits := "".join(sign for sign in row.old_number if sign.isalnum())).isascii() and digits.isdigit()
    }
    return set(Patient.objects.filter(record_number__in=wanted).values_list("record_number", flat=True))


def _imported(source_id: UUID, row: Row, plan: _Plan, created: dict[int, Patient], actor: Any) -> PatientImportRow:
    """Return what is written about a row; a known record is completed here."""
    match = plan.matches.get(row.number)
    written = PatientImportRow(source_id=source_id, number=row.number, messages=list(row.notes) or None)
    if row.person is None:
        written.outcome, written.problem = Outcome.ERROR, Problem.VALUE
        return written
    if match is not None:
        written.problem = match.problem
        written.messages = [*row.notes, _sentence(match)]
    if row.number in created:
        written.outcome, written.patient = Outcome.CREATED, created[row.number]
        return written
    assert match is not None
    written.outcome = Outcome.SKIPPED
    written.patient_id = match.patient_id or (created[match.row].pk if match.row in created else None)
    if row.number in plan.updates and written.patient_id is not None:
        changed = complete_record(patient_id=written.patient_id, person=row.person, actor=actor)
        written.outcome = Outcome.UPDATED if changed else Outcome.SKIPPED
    return written


def _checked(source_id: UUID, row: Row, match: Match | None) -> PatientImportRow | None:
    if row.person is None:
        return PatientImportRow(
            source_id=source_id, number=row.number, outcome=Outcome.ERROR, problem=Problem.VALUE, messages=row.notes
        )
    if match is None:
        return None
    return PatientImportRow(
        source_id=source_id, number=row.number, outcome=Outcome.DUPLICATE, problem=match.problem,
        patient_id=match.patient_id, messages=[*row.notes, _sentence(match)],
    )  # fmt: skip


def _sentence(match: Match) -> str:
    if match.row:
        return _("%(what)s as row %(row)d of this file.") % {"what": Problem(match.problem).label, "row": match.row}
    return _("%(what)s as patient %(number)s.") % {
        "what": Problem(match.problem).label,
        "number": match.record_number,
    }


@retry_transaction
def _write_checked(step: jobs.JobStep, rows: list[PatientImportRow], done: int, total: int) -> None:
    step.progress(done, total)
    PatientImportRow.objects.bulk_create(rows)


def _source(step: jobs.JobStep) -> PatientImport:
    return PatientImport.objects.select_related("file").get(pk=step.parameters["import"])


def _opened(step: jobs.JobStep, *, after: int = 0) -> tuple[PatientImport, RowReader, Iterator[tuple[int, list[str]]]]:
    """Return the import, a reader by its mapping, and its rows behind `after`."""
    source = _source(step)
    if source.file is None:
        raise ImportNotPossible(_("The file of this import is gone. Upload it again."))
    decisions = imports.decisions_of(source)
    reader = RowReader(
        {int(at): code for at, code in source.mapping.items()}, leaves_out_wrong=decisions["on_value"] == "leave_out"
    )
    heading = source.sheet.get("heading_row", 0) if decisions["has_heading"] else 0
    return source, reader, plain_rows(files.read(source.file), after=max(after, heading))

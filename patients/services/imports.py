"""Importing patients from a file: upload, say what the columns are, check, import. The work itself is in `patients.importing`."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.utils.translation import gettext as _

import audit
from core import clock, files
from core.db import locked, retry_transaction
from core.filenames import clean_filename
from core.models import StoredFile
from core.sheets import XLSX_TYPE
from core.text import clean_line
from jobs import services as jobs
from jobs.models import Job
from patients.errors import ReasonMissing
from patients.import_errors import ImportNotPossible, MappingIncomplete
from patients.importing.columns import BY_CODE, has_heading, recognise
from patients.importing.reading import Table, is_workbook, read_table
from patients.models import PatientImport, PatientImportRow

if TYPE_CHECKING:
    from jobs.steps import JobStep

READ, CHECK, RUN = "patients.import_read", "patients.import_check", "patients.import_run"
PLAIN_TYPE = "application/gzip"
AT_ONCE = 1024 * 1024  # bytes of a workbook that is read while the person waits; opening bigger ones takes seconds
KEEP_FILE = timedelta(days=7)
State = PatientImport.State

DUPLICATES = ("nik", "bpjs", "old_number", "person")
CHOICES: dict[str, tuple[str, ...]] = {
    "on_value": ("reject", "leave_out"),
    "on_nik": ("skip", "update"),
    "on_bpjs": ("skip", "update", "create"),
    "on_old_number": ("skip", "update", "create"),
    "on_person": ("skip", "update", "create"),
    "numbers": ("new", "keep"),
}

__all__ = ["PLAIN_TYPE", "XLSX_TYPE"]


def decisions_of(source: PatientImport) -> dict[str, Any]:
    """Return every decision of an import; what nobody decided is the careful one."""
    chosen = {
        name: source.options.get(name) if source.options.get(name) in allowed else allowed[0]
        for name, allowed in CHOICES.items()
    }
    return {**chosen, "has_heading": bool(source.options.get("has_heading", True))}


def upload(*, data: bytes, name: str, actor: Any) -> PatientImport:
    """Keep a file of patients, sealed, and read its headings; big workbooks are read in the background. Audited.

    The file is sealed before the transaction begins.

    Raises:
        UnreadableFile: it is no table we can read.
        FileTooBig, StorageDown: as `core.files.put`.
    """
    digest = files.digest_of(data)
    is_later = is_workbook(data) and len(data) > AT_ONCE
    table = None if is_later else read_table(data)
    stored = files.put(data if table is None else table.plain, content_type=PLAIN_TYPE if table else XLSX_TYPE)
    return _keep_upload(stored=stored, table=table, name=clean_filename(name), digest=digest, actor=actor)


@retry_transaction
def _keep_upload(*, stored: StoredFile, table: Table | None, name: str, digest: str, actor: Any) -> PatientImport:
    source = PatientImport(
        file=files.keep(stored), file_name=name, digest=digest, created_at=clock.now(), created_by=actor
    )
    if table is not None:
        _take_table(source, table)
    source.save(force_insert=True)
    audit.record("patients.import.uploaded", actor=actor, target=source, detail={"rows": source.row_count})
    if table is None:
        source.read_job_id = jobs.request(kind=READ, actor=actor, parameters={"import": str(source.pk)}).pk
        source.save(update_fields=["read_job_id"])
    return source


@retry_transaction
def record_problems_read(*, source: PatientImport, actor: Any, shown: int) -> None:
    """Write that the rows in the way were looked at: what they say of people, and which records they look like."""
    audit.record("patients.import.problems_viewed", actor=actor, target=source, detail={"shown": shown})


def same_file(source: PatientImport) -> PatientImport | None:
    """Return the last other import of the very same file that was not cancelled; None when there is none."""
    others = PatientImport.objects.filter(digest=source.digest).exclude(pk=source.pk).exclude(state=State.CANCELLED)
    return others.order_by("-pk").first()


@retry_transaction
def set_mapping(
    *, import_id: UUID, actor: Any, mapping: dict[int, str], has_heading: bool, on_value: str = "reject"
) -> PatientImport:
    """Say what each column is and what becomes of wrong values, and have the file checked.

    Raises:
        MappingIncomplete: name or birth date (or age) has no column, or one field has two.
        ImportNotPossible: the import is running, over, or its file is gone.
    """
    source = _idle(import_id)
    if source.state == State.READING or source.file_id is None:
        raise ImportNotPossible(_("The file is still being read, or is gone. Wait a moment, or upload it again."))
    source.mapping = {str(at): code for at, code in sorted(_complete(mapping).items())}
    source.options = {**source.options, "has_heading": has_heading, "on_value": on_value}
    job = jobs.request(kind=CHECK, actor=actor, parameters={"import": str(source.pk), "at": clock.now().isoformat()})
    source.state, source.check_job_id, source.import_job_id = State.UPLOADED, job.pk, None
    source.save(update_fields=["mapping", "options", "state", "check_job_id", "import_job_id"])
    return source


@retry_transaction
def start(*, import_id: UUID, actor: Any, reason: str = "", **decisions: str) -> PatientImport:
    """Have a checked file imported in the background. `decisions` are of `CHOICES`: what becomes of people who look known.

    Audited.

    Raises:
        ImportNotPossible: it was not checked, is running or over.
        ReasonMissing: likely duplicates are to be imported, and nobody said why.
    """
    source = _idle(import_id)
    if source.state != State.CHECKED or source.file_id is None:
        raise ImportNotPossible(_("This file was not checked, or is gone. Check it first."))
    source.options = {**source.options, **{name: value for name, value in decisions.items() if name in CHOICES}}
    source.reason = clean_line(reason)[:300]
    if not source.reason and any(decisions_of(source)[f"on_{name}"] == "create" for name in DUPLICATES):
        raise ReasonMissing(_("Write why people who look like known patients are imported all the same."))
    job = jobs.request(kind=RUN, actor=actor, parameters={"import": str(source.pk)})
    source.import_job_id = job.pk
    source.save(update_fields=["import_job_id", "options", "reason"])
    detail = {"rows": source.row_count, "decisions": decisions_of(source)}
    audit.record("patients.import.started", actor=actor, target=source, detail=detail)
    return source


@retry_transaction
def cancel(*, import_id: UUID, actor: Any) -> PatientImport:
    """Give an import up; what is imported stays, the file goes. Audited.

    Raises:
        ImportNotPossible: it is over.
    """
    source = locked(PatientImport.objects.filter(pk=import_id)).get()
    if source.state in (State.IMPORTED, State.CANCELLED):
        raise ImportNotPossible(_("This import is over."))
    for job in _open_jobs(source):
        jobs.cancel(job_id=job.pk, actor=actor)
    source.state, source.finished_at = State.CANCELLED, clock.now()
    source.save(update_fields=["state", "finished_at"])
    _drop_file(source)
    audit.record("patients.import.cancelled", actor=actor, target=source)
    return source


# --- What the jobs write --------------------------------------------------------------------------------------------


@retry_transaction
def finish_reading(*, import_id: UUID, table: Table, plain: StoredFile) -> PatientImport:
    """Put the plain form in the place of the uploaded workbook."""
    source = locked(PatientImport.objects.filter(pk=import_id)).get()
    if source.state != State.READING:
        return source
    _drop_file(source)
    source.file = files.keep(plain)
    _take_table(source, table)
    source.save(update_fields=["file", "sheet", "row_count", "options", "mapping", "state"])
    return source


def forget_rows(import_id: UUID) -> None:
    """Remove what an earlier check found."""
    PatientImportRow.objects.filter(source_id=import_id).delete()


@retry_transaction
def finish_check(*, import_id: UUID, counts: dict[str, int], step: JobStep) -> None:
    """Note what a check found. Refused when another worker has the job."""
    step.progress(counts["rows"], counts["rows"])
    rows = PatientImport.objects.filter(pk=import_id, state=State.UPLOADED)
    rows.update(state=State.CHECKED, counts=counts)


@retry_transaction
def finish_import(*, import_id: UUID, counts: dict[str, int], step: JobStep) -> None:
    """Note that all rows are done. Audited, once: a report that is made again writes nothing new."""
    rows = sum(counts.values())
    step.progress(rows, rows)
    source = locked(PatientImport.objects.filter(pk=import_id)).get()
    if source.state != State.CHECKED:
        return
    source.state, source.counts, source.finished_at = State.IMPORTED, {**source.counts, **counts}, clock.now()
    source.save(update_fields=["state", "counts", "finished_at"])
    detail = {"rows": rows, **counts}
    audit.record("patients.import.finished", actor=step.actor, target=source, detail=detail)


def tidy() -> int:
    """Remove the files of imports that are over, or that nobody went on with for a week; how many. Safe to repeat."""
    held = PatientImport.objects.filter(file__isnull=False)
    ended = held.filter(finished_at__isnull=False)
    old = held.filter(created_at__lt=clock.now() - KEEP_FILE)
    return sum(_tidy_one(pk) for pk in {*ended.values_list("pk", flat=True), *old.values_list("pk", flat=True)})


@retry_transaction
def _tidy_one(import_id: UUID) -> bool:
    source = locked(PatientImport.objects.filter(pk=import_id)).get()
    if source.file_id is None or _open_jobs(source):
        return False
    _drop_file(source)
    return True


def _idle(import_id: UUID) -> PatientImport:
    source = locked(PatientImport.objects.filter(pk=import_id)).get()
    if source.state in (State.IMPORTED, State.CANCELLED):
        raise ImportNotPossible(_("This import is over. Upload the file again to import it once more."))
    if _open_jobs(source):
        raise ImportNotPossible(_("This import is being worked on. Wait until that has ended, or cancel it."))
    return source


def _open_jobs(source: PatientImport) -> list[Job]:
    ids = [pk for pk in (source.read_job_id, source.check_job_id, source.import_job_id) if pk]
    return list(Job.objects.open().filter(pk__in=ids))


def _complete(mapping: dict[int, str]) -> dict[int, str]:
    chosen = {at: code for at, code in mapping.items() if code in BY_CODE}
    twice = {code for code in chosen.values() if list(chosen.values()).count(code) > 1}
    if twice:
        name = BY_CODE[sorted(twice)[0]].label
        raise MappingIncomplete(_("%(field)s is chosen for two columns. Choose it once.") % {"field": name})
    if "full_name" not in chosen.values():
        raise MappingIncomplete(_("Choose the column that holds the full name."))
    if not {"birth_date", "age"} & set(chosen.values()):
        raise MappingIncomplete(_("Choose the column that holds the date of birth, or the age."))
    return chosen


def _take_table(source: PatientImport, table: Table) -> None:
    first = table.sample[0]
    is_heading = has_heading(first)
    source.sheet = {
        "first": first,
        "rows": table.sample[1:],
        "columns": table.column_count,
        "heading_row": table.first_number,
    }
    source.row_count = table.row_count
    source.mapping = {str(at): code for at, code in recognise(first).items()} if is_heading else {}
    source.options = {"has_heading": is_heading}
    source.state = State.UPLOADED


def _drop_file(source: PatientImport) -> None:
    stored, source.file = source.file, None
    source.save(update_fields=["file"])
    if stored is not None:
        files.remove(stored)

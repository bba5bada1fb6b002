"""Lists of patients as a file: chosen columns of chosen people, made in the background and written down with its size."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.db import models
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

import audit
from core import clock
from core.db import retry_transaction
from core.indonesia import format_phone
from core.sheets import WRITERS, TableWriter
from jobs.steps import JobResult, JobStep
from patients.import_errors import ExportTooBig
from patients.importing.columns import BY_CODE
from patients.importing.values import ACCURACY_WORDS
from patients.models import Patient, PatientAddress, PatientIdentifier

EXPORT = "patients.export"
MOST_ROWS = 300_000
BATCH = 500
LIFETIME = timedelta(hours=24)  # of the file: it holds many people
SEXES = {"male": "L", "female": "P"}
ACCURACIES: dict[str, str] = {accuracy: word for word, accuracy in ACCURACY_WORDS.items()}
PAYERS = {"self": "Umum", "bpjs": "BPJS", "insurance": "Asuransi"}


class Reason(models.TextChoices):
    """Why a list leaves the system."""

    REPORT = "report", gettext_lazy("Report for the clinic or the health office")
    MIGRATION = "migration", gettext_lazy("Moving to another system")
    CONTACT = "contact", gettext_lazy("Contacting patients about their care")
    CHECK = "check", gettext_lazy("Checking the records")
    OTHER = "other", pgettext_lazy("reason of an export", "Another reason")


@dataclass(frozen=True)
class ExportColumn:
    """One column: what it is called on the screen and in the file, and how it is read from a patient."""

    label: str | Promise
    heading: str
    read: Callable[[Patient], Any]
    is_usual: bool = False
    width: int | None = None  # letters, where the heading alone would be too narrow


def _column(code: str, read: Callable[[Patient], Any], *, is_usual: bool = False) -> ExportColumn:
    """A column that an import of our own knows again."""
    column = BY_CODE[code]
    return ExportColumn(column.label, column.heading, read, is_usual, column.width)


def _social(name: str) -> Callable[[Patient], str]:
    return lambda patient: str(getattr(getattr(patient, "demographics", None), name, "") or "")


def _place(name: str) -> Callable[[Patient], str]:
    def read(patient: Patient) -> str:
        rows = [row for row in patient.addresses.all() if row.use == PatientAddress.Use.IDENTITY]
        if not rows:
            return " ".join(patient.address.split()) if name == "line" else ""
        return str(getattr(rows[0], name))

    return read


def _old_number(patient: Patient) -> str:
    kind = PatientIdentifier.Kind.OLD_RECORD
    return ", ".join(row.value for row in patient.identifiers.all() if row.kind == kind)


COLUMNS: dict[str, ExportColumn] = {
    "record_number": ExportColumn(gettext_lazy("Record number"), "No. RM", lambda p: p.record_number, is_usual=True),
    "full_name": _column("full_name", lambda p: p.display_name, is_usual=True),
    "nik": _column("nik", lambda p: p.nik or ""),
    "birth_place": _column("birth_place", lambda p: p.birth_place),
    "birth_date": _column("birth_date", lambda p: f"{p.birth_date:%d/%m/%Y}", is_usual=True),
    "birth_accuracy": _column("birth_accuracy", lambda p: ACCURACIES.get(p.birth_accuracy, ""), is_usual=True),
    "sex": _column("sex", lambda p: SEXES.get(p.sex, ""), is_usual=True),
    "mother_name": _column("mother_name", lambda p: p.mother_name),
    "phone": _column("phone", lambda p: format_phone(p.phone) if p.phone else "", is_usual=True),
    "email": _column("email", lambda p: p.email),
    "address": _column("address", _place("line")),
    "rt": _column("rt", _place("rt")),
    "rw": _column("rw", _place("rw")),
    "village": _column("village", _place("village_name")),
    "district": _column("district", _place("district_name")),
    "regency": _column("regency", _place("regency_name")),
    "province": _column("province", _place("province_name")),
    "postal_code": _column("postal_code", _place("postal_code")),
    "religion": _column("religion", _social("religion_label")),
    "marital": _column("marital", _social("marital_label")),
    "education": _column("education", _social("education_label")),
    "occupation": _column("occupation", lambda p: _social("occupation_text")(p) or _social("occupation_label")(p)),
    "blood_type": _column("blood_type", lambda p: f"{p.blood_type}{p.rhesus}"),
    "guarantor": _column("guarantor", lambda p: PAYERS.get(p.guarantor, ""), is_usual=True),
    "bpjs_number": _column("bpjs_number", lambda p: p.bpjs_number),
    "old_record": _column("old_record", _old_number),
    "registered_on": ExportColumn(
        gettext_lazy("Registered on"), "Tanggal daftar", lambda p: f"{clock.local(p.created_at):%d/%m/%Y}", is_usual=True
    ),
    "status": ExportColumn(
        gettext_lazy("Status"), "Status", lambda p: "Arsip" if p.status == Patient.Status.ARCHIVED else "Aktif"
    ),
}  # fmt: skip
OF_ADDRESS = frozenset({"address", "rt", "rw", "village", "district", "regency", "province", "postal_code"})
# Encrypted columns: what is not asked for is not opened.
SEALED = {
    "nik": "nik", "birth_place": "birth_place", "birth_date": "birth_date", "phone": "phone", "email": "email",
    "mother_name": "mother_name", "bpjs_number": "bpjs_number", "address": "address",
}  # fmt: skip
NEVER = ("archive_reason", "deceased_on", "duplicate_reason")
OF_SOCIAL = frozenset({"religion", "marital", "education", "occupation"})


def parameters(
    *,
    columns: list[str],
    reason: str,
    registered_from: date | None = None,
    registered_until: date | None = None,
    guarantor: str = "",
    status: str = "",
    ending: str = "xlsx",
) -> dict[str, Any]:
    """Return what is asked for as JSON values of a job; the columns in the order of `COLUMNS`.

    A date of birth never goes without how exact it is: an estimate would be read as the day itself.
    """
    wanted = {*columns, *(("birth_accuracy",) if "birth_date" in columns else ())}
    return {
        "columns": [code for code in COLUMNS if code in wanted],
        "reason": reason,
        "from": registered_from.isoformat() if registered_from else "",
        "until": registered_until.isoformat() if registered_until else "",
        "guarantor": guarantor,
        "status": status,
        "ending": ending,
        "asked": clock.now().isoformat(timespec="minutes"),
    }


def chosen(actor: Any, asked: dict[str, Any]) -> models.QuerySet[Patient]:
    """Return the patients an export is about, without merged records."""
    rows = Patient.objects.visible_to(actor).exclude(status=Patient.Status.MERGED)
    if asked["from"]:
        rows = rows.filter(created_at__gte=clock.day_bounds(date.fromisoformat(asked["from"]))[0])
    if asked["until"]:
        rows = rows.filter(created_at__lt=clock.day_bounds(date.fromisoformat(asked["until"]))[1])
    if asked["guarantor"] in Patient.Guarantor.values:
        rows = rows.filter(guarantor=asked["guarantor"])
    if asked["status"] in (Patient.Status.ACTIVE, Patient.Status.ARCHIVED):
        rows = rows.filter(status=asked["status"])
    return rows


def run_export(step: JobStep) -> JobResult:
    """Make the file, five hundred people at a time. Memory is that of the finished file and one batch."""
    asked = step.parameters
    writer = WRITERS[asked["ending"]]()
    rows = write(
        writer, actor=step.actor, asked=asked, progress=lambda done, total: step.progress(done, total, phase="rows")
    )
    data = writer.finish()
    record_export(actor=step.actor, asked=asked, rows=rows)
    word = _("patients")
    name = f"{word}-{clock.today().isoformat()}.{writer.ending}"
    return JobResult(data=data, name=name, content_type=writer.content_type, outcome={"rows": rows})


def write(writer: TableWriter, *, actor: Any, asked: dict[str, Any], progress: Callable[[int, int], Any]) -> int:
    """Write the list; return how many people it holds.

    Raises:
        ExportTooBig: more than `MOST_ROWS`.
    """
    patients = chosen(actor, asked)
    total = patients.count()
    if total > MOST_ROWS:
        raise ExportTooBig(
            _("These are %(total)d patients. One file holds %(most)d: narrow the list by dates.")
            % {"total": total, "most": MOST_ROWS}
        )
    columns = [COLUMNS[code] for code in asked["columns"]]
    writer.sheet(_("Patients"), [column.heading for column in columns], [column.width for column in columns])
    done = 0
    progress(0, total)
    for batch in _batches(patients, frozenset(asked["columns"])):
        for patient in batch:
            writer.row([column.read(patient) for column in columns])
        done += len(batch)
        progress(done, max(done, total))
    return done


@retry_transaction
def record_export(*, actor: Any, asked: dict[str, Any], rows: int) -> None:
    """Write that a list of patients left the system: how many people, which columns, why."""
    filters = sorted(name for name in ("from", "until", "guarantor", "status") if asked[name])
    detail = {"rows": rows, "columns": asked["columns"], "filters": filters, "reason": asked["reason"]}
    audit.record("patients.list.exported", actor=actor, detail=detail)


def _batches(patients: models.QuerySet[Patient], columns: frozenset[str]) -> Iterator[list[Patient]]:
    rows = patients.order_by("pk").defer(*NEVER, *(name for code, name in SEALED.items() if code not in columns))
    if columns & OF_SOCIAL:
        rows = rows.select_related("demographics")
    if columns & OF_ADDRESS:
        rows = rows.prefetch_related("addresses")
    if "old_record" in columns:
        rows = rows.prefetch_related("identifiers")
    last = None
    while batch := list((rows if last is None else rows.filter(pk__gt=last))[:BATCH]):
        yield batch
        last = batch[-1].pk

"""Clinical basics: conditions, past and family history, medicines at home. What is wrong is marked, what is over ends."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

import audit
from core import clock
from core.db import retry_transaction
from core.substance_names import fold
from core.text import clean_line
from patients import conditions, substances
from patients.errors import HistoryClosed, HistoryExists, InvalidPatientData, NotAsked, ReasonMissing
from patients.models import HistoryEntry, HistorySection, Patient, Section
from patients.services.identity import lock_patient

MAX_WORDS = 200
MAX_DOSE = 120
MAX_SOURCE = 120
MAX_NOTE = 300
MAX_REASON = 300
MOST_ENTRIES = 60  # of one section: nobody reads more, and a script may not fill a record

Status = HistoryEntry.Status
ENDING = frozenset({Section.CHRONIC, Section.MEDICINES})  # what may be over; past and family are facts
# What an entry of each section says, besides what, source and note.
COLUMNS: dict[str, frozenset[str]] = {
    Section.CHRONIC: frozenset({"onset_year"}),
    Section.PAST: frozenset({"kind", "onset_year"}),
    Section.FAMILY: frozenset({"relation", "relation_died", "onset_age"}),
    Section.MEDICINES: frozenset({"dose", "onset_year"}),
}


@retry_transaction
def record_entry(
    *,
    patient_id: UUID,
    actor: Any,
    section: str,
    what: str,
    kind: str = "",
    relation: str = "",
    relation_died: bool = False,
    onset_year: int | None = None,
    onset_age: int | None = None,
    dose: str = "",
    source: str = "",
    note: str = "",
) -> HistoryEntry:
    """Record one fact; its section becomes "asked, there is something", asked now.

    `what` is a code of the section's list (conditions, or substances for medicines), or words; words that name an entry
    of the list get its code and stay as typed. Values that mean nothing in the section are left out.

    Raises:
        InvalidPatientData: nothing was written, or a value cannot be; `field` names it.
        HistoryExists: the same is recorded and still counts.
    """
    patient = lock_patient(patient_id)
    if section not in Section.values:
        raise InvalidPatientData(_("Choose one of the options."), "section")
    name, system, code = _named(section, what)
    values: dict[str, Any] = {
        "kind": kind, "relation": relation, "relation_died": relation_died, "onset_year": onset_year,
        "onset_age": onset_age, "dose": _line(dose, MAX_DOSE, "dose"),
    }  # fmt: skip
    values = {column: value for column, value in values.items() if column in COLUMNS[section]}
    _check(patient, section, values)
    rows = list(HistoryEntry.objects.filter(patient=patient, section=section, status=Status.ACTIVE))
    if len(rows) >= MOST_ENTRIES:
        raise HistoryExists(_("There are too many entries here. End or mark some first."))
    if any(_is_same(row, name, code, values.get("relation", "")) for row in rows):
        raise HistoryExists(_("This is recorded already."))
    entry = HistoryEntry.objects.create(
        patient=patient, section=section, what=name, code_system=system, code=code,
        source=_line(source, MAX_SOURCE, "source"), note=_line(note, MAX_NOTE, "note"),
        recorded_at=clock.now(), recorded_by=actor, **values,
    )  # fmt: skip
    _stamp(patient, section, actor, is_none=False)
    _record("recorded", actor, patient, entry, section)
    return entry


@retry_transaction
def record_none(*, patient_id: UUID, actor: Any, section: str) -> HistorySection:
    """Record that the patient was asked about a section and there is nothing; what is over stays readable.

    Raises:
        HistoryExists: something is recorded that still counts.
    """
    patient = lock_patient(patient_id)
    if HistoryEntry.objects.filter(patient=patient, section=section, status=Status.ACTIVE).exists():
        raise HistoryExists(_("Something is recorded here. End it or mark it as wrong first."))
    row = _stamp(patient, section, actor, is_none=True)
    _record("denied", actor, patient, row, section)
    return row


@retry_transaction
def confirm_section(*, patient_id: UUID, actor: Any, section: str) -> HistorySection:
    """Record that the patient was asked again about a section and nothing has changed.

    Raises:
        NotAsked: nobody has asked yet.
    """
    patient = lock_patient(patient_id)
    known = HistorySection.objects.filter(patient=patient, section=section).first()
    if known is None:
        raise NotAsked(_("Nobody has asked about this yet. Record the answer first."))
    row = _stamp(patient, section, actor, is_none=known.is_none)
    _record("confirmed", actor, patient, row, section)
    return row


@retry_transaction
def end_entry(*, entry_id: UUID, actor: Any, ended_year: int | None = None, reason: str = "") -> HistoryEntry:
    """End a condition or a medicine: it was true and is over; safe against a second click by refusing it.

    `ended_year` None is this year. The section stays "asked".

    Raises:
        HistoryClosed: it was ended or marked as wrong before, or is a fact that does not end.
        InvalidPatientData: a year before its beginning or in the future.
    """
    patient, entry = _lock_entry(entry_id)
    if entry.section not in ENDING:
        raise HistoryClosed(_("This is a fact of the past and does not end. Mark it as wrong if it is not true."))
    year = ended_year if ended_year is not None else clock.today().year
    if not max(entry.onset_year or 0, patient.birth_date.year) <= year <= clock.today().year:
        raise InvalidPatientData(_("Enter a year between its beginning and today."), "ended_year")
    entry.status, entry.ended_year = Status.RESOLVED, year
    entry.close_reason = _line(reason, MAX_REASON, "reason")
    entry.closed_at, entry.closed_by = clock.now(), actor
    entry.save(update_fields=["status", "ended_year", "close_reason", "closed_at", "closed_by"])
    _record("ended", actor, patient, entry, entry.section)
    return entry


@retry_transaction
def mark_entry_in_error(*, entry_id: UUID, actor: Any, reason: str) -> HistoryEntry:
    """Mark a wrong entry; it stays readable. After the last one nobody knows: the section is "not asked" again.

    Raises:
        ReasonMissing: no reason was given.
        HistoryClosed: it was marked before.
    """
    why = clean_line(reason)[:MAX_REASON]
    if not why:
        raise ReasonMissing(_("Write why this entry is wrong."))
    patient, entry = _lock_entry(entry_id, may_be_over=True)
    entry.status, entry.close_reason = Status.ENTERED_IN_ERROR, why
    entry.closed_at, entry.closed_by = clock.now(), actor
    entry.save(update_fields=["status", "close_reason", "closed_at", "closed_by"])
    rest = HistoryEntry.objects.filter(patient=patient, section=entry.section)
    if not rest.exclude(status=Status.ENTERED_IN_ERROR).exists():
        HistorySection.objects.filter(patient=patient, section=entry.section, is_none=False).delete()
    _record("marked_in_error", actor, patient, entry, entry.section)
    return entry


@retry_transaction
def correct_entry(*, entry_id: UUID, actor: Any, reason: str, **fields: Any) -> HistoryEntry:
    """Replace an entry: the old one is marked as wrong with the reason, and a new one is written.

    Raises: as `mark_entry_in_error` and `record_entry`.
    """
    with transaction.atomic():  # both or neither, also inside a caller's transaction
        old = mark_entry_in_error(entry_id=entry_id, actor=actor, reason=reason)
        return record_entry(patient_id=old.patient_id, actor=actor, section=old.section, **fields)


def home_medicines(patient: Patient) -> list[HistoryEntry]:
    """Return the medicines that a patient takes at home now, for checks of a prescription. One query."""
    rows = HistoryEntry.objects.filter(patient=patient, section=Section.MEDICINES, status=Status.ACTIVE)
    return list(rows.order_by("id"))


def _named(section: str, what: str) -> tuple[str, str, str]:
    """Return the words to store, and the system and code they stand for ("" for words of no list)."""
    typed = clean_line(what)
    if not typed or len(typed) > MAX_WORDS:
        raise InvalidPatientData(_("Write what it is, in at most %(limit)d letters.") % {"limit": MAX_WORDS}, "what")
    entry: Any = None
    system = ""
    if section == Section.MEDICINES:
        entry, system = substances.named(typed), substances.SYSTEM
        entry = entry if entry is not None and entry.is_medicine else None
    elif section in {Section.CHRONIC, Section.FAMILY}:
        entry, system = conditions.named(typed), conditions.SYSTEM
    if entry is None:
        return typed, "", ""
    return (entry.label if entry.code == typed else typed), system, entry.code


def _check(patient: Patient, section: str, values: dict[str, Any]) -> None:
    if section == Section.PAST and values["kind"] not in HistoryEntry.PastKind.values:
        raise InvalidPatientData(_("Choose one of the options."), "kind")
    if section == Section.FAMILY and values["relation"] not in HistoryEntry.Relation.values:
        raise InvalidPatientData(_("Choose who in the family has or had it."), "relation")
    year, age = values.get("onset_year"), values.get("onset_age")
    if year is not None and not patient.birth_date.year <= year <= clock.today().year:
        raise InvalidPatientData(_("Enter a year between the birth and today."), "onset_year")
    if age is not None and not 0 <= age <= 120:
        raise InvalidPatientData(_("Enter an age between 0 and 120 years."), "onset_age")


def _line(text: str, limit: int, field: str) -> str:
    line = clean_line(text)
    if len(line) > limit:
        raise InvalidPatientData(
            _("This is too long: at most %(limit)d characters, you typed %(count)d.")
            % {"limit": limit, "count": len(line)},
            field,
        )
    return line


def _is_same(row: HistoryEntry, name: str, code: str, relation: str) -> bool:
    if row.relation != relation:
        return False
    return bool(code and row.code == code) or fold(row.what) == fold(name) or row.what.casefold() == name.casefold()


def _lock_entry(entry_id: UUID, *, may_be_over: bool = False) -> tuple[Patient, HistoryEntry]:
    """Return an entry that may be changed; the patient's lock covers the rows below it."""
    patient_id = HistoryEntry.objects.filter(pk=entry_id).values_list("patient_id", flat=True).first()
    patient = lock_patient(patient_id)  # type: ignore[arg-type]
    entry = HistoryEntry.objects.get(pk=entry_id)
    if entry.status == Status.ENTERED_IN_ERROR:
        raise HistoryClosed(_("This entry was marked as wrong before."))
    if entry.status == Status.RESOLVED and not may_be_over:
        raise HistoryClosed(_("This entry was ended before."))
    return patient, entry


def _stamp(patient: Patient, section: str, actor: Any, *, is_none: bool) -> HistorySection:
    if section not in Section.values:
        raise InvalidPatientData(_("Choose one of the options."), "section")
    row, _created = HistorySection.objects.update_or_create(
        patient=patient,
        section=section,
        defaults={"is_none": is_none, "asked_at": clock.now(), "asked_by": actor},
    )
    return row


def _record(verb: str, actor: Any, patient: Patient, target: Any, section: str) -> None:
    """Write the event. What the entry says is not in it: the log is read by people who may not read the record."""
    audit.record(
        f"patients.history.{verb}", actor=actor, patient=patient.pk, target=target, detail={"section": str(section)}
    )

"""Writing clinical facts: vital signs, drafts, signed notes with coded diagnoses."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import Q
from django.utils.translation import gettext as _

import audit
from billing import services as billing
from billing.models import Charge
from consultations.errors import (
    DiagnosisMissing,
    ImplausibleVitals,
    InvalidCodeRow,
    NoteChanged,
    NoteSigned,
    NotYourVisit,
    UnknownDiagnosis,
    WrongStage,
)
from consultations.models import ICD10_SYSTEM, Diagnosis, DiagnosisCode, Note, VitalSigns
from consultations.vitals import BY_FIELD
from core import clock, live
from core.db import locked, retry_transaction
from core.errors import InvalidInput
from core.money import MAX_AMOUNT_IDR, format_rupiah
from core.text import clean_line, clean_text
from scheduling import services as scheduling
from scheduling.models import Visit

BEFORE_DOCTOR = {Visit.Status.ARRIVED, Visit.Status.TRIAGE, Visit.Status.WAITING}
MAX_TEXT = 10_000
MAX_DIAGNOSES = 12
# A letter, two characters, and up to four more behind a dot; a dagger or asterisk is not part of the code.
CODE_SHAPE = re.compile(r"[A-Z][0-9][0-9A-Z](?:\.[0-9A-Z]{1,4})?")
SOAP_FIELDS = ("subjective", "objective", "assessment", "plan")


@dataclass(frozen=True)
class ChosenDiagnosis:
    """One code of the list as the doctor chose it."""

    code_id: UUID
    rank: str


@retry_transaction
def record_vitals(*, visit_id: UUID, actor: Any, remark: str = "", **measurements: Decimal | int | None) -> VitalSigns:
    """Record one set of vital signs (fields and units: `consultations.vitals`); the patient then waits for the doctor.

    Raises:
        WrongStage: the consultation is over or the visit was cancelled.
        ImplausibleVitals: nothing measured, a value outside its limits, or a pressure whose diastolic is not below.
    """
    visit = scheduling.lock_visit(visit_id)
    if visit.status not in BEFORE_DOCTOR | {Visit.Status.IN_CONSULTATION}:
        raise WrongStage(_("Vital signs belong to an open visit; this one is over."))
    values = _plausible(measurements)
    vitals = VitalSigns.objects.create(
        visit=visit,
        patient_id=visit.patient_id,
        remark=clean_text(remark)[:500],
        recorded_at=clock.now(),
        recorded_by=actor,
        **values,
    )
    audit.record(
        "consultations.vitals.recorded",
        actor=actor,
        patient=visit.patient_id,
        target=vitals,
        detail={"visit": visit.number, "fields": sorted(values)},
    )
    if visit.status in BEFORE_DOCTOR:
        scheduling.finish_triage(visit_id=visit.pk, actor=actor)
    live.changed(live.QUEUE)
    return vitals


@retry_transaction
def mark_vitals_in_error(*, vitals_id: UUID, actor: Any, reason: str) -> VitalSigns:
    """Mark a wrong set of vital signs; it stays readable and is no longer shown as the patient's. Once.

    Raises:
        InvalidInput: no reason was given.
    """
    reason = clean_line(reason)[:300]
    if not reason:
        raise InvalidInput(_("Say why this entry is wrong."))
    scheduling.lock_visit(VitalSigns.objects.values_list("visit_id", flat=True).get(pk=vitals_id))
    vitals = locked(VitalSigns.objects.all()).get(pk=vitals_id)
    if vitals.status != VitalSigns.Status.ENTERED_IN_ERROR:
        vitals.status = VitalSigns.Status.ENTERED_IN_ERROR
        vitals.error_reason, vitals.marked_at, vitals.marked_by = reason, clock.now(), actor
        vitals.save(update_fields=["status", "error_reason", "marked_at", "marked_by"])
        audit.record("consultations.vitals.marked_in_error", actor=actor, patient=vitals.patient_id, target=vitals)
        live.changed(live.QUEUE)
    return vitals


@retry_transaction
def save_draft(
    *,
    visit_id: UUID,
    actor: Any,
    version: int,
    consultation_fee_idr: int,
    draft_lines: str = "",
    draft_diagnoses: str = "",
    **soap: str,
) -> Note:
    """Save an unsigned note; `version` is what the page was opened with, 0 for a new note.

    Lines and diagnoses of a draft are kept as they were typed; they are judged when the note is signed.

    Raises:
        NotYourVisit, NoteSigned, NoteChanged: see `_locked_note`.
        InvalidInput: a text is too long or the fee impossible.
    """
    note = _locked_note(visit_id=visit_id, actor=actor, version=version)
    is_new = note.version == 0
    _write(note, soap=soap, fee=consultation_fee_idr, draft_lines=draft_lines, draft_diagnoses=draft_diagnoses)
    note.save()
    if is_new:  # the saves that follow every few seconds are one and the same act
        audit.record(
            "consultations.note.drafted",
            actor=actor,
            patient=note.patient_id,
            target=note,
            detail={"visit": note.visit.number},
        )
    return note


@retry_transaction
def sign_note(
    *,
    visit_id: UUID,
    actor: Any,
    version: int,
    consultation_fee_idr: int,
    diagnoses: list[ChosenDiagnosis],
    **soap: str,
) -> Note:
    """Sign the visit's note with its diagnoses and charge the consultation; the visit itself is closed by the caller.

    Raises:
        NotYourVisit, NoteSigned, NoteChanged: see `_locked_note`.
        InvalidInput: neither complaint nor assessment is written, a text is too long, the fee impossible.
        DiagnosisMissing: not exactly one primary diagnosis.
        UnknownDiagnosis: a code that is not active, is repeated, or may not be primary.
    """
    note = _locked_note(visit_id=visit_id, actor=actor, version=version)
    _write(note, soap=soap, fee=consultation_fee_idr, draft_lines="", draft_diagnoses="")
    if not note.subjective and not note.assessment:
        raise InvalidInput(nothing_written())
    codes = _resolve(diagnoses)
    now = clock.now()
    note.status, note.signed_at = Note.Status.SIGNED, now
    note.save()
    Diagnosis.objects.bulk_create(
        Diagnosis(
            note=note,
            patient_id=note.patient_id,
            system=code.system,
            edition=code.edition,
            code=code.code,
            display=code.display,
            rank=rank,
            position=position,
        )
        for position, (code, rank) in enumerate(codes)
    )
    visit = note.visit
    billing.post_charge(
        encounter_id=visit.pk,
        patient_id=visit.patient_id,
        category=Charge.Category.CONSULTATION,
        description=visit.service.name_id,
        unit_price_idr=note.consultation_fee_idr,
        source_type="consultations.note",
        source_id=note.pk,
        actor=actor,
    )
    audit.record(
        "consultations.note.signed",
        actor=actor,
        patient=note.patient_id,
        target=note,
        detail={
            "visit": visit.number,
            "codes": [code.code for code, _rank in codes],
            "fee_idr": note.consultation_fee_idr,
            "list_fee_idr": scheduling.first_price_idr(visit),
        },
    )
    return note


def find_codes(codes: Iterable[str]) -> dict[str, DiagnosisCode]:
    """Return active code rows by code, upper case; the newest edition where several are loaded. One query."""
    wanted = {code.strip().upper() for code in codes}
    rows = DiagnosisCode.objects.filter(code__in=wanted, is_active=True).order_by("edition")
    return {row.code: row for row in rows}


def choose_diagnoses(codes: Iterable[str]) -> list[ChosenDiagnosis]:
    """Return what a doctor typed or picked, in its order, as choices for `sign_note`: the first one is the primary.

    Raises:
        UnknownDiagnosis: a code is not in the active list; the sentence names it.
    """
    typed = [code.strip().upper() for code in codes if code.strip()]
    rows = find_codes(typed)
    unknown = [code for code in typed if code not in rows]
    if unknown:
        raise UnknownDiagnosis(
            _("%(code)s is not in the list of codes. Search the diagnosis by its name and choose it.")
            % {"code": unknown[0][:20]}
        )
    ranks = [Diagnosis.Rank.PRIMARY] + [Diagnosis.Rank.SECONDARY] * len(typed)
    return [ChosenDiagnosis(code_id=rows[code].pk, rank=rank) for code, rank in zip(typed, ranks, strict=False)]


@retry_transaction
def import_codes(rows: Iterable[Mapping[str, str]], *, edition: str, system: str = ICD10_SYSTEM) -> tuple[int, int]:
    """Add codes and bring known ones up to date; return how many were added and changed. All rows or none.

    A row has `code`, `display_en`, and optionally `display_id`, `chapter`, `is_primary_allowed` (1 or 0), `keywords`.
    Codes that are not among the rows stay as they are.

    Raises:
        InvalidCodeRow: a row is wrong; the sentence names it by its line, counted from 2 under the header.
    """
    known = {row.code: row for row in DiagnosisCode.objects.filter(system=system, edition=edition)}
    fresh: list[DiagnosisCode] = []
    changed: list[DiagnosisCode] = []
    seen: set[str] = set()
    for line, row in enumerate(rows, start=2):
        values = _checked_code_row(line, row)
        if values["code"] in seen:
            raise InvalidCodeRow(_("Line %(line)d: %(code)s stands twice.") % {"line": line, "code": values["code"]})
        seen.add(values["code"])
        entry = known.get(values["code"])
        if entry is None:
            entry = DiagnosisCode(system=system, edition=edition, **values)
            entry.fill_search_text()
            fresh.append(entry)
            continue
        before = (entry.search_text, *(getattr(entry, name) for name in values))
        for name, value in values.items():
            setattr(entry, name, value)
        entry.fill_search_text()
        if before != (entry.search_text, *values.values()):
            changed.append(entry)
    DiagnosisCode.objects.bulk_create(fresh, batch_size=500)
    DiagnosisCode.objects.bulk_update(
        changed,
        ["display_en", "display_id", "chapter", "is_primary_allowed", "keywords", "search_text"],
        batch_size=500,
    )
    return len(fresh), len(changed)


def primary_missing() -> str:
    """Return the sentence for a note without its one primary diagnosis."""
    return _("Choose exactly one primary diagnosis.")


def nothing_written() -> str:
    """Return the sentence for a note that says neither what the patient has nor what the doctor thinks."""
    return _("Write at least the complaint (S) or the assessment (A) before you finish.")


def search_codes(text: str, *, limit: int = 20) -> list[DiagnosisCode]:
    """Return active codes for what a doctor typed: a code's beginning, or words of its names in any order.

    Codes that start with the text come first, then by code. One query.
    """
    words = clean_line(text).lower().split()[:6]
    if not words or len(words[0]) < 2:
        return []
    matches = Q()
    for word in words:
        matches &= Q(search_text__contains=word)
    found = DiagnosisCode.objects.filter(Q(code__istartswith=words[0]) | matches, is_active=True).order_by("code")[
        : limit * 3
    ]
    return sorted(found, key=lambda code: (not code.code.lower().startswith(words[0]), code.code))[:limit]


def _locked_note(*, visit_id: UUID, actor: Any, version: int) -> Note:
    """Return the visit's draft under the visit's lock, or a new one that is not saved yet.

    Raises:
        NotYourVisit: the actor is not the visit's doctor.
        WrongStage: the consultation was not started, or the visit is over.
        NoteSigned: the note is signed.
        NoteChanged: the note is not at `version`.
    """
    visit = scheduling.lock_visit(visit_id)
    if visit.doctor_id != actor.pk:
        raise NotYourVisit(_("Only the doctor of this visit writes its note."))
    note = locked(Note.objects.all()).filter(visit=visit, current=1).first()
    if note is not None and note.status == Note.Status.SIGNED:
        raise NoteSigned(_("This consultation is finished; its note does not change any more."))
    if visit.status != Visit.Status.IN_CONSULTATION:
        raise WrongStage(_("Start the consultation before you write its note."))
    if (note.version if note else 0) != version:
        raise NoteChanged(_("This note was saved in another window. Reload the page; copy your text first."))
    if note is None:
        now = clock.now()
        return Note(visit=visit, patient_id=visit.patient_id, author=actor, created_at=now, updated_at=now, version=0)
    note.visit = visit
    return note


def _write(note: Note, *, soap: dict[str, str], fee: int, draft_lines: str, draft_diagnoses: str) -> None:
    unknown = set(soap) - set(SOAP_FIELDS)
    if unknown:
        raise TypeError(f"not a SOAP field: {', '.join(sorted(unknown))}")
    for field in SOAP_FIELDS:
        text = clean_text(soap.get(field, ""))
        if len(text) > MAX_TEXT:
            raise InvalidInput(_("Each part of the note holds up to 10,000 characters."))
        setattr(note, field, text)
    if not 0 <= fee <= MAX_AMOUNT_IDR:
        raise InvalidInput(_("The fee must be between Rp0 and %(limit)s.") % {"limit": format_rupiah(MAX_AMOUNT_IDR)})
    note.consultation_fee_idr = fee
    note.draft_lines, note.draft_diagnoses = draft_lines, draft_diagnoses
    note.version += 1
    note.updated_at = clock.now()


def _resolve(diagnoses: list[ChosenDiagnosis]) -> list[tuple[DiagnosisCode, str]]:
    """Return the rows of the chosen codes, primary first."""
    primaries = [chosen for chosen in diagnoses if chosen.rank == Diagnosis.Rank.PRIMARY]
    if len(primaries) != 1:
        raise DiagnosisMissing(primary_missing())
    ids = [chosen.code_id for chosen in diagnoses]
    if len(set(ids)) != len(ids) or len(ids) > MAX_DIAGNOSES:
        raise UnknownDiagnosis(_("A diagnosis is chosen twice, or there are more than twelve."))
    rows = {row.pk: row for row in DiagnosisCode.objects.filter(pk__in=ids, is_active=True)}
    if len(rows) != len(ids):
        raise UnknownDiagnosis(_("A chosen diagnosis is not in the list of codes. Choose it again."))
    ordered = primaries + [chosen for chosen in diagnoses if chosen.rank != Diagnosis.Rank.PRIMARY]
    if not rows[primaries[0].code_id].is_primary_allowed:
        raise UnknownDiagnosis(_("This code may not be the primary diagnosis. Choose another one as primary."))
    return [
        (rows[chosen.code_id], Diagnosis.Rank.PRIMARY if chosen in primaries else Diagnosis.Rank.SECONDARY)
        for chosen in ordered
    ]


def _checked_code_row(line: int, row: Mapping[str, str]) -> dict[str, Any]:
    """Return the fields of one row of a code list, trimmed."""
    values = {name: clean_line(row.get(name)) for name in ("code", "display_en", "display_id", "chapter", "keywords")}
    values["code"] = values["code"].upper()
    if not CODE_SHAPE.fullmatch(values["code"]):
        raise InvalidCodeRow(
            _("Line %(line)d: “%(code)s” is no ICD-10 code.") % {"line": line, "code": values["code"][:20]}
        )
    if not values["display_en"]:
        raise InvalidCodeRow(_("Line %(line)d: %(code)s has no English name.") % {"line": line, "code": values["code"]})
    for name, text in values.items():
        limit = int(getattr(DiagnosisCode._meta.get_field(name), "max_length", 0) or 0)
        if len(text) > limit:
            raise InvalidCodeRow(
                _("Line %(line)d: %(column)s is longer than %(limit)d characters.")
                % {"line": line, "column": name, "limit": limit}
            )
    allowed = clean_line(row.get("is_primary_allowed")) or "1"
    if allowed not in {"0", "1"}:
        raise InvalidCodeRow(_("Line %(line)d: is_primary_allowed is 1 or 0.") % {"line": line})
    return {**values, "is_primary_allowed": allowed == "1"}


def _plausible(measurements: dict[str, Decimal | int | None]) -> dict[str, Decimal | int]:
    values: dict[str, Decimal | int] = {}
    for field, value in measurements.items():
        rule = BY_FIELD[field]
        if value is None:
            continue
        if not rule.minimum <= value <= rule.maximum or round(value, rule.decimals) != value:
            raise ImplausibleVitals(rule.limits_sentence())
        values[field] = value
    if not values:
        raise ImplausibleVitals(_("Enter at least one measurement."))
    systolic, diastolic = values.get("systolic_mmhg"), values.get("diastolic_mmhg")
    if (systolic is None) != (diastolic is None):
        raise ImplausibleVitals(_("Enter both blood pressure values, upper and lower."))
    if systolic is not None and diastolic is not None and diastolic >= systolic:
        raise ImplausibleVitals(_("The lower blood pressure value must be below the upper one."))
    return values

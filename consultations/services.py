"""Writing clinical facts: vital signs, drafts, signed notes with coded diagnoses."""

from __future__ import annotations

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
    NoteChanged,
    NoteSigned,
    NotYourVisit,
    UnknownDiagnosis,
    WrongStage,
)
from consultations.models import Diagnosis, DiagnosisCode, Note, VitalSigns
from consultations.vitals import BY_FIELD
from core import clock, live
from core.db import locked, retry_transaction
from core.errors import InvalidInput
from core.money import MAX_AMOUNT_IDR, format_rupiah
from scheduling import services as scheduling
from scheduling.models import Visit

BEFORE_DOCTOR = {Visit.Status.ARRIVED, Visit.Status.TRIAGE, Visit.Status.WAITING}
MAX_TEXT = 10_000
MAX_DIAGNOSES = 12
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
        remark=remark.strip()[:500],
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
    """Mark a wrong set of vital signs; it stays readable and is no longer shown as the patient's.

    Raises:
        InvalidInput: no reason was given.
    """
    if not reason.strip():
        raise InvalidInput(_("Say why this entry is wrong."))
    vitals = locked(VitalSigns.objects.all()).get(pk=vitals_id)
    if vitals.status != VitalSigns.Status.ENTERED_IN_ERROR:
        vitals.status = VitalSigns.Status.ENTERED_IN_ERROR
        vitals.save(update_fields=["status"])
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
    **soap: str,
) -> Note:
    """Save an unsigned note; `version` is what the page was opened with, 0 for a new note.

    Raises:
        NotYourVisit, NoteSigned, NoteChanged: see `_locked_note`.
        InvalidInput: a text is too long or the fee impossible.
    """
    note = _locked_note(visit_id=visit_id, actor=actor, version=version)
    _write(note, soap=soap, fee=consultation_fee_idr, draft_lines=draft_lines)
    note.save()
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
        InvalidInput: the assessment is empty, a text too long, the fee impossible.
        DiagnosisMissing: not exactly one primary diagnosis.
        UnknownDiagnosis: a code that is not active, is repeated, or may not be primary.
    """
    note = _locked_note(visit_id=visit_id, actor=actor, version=version)
    _write(note, soap=soap, fee=consultation_fee_idr, draft_lines="")
    if not note.subjective and not note.assessment:
        raise InvalidInput(_("Write at least the complaint (S) or the assessment (A) before you finish."))
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
            "list_fee_idr": visit.price_idr,
        },
    )
    return note


def search_codes(text: str, *, limit: int = 20) -> list[DiagnosisCode]:
    """Return active codes for what a doctor typed: a code's beginning, or words of its names in any order.

    Codes that start with the text come first, then by code. One query.
    """
    words = text.strip().lower().split()[:6]
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


def _write(note: Note, *, soap: dict[str, str], fee: int, draft_lines: str) -> None:
    unknown = set(soap) - set(SOAP_FIELDS)
    if unknown:
        raise TypeError(f"not a SOAP field: {', '.join(sorted(unknown))}")
    for field in SOAP_FIELDS:
        text = soap.get(field, "").strip()
        if len(text) > MAX_TEXT:
            raise InvalidInput(_("Each part of the note holds up to 10,000 characters."))
        setattr(note, field, text)
    if not 0 <= fee <= MAX_AMOUNT_IDR:
        raise InvalidInput(_("The fee must be between Rp0 and %(limit)s.") % {"limit": format_rupiah(MAX_AMOUNT_IDR)})
    note.consultation_fee_idr = fee
    note.draft_lines = draft_lines
    note.version += 1
    note.updated_at = clock.now()


def _resolve(diagnoses: list[ChosenDiagnosis]) -> list[tuple[DiagnosisCode, str]]:
    """Return the rows of the chosen codes, primary first."""
    primaries = [chosen for chosen in diagnoses if chosen.rank == Diagnosis.Rank.PRIMARY]
    if len(primaries) != 1:
        raise DiagnosisMissing(_("Choose exactly one primary diagnosis."))
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


def _plausible(measurements: dict[str, Decimal | int | None]) -> dict[str, Decimal | int]:
    values: dict[str, Decimal | int] = {}
    for field, value in measurements.items():
        rule = BY_FIELD[field]
        if value is None:
            continue
        if not rule.minimum <= value <= rule.maximum:
            raise ImplausibleVitals(
                _("%(label)s must be between %(minimum)s and %(maximum)s %(unit)s.")
                % {"label": rule.label, "minimum": rule.minimum, "maximum": rule.maximum, "unit": rule.unit}
            )
        values[field] = value
    if not values:
        raise ImplausibleVitals(_("Enter at least one measurement."))
    systolic, diastolic = values.get("systolic_mmhg"), values.get("diastolic_mmhg")
    if (systolic is None) != (diastolic is None):
        raise ImplausibleVitals(_("Enter both blood pressure values, upper and lower."))
    if systolic is not None and diastolic is not None and diastolic >= systolic:
        raise ImplausibleVitals(_("The lower blood pressure value must be below the upper one."))
    return values

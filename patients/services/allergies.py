"""Allergies: asked and answered, recorded, corrected, or marked as wrong. Nothing is deleted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

import audit
from core import clock
from core.db import retry_transaction
from core.substance_names import fold
from core.text import clean_line
from patients import substances
from patients.errors import AllergyClosed, AllergyExists, InvalidPatientData, NotAsked, ReasonMissing
from patients.models import Allergy, Patient
from patients.services.locks import lock_patient

MAX_SUBSTANCE = 120
MAX_REACTION = 200
MAX_REASON = 300


@retry_transaction
def record_allergy(
    *,
    patient_id: UUID,
    actor: Any,
    substance: str,
    category: str,
    group: str = "",
    reaction: str = "",
    reaction_codes: Sequence[str] = (),
    severity: str = "",
    onset_year: int | None = None,
    source: str = "",
    is_confirmed: bool = False,
) -> Allergy:
    """Record one allergy; the patient's state becomes "has allergies", asked now.

    `substance` is a code of `patients.substances`, or words. Words that name an entry in any usual spelling ("Panadol",
    "amoxicillin") get its code, kind and medicine group, so that prescriptions are stopped whoever typed them; the words
    stay as typed. `reaction` is what `reaction_codes` do not say.

    Raises:
        InvalidPatientData: no substance, or a value outside its list; `field` names it.
        AllergyExists: the same substance, by code or by words, is recorded and not marked as wrong.
    """
    patient = lock_patient(patient_id)
    typed = clean_line(substance)
    if not typed or len(typed) > MAX_SUBSTANCE:
        raise InvalidPatientData(
            _("Enter what the patient is allergic to, at most %(limit)d letters.") % {"limit": MAX_SUBSTANCE},
            "substance",
        )
    _require_listed(category=category, group=group, severity=severity, source=source)
    entry = substances.named(typed)
    name = entry.label if entry is not None and entry.code == typed else typed
    if _is_recorded(patient, name, entry):
        raise AllergyExists(_("This allergy is recorded already."))
    allergy = Allergy.objects.create(
        patient=patient,
        substance=name,
        category=entry.category if entry else category,
        group=(entry.group if entry else "") or group,
        code_system=substances.SYSTEM if entry else "",
        code=entry.code if entry else "",
        reaction=_reaction(reaction, reaction_codes),
        reaction_codes=list(reaction_codes),
        severity=severity,
        onset_year=_year(onset_year, patient),
        source=source,
        is_confirmed=is_confirmed,
        recorded_at=clock.now(),
        recorded_by=actor,
    )
    _set_state(patient, Patient.AllergyStatus.KNOWN, actor)
    audit.record(
        "patients.allergy.recorded",
        actor=actor,
        patient=patient.pk,
        target=allergy,
        detail={"category": allergy.category, "group": allergy.group, "severity": severity},
    )
    return allergy


@retry_transaction
def record_no_allergies(*, patient_id: UUID, actor: Any) -> Patient:
    """Record that the patient was asked and has no known allergies.

    Raises:
        AllergyExists: allergies are recorded; mark them as wrong first.
    """
    patient = lock_patient(patient_id)
    if _active(patient):
        raise AllergyExists(_("Allergies are recorded for this patient. Mark the wrong ones first."))
    _set_state(patient, Patient.AllergyStatus.NONE, actor)
    audit.record("patients.allergies.denied", actor=actor, patient=patient.pk, target=patient)
    return patient


@retry_transaction
def confirm_allergies(*, patient_id: UUID, actor: Any) -> Patient:
    """Record that the patient was asked again and nothing has changed.

    Raises:
        NotAsked: nobody has asked yet, so there is nothing to agree with.
    """
    patient = lock_patient(patient_id)
    if patient.allergy_status == Patient.AllergyStatus.UNKNOWN:
        raise NotAsked(_("Nobody has asked about allergies yet. Record the answer first."))
    _set_state(patient, Patient.AllergyStatus(patient.allergy_status), actor)
    audit.record("patients.allergies.confirmed", actor=actor, patient=patient.pk, target=patient)
    return patient


@retry_transaction
def mark_allergy_in_error(*, allergy_id: UUID, actor: Any, reason: str) -> Allergy:
    """Mark a wrong entry; it stays readable in the record. After the last one nobody knows: the state is "not asked".

    Raises:
        ReasonMissing: no reason was given.
        AllergyClosed: it was marked before.
    """
    why = clean_line(reason)[:MAX_REASON]
    if not why:
        raise ReasonMissing(_("Write why this entry is wrong."))
    patient, allergy = _locked_with_patient(allergy_id)
    allergy.status = Allergy.Status.ENTERED_IN_ERROR
    allergy.error_reason, allergy.marked_at, allergy.marked_by = why, clock.now(), actor
    allergy.save(update_fields=["status", "error_reason", "marked_at", "marked_by"])
    if not _active(patient):
        patient.allergy_status, patient.allergy_asked_at = Patient.AllergyStatus.UNKNOWN, None
        patient.allergy_asked_by = None
        patient.save(update_fields=["allergy_status", "allergy_asked_at", "allergy_asked_by"])
    audit.record("patients.allergy.marked_in_error", actor=actor, patient=patient.pk, target=allergy)
    return allergy


@retry_transaction
def correct_allergy(*, allergy_id: UUID, actor: Any, reason: str, **fields: Any) -> Allergy:
    """Replace an entry: the old one is marked as wrong with the reason, and a new one is written.

    Raises: as `mark_allergy_in_error` and `record_allergy`.
    """
    with transaction.atomic():  # both or neither, also inside a caller's transaction
        old = mark_allergy_in_error(allergy_id=allergy_id, actor=actor, reason=reason)
        return record_allergy(patient_id=old.patient_id, actor=actor, **fields)


@retry_transaction
def confirm_allergy(*, allergy_id: UUID, actor: Any) -> Allergy:
    """Record that a clinician has judged this allergy to be real (FHIR verificationStatus); safe to repeat.

    Raises:
        AllergyClosed: it was marked as wrong before.
    """
    patient, allergy = _locked_with_patient(allergy_id)
    if not allergy.is_confirmed:
        allergy.is_confirmed = True
        allergy.save(update_fields=["is_confirmed"])
        audit.record("patients.allergy.confirmed", actor=actor, patient=patient.pk, target=allergy)
    return allergy


def _locked_with_patient(allergy_id: UUID) -> tuple[Patient, Allergy]:
    """Return an allergy that may be changed; the patient's lock covers the rows below it."""
    patient_id = Allergy.objects.filter(pk=allergy_id).values_list("patient_id", flat=True).first()
    patient = lock_patient(patient_id)
    allergy = Allergy.objects.get(pk=allergy_id)
    if allergy.status != Allergy.Status.ACTIVE:
        raise AllergyClosed(_("This entry was marked as wrong before."))
    return patient, allergy


def _active(patient: Patient) -> list[Allergy]:
    return list(Allergy.objects.filter(patient=patient, status=Allergy.Status.ACTIVE))


def _is_recorded(patient: Patient, name: str, entry: substances.Substance | None) -> bool:
    """True when an active allergy has the code, or names the same in any usual spelling."""
    code, folded = entry.code if entry else "", fold(name)
    for row in _active(patient):
        known = substances.named(row.substance)
        codes = {row.code, known.code if known else ""} - {""}
        if (code and code in codes) or row.substance.casefold() == name.casefold():
            return True
        if folded and fold(row.substance) == folded:
            return True
    return False


def _require_listed(*, category: str, group: str, severity: str, source: str) -> None:
    for field, value, choices in (
        ("category", category, Allergy.Category.values),
        ("group", group, Allergy.Group.values),
        ("severity", severity, ["", *Allergy.Severity.values]),
        ("source", source, ["", *Allergy.Source.values]),
    ):
        if value not in choices:
            raise InvalidPatientData(_("Choose one of the options."), field)


def _reaction(words: str, codes: Sequence[str]) -> str:
    if len(set(codes)) != len(codes) or not set(codes) <= set(substances.REACTION_BY_CODE):
        raise InvalidPatientData(_("Choose one of the options."), "reaction_codes")
    text = substances.reaction_words(codes, clean_line(words))
    if len(text) > MAX_REACTION:
        raise InvalidPatientData(
            _("The reactions take more than %(limit)d letters. Write it shorter.") % {"limit": MAX_REACTION}, "reaction"
        )
    return text


def _year(year: int | None, patient: Patient) -> int | None:
    if year is not None and not patient.birth_date.year <= year <= clock.today().year:
        raise InvalidPatientData(_("Enter a year between the birth and today."), "onset_year")
    return year


def _set_state(patient: Patient, status: Patient.AllergyStatus, actor: Any) -> None:
    patient.allergy_status, patient.allergy_asked_at, patient.allergy_asked_by = status, clock.now(), actor
    patient.save(update_fields=["allergy_status", "allergy_asked_at", "allergy_asked_by"])

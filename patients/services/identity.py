"""Registering people and changing what is known about them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

import audit
from core import clock
from core.db import next_number, retry_transaction
from core.text import clean_line
from patients import identity
from patients.errors import (
    DuplicateNik,
    IdentityLocked,
    LikelyDuplicate,
    PatientChanged,
    PatientNotFound,
    ReasonMissing,
)
from patients.models import Patient, PortalRegistration
from patients.search import BLIND_COLUMNS, fill_blind_columns, is_nik_known, write_tokens
from patients.services.allergies import record_allergy, record_no_allergies
from patients.services.duplicates import same_name_and_birth
from patients.services.guardian_dates import realign_links

RECORD_NUMBER_COUNTER = "patients.record_number"
RECORD_NUMBER_DIGITS = 6
MAX_REASON = 300
SEARCHED_FIELDS = frozenset({"full_name", "birth_date", "nik", "phone"})
PROFILE_FIELDS = frozenset(
    {"nik", "birth_place", "birth_date", "phone", "address", "mother_name", "blood_type", "guarantor", "bpjs_number"}
)


@dataclass(frozen=True)
class AllergyAnswer:
    """What the patient said when the desk asked about allergies; `denied` is "I have none"."""

    denied: bool = False
    substance: str = ""
    category: str = ""
    group: str = ""
    reaction: str = ""


@retry_transaction
def register_patient(
    *,
    actor: Any,
    full_name: str,
    birth_date: date,
    sex: str,
    nik: str | None = None,
    phone: str | None = None,
    email: str = "",
    address: str = "",
    birth_place: str = "",
    mother_name: str = "",
    blood_type: str = "",
    guarantor: str = Patient.Guarantor.SELF,
    bpjs_number: str = "",
    language: str = "id",
    consented: bool = True,
    user: Any = None,
    duplicate_reason: str = "",
) -> Patient:
    """Make a patient record with the next record number; the search index is written with it.

    Registrations wait for each other at the record-number counter, so a double click finds the first one's record. With
    `user` (a portal account that an admin activates) the admin has compared the records and the likeness is not asked.

    Raises:
        InvalidPatientData: a value cannot be.
        DuplicateNik: another patient has the NIK.
        LikelyDuplicate: a similar name with the same birth date exists and `duplicate_reason` is empty.
    """
    fields = identity.clean(
        full_name=full_name, birth_date=birth_date, sex=sex, nik=nik, phone=phone, email=email, address=address,
        birth_place=birth_place, mother_name=mother_name, blood_type=blood_type, guarantor=guarantor,
        bpjs_number=bpjs_number, language=language,
    )  # fmt: skip
    reason = clean_line(duplicate_reason)[:MAX_REASON]
    number = next_number(RECORD_NUMBER_COUNTER)
    now = clock.now()
    patient = Patient(
        record_number=f"{number:0{RECORD_NUMBER_DIGITS}d}",
        user=user,
        duplicate_reason=reason,
        consented_at=now if consented else None,
        created_at=now,
        created_by=actor,
        **fields,
    )
    _refuse_known_nik(patient)
    if user is None and not reason:
        _refuse_likeness(fields["full_name"], fields["birth_date"])
    _save_unique(patient)
    write_tokens(patient)
    audit.record(
        "patients.patient.registered",
        actor=actor,
        patient=patient.pk,
        target=patient,
        detail={
            "record_number": patient.record_number,
            "source": "portal" if user else "desk",
            "looked_alike": bool(reason),
        },
    )
    return patient


@retry_transaction
def register_at_desk(*, actor: Any, allergy: AllergyAnswer | None, **fields: Any) -> Patient:
    """Register a walk-in together with what they answered about allergies (None: not asked).

    Raises: as `register_patient` and `record_allergy`.
    """
    patient = register_patient(actor=actor, **fields)
    if allergy is None:
        return patient
    if allergy.denied:
        return record_no_allergies(patient_id=patient.pk, actor=actor)
    record_allergy(
        patient_id=patient.pk,
        actor=actor,
        substance=allergy.substance,
        category=allergy.category,
        group=allergy.group,
        reaction=allergy.reaction,
    )
    patient.refresh_from_db(fields=["allergy_status", "allergy_asked_at"])
    return patient


@retry_transaction
def update_patient(*, patient_id: UUID, actor: Any, version: int, **fields: Any) -> Patient:
    """Change identity fields. `version` is the one the form was opened with; nothing changed means nothing written.

    Raises:
        PatientChanged: somebody else saved in between.
        InvalidPatientData: a value cannot be.
        DuplicateNik: another patient has the NIK.
    """
    patient = lock_patient(patient_id)
    _require_version(patient, version)
    born_before = patient.birth_date
    changed = _apply(patient, identity.clean(**fields))
    if changed:
        _store(patient, changed)
        _follow_birth_date(patient, born_before, actor)
        audit.record(
            "patients.patient.updated",
            actor=actor,
            patient=patient.pk,
            target=patient,
            detail={"fields": sorted(changed)},
        )
    return patient


@retry_transaction
def complete_profile(*, patient_id: UUID, actor: Any, version: int, **fields: Any) -> Patient:
    """Take over what the patient wrote in the own profile (`PROFILE_FIELDS`).

    A NIK can be given once. The birth date can be corrected once, by people who signed up themselves; what the desk
    wrote stays. Later both are changed by staff.

    Raises:
        PatientChanged: the clinic saved in between.
        IdentityLocked: the NIK or birth date was given before.
        InvalidPatientData: a value cannot be.
        DuplicateNik: another patient has the NIK.
    """
    if unknown := set(fields) - PROFILE_FIELDS:
        raise TypeError(f"not part of the profile: {sorted(unknown)}")
    patient = lock_patient(patient_id)
    _require_version(patient, version)
    cleaned = identity.clean(**fields)
    locked = _("Your NIK and date of birth are recorded. Ask the front desk to correct them.")
    if cleaned.get("nik", patient.nik) != patient.nik and not may_set_nik(patient):
        raise IdentityLocked(locked)
    if cleaned.get("birth_date", patient.birth_date) != patient.birth_date and not may_set_birth_date(patient, actor):
        raise IdentityLocked(locked)
    born_before = patient.birth_date
    changed = _apply(patient, cleaned)
    is_first = patient.profile_completed_at is None
    if is_first:
        patient.profile_completed_at = clock.now()
        changed.add("profile_completed_at")
    if changed:
        _store(patient, changed)
        _follow_birth_date(patient, born_before, actor)
        audit.record(
            "patients.profile.completed" if is_first else "patients.profile.updated",
            actor=actor,
            patient=patient.pk,
            target=patient,
            detail={"fields": sorted(changed - {"profile_completed_at"})},
        )
    return patient


def may_set_nik(patient: Patient) -> bool:
    """True while the patient has no NIK."""
    return not patient.nik


def may_set_birth_date(patient: Patient, actor: Any) -> bool:
    """True for the patient until the profile is completed, and only when the birth date came from the own sign-up.

    Never for a guardian: their right to the record ends by this date.
    """
    return (
        patient.user_id == actor.pk
        and patient.profile_completed_at is None
        and PortalRegistration.objects.filter(patient_id=patient.pk, made_record=True).exists()
    )


def lock_patient(patient_id: UUID) -> Patient:
    """Return the patient's row, locked until the transaction ends.

    Raises:
        PatientNotFound: there is none.
    """
    patient = Patient.objects.select_for_update().filter(pk=patient_id).first()
    if patient is None:
        raise PatientNotFound(_("There is no such patient."))
    return patient


def require_reason(reason: str, sentence: str) -> str:
    """Return the reason, tidy.

    Raises:
        ReasonMissing: it is empty.
    """
    tidy = clean_line(reason)[:MAX_REASON]
    if not tidy:
        raise ReasonMissing(sentence)
    return tidy


def fill_blanks(patient: Patient, **fields: Any) -> set[str]:
    """Write values into fields of a locked patient that are empty; return the names of those that were.

    Raises:
        DuplicateNik: another patient has the NIK.
    """
    blank = {name: value for name, value in fields.items() if value and not getattr(patient, name)}
    changed = _apply(patient, identity.clean(**blank))
    if changed:
        _store(patient, changed)
    return changed


def _require_version(patient: Patient, version: int) -> None:
    if patient.version != version:
        raise PatientChanged(
            _(
                "Somebody else changed this patient meanwhile. Nothing was saved; compare with what is shown now, then save again."
            )
        )


def _apply(patient: Patient, cleaned: dict[str, Any]) -> set[str]:
    changed = {name for name, value in cleaned.items() if getattr(patient, name) != value}
    for name in changed:
        setattr(patient, name, cleaned[name])
    return changed


def _store(patient: Patient, changed: set[str]) -> None:
    patient.version += 1
    columns: Sequence[str] = [*changed, "version"]
    if changed & SEARCHED_FIELDS:
        fill_blind_columns(patient)
        _refuse_known_nik(patient)
        columns = [*columns, *BLIND_COLUMNS]
    _save_unique(patient, update_fields=columns)
    if changed & SEARCHED_FIELDS:
        write_tokens(patient)


def _follow_birth_date(patient: Patient, born_before: date, actor: Any) -> None:
    if patient.birth_date != born_before:
        realign_links(patient=patient, born_before=born_before, actor=actor)


def _refuse_known_nik(patient: Patient) -> None:
    fill_blind_columns(patient)
    if is_nik_known(patient):
        raise DuplicateNik(_duplicate_nik_text())


def _save_unique(patient: Patient, update_fields: Sequence[str] | None = None) -> None:
    """Save; a NIK that another transaction took in between becomes the same refusal as one that was there."""
    try:
        with transaction.atomic():
            if update_fields is None:
                patient.save(force_insert=True)
            else:
                patient.save(update_fields=update_fields)
    except IntegrityError as error:
        if "nik_bidx" in str(error):
            raise DuplicateNik(_duplicate_nik_text()) from error
        raise


def _duplicate_nik_text() -> str:
    return _(
        "A patient with this NIK is registered already. Check the digits, or look for the NIK in the patient search."
    )


def _refuse_likeness(full_name: str, birth_date: date) -> None:
    alike = same_name_and_birth(full_name, birth_date)
    if alike:
        sentence = _("A patient with a similar name and the same date of birth exists.")
        advice = _("Open that record, or write why this is another person.")
        raise LikelyDuplicate(f"{sentence} {advice}", alike)

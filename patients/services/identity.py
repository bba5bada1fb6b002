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
from patients.details import RegistrationDetails
from patients.errors import (
    AlreadyRegistered,
    DuplicateNik,
    IdentityLocked,
    LikelyDuplicate,
    PatientChanged,
    ReasonMissing,
)
from patients.models import Patient, PortalRegistration
from patients.search import BLIND_COLUMNS, fill_blind_columns, is_nik_known, write_tokens
from patients.services import drafts, registering
from patients.services.allergies import record_allergy, record_no_allergies
from patients.services.duplicates import likely_duplicates
from patients.services.guardian_dates import realign_links
from patients.services.likeness import Facts
from patients.services.locks import lock_patient as lock_patient
from patients.services.payer import follow_identity

RECORD_NUMBER_COUNTER = "patients.record_number"
RECORD_NUMBER_DIGITS = 6
MAX_REASON = 300
SEARCHED_FIELDS = frozenset({"full_name", "birth_date", "nik", "phone", "bpjs_number"})
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
    user: Any = None,
    duplicate_reason: str = "",
    details: RegistrationDetails | None = None,
    registration_key: UUID | None = None,
) -> Patient:
    """Make a patient record with the next record number; the search index is written with it.

    Registrations wait for each other at the record-number counter, so a double click finds the first one's record. With
    `user` (a portal account that an admin activates) the admin has compared the records and the likeness is not asked.
    `details` hold everything beside the identity; the printable address is composed from theirs. `registration_key` is
    of the form that was filled: the same form sent twice makes one record. The name may be empty for newborns and
    unknown people (see `registering.prepare`).

    Raises:
        InvalidPatientData: a value cannot be.
        DuplicateNik: another patient has the NIK.
        LikelyDuplicate: a record is so much alike (`services.likeness.HIGH`) and `duplicate_reason` is empty.
        AlreadyRegistered: this form made a record before.
    """
    given = {
        "full_name": full_name, "birth_date": birth_date, "sex": sex, "nik": nik, "phone": phone, "email": email,
        "address": address, "birth_place": birth_place, "mother_name": mother_name, "blood_type": blood_type,
        "guarantor": guarantor, "bpjs_number": bpjs_number, "language": language,
    }  # fmt: skip
    prepared = registering.prepare(actor=actor, fields=given, details=details or RegistrationDetails())
    details = prepared.details
    fields = identity.clean(**prepared.fields, **details.columns())
    composed = registering.check_details(details)
    fields["address"] = fields["address"] if composed is None else composed
    reason = clean_line(duplicate_reason)[:MAX_REASON]
    number = next_number(RECORD_NUMBER_COUNTER)
    _refuse_known_form(registration_key)
    now = clock.now()
    patient = Patient(
        record_number=f"{number:0{RECORD_NUMBER_DIGITS}d}",
        registration_key=registration_key,
        mother=prepared.mother,
        user=user,
        duplicate_reason=reason,
        created_at=now,
        created_by=actor,
        **fields,
    )
    _refuse_known_nik(patient)
    if user is None and not reason:
        _refuse_likeness(patient, details)
    _save_unique(patient)
    registering.write_details(patient, details)
    write_tokens(patient)
    if patient.bpjs_number:
        follow_identity(patient, changed={"bpjs_number"}, actor=actor)
    audit.record(
        "patients.patient.registered",
        actor=actor,
        patient=patient.pk,
        target=patient,
        detail={
            "record_number": patient.record_number,
            "source": "portal" if user else "desk",
            "looked_alike": bool(reason),
            "kind": patient.kind,
        },
    )
    return patient


@retry_transaction
def register_at_desk(
    *, actor: Any, allergy: AllergyAnswer | None, registration_key: UUID | None = None, **fields: Any
) -> Patient:
    """Register a walk-in together with what they answered about allergies (None: not asked); its draft goes.

    A form that was sent before gives the record it made then, unchanged: when it is of the same person, by who sent it.

    Raises: as `register_patient` and `record_allergy`.
    """
    try:
        patient = register_patient(actor=actor, registration_key=registration_key, **fields)
    except AlreadyRegistered as before:
        if before.patient.created_by_id != actor.pk or not _is_named_by(fields, before.patient):
            sentence = _("This form has registered another patient before. Nothing was saved.")
            advice = _("Check what is written here, then send it again.")
            raise AlreadyRegistered(f"{sentence} {advice}", before.patient) from before
        return before.patient
    drafts.discard_draft(user=actor, draft_id=registration_key)
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
def update_patient(
    *, patient_id: UUID, actor: Any, version: int, details: RegistrationDetails | None = None, **fields: Any
) -> Patient:
    """Change identity fields and details. `version` is that of the opened form; nothing changed means nothing written.

    A name the clinic made ("By. Ny. Rohani", "Tn. X 001") stays known as a former name when it is replaced.

    Raises:
        PatientChanged: somebody else saved in between.
        InvalidPatientData: a value cannot be.
        DuplicateNik: another patient has the NIK.
    """
    patient = lock_patient(patient_id)
    sentence = _(
        "Somebody else changed this patient meanwhile. Nothing was saved; compare with what is shown now, then save again."
    )
    _require_version(patient, version, sentence)
    born_before = patient.birth_date
    changed = _change(patient, fields, details)
    if changed:
        _follow_birth_date(patient, born_before, actor)
        follow_identity(patient, changed=changed, actor=actor)
        audit.record(
            "patients.patient.updated",
            actor=actor,
            patient=patient.pk,
            target=patient,
            detail={"fields": sorted(changed)},
        )
    return patient


@retry_transaction
def complete_profile(
    *, patient_id: UUID, actor: Any, version: int, details: RegistrationDetails | None = None, **fields: Any
) -> Patient:
    """Take over what the patient wrote in the own profile (`PROFILE_FIELDS`, and addresses in `details`).

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
    if details is not None and details != RegistrationDetails(
        identity_address=details.identity_address, domicile=details.domicile
    ):
        raise TypeError("only addresses are part of the profile")
    patient = lock_patient(patient_id)
    sentence = _("These data were changed meanwhile. Nothing was saved; open your profile again.")
    _require_version(patient, version, sentence)
    cleaned = identity.clean(**fields)
    locked = _("Your NIK and date of birth are recorded. Ask the front desk to correct them.")
    if cleaned.get("nik", patient.nik) != patient.nik and not may_set_nik(patient):
        raise IdentityLocked(locked)
    if cleaned.get("birth_date", patient.birth_date) != patient.birth_date and not may_set_birth_date(patient, actor):
        raise IdentityLocked(locked)
    born_before = patient.birth_date
    is_first = patient.profile_completed_at is None
    completed: dict[str, Any] = {"profile_completed_at": clock.now()} if is_first else {}
    changed = _change(patient, cleaned, details, **completed)
    if changed:
        _follow_birth_date(patient, born_before, actor)
        follow_identity(patient, changed=changed, actor=actor)
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


def _require_version(patient: Patient, version: int, sentence: str) -> None:
    if patient.version != version:
        raise PatientChanged(sentence)


def _change(patient: Patient, fields: dict[str, Any], details: RegistrationDetails | None, **stamps: Any) -> set[str]:
    """Write what differs of a locked patient, and its details; return the names of what changed."""
    details = details or RegistrationDetails()
    values = {**identity.clean(**fields, **details.columns()), **stamps}
    composed = registering.check_details(details)
    if composed is not None:
        values["address"] = composed
    name_before = patient.full_name if patient.has_stand_in_name else ""
    changed = _apply(patient, values)
    parts = registering.write_details(patient, details)
    if "address" in changed and composed is None:
        parts |= registering.forget_structured_address(patient)
    if "full_name" in changed and name_before:
        registering.keep_former_name(patient, name_before)
        parts.add("numbers")
    if changed or parts:
        _store(patient, changed, is_searched="numbers" in parts)
    return changed | parts


def _apply(patient: Patient, cleaned: dict[str, Any]) -> set[str]:
    changed = {name for name, value in cleaned.items() if getattr(patient, name) != value}
    for name in changed:
        setattr(patient, name, cleaned[name])
    return changed


def _store(patient: Patient, changed: set[str], *, is_searched: bool = False) -> None:
    """Save the changed columns; `is_searched` when something beside them changed that the search finds by."""
    patient.version += 1
    columns: Sequence[str] = [*changed, "version"]
    if changed & SEARCHED_FIELDS:
        fill_blind_columns(patient)
        _refuse_known_nik(patient)
        columns = [*columns, *BLIND_COLUMNS]
    _save_unique(patient, update_fields=columns)
    if changed & SEARCHED_FIELDS or is_searched:
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


def _refuse_known_form(key: UUID | None) -> None:
    """Raise AlreadyRegistered when a record was made with this form. After the counter is locked, so that it is seen."""
    known = Patient.objects.filter(registration_key=key).first() if key is not None else None
    if known is not None:
        raise AlreadyRegistered(_("This form was sent before. The patient is registered."), known)


def _is_named_by(fields: dict[str, Any], patient: Patient) -> bool:
    """True when a form names this person. What was left empty (a newborn's name is made) says nothing."""
    said = {name: fields[name] for name in ("full_name", "birth_date", "nik") if fields.get(name)}
    return all(getattr(patient, name) == value for name, value in identity.clean(**said).items())


def _refuse_likeness(patient: Patient, details: RegistrationDetails) -> None:
    alike = likely_duplicates(Facts.of(patient))
    if alike and details.mother_id is not None:
        alike = [other for other in alike if not registering.is_other_twin(details, other)]
    if alike:
        sentence = _("This person is probably registered already.")
        advice = _("Open the record shown, or write why this is another person.")
        raise LikelyDuplicate(f"{sentence} {advice}", alike)

"""Completes a known record from a list: what is empty is filled, what is there stays."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import audit
from core import clock
from core.search.blind import number_key
from patients.models import Patient, PatientAddress, PatientContact, PatientDemographics, PatientIdentifier
from patients.search import write_tokens
from patients.services.identity import fill_blanks, lock_patient
from patients.services.payer import follow_identity
from patients.services.registering_many import NewPatient

# Beside these a stored value is a decision, not a gap: sex, kind, payer and how exact the birth date is.
FILLED = (
    "nik", "birth_place", "phone", "email", "mother_name", "blood_type", "rhesus", "bpjs_number", "title_prefix", "title_suffix",
)  # fmt: skip
SOCIAL = ("religion", "education", "occupation", "marital")
SOCIAL_TEXTS = ("occupation_text", "ethnicity", "spoken_languages", "home_phone")


def complete_record(*, patient_id: UUID, person: NewPatient, actor: Any) -> set[str]:
    """Fill the gaps of a record with what is known of the person; return the names of what was filled. Audited.

    In the caller's transaction; locks the patient. Numbers of other registers are added, nothing is replaced.

    Raises:
        PatientMerged: the record was merged meanwhile.
        DuplicateNik: the NIK to be filled in is another patient's.
    """
    patient = lock_patient(patient_id)
    values = {name: person.fields.get(name) for name in FILLED}
    has_address = PatientAddress.objects.filter(patient=patient, use=PatientAddress.Use.IDENTITY).exists()
    takes_address = bool(person.address) and not has_address and not patient.address
    if takes_address:
        values["address"] = person.fields.get("address")
    changed = fill_blanks(patient, **values)
    if takes_address:
        PatientAddress.objects.create(
            patient=patient, use=PatientAddress.Use.IDENTITY, updated_at=clock.now(), **person.address
        )
    changed |= _fill_social(patient, person.social) | _fill_contacts(patient, person) | _add_numbers(patient, person)
    if changed:
        follow_identity(patient, changed=changed, actor=actor)
        detail = {"fields": sorted(changed), "source": "import"}
        audit.record("patients.patient.updated", actor=actor, patient=patient.pk, target=patient, detail=detail)
    return changed


def _fill_social(patient: Patient, social: dict[str, Any]) -> set[str]:
    row = PatientDemographics.objects.filter(patient=patient).first()
    if row is None:
        PatientDemographics.objects.create(patient=patient, updated_at=clock.now(), **social)
        return {"social"} if any(social[f"{name}_code"] for name in SOCIAL) else set()
    filled: list[str] = []
    for name in SOCIAL:
        if social[f"{name}_code"] and not getattr(row, f"{name}_code"):
            filled += [f"{name}_code", f"{name}_label"]
    filled += [name for name in SOCIAL_TEXTS if social[name] and not getattr(row, name)]
    for name in filled:
        setattr(row, name, social[name])
    if filled:
        row.updated_at = clock.now()
        row.save(update_fields=[*filled, "updated_at"])
    return {"social"} if filled else set()


def _fill_contacts(patient: Patient, person: NewPatient) -> set[str]:
    changed = set()
    for role, values in person.contacts:
        if not PatientContact.objects.filter(patient=patient, role=role).exists():
            PatientContact.objects.create(patient=patient, role=role, updated_at=clock.now(), **values)
            changed.add(f"contact_{role}")
    return changed


def _add_numbers(patient: Patient, person: NewPatient) -> set[str]:
    if not person.numbers:
        return set()
    known = {(row.kind, number_key(row.value)) for row in PatientIdentifier.objects.filter(patient=patient)}
    known.add((PatientIdentifier.Kind.OLD_RECORD, number_key(patient.record_number)))
    new = [(kind, values) for kind, values in person.numbers if (kind, number_key(values["value"])) not in known]
    for kind, values in new:
        PatientIdentifier.objects.create(patient=patient, kind=kind, created_at=clock.now(), **values)
    if new:
        write_tokens(patient)
    return {"numbers"} if new else set()

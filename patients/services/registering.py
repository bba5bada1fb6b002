"""Writes what a registration holds beside the identity columns: social data, addresses, people around, numbers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from django.db.models import Model
from django.utils.translation import gettext as _

from core import clock
from core.db import next_number
from patients.details import (
    Address,
    Contact,
    RegistrationDetails,
    SocialData,
    address_columns,
    address_text,
    contact_columns,
    number_columns,
    social_columns,
)
from patients.errors import InvalidPatientData
from patients.models import (
    Patient,
    PatientAddress,
    PatientContact,
    PatientDemographics,
    PatientIdentifier,
    Sex,
)
from patients.names import newborn_name, unknown_name
from patients.records import address_of_row

UNKNOWN_COUNTER = "patients.unknown_name"
PARENT = "2"  # relation of `patients.codes`
# What is true of every newborn, so that nobody is asked: no schooling, no work, never married.
NEWBORN_SOCIAL = {"education": "0", "occupation": "0", "marital": "1"}
CHILD_BANDS = frozenset({"1", "2", "3"})


@dataclass(frozen=True)
class Prepared:
    """A registration with everything that follows from its kind: the name, and what a baby has from the mother."""

    fields: dict[str, Any]
    details: RegistrationDetails
    mother: Patient | None = None


def prepare(*, actor: Any, fields: dict[str, Any], details: RegistrationDetails) -> Prepared:
    """Fill what the kind of registration says by itself. In the transaction that registers.

    A newborn gets the mother's name, NIK, address and phone where nothing was written, and the mother as the person
    responsible; a stand-in name is made for a newborn and for an unknown person without one.

    Raises:
        InvalidPatientData: the mother is not one the actor sees, or nothing says whose baby it is.
    """
    if details.kind == Patient.Kind.NEWBORN:
        return _newborn(actor, fields, details)
    if details.kind == Patient.Kind.UNKNOWN and not (fields.get("full_name") or "").strip():
        social = details.social or SocialData()
        name = unknown_name(
            next_number(UNKNOWN_COUNTER), sex=fields.get("sex", ""), is_child=social.age_band in CHILD_BANDS
        )
        return Prepared({**fields, "full_name": name}, details)
    return Prepared(fields, details)


def is_other_twin(details: RegistrationDetails, other: Patient) -> bool:
    """True when a newborn is a further child of the same birth: same mother, another order among twins. One statement."""
    order = details.social.birth_order if details.social else None
    if details.mother_id is None or order is None:
        return False
    rows = PatientDemographics.objects.filter(patient_id=other.pk, patient__mother_id=details.mother_id)
    return rows.exclude(birth_order=None).exclude(birth_order=order).exists()


def write_details(patient: Patient, details: RegistrationDetails) -> set[str]:
    """Store what `details` say beside the columns of `Patient`; return which parts changed.

    Call it with the patient's row locked or just inserted. What is None in `details` stays as it is. One statement to
    read each part that is said, and one to write each that differs.

    Raises:
        InvalidPatientData: a value cannot be; `field` names it.
    """
    changed: set[str] = set()
    if details.social is not None:
        changed |= _write_social(patient, details.social)
    if details.identity_address is not None:
        changed |= _write_address(patient, PatientAddress.Use.IDENTITY, details.identity_address, "address")
    if details.domicile is not None:
        changed |= _write_address(patient, PatientAddress.Use.DOMICILE, details.domicile, "domicile")
    for contact in details.contacts:
        values = contact_columns(contact)
        rows = PatientContact.objects.filter(patient=patient, role=contact.role).order_by("pk")
        if _write_one(rows.first(), values, PatientContact(patient=patient, role=contact.role)):
            changed.add(f"contact_{contact.role}")
    for number in details.numbers:
        values = number_columns(number)
        kept = PatientIdentifier.objects.filter(patient=patient, kind=number.kind).order_by("pk").first()
        new = PatientIdentifier(patient=patient, kind=number.kind, created_at=clock.now())
        if _write_one(kept, values, new, stamp=False):
            changed.add("numbers")
    return changed


def check_details(details: RegistrationDetails) -> str | None:
    """Check all details before anything is written; return the printable identity address, None when none is said.

    Raises:
        InvalidPatientData: a value cannot be; `field` names it.
    """
    if details.social is not None:
        social_columns(details.social)
    if details.domicile is not None:
        address_columns(details.domicile, field_prefix="domicile")
    for contact in details.contacts:
        contact_columns(contact)
    for number in details.numbers:
        number_columns(number)
    if details.identity_address is None:
        return None
    return address_text(address_columns(details.identity_address))


def keep_former_name(patient: Patient, name: str) -> None:
    """Remember a stand-in name that was replaced, so that the patient is still found by it."""
    PatientIdentifier.objects.create(
        patient=patient, kind=PatientIdentifier.Kind.FORMER_NAME, value=name[:60], created_at=clock.now()
    )


def forget_structured_address(patient: Patient) -> set[str]:
    """Remove the parts of the identity address after the printable one was replaced by free text."""
    removed, _rows = PatientAddress.objects.filter(patient=patient, use=PatientAddress.Use.IDENTITY).delete()
    return {"address"} if removed else set()


def _newborn(actor: Any, fields: dict[str, Any], details: RegistrationDetails) -> Prepared:
    social = details.social or SocialData()
    given = {name: getattr(social, name) or code for name, code in NEWBORN_SOCIAL.items()}
    social = replace(social, **given)  # type: ignore[arg-type]
    mother = _mother(actor, details.mother_id)
    mother_name = mother.full_name if mother else (fields.get("mother_name") or "").strip()
    if not mother_name and not (fields.get("full_name") or "").strip():
        raise InvalidPatientData(_("Choose the mother's record, or enter the mother's name."), "mother_name")
    fields = {**fields, "mother_name": mother_name}
    if not (fields.get("full_name") or "").strip():
        fields["full_name"] = newborn_name(mother_name, order=social.birth_order)
    if mother is None:
        return Prepared(fields, replace(details, social=social))
    social = replace(social, mother_nik=social.mother_nik or mother.nik or "")
    fields["phone"] = fields.get("phone") or mother.phone
    details = replace(details, social=social)
    if details.identity_address is None or details.identity_address.is_empty:
        details = replace(details, identity_address=address_of(mother))
    responsible = details.contact(PatientContact.Role.GUARANTOR)
    if responsible is None or not responsible.name.strip():
        contact = Contact(
            PatientContact.Role.GUARANTOR, mother.full_name, PARENT, mother.phone or "", "", mother.nik or ""
        )
        details = details.with_contact(contact)
    return Prepared(fields, details, mother)


def _mother(actor: Any, mother_id: UUID | None) -> Patient | None:
    if mother_id is None:
        return None
    rows = Patient.objects.visible_to(actor).active().filter(pk=mother_id)
    mother = rows.exclude(sex=Sex.MALE).first()
    if mother is None:
        raise InvalidPatientData(_("The mother's record cannot be used. Look for it again."), "mother")
    return mother


def address_of(patient: Patient) -> Address:
    """Return the identity address as it would be typed; of a patient with a free text only, the text as its line."""
    row = PatientAddress.objects.filter(patient=patient, use=PatientAddress.Use.IDENTITY).first()
    return address_of_row(row) if row else Address(line=" ".join(patient.address.split())[:300])


def _write_social(patient: Patient, social: SocialData) -> set[str]:
    values = social_columns(social)
    row = PatientDemographics.objects.filter(patient=patient).first()
    if row is None:
        PatientDemographics.objects.create(patient=patient, updated_at=clock.now(), **values)
        return {"social"} if any(value for name, value in values.items() if name != "nationality") else set()
    return {"social"} if _update(row, values) else set()


def _write_address(patient: Patient, use: str, address: Address, prefix: str) -> set[str]:
    values = address_columns(address, field_prefix=prefix)
    kept = PatientAddress.objects.filter(patient=patient, use=use).first()
    return {prefix} if _write_one(kept, values, PatientAddress(patient=patient, use=use)) else set()


def _write_one(kept: Any, values: dict[str, Any], new: Any, *, stamp: bool = True) -> bool:
    """Make, change or remove one row so that it holds `values`; return whether anything was done."""
    if not values:
        if kept is not None:
            kept.delete()
        return kept is not None
    if kept is not None:
        return _update(kept, values, stamp=stamp)
    for name, value in values.items():
        setattr(new, name, value)
    if stamp:
        new.updated_at = clock.now()
    new.save(force_insert=True)
    return True


def _update(row: Model, values: dict[str, Any], *, stamp: bool = True) -> bool:
    differing = [name for name, value in values.items() if getattr(row, name) != value]
    for name in differing:
        setattr(row, name, values[name])
    if differing and stamp:
        row.updated_at = clock.now()  # type: ignore[attr-defined]
        differing.append("updated_at")
    if differing:
        row.save(update_fields=differing)
    return bool(differing)

"""Registers many people in one transaction by the rules of `register_patient`, in few statements."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import connection

import audit
from core import clock, keys_index
from core.db import next_numbers, raise_number
from core.ids import uuid7
from patients import identity
from patients.details import (
    Address,
    RegistrationDetails,
    SocialData,
    address_columns,
    address_text,
    contact_columns,
    number_columns,
    social_columns,
)
from patients.models import (
    Insurer,
    Patient,
    PatientAddress,
    PatientContact,
    PatientDemographics,
    PatientIdentifier,
    PolicyCoverage,
)
from patients.regions import RegionChain
from patients.search import fill_blind_columns, write_tokens_of
from patients.services.identity import RECORD_NUMBER_COUNTER, RECORD_NUMBER_DIGITS
from patients.services.payer import bpjs_insurer


@dataclass(frozen=True)
class NewPatient:
    """One person to register, every value cleaned as a registration at the desk cleans it. Made by `cleaned`."""

    fields: dict[str, Any]
    social: dict[str, Any]
    address: dict[str, str]
    contacts: tuple[tuple[str, dict[str, str]], ...] = ()
    numbers: tuple[tuple[str, dict[str, str]], ...] = ()
    record_number: str = ""  # to be taken over; "" for the next one
    reason: str = field(default="", compare=False)  # why the person is not the one that looks alike

    @classmethod
    def cleaned(
        cls,
        *,
        fields: dict[str, Any],
        details: RegistrationDetails,
        chain_for: Callable[[Address], RegionChain] | None = None,
    ) -> NewPatient:
        """Return the person whom these values describe.

        Raises:
            InvalidPatientData: a value cannot be; `field` names it.
        """
        stored = identity.clean(**fields, **details.columns())
        address: dict[str, str] = {}
        if details.identity_address is not None:
            address = address_columns(details.identity_address, chain_for=chain_for)
            stored["address"] = address_text(address)
        contacts = [(contact.role, contact_columns(contact)) for contact in details.contacts]
        numbers = [(number.kind, number_columns(number)) for number in details.numbers]
        return cls(
            fields=stored,
            social=social_columns(details.social or SocialData()),
            address=address,
            contacts=tuple((role, values) for role, values in contacts if values),
            numbers=tuple((kind, values) for kind, values in numbers if values),
        )


def register_many(*, people: Sequence[NewPatient], actor: Any, source: str) -> list[Patient]:
    """Make a record for each person, in their order, with index, policies and one audit event each.

    Callers have looked for known people: nobody is compared here. The record-number counter is locked from here to the end
    of the caller's transaction, so desks wait for it; keep batches small. About fifteen statements, whatever the number.

    Raises:
        RuntimeError: there is no transaction.
        IntegrityError: a NIK or a record number to be taken over is another patient's.
    """
    if not connection.in_atomic_block:
        raise RuntimeError("register_many needs a transaction")
    index, now = keys_index.writing(), clock.now()
    taken = [int(person.record_number) for person in people if person.record_number]
    if taken:
        raise_number(RECORD_NUMBER_COUNTER, max(taken))
    numbers = iter(next_numbers(RECORD_NUMBER_COUNTER, len(people) - len(taken)))
    patients = []
    for person in people:
        number = person.record_number or f"{next(numbers):0{RECORD_NUMBER_DIGITS}d}"
        patient = Patient(
            id=uuid7(), record_number=number, duplicate_reason=person.reason, created_at=now, created_by=actor,
            **person.fields,
        )  # fmt: skip
        fill_blind_columns(patient, index=index)
        patients.append(patient)
    Patient.objects.bulk_create(patients)
    pairs = list(zip(patients, people, strict=True))
    PatientDemographics.objects.bulk_create(
        [PatientDemographics(patient=patient, updated_at=now, **person.social) for patient, person in pairs]
    )
    PatientAddress.objects.bulk_create(
        [
            PatientAddress(patient=patient, use=PatientAddress.Use.IDENTITY, updated_at=now, **person.address)
            for patient, person in pairs
            if person.address
        ]
    )
    PatientContact.objects.bulk_create(
        [
            PatientContact(patient=patient, role=role, updated_at=now, **values)
            for patient, person in pairs
            for role, values in person.contacts
        ]
    )
    PatientIdentifier.objects.bulk_create(
        [
            PatientIdentifier(patient=patient, kind=kind, created_at=now, **values)
            for patient, person in pairs
            for kind, values in person.numbers
        ]
    )
    _write_policies(patients, actor, now)
    write_tokens_of(patients)
    audit.record_many(
        "patients.patient.registered",
        actor=actor,
        acts=[
            (
                patient.pk,
                patient,
                {
                    "record_number": patient.record_number,
                    "source": source,
                    "looked_alike": bool(person.reason),
                    "kind": patient.kind,
                },
            )
            for patient, person in pairs
        ],
    )
    return patients


def _write_policies(patients: Sequence[Patient], actor: Any, now: Any) -> None:
    """Open a BPJS policy for each BPJS number, as `services.payer.follow_identity` does."""
    insured = [patient for patient in patients if patient.bpjs_number]
    if not insured:
        return
    insurer = bpjs_insurer()
    policies = [
        PolicyCoverage(
            patient=patient, insurer=insurer, number=patient.bpjs_number, created_at=now, created_by=actor,
            is_primary=patient.guarantor == Patient.Guarantor.BPJS,
        )
        for patient in insured
    ]  # fmt: skip
    PolicyCoverage.objects.bulk_create(policies)
    audit.record_many(
        "patients.coverage.recorded",
        actor=actor,
        acts=[(policy.patient_id, policy, {"kind": Insurer.Kind.BPJS}) for policy in policies],
    )

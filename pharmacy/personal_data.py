"""Prescriptions and medicines handed over in the copy of a patient's data."""

from __future__ import annotations

from collections.abc import Iterator

from django.utils.translation import gettext_lazy as _

from patients.personal_data import Resource, Section, Table, register
from patients.personal_sections import CLINICAL, reference
from pharmacy.models import PrescriptionItem


def _request(item: PrescriptionItem) -> Iterator[Resource]:
    """Give one line of a prescription (FHIR MedicationRequest)."""
    prescription = item.prescription
    status = {"dispensed": "completed", "cancelled": "cancelled"}.get(prescription.status, "active")
    yield {
        "resourceType": "MedicationRequest", "id": str(item.pk), "status": status, "intent": "order",
        "subject": reference(prescription.patient_id), "medicationCodeableConcept": {"text": item.label},
        "authoredOn": prescription.prescribed_at.isoformat(), "dosageInstruction": [{"text": item.signa}],
        "dispenseRequest": {"quantity": {"value": str(item.quantity), "unit": item.unit}},
    }  # fmt: skip


def register_own() -> None:
    """Make the section of this app known; called once."""
    tables = (
        Table("pharmacy.Prescription"),
        Table("pharmacy.PrescriptionItem", "prescription__patient", resources=_request),
        Table("pharmacy.Dispense", "item__prescription__patient"),
    )
    register(Section("medicines", _("Prescriptions and medicines"), CLINICAL, tables))

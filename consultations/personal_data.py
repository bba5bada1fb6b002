"""Vital signs, notes and diagnoses in the copy of a patient's data."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from consultations.models import Diagnosis, Note, VitalSigns
from patients.personal_data import Resource, Section, Table, json_value, register
from patients.personal_sections import CLINICAL, reference

# Column of a set of vital signs -> LOINC code, name, unit after UCUM.
OBSERVED = {
    "systolic_mmhg": ("8480-6", "Systolic blood pressure", "mm[Hg]"),
    "diastolic_mmhg": ("8462-4", "Diastolic blood pressure", "mm[Hg]"),
    "heart_rate_bpm": ("8867-4", "Heart rate", "/min"),
    "respiratory_rate_bpm": ("9279-1", "Respiratory rate", "/min"),
    "temperature_c": ("8310-5", "Body temperature", "Cel"),
    "oxygen_saturation_percent": ("59408-5", "Oxygen saturation", "%"),
    "weight_kg": ("29463-7", "Body weight", "kg"),
    "height_cm": ("8302-2", "Body height", "cm"),
    "pain_score": ("72514-3", "Pain severity score", "{score}"),
}


def _observations(signs: VitalSigns) -> Iterator[Resource]:
    """Give each value of one set of vital signs (FHIR Observation)."""
    status = "final" if signs.status == VitalSigns.Status.FINAL else "entered-in-error"
    for column, (code, name, unit) in OBSERVED.items():
        value = getattr(signs, column)
        if value is not None:
            yield {
                "resourceType": "Observation", "id": f"{signs.pk}-{code}", "status": status,
                "code": {"coding": [{"system": "http://loinc.org", "code": code, "display": name}]},
                "subject": reference(signs.patient_id), "encounter": {"reference": f"Encounter/{signs.visit_id}"},
                "effectiveDateTime": signs.recorded_at.isoformat(),
                "valueQuantity": {"value": json_value(value), "code": unit, "system": "http://unitsofmeasure.org"},
            }  # fmt: skip


def _condition(diagnosis: Diagnosis) -> Iterator[Resource]:
    """Give one diagnosis of a visit (FHIR Condition)."""
    coding = {"system": diagnosis.system, "code": diagnosis.code, "display": diagnosis.display}
    yield {
        "resourceType": "Condition", "id": str(diagnosis.pk), "subject": reference(diagnosis.patient_id),
        "code": {"coding": [coding]}, "category": [{"text": "encounter-diagnosis"}],
        "encounter": {"reference": f"Encounter/{diagnosis.note.visit_id}"},
    }  # fmt: skip


def _signed(rows: QuerySet[Any]) -> QuerySet[Any]:
    """What is still being written is nobody's record yet."""
    return rows.exclude(status=Note.Status.DRAFT)


def _of_signed(rows: QuerySet[Any]) -> QuerySet[Any]:
    return rows.exclude(note__status=Note.Status.DRAFT)


def register_own() -> None:
    """Make the section of this app known; called once."""
    tables = (
        Table("consultations.VitalSigns", resources=_observations),
        Table("consultations.Note", only=_signed, hidden=frozenset({"draft_lines", "draft_diagnoses", "current"})),
        Table("consultations.Diagnosis", only=_of_signed, resources=_condition),
    )
    register(Section("consultations", _("Vital signs, consultations and diagnoses"), CLINICAL, tables))

"""Allergies: asked and answered, recorded, or marked as wrong. Nothing is deleted."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

import audit
from core import clock
from core.db import retry_transaction
from core.text import clean_line
from patients.errors import AllergyClosed, AllergyExists, InvalidPatientData, PatientNotFound, ReasonMissing
from patients.models import Allergy, Patient

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
    severity: str = "",
) -> Allergy:
    """Record one allergy; the patient's state becomes "has allergies", asked now.

    Raises:
        InvalidPatientData: no substance, or a value outside its list.
        AllergyExists: the same substance is recorded and not marked as wrong.
    """
    patient = _lock(patient_id)
    name = clean_line(substance)
    if not name or len(name) > MAX_SUBSTANCE:
        raise InvalidPatientData(
            _("Enter what the patient is allergic to, at most %(limit)d letters.") % {"limit": MAX_SUBSTANCE},
            "substance",
        )
    for field, value, choices in (
        ("category", category, Allergy.Category),
        ("group", group, Allergy.Group),
        ("severity", severity, ("", *Allergy.Severity.values)),
    ):
        if value not in getattr(choices, "values", choices):
            raise InvalidPatientData(_("Choose one of the options."), field)
    if any(row.substance.casefold() == name.casefold() for row in _active(patient)):
        raise AllergyExists(_("This allergy is recorded already."))
    allergy = Allergy.objects.create(
        patient=patient,
        substance=name,
        category=category,
        group=group,
        reaction=clean_line(reaction)[:MAX_REACTION],
        severity=severity,
        recorded_at=clock.now(),
        recorded_by=actor,
    )
    _set_state(patient, Patient.AllergyStatus.KNOWN)
    audit.record(
        "patients.allergy.recorded",
        actor=actor,
        patient=patient.pk,
        target=allergy,
        detail={"category": category, "group": group, "severity": severity},
    )
    return allergy


@retry_transaction
def record_no_allergies(*, patient_id: UUID, actor: Any) -> Patient:
    """Record that the patient was asked and has no known allergies.

    Raises:
        AllergyExists: allergies are recorded; mark them as wrong first.
    """
    patient = _lock(patient_id)
    if _active(patient):
        raise AllergyExists(_("Allergies are recorded for this patient. Mark the wrong ones first."))
    _set_state(patient, Patient.AllergyStatus.NONE)
    audit.record("patients.allergies.denied", actor=actor, patient=patient.pk, target=patient)
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
    patient_id = Allergy.objects.filter(pk=allergy_id).values_list("patient_id", flat=True).first()
    patient = _lock(patient_id)
    allergy = Allergy.objects.get(pk=allergy_id)  # the patient's lock covers the rows below it
    if allergy.status != Allergy.Status.ACTIVE:
        raise AllergyClosed(_("This entry was marked as wrong before."))
    allergy.status = Allergy.Status.ENTERED_IN_ERROR
    allergy.error_reason, allergy.marked_at, allergy.marked_by = why, clock.now(), actor
    allergy.save(update_fields=["status", "error_reason", "marked_at", "marked_by"])
    if not _active(patient):
        patient.allergy_status, patient.allergy_asked_at = Patient.AllergyStatus.UNKNOWN, None
        patient.save(update_fields=["allergy_status", "allergy_asked_at"])
    audit.record("patients.allergy.marked_in_error", actor=actor, patient=patient.pk, target=allergy)
    return allergy


def _lock(patient_id: UUID | None) -> Patient:
    patient = Patient.objects.select_for_update().filter(pk=patient_id).first()
    if patient is None:
        raise PatientNotFound(_("There is no such patient."))
    return patient


def _active(patient: Patient) -> list[Allergy]:
    return list(Allergy.objects.filter(patient=patient, status=Allergy.Status.ACTIVE))


def _set_state(patient: Patient, status: Patient.AllergyStatus) -> None:
    patient.allergy_status, patient.allergy_asked_at = status, clock.now()
    patient.save(update_fields=["allergy_status", "allergy_asked_at"])

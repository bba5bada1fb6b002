"""The lock under which everything of one patient is written."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from core.errors import NotPermitted
from patients.errors import PatientMerged, PatientNotFound
from patients.guardians import may_act_for
from patients.models import Patient


def lock_patient(patient_id: UUID | None) -> Patient:
    """Return the patient's row, locked until the transaction ends.

    Raises:
        PatientNotFound: there is none.
        PatientMerged: the record was merged into another one.
    """
    patient = Patient.objects.select_for_update().filter(pk=patient_id).first()
    if patient is None:
        raise PatientNotFound(_("There is no such patient."))
    refuse_merged(patient)
    return patient


def refuse_merged(patient: Patient) -> None:
    """Refuse a record of which nothing but the number is left.

    Raises:
        PatientMerged: the record was merged into another one.
    """
    if patient.status == Patient.Status.MERGED:
        raise PatientMerged(_("This record was merged into another one meanwhile. Open the patient again."))


def require_right(patient: Patient, actor: Any) -> None:
    """Refuse a portal account that may not act for a locked patient any more: the link was ended since its page was opened.

    Staff pass: what they may do, their view has asked.

    Raises:
        NotPermitted: it is neither the own record nor that of a link in force.
    """
    if not actor.is_staff_member and not may_act_for(actor, patient.pk):
        raise NotPermitted(_("You can no longer act for this person. Nothing was recorded."))

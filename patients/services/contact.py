"""Where the clinic writes to about care; the address a person signs in with is another thing (docs/adr/0005)."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

import audit
from core.db import retry_transaction
from patients.errors import PatientNotFound
from patients.models import Patient
from patients.services.identity import lock_patient


@retry_transaction
def adopt_account_email(*, patient_id: UUID, actor: Any) -> Patient:
    """Send mails about a patient's own care to the address they sign in with. Nothing happens when they go there.

    Raises:
        PatientNotFound: it is not the actor's own record.
    """
    patient = lock_patient(patient_id)
    if patient.user_id != actor.pk:
        raise PatientNotFound(_("There is no such patient."))
    if patient.email == actor.email:
        return patient
    patient.email, patient.version = actor.email, patient.version + 1
    patient.save(update_fields=["email", "version"])
    audit.record(
        "patients.profile.updated", actor=actor, patient=patient.pk, target=patient, detail={"fields": ["email"]}
    )
    return patient

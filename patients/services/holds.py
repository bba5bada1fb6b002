"""The legal hold: while a claim, an inspection or an inquiry runs, nothing of the record is erased or destroyed."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

import audit
from core.db import retry_transaction
from patients.errors import HoldUnchanged
from patients.models import Patient
from patients.services.locks import lock_patient


@retry_transaction
def change_hold(*, patient_id: UUID, actor: Any, is_held: bool) -> Patient:
    """Put a record on hold, or lift the hold. Audited; the letter that asks for it is kept as a document of the record.

    Raises:
        PatientNotFound, PatientMerged: see `lock_patient`.
        HoldUnchanged: somebody did it before.
    """
    patient = lock_patient(patient_id)
    if patient.legal_hold == is_held:
        words = _("This record is on hold already.") if is_held else _("This record is not on hold.")
        raise HoldUnchanged(words)
    patient.legal_hold = is_held
    patient.save(update_fields=["legal_hold"])
    action = "patients.hold.set" if is_held else "patients.hold.lifted"
    audit.record(action, actor=actor, patient=patient.pk, target=patient)
    return patient

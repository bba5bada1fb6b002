"""Mails to patients."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from notifications import services as notifications
from notifications.models import Email
from patients.models import Patient


def mail_patient(*, patient: Patient, template: str, context: Mapping[str, Any], dedupe_key: str) -> Email | None:
    """Order one mail to a patient in their language, to the address given for care or the portal account's.

    `context` is what `notifications.emails` declares for the template, without `name`. None when the patient has no address
    or a mail with this `dedupe_key` was ordered before.
    """
    user = patient.user
    return notifications.queue_email(
        template=template,
        to=patient.mail_address,
        language=user.language if user is not None else patient.language,
        context={"name": patient.full_name, **context},
        dedupe_key=dedupe_key,
        patient_id=patient.pk,
        recipient_user=user,
    )

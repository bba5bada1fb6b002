"""Telling patients, and the guardians who act for them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from notifications import services as notifications
from notifications.models import Email
from patients.guardians import guardians_of
from patients.models import Patient


def mail_patient(*, patient: Patient, template: str, context: Mapping[str, Any], dedupe_key: str) -> Email | None:
    """Order one mail to a patient in their language, to the address given for care or the portal account's.

    Guardians get it as well, each once, with a line that it is about a person they look after and without that person's
    name. `context` is what `notifications.emails` declares for the template, without `name`. Returns the first mail that
    was ordered; None when nobody has an address or all had a mail with this `dedupe_key` before.
    """
    user = patient.user
    own = notifications.queue_email(
        template=template,
        to=patient.mail_address,
        language=user.language if user is not None else patient.language,
        context={"name": patient.full_name, **context},
        dedupe_key=dedupe_key,
        patient_id=patient.pk,
        recipient_user=user,
    )
    ordered = [own]
    told = {patient.mail_address.casefold()}
    for guardian in guardians_of(patient.pk):
        if guardian.email.casefold() in told:  # the child's contact is often the parent's own address
            continue
        told.add(guardian.email.casefold())
        ordered.append(
            notifications.queue_email(
                template=template,
                to=guardian.email,
                language=guardian.language,
                context={"name": guardian.full_name, **context, "is_about_dependant": True},
                dedupe_key=f"{dedupe_key}:g:{guardian.pk.hex}",
                patient_id=patient.pk,
                recipient_user=guardian,
            )
        )
    return next((email for email in ordered if email is not None), None)


def notify_patient(
    *, patient: Patient, kind: str, params: Mapping[str, Any] | None = None, path: str = "", but: Any = None
) -> int:
    """Put a notice into the list of a patient who uses the portal, and of each guardian; the number of notices.

    Guardians' notices are marked as being about somebody else. `but` is left out: the account that did it.
    """
    skipped = getattr(but, "pk", None)
    count = 0
    if patient.user is not None and patient.user_id != skipped:
        count += notifications.notify(recipients=[patient.user], kind=kind, params=params, path=path)
    others = [user for user in guardians_of(patient.pk) if user.pk != skipped]
    return count + notifications.notify(recipients=others, kind=kind, params=params, path=path, is_about_dependant=True)

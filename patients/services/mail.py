"""Telling patients, and the guardians who act for them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from notifications import services as notifications
from notifications.attachments import Attachment
from notifications.models import Email
from patients.consents import may
from patients.guardians import guardians_of
from patients.models import ConsentKind, Patient

# Mails and notices that only remind. Who refuses messages gets none; what answers an own act, and security, goes anyway.
REMINDERS = frozenset({"appointment_reminder", "payment_reminder"})


def mail_patient(
    *,
    patient: Patient,
    template: str,
    context: Mapping[str, Any],
    dedupe_key: str,
    attach: Callable[[str, str], Attachment] | None = None,
) -> Email | None:
    """Order one mail to a patient in their language, to the address given for care or the portal account's.

    Guardians get it as well, each once, with a line that it is about a person they look after and without that person's
    name. `context` is what `notifications.emails` declares for the template, without `name`; `attach` makes the attachment
    for an address and a language. Returns the first mail that
    was ordered; None when nobody has an address, all had a mail with this `dedupe_key` before, or it is one of `REMINDERS`
    and messages are refused for this patient.
    """
    if template in REMINDERS and not may(patient.pk, ConsentKind.MESSAGES):
        return None
    user = patient.user
    language = user.language if user is not None else patient.language
    own = notifications.queue_email(
        template=template,
        to=patient.mail_address,
        language=language,
        context={"name": patient.full_name, **context},
        dedupe_key=dedupe_key,
        patient_id=patient.pk,
        recipient_user=user,
        attachment=attach(patient.mail_address, language) if attach and patient.mail_address else None,
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
                attachment=attach(guardian.email, guardian.language) if attach and guardian.email else None,
            )
        )
    return next((email for email in ordered if email is not None), None)


def notify_patient(
    *, patient: Patient, kind: str, params: Mapping[str, Any] | None = None, path: str = "", but: Any = None
) -> int:
    """Put a notice into the list of a patient who uses the portal, and of each guardian; the number of notices.

    Guardians' notices are marked as being about somebody else. `but` is left out: the account that did it. None for one of
    `REMINDERS` when messages are refused for this patient.
    """
    if kind in REMINDERS and not may(patient.pk, ConsentKind.MESSAGES):
        return 0
    skipped = getattr(but, "pk", None)
    count = 0
    if patient.user is not None and patient.user_id != skipped:
        count += notifications.notify(recipients=[patient.user], kind=kind, params=params, path=path)
    others = [user for user in guardians_of(patient.pk) if user.pk != skipped]
    return count + notifications.notify(recipients=others, kind=kind, params=params, path=path, is_about_dependant=True)

"""Telling people: notices inside the product, mails into the outbox. Called inside the transaction of what happened."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction

import audit
from accounts.access import Capability
from accounts.models import User
from core import clock, live, workers
from notifications import attachments, emails, kinds
from notifications.attachments import Attachment
from notifications.errors import MailNotResendable
from notifications.models import Email, Notice

SEND_EMAIL_TASK = "notifications.tasks.send_email"


def notify(
    *,
    recipients: Iterable[User],
    kind: str,
    params: Mapping[str, Any] | None = None,
    path: str = "",
    is_about_dependant: bool = False,
) -> int:
    """Put one notice into the list of each active recipient; the number of notices. Their screens are told on commit.

    `path` is the page the notice opens. `is_about_dependant` marks it as being about a person the reader looks after.
    Two statements at most, whatever the number of recipients.

    Raises:
        ValueError: `kind` is not in `notifications.kinds`, or `params` are not those of its sentence.
    """
    values = kinds.checked_params(kind, params or {})
    now = clock.now()
    user_ids = tuple(dict.fromkeys(user.pk for user in recipients if user.is_active))
    if not user_ids:
        return 0
    Notice.objects.bulk_create(
        [
            Notice(
                recipient_id=user_id,
                kind=kind,
                params=values,
                path=path,
                is_about_dependant=is_about_dependant,
                created_at=now,
            )
            for user_id in user_ids
        ]
    )
    live.changed(live.NOTICES, user_ids=user_ids)
    return len(user_ids)


def notify_capability(
    capability: Capability,
    *,
    kind: str,
    params: Mapping[str, Any] | None = None,
    path: str = "",
    unless_unread: bool = False,
) -> int:
    """Put a notice into the list of every active member of staff one of whose roles has `capability`.

    With `unless_unread`, people who still have an unread notice of this kind get no second one.
    """
    people = User.objects.holding(capability)
    if unless_unread:
        people = people.exclude(notices__in=Notice.objects.filter(kind=kind).unread())
    return notify(recipients=people.only("id", "is_active"), kind=kind, params=params, path=path)


def queue_email(
    *,
    template: str,
    to: str,
    language: str,
    context: Mapping[str, Any],
    dedupe_key: str,
    patient_id: UUID | None = None,
    recipient_user: User | None = None,
    attachment: Attachment | None = None,
) -> Email | None:
    """Render a mail now and put it into the outbox, with its attachment; the worker is told on commit.

    Returns None, and stores nothing, when `to` is empty or a mail with this `dedupe_key` was ordered before.

    Raises:
        ValueError: the template is unknown, `context` is not what `notifications.emails` declares for it, or the
            attachment is of no known kind.
    """
    carried = attachments.checked(attachment)
    if not to or Email.objects.filter(dedupe_key=dedupe_key).exists():
        return None
    rendered = emails.render(template, language, context)
    now = clock.now()
    try:
        with transaction.atomic():
            email = Email.objects.create(
                template=template,
                language=language,
                dedupe_key=dedupe_key,
                recipient_user=recipient_user,
                patient_id=patient_id,
                to_address=to,
                subject=rendered.subject,
                body_text=rendered.text,
                body_html=rendered.html,
                attachment_kind=carried.kind,
                attachment=carried.text,
                next_attempt_at=now,
                created_at=now,
            )
    except IntegrityError:
        return None
    nudge(email.pk)
    return email


def nudge(email_id: UUID) -> None:
    """Tell the worker on commit that a mail waits. A lost nudge costs a minute: the sweep finds the row."""
    workers.nudge(SEND_EMAIL_TASK, str(email_id), about="a mail")


@transaction.atomic
def resend_email(*, email_id: UUID, actor: User) -> Email:
    """Order exactly one more try of a mail that failed or whose fate is unknown. Audited.

    Raises:
        MailNotResendable: it is queued, on its way or sent.
    """
    email = Email.objects.select_for_update().get(pk=email_id)
    if not email.is_resendable:
        raise MailNotResendable()
    audit.record(
        "notifications.email.resent", actor=actor, patient=email.patient_id, target=email, detail={"was": email.status}
    )
    email.status = Email.Status.QUEUED
    email.max_attempts = email.attempts + 1
    email.next_attempt_at = clock.now()
    email.claimed_until = None
    email.save(update_fields=["status", "max_attempts", "next_attempt_at", "claimed_until"])
    nudge(email.pk)
    return email


@transaction.atomic
def mark_read(*, user: User, notice_id: UUID | None = None) -> int:
    """Mark one notice of `user`, or all of them, as read; the number of notices that were unread."""
    notices = Notice.objects.visible_to(user).unread()
    if notice_id is not None:
        notices = notices.filter(pk=notice_id)
    count = notices.update(read_at=clock.now())
    if count:
        live.changed(live.NOTICES, user_ids=(user.pk,))
    return count


def unread_count(user: User) -> int:
    """Return how many notices `user` has not read; at most 100 are counted."""
    return len(Notice.objects.visible_to(user).unread().values_list("pk", flat=True)[:100])

"""Messages to the clinic and their answers."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from django.urls import reverse
from django.utils.translation import gettext as _

import audit
from accounts.access import Capability
from accounts.models import User
from core import clock
from core.db import retry_transaction
from core.text import clean_line, clean_text
from notifications.services import notify, notify_capability
from support.errors import AlreadyAnswered, EmptyMessage, TooManyMessages
from support.models import SupportMessage

SUBJECT_LENGTH, BODY_LENGTH = 120, 4000
# A person who needs more should call: the inbox is read by people.
OPEN_LIMIT = 10
OPEN_WITHIN = timedelta(hours=24)


@retry_transaction
def send_message(*, actor: User, subject: str, body: str) -> SupportMessage:
    """Put a message into the inbox and tell those who read it.

    Raises:
        EmptyMessage: subject or text is empty or too long.
        TooManyMessages: ten messages of this person within a day wait for an answer.
    """
    subject, body = clean_line(subject), clean_text(body)
    if not 0 < len(subject) <= SUBJECT_LENGTH or not 0 < len(body) <= BODY_LENGTH:
        raise EmptyMessage(_("Write a subject of up to 120 letters and a message of up to 4,000 letters."))
    User.objects.select_for_update().get(pk=actor.pk)  # two tabs of one person count together
    waiting = SupportMessage.objects.filter(sender=actor, sent_at__gt=clock.now() - OPEN_WITHIN)
    if waiting.exclude(status=SupportMessage.Status.ANSWERED).count() >= OPEN_LIMIT:
        raise TooManyMessages(_("Your earlier messages still wait for an answer. For urgent questions please call us."))
    message = SupportMessage.objects.create(sender=actor, subject=subject, body=body, sent_at=clock.now())
    audit.record("support.message.sent", actor=actor, patient=_patient_id(actor), target=message)
    notify_capability(
        Capability.READ_SUPPORT, kind="support_message", path=reverse("support:inbox"), unless_unread=True
    )
    return message


@retry_transaction
def mark_read(*, message_id: UUID, actor: User) -> SupportMessage:
    """Note who read a new message first: NEW -> READ. Nothing happens to one that was read before."""
    message = SupportMessage.objects.select_for_update().get(pk=message_id)
    if message.status != SupportMessage.Status.NEW:
        return message
    message.status, message.read_at, message.read_by = SupportMessage.Status.READ, clock.now(), actor
    message.save(update_fields=["status", "read_at", "read_by"])
    audit.record("support.message.read", actor=actor, target=message)
    return message


@retry_transaction
def answer_message(*, message_id: UUID, actor: User, answer: str) -> SupportMessage:
    """Answer a message once and tell its sender.

    Raises:
        EmptyMessage: the answer is empty or too long.
        AlreadyAnswered: somebody was first; the first answer stands.
    """
    text = clean_text(answer)
    if not 0 < len(text) <= BODY_LENGTH:
        raise EmptyMessage(_("Write an answer of up to 4,000 letters."))
    message = SupportMessage.objects.select_for_update().get(pk=message_id)
    if message.status == SupportMessage.Status.ANSWERED:
        raise AlreadyAnswered(_("Somebody has answered this message already. Reload the page to see the answer."))
    now = clock.now()
    fields = ["status", "answer", "answered_at", "answered_by"]
    message.status, message.answer = SupportMessage.Status.ANSWERED, text
    message.answered_at, message.answered_by = now, actor
    if message.read_at is None:
        message.read_at, message.read_by = now, actor
        fields += ["read_at", "read_by"]
    message.save(update_fields=fields)
    sender = message.sender
    audit.record("support.message.answered", actor=actor, patient=_patient_id(sender), target=message)
    name = "support:message-detail" if sender.is_staff_member else "support:portal-message-detail"
    notify(recipients=[sender], kind="support_reply", path=reverse(name, args=[message.pk]))
    return message


def _patient_id(person: User) -> UUID | None:
    if person.is_staff_member:
        return None
    patient = getattr(person, "patient", None)
    return patient.pk if patient is not None else None

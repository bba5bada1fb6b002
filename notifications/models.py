"""Telling people: notices inside the product and an outbox of e-mails."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.access import Capability, has_capability
from core.encryption import EncryptedCharField, EncryptedTextField
from core.ids import uuid7

MAX_ATTEMPTS = 6


class NoticeQuerySet(models.QuerySet["Notice"]):
    def visible_to(self, user: Any) -> NoticeQuerySet:
        """Notices addressed to `user`; empty for anyone signed out or inactive."""
        if user is None or not user.is_authenticated or not user.is_active:
            return self.none()
        return self.filter(recipient=user)

    def unread(self) -> NoticeQuerySet:
        return self.filter(read_at__isnull=True)


class Notice(models.Model):
    """One line in one person's list. The text is made from `kind` when it is shown, so that it follows the language."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    recipient = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="notices")
    kind = models.CharField(max_length=60)
    params = models.JSONField(default=dict)
    path = models.CharField(max_length=200, blank=True)
    is_about_dependant = models.BooleanField(default=False)  # the recipient is the guardian of the patient it is about
    created_at = models.DateTimeField()
    read_at = models.DateTimeField(null=True, blank=True)

    objects = NoticeQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["recipient", "read_at", "id"], name="notice_recipient_idx")]

    def __str__(self) -> str:
        return f"{self.kind} for {self.recipient_id}"


class EmailQuerySet(models.QuerySet["Email"]):
    def visible_to(self, user: Any) -> EmailQuerySet:
        """Mails whose fate `user` may see; empty for anyone who does not manage accounts."""
        return self if has_capability(user, Capability.MANAGE_USERS) else self.none()

    def due(self, now: Any) -> EmailQuerySet:
        """Mails to send now: queued and not waiting for a later try, or claimed by a worker that died early."""
        return self.filter(
            models.Q(status=Email.Status.QUEUED, next_attempt_at__lte=now)
            | models.Q(status=Email.Status.CLAIMED, claimed_until__lt=now, attempts__lt=models.F("max_attempts"))
        )

    def stuck(self, now: Any) -> EmailQuerySet:
        """Mails that no worker will move on: it died while sending, or before it and the tries are used up."""
        return self.filter(
            models.Q(status=Email.Status.SENDING, claimed_until__lt=now)
            | models.Q(status=Email.Status.CLAIMED, claimed_until__lt=now, attempts__gte=models.F("max_attempts"))
        )

    def for_board(self) -> EmailQuerySet:
        """Without the bodies: each selected column is decrypted."""
        return self.defer("body_text", "body_html", "attachment")


class Email(models.Model):
    """One mail, rendered when it was ordered, sent by the worker at most once.

    CLAIMED is before the server was spoken to and may be taken over by another worker; SENDING is while the server is
    being told. A worker that dies while SENDING leaves a mail whose fate nobody knows: it becomes UNCERTAIN and is
    never repeated by itself, an admin decides. WITHDRAWN is a mail that waited until what it says was no longer true.
    """

    class Status(models.TextChoices):
        QUEUED = "queued", _("Queued")
        CLAIMED = "claimed", _("Being prepared")
        SENDING = "sending", _("Being sent")
        SENT = "sent", _("Sent")
        FAILED = "failed", _("Failed")
        UNCERTAIN = "uncertain", _("Unknown, please check")
        WITHDRAWN = "withdrawn", _("No longer needed")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    template = models.CharField(max_length=60)
    language = models.CharField(max_length=5)
    dedupe_key = models.CharField(max_length=120, unique=True)
    recipient_user = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    patient_id = models.UUIDField(null=True, blank=True)
    to_address = EncryptedCharField(max_length=254)
    subject = models.CharField(max_length=200)
    body_text = EncryptedTextField()
    body_html = EncryptedTextField()
    attachment_kind = models.CharField(
        max_length=20, blank=True, default=""
    )  # of `notifications.attachments`; "": none
    attachment = EncryptedTextField(blank=True, default="")
    status = models.CharField(max_length=10, choices=Status, default=Status.QUEUED)
    # Rises with every claim and never falls, so it also tells a late worker that the mail is no longer its own.
    attempts = models.PositiveSmallIntegerField(default=0)
    max_attempts = models.PositiveSmallIntegerField(default=MAX_ATTEMPTS)
    next_attempt_at = models.DateTimeField()
    claimed_until = models.DateTimeField(null=True, blank=True)
    last_error = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True, blank=True)

    objects = EmailQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["status", "next_attempt_at"], name="email_due_idx")]

    def __str__(self) -> str:
        return f"{self.template} {self.status}"

    @property
    def masked_address(self) -> str:
        """The address with all but the first letter of its name hidden: s•••@surat.example."""
        name, at, host = self.to_address.partition("@")
        return f"{name[:1]}•••{at}{host}"

    @property
    def is_resendable(self) -> bool:
        """True when only a person may order another try."""
        return self.status in (Email.Status.FAILED, Email.Status.UNCERTAIN)


class DailyDuty(models.Model):
    """One duty of one clinic day, for instance the reminders of 5 March: who asks first does it, once."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    duty = models.CharField(max_length=60)
    day = models.DateField()
    claimed_until = models.DateTimeField()
    done_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["duty", "day"], name="daily_duty_once_a_day")]

    def __str__(self) -> str:
        return f"{self.duty} {self.day}"

"""Messages from patients and staff to the clinic's support inbox."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.access import Capability, has_capability
from core.encryption import EncryptedCharField, EncryptedTextField
from core.ids import uuid7


class SupportMessageQuerySet(models.QuerySet["SupportMessage"]):
    def visible_to(self, user: Any) -> SupportMessageQuerySet:
        """All messages for the inbox's readers, else the sender's own; empty for anyone inactive."""
        if has_capability(user, Capability.READ_SUPPORT):
            return self
        if user is not None and user.is_authenticated and user.is_active:
            return self.filter(sender=user)
        return self.none()

    def sent_by(self, user: Any) -> SupportMessageQuerySet:
        return self.filter(sender=user)

    def in_status(self, status: str) -> SupportMessageQuerySet:
        return self.filter(status=status)

    def with_people(self) -> SupportMessageQuerySet:
        """With everyone whose name a list or page of messages shows."""
        return self.select_related("sender__staff_profile", "read_by__staff_profile", "answered_by__staff_profile")


class SupportMessage(models.Model):
    """One question to the clinic and its answer."""

    class Status(models.TextChoices):
        NEW = "new", _("New")
        READ = "read", _("Read")
        ANSWERED = "answered", _("Answered")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    sender = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="support_messages")
    subject = EncryptedCharField(_("subject"), max_length=120)
    body = EncryptedTextField(_("message"), max_length=4000)
    status = models.CharField(max_length=10, choices=Status, default=Status.NEW)
    sent_at = models.DateTimeField()
    read_at = models.DateTimeField(null=True, blank=True)
    read_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    answer = EncryptedTextField(max_length=4000, blank=True, default="")
    answered_at = models.DateTimeField(null=True, blank=True)
    answered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )

    objects = SupportMessageQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["status", "id"], name="support_status_idx")]

    def __str__(self) -> str:
        return f"message {self.pk}"

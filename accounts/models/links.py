"""One-time links that are mailed: invitation, new password, new e-mail address."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models.users import User
from core import clock
from core.encryption import EncryptedCharField
from core.ids import uuid7


class AccountLink(models.Model):
    """One mailed link. Only a keyed digest of its secret is stored; it works once, until it ends."""

    class Kind(models.TextChoices):
        INVITATION = "invitation", _("Invitation")
        PASSWORD = "password", _("New password")
        EMAIL = "email", _("New e-mail address")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="links")
    kind = models.CharField(max_length=12, choices=Kind)
    digest = models.CharField(max_length=64, unique=True)
    new_email = EncryptedCharField(max_length=254, blank=True, default="")
    created_at = models.DateTimeField(default=clock.now)
    created_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [models.Index(fields=["user", "kind"], name="account_link_user_idx")]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"

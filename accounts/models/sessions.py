"""Sessions of accounts, as their owners see them."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models.users import User
from core import clock
from core.ids import uuid7


class AccountSessionQuerySet(models.QuerySet["AccountSession"]):
    def visible_to(self, user: Any) -> AccountSessionQuerySet:
        """The user's own sessions, nobody else's."""
        if user is None or not getattr(user, "is_authenticated", False) or not user.is_active:
            return self.none()
        return self.filter(user=user)

    def open(self) -> AccountSessionQuerySet:
        return self.filter(ended_at__isnull=True)


class AccountSession(models.Model):
    """One sign-in on one browser, until it ends. The session key is of no use without the browser's binding cookie."""

    class Method(models.TextChoices):
        PASSWORD = "password", _("Password")
        PASSWORD_TOTP = "password_totp", _("Password and authenticator app")
        PASSWORD_BACKUP = "password_backup", _("Password and backup code")
        PASSWORD_PASSKEY = "password_passkey", _("Password and passkey")
        PASSKEY = "passkey", _("Passkey")

    class End(models.TextChoices):
        SIGNED_OUT = "signed_out", _("Signed out")
        REVOKED = "revoked", _("Ended from another device")
        CHANGED = "changed", _("Password, roles or second factor changed")
        DEACTIVATED = "deactivated", _("Account closed")
        EXPIRED = "expired", _("Expired")
        UNBOUND = "unbound", _("Used from another browser")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="account_sessions")
    session_key = models.CharField(max_length=40, unique=True)
    browser = models.CharField(max_length=80, blank=True)
    address_hash = models.CharField(max_length=64, blank=True)
    method = models.CharField(max_length=20, choices=Method, default=Method.PASSWORD)
    started_at = models.DateTimeField(default=clock.now)
    last_seen_at = models.DateTimeField(default=clock.now)
    locked_at = models.DateTimeField(null=True, blank=True)  # until the password is given again
    ended_at = models.DateTimeField(null=True, blank=True)
    end = models.CharField(max_length=12, choices=End, blank=True, default="")

    objects = AccountSessionQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["user", "ended_at"], name="account_session_user_idx")]

    def __str__(self) -> str:
        return f"session {self.pk}"

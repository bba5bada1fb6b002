"""Second factors: authenticator apps and backup codes. Passkeys are rows of django-otp-webauthn.

django-otp asks for integer keys: the session names a device by table and number.
"""

from __future__ import annotations

import hmac
import secrets
from base64 import b32encode
from typing import Any
from urllib.parse import quote

from django.conf import settings
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _
from django_otp.models import Device, ThrottlingMixin, TimestampMixin
from django_otp.oath import hotp

from accounts.access import Capability, has_capability
from accounts.models.users import User
from core import clock
from core.digests import keyed_digest
from core.encryption import EncryptedCharField, EncryptedTextField
from core.ids import uuid7

TOTP_STEP_SECONDS = 30  # RFC 6238
TOTP_DIGITS = 6
TOTP_TOLERANCE = 1  # steps before and after the present one: telephones run slow and fast
TOTP_KEY_BYTES = 20  # RFC 4226: as long as the digest of HMAC-SHA1
BACKUP_CODE_BYTES = 10  # 80 bits: a stolen digest cannot be guessed
BACKUP_CODE_COUNT = 10


def step_at(at: float) -> int:
    """Return the time step of an instant (seconds since 1970)."""
    return int(at) // TOTP_STEP_SECONDS


def new_totp_key() -> str:
    return secrets.token_hex(TOTP_KEY_BYTES)


class TotpDevice(TimestampMixin, ThrottlingMixin, Device):
    """One authenticator app (RFC 6238). Not confirmed until its first code was right.

    Codes are taken by `accounts.factors` only; django-otp's own `verify_token` refuses every one.
    """

    id = models.BigAutoField(primary_key=True)
    key_hex = EncryptedCharField(max_length=80, default=new_totp_key)
    last_t = models.BigIntegerField(default=-1)  # time step of the last code accepted: no code counts twice

    class Meta(Device.Meta):
        indexes = [models.Index(fields=["user", "confirmed"], name="totp_user_idx")]

    @property
    def secret_base32(self) -> str:
        """The key as people type it into an app, without padding."""
        return b32encode(bytes.fromhex(self.key_hex)).decode().rstrip("=")

    @property
    def otpauth_url(self) -> str:
        """What the QR shows. Holds the key: never log or store it."""
        issuer = settings.CLINIC_NAME.replace(":", " ")
        return (
            f"otpauth://totp/{quote(issuer)}:{quote(self.user.username)}?secret={self.secret_base32}"
            f"&issuer={quote(issuer)}&algorithm=SHA1&digits={TOTP_DIGITS}&period={TOTP_STEP_SECONDS}"
        )

    def code_at(self, at: float) -> str:
        """Return the code of an instant (seconds since 1970)."""
        return self.code_of_step(step_at(at))

    def code_of_step(self, step: int) -> str:
        """Return the code of a time step."""
        return f"{hotp(bytes.fromhex(self.key_hex), step, TOTP_DIGITS):0{TOTP_DIGITS}d}"

    def matching_steps(self, code: str, at: float) -> list[int]:
        """Return the time steps around an instant whose code is `code`, used or not; the telephone may run one step off."""
        now = step_at(at)
        return [
            step
            for step in range(now - TOTP_TOLERANCE, now + TOTP_TOLERANCE + 1)
            if hmac.compare_digest(self.code_of_step(step).encode(), code.encode(errors="replace"))
        ]

    def accept(self, step: int) -> None:
        """Note that the code of a time step was taken: it and the ones before it are used up."""
        self.last_t = step
        self.throttle_reset(commit=False)
        self.set_last_used_timestamp(commit=False)
        self.save()

    def get_throttle_factor(self) -> float:
        return 1


class BackupCodeDevice(TimestampMixin, ThrottlingMixin, Device):
    """The backup codes of one account, for the day the telephone is lost. By themselves they are no second factor."""

    id = models.BigAutoField(primary_key=True)

    class Meta(Device.Meta):
        constraints = [models.UniqueConstraint(fields=["user"], name="backup_codes_once_per_user")]

    def make_codes(self) -> list[str]:
        """Replace all codes and return the new ones, which are stored as digests only and cannot be shown again."""
        texts = [b32encode(secrets.token_bytes(BACKUP_CODE_BYTES)).decode() for _index in range(BACKUP_CODE_COUNT)]
        self.codes.all().delete()
        BackupCode.objects.bulk_create(BackupCode(device=self, digest=backup_digest(text)) for text in texts)
        return ["-".join(text[at : at + 4] for at in range(0, len(text), 4)).lower() for text in texts]

    @property
    def left(self) -> int:
        return self.codes.filter(used_at__isnull=True).count()

    def verify_token(self, token: Any) -> bool:
        """Take a code once. Call it with the row locked (`django_otp.verify_token` does)."""
        allowed, _why = self.verify_is_allowed()
        if not allowed:
            return False
        unused = self.codes.filter(digest=backup_digest(str(token)), used_at__isnull=True)
        if not unused.update(used_at=Now()):
            self.throttle_increment(commit=True)
            return False
        self.throttle_reset(commit=False)
        self.set_last_used_timestamp(commit=False)
        self.save()
        return True

    def get_throttle_factor(self) -> float:
        return 1


def backup_digest(text: str) -> str:
    """Return the keyed digest of a backup code as a person typed it: spaces, hyphens and case do not count."""
    plain = "".join(sign for sign in text if sign.isascii() and sign.isalnum()).upper()
    return keyed_digest(settings.KEYS.session_hash_key, "accounts/backup-code/v1", plain)


class BackupCode(models.Model):
    """One backup code, as a keyed digest."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    device = models.ForeignKey(BackupCodeDevice, on_delete=models.CASCADE, related_name="codes")
    digest = models.CharField(max_length=64)
    used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["device", "digest"], name="backup_code_once")]

    def __str__(self) -> str:
        return "backup code"


class FactorResetQuerySet(models.QuerySet["FactorResetRequest"]):
    def visible_to(self, user: Any) -> FactorResetQuerySet:
        """Requests `user` may see; empty for anyone who neither manages accounts nor decides about resets."""
        may = has_capability(user, Capability.MANAGE_USERS) or has_capability(user, Capability.DECIDE_FACTOR_RESETS)
        return self if may else self.none()

    def waiting(self) -> FactorResetQuerySet:
        """Requests that can still be decided."""
        return self.filter(status=FactorResetRequest.Status.WAITING, expires_at__gt=clock.now())

    def for_list(self) -> FactorResetQuerySet:
        """With the people whose names are shown."""
        return self.select_related(
            "user__staff_profile", "requested_by__staff_profile", "decided_by__staff_profile"
        ).order_by("-pk")


class FactorResetRequest(models.Model):
    """One wish to remove all second factors of an account. A second person decides; the owner is told."""

    class Status(models.TextChoices):
        WAITING = "waiting", _("Waiting for a second person")
        APPROVED = "approved", _("Approved")
        REJECTED = "rejected", _("Rejected")
        EXPIRED = "expired", _("Expired")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="factor_resets")
    reason = EncryptedTextField(max_length=500)
    status = models.CharField(max_length=10, choices=Status, default=Status.WAITING)
    active = models.GeneratedField(
        expression=models.Case(models.When(status="waiting", then=models.Value(1)), default=None),
        output_field=models.PositiveSmallIntegerField(),
        db_persist=True,
    )
    requested_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    requested_at = models.DateTimeField(default=clock.now)
    expires_at = models.DateTimeField()
    decided_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    decided_at = models.DateTimeField(null=True, blank=True)

    objects = FactorResetQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "active"], name="one_waiting_factor_reset")]

    def __str__(self) -> str:
        return f"factor reset {self.pk}"

    @property
    def is_open(self) -> bool:
        """True while it can be decided."""
        return self.status == self.Status.WAITING and clock.now() < self.expires_at

    @property
    def state_label(self) -> str:
        """The state in words; a request nobody decided in time has expired."""
        late = self.status == self.Status.WAITING and not self.is_open
        return str(self.Status.EXPIRED.label if late else self.get_status_display())

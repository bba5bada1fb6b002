"""Secret links that work without signing in: screens in the waiting room, kiosks, calendars of doctors.

Only a digest of the secret is stored; the link itself is shown once.
"""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.access import Capability, has_capability
from core.ids import uuid7


class DeviceLinkQuerySet(models.QuerySet["DeviceLink"]):
    def visible_to(self, user: Any) -> DeviceLinkQuerySet:
        """All for who keeps the screens; nobody else."""
        return self if has_capability(user, Capability.MANAGE_SCHEDULING) else self.none()


class DeviceLink(models.Model):
    """A screen of the clinic: a board that shows numbers, or a kiosk where patients check in."""

    class Kind(models.TextChoices):
        BOARD = "board", _("Waiting-room board")
        KIOSK = "kiosk", _("Kiosk")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    kind = models.CharField(_("kind"), max_length=8, choices=Kind)
    name = models.CharField(_("name"), max_length=60)  # where it hangs
    token_digest = models.CharField(max_length=64, unique=True)
    stations = models.ManyToManyField("scheduling.Station", blank=True, related_name="+")  # none: all
    speaks = models.BooleanField(_("calls with a voice"), default=True)
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    revoked_at = models.DateTimeField(null=True, blank=True)
    revoked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    last_seen_at = models.DateTimeField(null=True, blank=True)

    objects = DeviceLinkQuerySet.as_manager()

    class Meta:
        verbose_name = _("screen")
        verbose_name_plural = _("screens")

    def __str__(self) -> str:
        return self.name


class CalendarFeed(models.Model):
    """A doctor's own sessions and bookings as a calendar, without names of patients."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    doctor = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="calendar_feeds")
    token_digest = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_read_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [models.Index(fields=["doctor", "revoked_at"], name="calendar_feed_doctor_idx")]

    def __str__(self) -> str:
        return f"calendar of {self.doctor_id}"

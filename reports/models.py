"""Unusual access to records, found in the audit log and looked at by a person."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.access import Capability, has_capability
from accounts.models import User
from core import clock
from core.encryption import EncryptedTextField
from core.ids import uuid7


class AccessAlertQuerySet(models.QuerySet["AccessAlert"]):
    def visible_to(self, user: Any) -> AccessAlertQuerySet:
        """Alerts `user` may review: never those about themselves; empty for anyone who may not read the audit log."""
        return self.exclude(actor_id=user.pk) if has_capability(user, Capability.VIEW_AUDIT) else self.none()

    def waiting(self) -> AccessAlertQuerySet:
        return self.filter(outcome="")

    def for_list(self) -> AccessAlertQuerySet:
        """With the person and who reviewed it."""
        return self.select_related("actor__staff_profile", "reviewed_by__staff_profile")


class AccessAlert(models.Model):
    """One thing in the audit log that somebody should look at. It accuses nobody: it may have a good reason."""

    class Kind(models.TextChoices):
        MANY_CHARTS = "many_charts", _("Many records in one hour")
        OFF_HOURS = "off_hours", _("Many records outside opening hours")
        FAMILY_NAME = "family_name", _("Record of somebody with the same family name")
        OWN_RECORD = "own_record", _("Own record")
        BULK_EXPORT = "bulk_export", _("Large or many exports")
        REFUSALS = "refusals", _("Many refusals in one hour")

    class Outcome(models.TextChoices):
        WAITING = "", _("Not reviewed")
        EXPLAINED = "explained", _("Has a good reason")
        MISUSE = "misuse", _("Misuse")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    kind = models.CharField(max_length=12, choices=Kind)
    actor = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    window = models.CharField(max_length=60)  # what it is about: an hour, a day or a patient; one alert for each
    patient_id = models.UUIDField(null=True, blank=True)
    count = models.PositiveIntegerField(default=1)
    since = models.DateTimeField()
    until = models.DateTimeField()
    created_at = models.DateTimeField(default=clock.now)
    outcome = models.CharField(max_length=10, choices=Outcome, blank=True, default="")
    note = EncryptedTextField(max_length=1000, blank=True, default="")
    reviewed_at = models.DateTimeField(null=True, blank=True)
    reviewed_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")

    objects = AccessAlertQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["kind", "actor", "window"], name="access_alert_once")]
        indexes = [models.Index(fields=["outcome", "-created_at"], name="access_alert_open_idx")]

    def __str__(self) -> str:
        return f"alert {self.pk}"


class AlertState(models.Model):
    """Up to when the log was looked through. One row."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    looked_until = models.DateTimeField()

    def __str__(self) -> str:
        return f"looked until {self.looked_until}"

"""Emergency access: a clinician opens the record of a patient who is not theirs, for an hour, and somebody reviews it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Case, Value, When
from django.utils.translation import gettext_lazy as _

from accounts.access import Capability, has_capability
from core import clock
from core.encryption import EncryptedTextField
from core.ids import uuid7

EMERGENCY_LENGTH = timedelta(minutes=60)
REVIEW_AMBER = timedelta(hours=24)  # an access that nobody reviewed by then is shown as late
REVIEW_RED = timedelta(hours=72)  # and by then the owner is told every day


class EmergencyAccessQuerySet(models.QuerySet["EmergencyAccess"]):
    def visible_to(self, user: Any) -> EmergencyAccessQuerySet:
        """Reviewers see all, a clinician those they started themselves; empty for everyone else."""
        if has_capability(user, Capability.REVIEW_EMERGENCY_ACCESS):
            return self
        if has_capability(user, Capability.USE_EMERGENCY_ACCESS):
            return self.filter(user=user)
        return self.none()

    def running(self) -> EmergencyAccessQuerySet:
        """Neither ended by the person nor by time."""
        return self.filter(ended_at__isnull=True, ends_at__gt=clock.now())

    def unreviewed(self) -> EmergencyAccessQuerySet:
        return self.filter(reviewed_at__isnull=True)

    def overdue(self) -> EmergencyAccessQuerySet:
        """Not reviewed within `REVIEW_RED`."""
        return self.unreviewed().filter(started_at__lte=clock.now() - REVIEW_RED)

    def reviewable_by(self, user: Any) -> EmergencyAccessQuerySet:
        """What waits for this reviewer: never what they used themselves."""
        return self.visible_to(user).unreviewed().exclude(user=user)

    def for_list(self) -> EmergencyAccessQuerySet:
        """With the people; of the patient only the record number is loaded."""
        return self.select_related("user__staff_profile", "reviewed_by", "patient").only(
            "patient__record_number", "user__username", "user__full_name", "user__kind", "user__staff_profile",
            "reviewed_by__full_name", "patient_id", "user_id", "reviewed_by_id", "reason_code", "started_at", "ends_at",
            "ended_at", "reviewed_at", "outcome",
        )  # fmt: skip


class EmergencyAccess(models.Model):
    """One use of emergency access: who opened whose record, why, until when, and what the review found.

    The right itself is a care relationship with source "emergency" that ends with this row.
    """

    class Reason(models.TextChoices):
        LIFE_THREAT = "life_threat", _("Life or limb is in danger")
        UNCONSCIOUS = "unconscious", _("The patient cannot tell their history")
        COVER = "cover", _("Standing in for the doctor or nurse in charge")
        CONSULTED = "consulted", _("A colleague asks for advice now")
        OTHER = "other", _("Another urgent reason")

    class Outcome(models.TextChoices):
        JUSTIFIED = "justified", _("Justified")
        NOT_JUSTIFIED = "not_justified", _("Not justified")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    patient = models.ForeignKey("patients.Patient", on_delete=models.PROTECT, related_name="emergency_accesses")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="emergency_accesses")
    reason_code = models.CharField(_("reason"), max_length=12, choices=Reason)
    reason_text = EncryptedTextField(_("what happened"), max_length=500)
    started_at = models.DateTimeField(_("started"))
    ends_at = models.DateTimeField(_("ends"))
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)
    running = models.GeneratedField(
        expression=Case(
            When(ended_at__isnull=True, then=Value(1)), default=Value(None), output_field=models.SmallIntegerField()
        ),
        output_field=models.SmallIntegerField(null=True),
        db_persist=True,
        null=True,
    )
    address_hash = models.CharField(max_length=64, blank=True, default="")
    reviewed_at = models.DateTimeField(_("reviewed"), null=True, blank=True)
    reviewed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    outcome = models.CharField(_("outcome"), max_length=14, choices=Outcome, blank=True, default="")
    review_note = EncryptedTextField(_("remark"), max_length=500, blank=True, default="")

    objects = EmergencyAccessQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "patient", "running"], name="emergency_running_once"),
            models.CheckConstraint(condition=models.Q(ends_at__gt=models.F("started_at")), name="emergency_ends_later"),
        ]
        indexes = [
            models.Index(fields=["user", "ends_at"], name="emergency_user_idx"),
            models.Index(fields=["reviewed_at", "started_at"], name="emergency_review_idx"),
        ]

    def __str__(self) -> str:
        return f"emergency access {self.pk}"

    def is_running(self, now: datetime | None = None) -> bool:
        return self.ended_at is None and self.ends_at > (now or clock.now())

    @property
    def over_at(self) -> datetime:
        """When it ended, or will end by itself."""
        return self.ended_at or self.ends_at

    @property
    def minutes_left(self) -> int:
        """Minutes until it ends, begun minutes counted whole; 0 when it is over."""
        if not self.is_running():
            return 0
        return max(0, -int((clock.now() - self.ends_at).total_seconds() // 60))

    @property
    def review_tone(self) -> str:
        """How long the review waits: "" fresh, "warning" after a day, "danger" after three; "" once it is reviewed."""
        waited = clock.now() - self.started_at
        if self.reviewed_at is not None or waited < REVIEW_AMBER:
            return ""
        return "danger" if waited >= REVIEW_RED else "warning"

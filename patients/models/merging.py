"""Records that may be of one person, and those that were brought together."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.access import Capability, has_capability
from core.encryption import EncryptedCharField, EncryptedJSONField
from core.ids import uuid7
from patients.models.patient import Patient


class MergingQuerySet(models.QuerySet[Any]):
    def visible_to(self, user: Any) -> MergingQuerySet:
        """All rows for those who may merge records; empty for everyone else."""
        return self if has_capability(user, Capability.MERGE_PATIENTS) else self.none()


class DuplicatePair(models.Model):
    """Two records that look like one person, until somebody decides. The lower id is always `first`."""

    class State(models.TextChoices):
        OPEN = "open", _("Not decided")
        DISTINCT = "distinct", _("Two persons")
        MERGED = "merged", _("Merged")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    first = models.ForeignKey(Patient, on_delete=models.CASCADE, related_name="+")
    second = models.ForeignKey(Patient, on_delete=models.CASCADE, related_name="+")
    signs = models.JSONField(default=list)  # codes such as "name", "birth_date", "mother", "phone"
    score = models.PositiveSmallIntegerField(default=0)  # 0 to 100
    state = models.CharField(max_length=10, choices=State, default=State.OPEN)
    found_at = models.DateTimeField()
    decided_at = models.DateTimeField(null=True, blank=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    reason = EncryptedCharField(max_length=300, blank=True, default="")

    objects = MergingQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["first", "second"], name="duplicate_pair_once")]
        indexes = [
            models.Index(fields=["state", "score", "id"], name="duplicate_pair_state_idx"),
            models.Index(fields=["second"], name="duplicate_pair_second_idx"),
        ]

    def __str__(self) -> str:
        return f"pair {self.pk}"


class PatientMerge(models.Model):
    """One record brought into another, with the list of what was moved, so that it can be undone."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    survivor = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="merges")
    merged = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="merges_into_others")
    reason = EncryptedCharField(max_length=300)
    journal = EncryptedJSONField()  # what was moved and changed; see `patients.services.merging`
    merged_at = models.DateTimeField()
    merged_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    undone_at = models.DateTimeField(null=True, blank=True)
    undone_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    undo_reason = EncryptedCharField(max_length=300, blank=True, default="")

    objects = MergingQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["survivor", "id"], name="patient_merge_survivor_idx")]

    def __str__(self) -> str:
        return f"merge {self.pk}"

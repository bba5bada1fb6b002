"""Patients brought over from another system, and what the nightly check of all records found."""

from __future__ import annotations

from typing import Any, Self

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from accounts.access import Capability, has_capability
from core.encryption import EncryptedCharField, EncryptedJSONField
from core.ids import uuid7
from core.models import StoredFile
from patients.models.patient import Patient


class ImportQuerySet(models.QuerySet[Any]):
    def visible_to(self, user: Any) -> Self:
        """All rows for those who import patients; empty for everyone else."""
        return self if has_capability(user, Capability.IMPORT_PATIENTS) else self.none()


class ImportRowQuerySet(ImportQuerySet):
    def problems(self) -> Self:
        """Rows that were not, or cannot be, imported as they are."""
        outcomes = PatientImportRow.Outcome
        return self.filter(outcome__in=(outcomes.DUPLICATE, outcomes.ERROR, outcomes.SKIPPED))


class PatientImport(models.Model):
    """One file of patients: uploaded, mapped, checked without writing, then imported row by row.

    `file` holds the rows in one plain form (see `patients.importing.reading`) until the import has ended, or a week.
    """

    class State(models.TextChoices):
        READING = "reading", _("Being read")
        UPLOADED = "uploaded", _("Uploaded")
        CHECKED = "checked", _("Checked")
        IMPORTED = "imported", _("Imported")
        CANCELLED = "cancelled", _("Cancelled")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    file = models.ForeignKey(StoredFile, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    file_name = EncryptedCharField(_("file"), max_length=120)
    digest = models.CharField(max_length=64, db_index=True, default="")  # keyed, of the file as it came
    sheet = EncryptedJSONField(default=dict)  # headings and first rows, for choosing what each column is
    mapping = models.JSONField(default=dict)  # number of the column, from 0 -> field
    options = models.JSONField(default=dict)  # decisions: codes only
    reason = EncryptedCharField(
        max_length=300, blank=True, default=""
    )  # why likely duplicates are imported all the same
    state = models.CharField(max_length=10, choices=State, default=State.READING)
    row_count = models.PositiveIntegerField(default=0)  # the heading among them
    counts = models.JSONField(default=dict)  # outcome or problem -> rows
    read_job_id = models.UUIDField(null=True, blank=True)
    check_job_id = models.UUIDField(null=True, blank=True)
    import_job_id = models.UUIDField(null=True, blank=True)
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    finished_at = models.DateTimeField(null=True, blank=True)

    objects = ImportQuerySet.as_manager()

    class Meta:
        verbose_name = _("import of patients")
        verbose_name_plural = _("imports of patients")

    def __str__(self) -> str:
        return f"import {self.pk}"

    @property
    def data_row_count(self) -> int:
        """How many rows the file has without its heading."""
        return max(0, self.row_count - (1 if self.options.get("has_heading", True) else 0))


class PatientImportRow(models.Model):
    """What became of one row of a file; unique by its number, so a run that is taken up again repeats nothing."""

    class Outcome(models.TextChoices):
        DUPLICATE = "duplicate", _("Looks like a known patient")
        ERROR = "error", pgettext_lazy("a row of a file", "Wrong")
        CREATED = "created", _("Imported")
        UPDATED = "updated", _("Known record completed")
        SKIPPED = "skipped", _("Left out")

    class Problem(models.TextChoices):
        """What is in the way of a row, or would have been."""

        NONE = "", pgettext_lazy("problem of a row", "None")
        VALUE = "value", _("A value is wrong or missing")
        NIK = "nik", _("Same NIK")
        BPJS = "bpjs", _("Same BPJS number")
        OLD_NUMBER = "old_number", _("Same old record number")
        PERSON = "person", _("Similar name, same date of birth")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    source = models.ForeignKey(PatientImport, on_delete=models.CASCADE, related_name="rows")
    number = models.PositiveIntegerField()  # as the spreadsheet shows it; the heading is row 1
    outcome = models.CharField(max_length=10, choices=Outcome)
    problem = models.CharField(max_length=12, choices=Problem, blank=True, default="")
    messages = EncryptedJSONField(null=True, blank=True)  # sentences for people
    patient = models.ForeignKey(Patient, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")

    objects = ImportRowQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["source", "number"], name="import_row_once")]
        indexes = [models.Index(fields=["source", "outcome", "number"], name="import_row_outcome_idx")]

    def __str__(self) -> str:
        return f"row {self.number}"


class IntegrityQuerySet(models.QuerySet[Any]):
    def visible_to(self, user: Any) -> IntegrityQuerySet:
        """All findings for those who activate patients and mend their records; empty for everyone else."""
        return self if has_capability(user, Capability.CHECK_INTEGRITY) else self.none()


class IntegrityFinding(models.Model):
    """Something that the nightly check found wrong, until a later check no longer finds it."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    check_name = models.CharField(max_length=60)
    subject = models.CharField(max_length=100)  # label and id of the row, never its content
    patient = models.ForeignKey(Patient, null=True, blank=True, on_delete=models.CASCADE, related_name="+")
    detail = models.JSONField(default=dict)  # codes and counts
    found_at = models.DateTimeField()
    seen_at = models.DateTimeField()
    gone_at = models.DateTimeField(null=True, blank=True)

    objects = IntegrityQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["check_name", "subject"], name="integrity_finding_once")]
        indexes = [models.Index(fields=["gone_at", "check_name", "id"], name="integrity_finding_open_idx")]

    def __str__(self) -> str:
        return f"{self.check_name}: {self.subject}"


class IntegrityRun(models.Model):
    """One run of all checks: what is done of it and what they found. A worker that holds the lease goes on with it."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    night_on = models.DateField(null=True, blank=True, unique=True)  # the clinic day of a nightly run
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    started_at = models.DateTimeField()
    lease_until = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    results = models.JSONField(default=dict)  # check -> {"looked_at", "found", "cursor"}, or {"failed"}

    objects = IntegrityQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["finished_at", "id"], name="integrity_run_open_idx")]

    def __str__(self) -> str:
        return f"check {self.pk}"

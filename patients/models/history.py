"""Clinical basics that do not belong to one visit: chronic conditions, past and family history, medicines at home."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.access import Capability, has_capability
from core.encryption import EncryptedCharField, EncryptedDateField
from core.ids import uuid7
from patients.models.patient import Patient


class ClinicalQuerySet(models.QuerySet[Any]):
    def visible_to(self, user: Any) -> ClinicalQuerySet:
        """Rows of the records `user` may read; empty for anyone who may not read a clinical record."""
        if has_capability(user, Capability.VIEW_CHART) or has_capability(user, Capability.USE_PORTAL):
            return self.filter(patient__in=Patient.objects.readable_by(user))
        return self.none()


class Section(models.TextChoices):
    """The parts of the clinical basics; each can be "asked: none" by itself."""

    CHRONIC = "chronic", _("Chronic conditions")
    PAST = "past", _("Past illnesses, operations and admissions")
    FAMILY = "family", _("Family history")
    MEDICINES = "medicines", _("Medicines taken at home")


class HistoryEntry(models.Model):
    """One fact of the history: FHIR Condition (chronic, past), FamilyMemberHistory or MedicationStatement.

    Which columns mean something depends on the section. Wrong entries are marked, never deleted; what is over ends.
    """

    class Status(models.TextChoices):
        ACTIVE = "active", _("Active")
        RESOLVED = "resolved", _("Over")
        ENTERED_IN_ERROR = "entered_in_error", _("Entered in error")

    class PastKind(models.TextChoices):
        ILLNESS = "illness", _("Illness")
        OPERATION = "operation", _("Operation")
        ADMISSION = "admission", _("Admission")
        TRANSFUSION = "transfusion", _("Blood transfusion")
        OTHER = "other", _("Other")

    class Relation(models.TextChoices):
        """HL7 v3 role codes."""

        FATHER = "FTH", _("Father")
        MOTHER = "MTH", _("Mother")
        BROTHER = "BRO", _("Brother")
        SISTER = "SIS", _("Sister")
        SON = "SON", _("Son")
        DAUGHTER = "DAU", _("Daughter")
        GRANDPARENT = "GRPRN", _("Grandparent")
        UNCLE_AUNT = "UNCLE", _("Uncle or aunt")
        OTHER = "EXT", _("Other relative")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="history_entries")
    section = models.CharField(max_length=10, choices=Section)
    code_system = models.CharField(max_length=80, blank=True, default="")  # "" is free text
    code = models.CharField(max_length=20, blank=True, default="")
    what = EncryptedCharField(_("what"), max_length=200)  # the display shown when it was chosen, or the words typed
    kind = models.CharField(_("kind"), max_length=12, choices=PastKind, blank=True, default="")
    relation = models.CharField(_("relative"), max_length=6, choices=Relation, blank=True, default="")
    relation_died = models.BooleanField(_("died of it"), default=False)
    onset_year = models.PositiveSmallIntegerField(_("since the year"), null=True, blank=True)
    onset_age = models.PositiveSmallIntegerField(_("at the age of"), null=True, blank=True)
    ended_year = models.PositiveSmallIntegerField(_("until the year"), null=True, blank=True)
    dose = EncryptedCharField(_("dose and how often"), max_length=120, blank=True, default="")
    source = EncryptedCharField(_("from whom"), max_length=120, blank=True, default="")
    note = EncryptedCharField(_("note"), max_length=300, blank=True, default="")
    status = models.CharField(max_length=20, choices=Status, default=Status.ACTIVE)
    recorded_at = models.DateTimeField()
    recorded_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    closed_at = models.DateTimeField(null=True, blank=True)
    closed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    close_reason = EncryptedCharField(max_length=300, blank=True, default="")

    objects = ClinicalQuerySet.as_manager()

    class Meta:
        verbose_name = _("history entry")
        verbose_name_plural = _("history entries")
        indexes = [models.Index(fields=["patient", "section", "status"], name="history_entry_patient_idx")]

    def __str__(self) -> str:
        return f"history {self.pk}"


class HistorySection(models.Model):
    """When a part of the history was asked about last, and by whom; without a row it was never asked."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="history_sections")
    section = models.CharField(max_length=10, choices=Section)
    is_none = models.BooleanField()  # asked, and there is nothing
    asked_at = models.DateTimeField()
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")

    objects = ClinicalQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["patient", "section"], name="history_section_once")]

    def __str__(self) -> str:
        return f"history section {self.pk}"


class PregnancyQuerySet(models.QuerySet[Any]):
    def visible_to(self, user: Any) -> PregnancyQuerySet:
        """Rows of the records `user` may read, and for people who hand over medicines those of their patients."""
        if has_capability(user, Capability.VIEW_CHART) or has_capability(user, Capability.USE_PORTAL):
            return self.filter(patient__in=Patient.objects.readable_by(user))
        if has_capability(user, Capability.DISPENSE):
            return self.filter(patient__in=Patient.objects.in_care_of(user))
        return self.none()


class PregnancyStatus(models.Model):
    """What was known about a pregnancy at one moment (FHIR Observation, LOINC 82810-3). The newest row counts."""

    class State(models.TextChoices):
        PREGNANT = "pregnant", _("Pregnant")
        BREASTFEEDING = "breastfeeding", _("Breastfeeding")
        NOT_PREGNANT = "not_pregnant", _("Not pregnant")
        UNKNOWN = "unknown", _("Not known")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="pregnancy_rows")
    state = models.CharField(_("pregnancy"), max_length=14, choices=State)
    last_period_on = EncryptedDateField(_("first day of the last period"), null=True, blank=True)
    due_on = EncryptedDateField(_("expected day of birth"), null=True, blank=True)
    gravida = models.PositiveSmallIntegerField(_("pregnancies"), null=True, blank=True)
    para = models.PositiveSmallIntegerField(_("births"), null=True, blank=True)
    abortus = models.PositiveSmallIntegerField(_("miscarriages"), null=True, blank=True)
    note = EncryptedCharField(_("note"), max_length=300, blank=True, default="")
    is_in_error = models.BooleanField(default=False)
    error_reason = EncryptedCharField(_("why it is wrong"), max_length=300, blank=True, default="")
    recorded_at = models.DateTimeField()
    recorded_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    marked_at = models.DateTimeField(null=True, blank=True)
    marked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )

    objects = PregnancyQuerySet.as_manager()

    class Meta:
        verbose_name = _("pregnancy")
        verbose_name_plural = _("pregnancies")
        indexes = [models.Index(fields=["patient", "id"], name="pregnancy_patient_idx")]

    def __str__(self) -> str:
        return f"pregnancy {self.pk}"


class BloodTyping(models.Model):
    """Where a patient's blood type is known from (FHIR Observation, LOINC 882-1). The newest row that is not wrong counts.

    `Patient.blood_type` and `rhesus` are what screens and papers show. A type that the desk or the patient wrote there
    has no row: it is hearsay.
    """

    class Source(models.TextChoices):
        LAB = "lab", _("Laboratory result seen")
        CARD = "card", _("Card or letter seen")
        TOLD = "told", _("Told by the patient or family")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="blood_typings")
    blood_type = models.CharField(_("blood type"), max_length=2, choices=Patient.BloodType)
    rhesus = models.CharField(_("rhesus"), max_length=1, choices=Patient.Rhesus, blank=True, default="")
    source = models.CharField(_("known from"), max_length=4, choices=Source)
    note = EncryptedCharField(_("note"), max_length=300, blank=True, default="")
    is_in_error = models.BooleanField(default=False)
    error_reason = EncryptedCharField(_("why it is wrong"), max_length=300, blank=True, default="")
    recorded_at = models.DateTimeField()
    recorded_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    marked_at = models.DateTimeField(null=True, blank=True)
    marked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )

    objects = ClinicalQuerySet.as_manager()

    class Meta:
        verbose_name = _("blood typing")
        verbose_name_plural = _("blood typings")
        indexes = [models.Index(fields=["patient", "id"], name="blood_typing_patient_idx")]

    def __str__(self) -> str:
        return f"blood typing {self.pk}"

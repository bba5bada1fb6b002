"""What clinicians write: vital signs, consultation notes, diagnoses; and the code table they choose from."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Case, Q, Value, When
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from accounts.access import Capability, has_capability
from core.encryption import EncryptedCharField, EncryptedTextField
from core.ids import uuid7
from patients.models import Patient, portal_patient_ids
from scheduling.models import Visit

ICD10_SYSTEM = "http://hl7.org/fhir/sid/icd-10"


class DiagnosisCode(models.Model):
    """One entry of a diagnosis code system as this clinic loaded it (ICD-10 by default)."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    system = models.CharField(max_length=80, default=ICD10_SYSTEM)
    edition = models.CharField(_("edition"), max_length=20, default="2010")
    code = models.CharField(_("code"), max_length=10)
    display_en = models.CharField(_("name in English"), max_length=250)
    display_id = models.CharField(_("name in Indonesian"), max_length=250, blank=True)
    chapter = models.CharField(_("chapter"), max_length=10, blank=True)
    keywords = models.CharField(_("other words"), max_length=300, blank=True)
    search_text = models.CharField(max_length=900, editable=False, default="")
    is_primary_allowed = models.BooleanField(_("may be the primary diagnosis"), default=True)
    is_active = models.BooleanField(_("active"), default=True)

    class Meta:
        verbose_name = _("diagnosis code")
        verbose_name_plural = _("diagnosis codes")
        ordering = ["code"]
        constraints = [models.UniqueConstraint(fields=["system", "edition", "code"], name="diagnosis_code_once")]
        indexes = [models.Index(fields=["code"], name="diagnosis_code_idx")]

    def __str__(self) -> str:
        return f"{self.code} {self.display}"

    def fill_search_text(self) -> None:
        """Set what the search looks in from code, names and other words. Call before each save or bulk write."""
        # Without the dot too: "j069" is typed as often as "J06.9".
        words = [self.code, self.code.replace(".", ""), self.display_id, self.display_en, self.keywords]
        self.search_text = " ".join(" ".join(words).lower().split())[:900]

    @property
    def display(self) -> str:
        """The name in the language of the page; English where no Indonesian name was loaded."""
        indonesian = (get_language() or "id").startswith("id")
        return (self.display_id or self.display_en) if indonesian else self.display_en


class ClinicalQuerySet(models.QuerySet):
    """Scoping of clinical rows: readers of notes for the patients they may see; a patient reads their own."""

    def visible_to(self, user: Any) -> ClinicalQuerySet:
        if has_capability(user, Capability.VIEW_NOTES):
            is_kept_out = not settings.ADMIN_READS_NOTES and has_capability(user, Capability.VIEW_ALL_CHARTS)
            # A second role in care still opens the notes of the own care team.
            readable = Patient.objects.in_care_of(user) if is_kept_out else Patient.objects.readable_by(user)
            return self.filter(patient__in=readable)
        if has_capability(user, Capability.USE_PORTAL):
            return self.own(user)
        return self.none()

    def own(self, user: Any) -> ClinicalQuerySet:
        return self.filter(patient_id__in=portal_patient_ids(user))


class VitalSigns(models.Model):
    """One set of measurements taken at one time. A wrong set is marked and a new one recorded."""

    class Status(models.TextChoices):
        FINAL = "final", _("Final")
        ENTERED_IN_ERROR = "entered_in_error", _("Entered in error")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    visit = models.ForeignKey(Visit, on_delete=models.PROTECT, related_name="vital_signs")
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="vital_signs")
    systolic_mmhg = models.PositiveSmallIntegerField(null=True, blank=True)
    diastolic_mmhg = models.PositiveSmallIntegerField(null=True, blank=True)
    heart_rate_bpm = models.PositiveSmallIntegerField(null=True, blank=True)
    respiratory_rate_bpm = models.PositiveSmallIntegerField(null=True, blank=True)
    temperature_c = models.DecimalField(max_digits=4, decimal_places=1, null=True, blank=True)
    oxygen_saturation_percent = models.PositiveSmallIntegerField(null=True, blank=True)
    weight_kg = models.DecimalField(max_digits=5, decimal_places=2, null=True, blank=True)
    height_cm = models.DecimalField(max_digits=4, decimal_places=1, null=True, blank=True)
    pain_score = models.PositiveSmallIntegerField(null=True, blank=True)
    remark = EncryptedTextField(max_length=500, blank=True, default="")
    status = models.CharField(max_length=20, choices=Status, default=Status.FINAL)
    recorded_at = models.DateTimeField()
    recorded_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    error_reason = EncryptedCharField(_("why it is wrong"), max_length=300, blank=True, default="")
    marked_at = models.DateTimeField(null=True, blank=True)
    marked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )

    objects = ClinicalQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["patient", "id"], name="vitals_patient_idx")]

    def __str__(self) -> str:
        return f"vital signs {self.pk}"


class NoteQuerySet(ClinicalQuerySet):
    def own(self, user: Any) -> NoteQuerySet:
        """A patient reads what was signed, never drafts."""
        return self.filter(
            patient_id__in=portal_patient_ids(user), status__in=[Note.Status.SIGNED, Note.Status.AMENDED]
        )


class Note(models.Model):
    """A doctor's SOAP note on one visit. A signed note never changes; an amendment is a new row in its place."""

    class Status(models.TextChoices):
        DRAFT = "draft", _("Draft")
        SIGNED = "signed", _("Signed")
        AMENDED = "amended", _("Amended")
        ENTERED_IN_ERROR = "entered_in_error", _("Entered in error")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    visit = models.ForeignKey(Visit, on_delete=models.PROTECT, related_name="notes")
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="notes")
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    subjective = EncryptedTextField(max_length=10000, blank=True, default="")
    objective = EncryptedTextField(max_length=10000, blank=True, default="")
    assessment = EncryptedTextField(max_length=10000, blank=True, default="")
    plan = EncryptedTextField(max_length=10000, blank=True, default="")
    consultation_fee_idr = models.BigIntegerField(default=0)
    draft_lines = EncryptedTextField(blank=True, default="")
    draft_diagnoses = EncryptedTextField(blank=True, default="")
    status = models.CharField(max_length=20, choices=Status, default=Status.DRAFT)
    current = models.GeneratedField(
        expression=Case(
            When(status__in=["draft", "signed"], then=Value(1)),
            default=Value(None),
            output_field=models.SmallIntegerField(),
        ),
        output_field=models.SmallIntegerField(null=True),
        db_persist=True,
        null=True,
    )
    version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    signed_at = models.DateTimeField(null=True, blank=True)

    objects = NoteQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["visit", "current"], name="note_current_once"),
            models.CheckConstraint(condition=Q(consultation_fee_idr__gte=0), name="note_fee_not_negative"),
        ]
        indexes = [models.Index(fields=["patient", "id"], name="note_patient_idx")]

    def __str__(self) -> str:
        return f"note {self.pk}"


class DiagnosisQuerySet(ClinicalQuerySet):
    def own(self, user: Any) -> DiagnosisQuerySet:
        signed = [Note.Status.SIGNED, Note.Status.AMENDED]
        return self.filter(patient_id__in=portal_patient_ids(user), note__status__in=signed)


class Diagnosis(models.Model):
    """One coded diagnosis of a note: system, code and the name shown to the doctor at that moment."""

    class Rank(models.TextChoices):
        PRIMARY = "primary", _("Primary")
        SECONDARY = "secondary", _("Secondary")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    note = models.ForeignKey(Note, on_delete=models.PROTECT, related_name="diagnoses")
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="diagnoses")
    system = models.CharField(max_length=80)
    edition = models.CharField(max_length=20)
    code = models.CharField(max_length=10)
    display = EncryptedCharField(max_length=250)
    rank = models.CharField(max_length=10, choices=Rank)
    position = models.PositiveSmallIntegerField(default=0)

    objects = DiagnosisQuerySet.as_manager()

    class Meta:
        ordering = ["position"]
        constraints = [models.UniqueConstraint(fields=["note", "system", "code"], name="diagnosis_once_per_note")]
        indexes = [models.Index(fields=["code"], name="diagnosis_by_code_idx")]

    def __str__(self) -> str:
        return self.code

"""Pictures and papers of patients. The bytes are sealed in the file storage (`core.files`); rows say whose they are."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.access import Capability, has_capability
from core import clock
from core.encryption import EncryptedCharField, EncryptedDateField
from core.ids import uuid7
from core.models import StoredFile
from patients.models.demographics import OfPatientQuerySet
from patients.models.patient import Patient


class PatientImage(models.Model):
    """The photo of a patient, or the picture of the identity card. A new one takes the place of the old one."""

    class Kind(models.TextChoices):
        PHOTO = "photo", _("Photo")
        KTP = "ktp", _("Identity card (KTP)")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    patient = models.ForeignKey(Patient, on_delete=models.CASCADE, related_name="images")
    kind = models.CharField(max_length=6, choices=Kind)
    file = models.ForeignKey(StoredFile, on_delete=models.PROTECT, related_name="+")
    thumbnail = models.ForeignKey(StoredFile, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    uploaded_at = models.DateTimeField()
    uploaded_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")

    objects = OfPatientQuerySet.as_manager()

    class Meta:
        verbose_name = _("picture")
        verbose_name_plural = _("pictures")
        constraints = [models.UniqueConstraint(fields=["patient", "kind"], name="patient_image_once")]

    def __str__(self) -> str:
        return f"image {self.pk}"


OWN_FOR = timedelta(hours=24)  # how long people without the right to read records see what they added themselves


class PatientDocumentQuerySet(models.QuerySet["PatientDocument"]):
    def visible_to(self, user: Any) -> PatientDocumentQuerySet:
        """Administrative papers of patients whose identity `user` may read, and clinical ones of records they may read.

        Whoever adds a paper sees it for a day, to notice what went wrong. Patients and guardians see what is current and
        not kept for the clinic only.
        """
        if has_capability(user, Capability.USE_PORTAL):
            return self.current().filter(is_internal=False, patient__in=Patient.objects.readable_by(user))
        seen = Q(category__in=PatientDocument.ADMINISTRATIVE)
        if has_capability(user, Capability.UPLOAD_DOCUMENTS):
            seen |= Q(uploaded_by_id=user.pk, uploaded_at__gt=clock.now() - OWN_FOR)
        allowed = seen & Q(patient__in=Patient.objects.visible_to(user))
        if has_capability(user, Capability.VIEW_CHART):
            allowed |= Q(patient__in=Patient.objects.readable_by(user))
        return self.filter(allowed)

    def current(self) -> PatientDocumentQuerySet:
        return self.filter(status=PatientDocument.Status.CURRENT)


class PatientDocument(models.Model):
    """One paper of a patient's record as a file (FHIR DocumentReference). Wrong ones are marked, never changed."""

    class Category(models.TextChoices):
        LABORATORY = "laboratory", _("Laboratory result")
        IMAGING = "imaging", _("X-ray or scan")
        REFERRAL = "referral", _("Referral or hospital letter")
        CLINICAL_PHOTO = "clinical_photo", _("Clinical photo")
        RECORD = "record", _("Old record on paper")
        OTHER = "other", _("Other medical document")
        IDENTITY = "identity", _("Identity paper")
        INSURANCE = "insurance", _("Insurance card or letter")
        CONSENT = "consent", _("Signed consent")
        REQUEST = "request", _("Letter about personal data")

    ADMINISTRATIVE = (Category.IDENTITY, Category.INSURANCE, Category.CONSENT, Category.REQUEST)

    class Status(models.TextChoices):
        CURRENT = "current", _("Current")
        ENTERED_IN_ERROR = "entered_in_error", _("Entered in error")

    class Thumbnail(models.TextChoices):
        WAITING = "waiting", _("Preview is being made")
        READY = "ready", _("Preview is ready")
        NONE = "none", _("No preview")

    class Source(models.TextChoices):
        STAFF = "staff", _("Clinic")
        PORTAL = "portal", _("Patient portal")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="documents")
    category = models.CharField(_("kind"), max_length=14, choices=Category)
    title = EncryptedCharField(_("title"), max_length=120, blank=True, default="")
    note = EncryptedCharField(_("note"), max_length=500, blank=True, default="")
    file_name = EncryptedCharField(_("file name"), max_length=120)
    documented_on = EncryptedDateField(_("date of the document"))
    file = models.ForeignKey(StoredFile, on_delete=models.PROTECT, related_name="+")
    thumbnail = models.ForeignKey(StoredFile, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    thumbnail_state = models.CharField(max_length=8, choices=Thumbnail, default=Thumbnail.WAITING)
    page_count = models.PositiveSmallIntegerField(null=True, blank=True)
    is_internal = models.BooleanField(_("for the clinic only"), default=False)  # not shown in the portal
    source = models.CharField(max_length=8, choices=Source, default=Source.STAFF)
    status = models.CharField(max_length=20, choices=Status, default=Status.CURRENT)
    uploaded_at = models.DateTimeField()
    uploaded_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    version = models.PositiveIntegerField(default=1)  # grows with each correction of what is written about it
    error_reason = EncryptedCharField(_("why it is wrong"), max_length=300, blank=True, default="")
    marked_at = models.DateTimeField(null=True, blank=True)
    marked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )

    objects = PatientDocumentQuerySet.as_manager()

    class Meta:
        verbose_name = _("document")
        verbose_name_plural = _("documents")
        indexes = [
            models.Index(fields=["patient", "status", "id"], name="patient_document_idx"),
            models.Index(fields=["thumbnail_state", "id"], name="patient_document_thumb_idx"),
        ]

    def __str__(self) -> str:
        return f"document {self.pk}"

    @property
    def shown_title(self) -> str:
        """The title, else the kind."""
        return self.title or str(self.get_category_display())

    @property
    def is_current(self) -> bool:
        return self.status == self.Status.CURRENT

    @property
    def has_preview(self) -> bool:
        return self.thumbnail_state == self.Thumbnail.READY

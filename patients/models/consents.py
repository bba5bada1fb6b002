"""What a patient agreed to: versioned texts, and answers that are never edited."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from core.encryption import EncryptedCharField, EncryptedJSONField
from core.ids import uuid7
from patients.models.demographics import OfPatientQuerySet
from patients.models.documents import PatientDocument
from patients.models.patient import Patient


class ConsentKind(models.TextChoices):
    """What a consent is about; each has texts and answers of its own."""

    GENERAL = "general", _("General consent to care")
    SATUSEHAT = "satusehat", _("Exchange with SATUSEHAT")
    INSURER = "insurer", _("Release to insurer or payer")
    EDUCATION = "education", _("Use for education and research")
    MESSAGES = "messages", _("Messages and reminders")


class ConsentText(models.Model):
    """One version of the text that patients agree to. A published version is never changed; a new one follows it."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    kind = models.CharField(_("purpose"), max_length=10, choices=ConsentKind)
    version = models.PositiveIntegerField(_("version"))
    title_id = models.CharField(_("title (Indonesian)"), max_length=160)
    body_id = models.TextField(_("text (Indonesian)"))
    title_en = models.CharField(_("title (English)"), max_length=160)
    body_en = models.TextField(_("text (English)"))
    published_at = models.DateTimeField(_("published at"))
    published_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )

    class Meta:
        verbose_name = _("consent text")
        verbose_name_plural = _("consent texts")
        constraints = [models.UniqueConstraint(fields=["kind", "version"], name="consent_text_version_once")]

    def __str__(self) -> str:
        return f"{self.kind} v{self.version}"


class Consent(models.Model):
    """One answer of a patient, or of who answers for them (FHIR Consent). A withdrawal is a new row that names the old.

    A general consent holds the 14 variables of KMK 1423/2022: date and time (`given_at`), the yes/no answers, the
    people who may be told (`relatives`), who is responsible and signed, and the officer who explained and signed.
    """

    class Decision(models.TextChoices):
        PERMIT = "permit", _("Agreed")
        DENY = "deny", _("Refused")
        WITHDRAWN = "withdrawn", _("Withdrawn")

    class Method(models.TextChoices):
        TABLET = "tablet", _("Signed on a screen")
        PAPER = "paper", _("Signed on paper")
        PORTAL = "portal", _("Given in the portal")
        DESK = "desk", _("Said at the desk")  # enough to refuse or to withdraw, never to agree

    class OfficerProof(models.TextChoices):
        """How the officer who explained a general consent signed it."""

        DRAWN = "drawn", _("Signed on the screen")
        SIGNED_IN = "signed_in", _("Confirmed the sign-in just before")
        PAPER = "paper", _("Signed on paper")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="consents")
    kind = models.CharField(max_length=10, choices=ConsentKind)
    text = models.ForeignKey(ConsentText, on_delete=models.PROTECT, related_name="consents")
    language = models.CharField(max_length=2, default="id")  # in which it was read
    decision = models.CharField(max_length=10, choices=Decision)
    method = models.CharField(max_length=8, choices=Method)
    given_at = models.DateTimeField()
    treatment_agreed = models.BooleanField(null=True)
    payment_explained = models.BooleanField(null=True)
    rights_explained = models.BooleanField(null=True)
    rules_explained = models.BooleanField(null=True)
    needs_interpreter = models.BooleanField(null=True)
    interpreter_language = EncryptedCharField(max_length=60, blank=True, default="")
    needs_clergy = models.BooleanField(null=True)
    release_explained = models.BooleanField(null=True)
    payer_may_receive = models.BooleanField(null=True)
    trainees_may_access = models.BooleanField(null=True)
    referral_may_receive = models.BooleanField(null=True)
    relatives = EncryptedJSONField(default=list)  # [{"name", "relation_code", "relation_label", "contact"}]
    visitors_refused = EncryptedCharField(max_length=300, blank=True, default="")
    signer_name = EncryptedCharField(max_length=200)
    signer_relation_code = models.CharField(max_length=4, blank=True, default="")  # 1: the patient; see patients.codes
    signer_relation_label = models.CharField(max_length=60, blank=True, default="")
    signer_nik = EncryptedCharField(max_length=16, blank=True, default="")
    signature = EncryptedJSONField(null=True)  # strokes as lists of points, scaled to 1000 x 400
    officer = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    officer_proof = models.CharField(max_length=10, choices=OfficerProof, blank=True, default="")
    officer_signature = EncryptedJSONField(null=True)
    scan = models.ForeignKey(PatientDocument, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    withdraws = models.OneToOneField(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="withdrawn_by"
    )
    reason = EncryptedCharField(max_length=300, blank=True, default="")
    recorded_at = models.DateTimeField()
    recorded_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    idempotency_key = models.UUIDField(null=True, unique=True)  # of the form it came with; further rows of it have none
    digest = models.CharField(max_length=64, blank=True, default="")  # keyed, over everything above

    objects = OfPatientQuerySet.as_manager()

    class Meta:
        verbose_name = _("consent")
        verbose_name_plural = _("consents")
        indexes = [models.Index(fields=["patient", "kind", "id"], name="consent_patient_idx")]

    def __str__(self) -> str:
        return f"consent {self.pk}"

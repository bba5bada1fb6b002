"""Who pays: insurers, and the policies of patients."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from core.encryption import EncryptedCharField
from core.ids import uuid7
from patients.models.demographics import OfPatientQuerySet
from patients.models.documents import PatientDocument
from patients.models.patient import Patient


class Insurer(models.Model):
    """One payer beside the patient: BPJS, an insurance company, or an employer that pays (FHIR Organization)."""

    class Kind(models.TextChoices):
        BPJS = "bpjs", _("BPJS")
        INSURANCE = "insurance", _("Insurance company")
        EMPLOYER = "employer", _("Employer")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    name = models.CharField(_("name"), max_length=120, unique=True)
    kind = models.CharField(_("kind"), max_length=10, choices=Kind, default=Kind.INSURANCE)
    phone = models.CharField(_("phone"), max_length=30, blank=True, default="")
    note = models.CharField(_("note"), max_length=300, blank=True, default="")
    is_active = models.BooleanField(_("in use"), default=True)

    class Meta:
        verbose_name = _("insurer")
        verbose_name_plural = _("insurers")

    def __str__(self) -> str:
        return self.name


class PolicyCoverageQuerySet(OfPatientQuerySet):
    def current(self) -> PolicyCoverageQuerySet:
        return self.filter(status=PolicyCoverage.Status.ACTIVE)


class PolicyCoverage(models.Model):
    """One policy that pays for a patient's care (FHIR Coverage). Whether it is valid is asked for a day."""

    class Status(models.TextChoices):
        ACTIVE = "active", _("Active")
        ENDED = "ended", _("Ended")
        ENTERED_IN_ERROR = "entered_in_error", _("Entered in error")

    class Holder(models.TextChoices):
        """Whose policy it is, seen from the patient."""

        SELF = "self", _("The patient")
        SPOUSE = "spouse", _("Husband or wife")
        PARENT = "parent", _("Father or mother")
        EMPLOYER = "employer", _("Employer")
        OTHER = "other", _("Somebody else")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="coverages")
    insurer = models.ForeignKey(Insurer, on_delete=models.PROTECT, related_name="coverages")
    number = EncryptedCharField(_("policy or card number"), max_length=60)
    plan_class = models.CharField(_("class"), max_length=30, blank=True, default="")
    plan_name = models.CharField(_("product"), max_length=80, blank=True, default="")
    holder = models.CharField(_("policy holder"), max_length=10, choices=Holder, default=Holder.SELF)
    holder_name = EncryptedCharField(_("name of the policy holder"), max_length=200, blank=True, default="")
    facility_name = models.CharField(_("registered first-level facility"), max_length=120, blank=True, default="")
    valid_from = models.DateField(_("valid from"), null=True, blank=True)
    valid_until = models.DateField(_("valid until"), null=True, blank=True)
    is_primary = models.BooleanField(_("pays first"), default=False)
    card = models.ForeignKey(PatientDocument, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    note = EncryptedCharField(_("note"), max_length=300, blank=True, default="")
    status = models.CharField(max_length=20, choices=Status, default=Status.ACTIVE)
    version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    ended_at = models.DateTimeField(null=True, blank=True)
    ended_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    end_reason = EncryptedCharField(max_length=300, blank=True, default="")

    objects = PolicyCoverageQuerySet.as_manager()

    class Meta:
        verbose_name = _("policy")
        verbose_name_plural = _("policies")
        indexes = [models.Index(fields=["patient", "status"], name="policy_coverage_patient_idx")]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(valid_from__isnull=True)
                | models.Q(valid_until__isnull=True)
                | models.Q(valid_from__lte=models.F("valid_until")),
                name="policy_coverage_dates_in_order",
            )
        ]

    def __str__(self) -> str:
        return f"coverage {self.pk}"

    def is_valid_on(self, day: date) -> bool:
        """True when the policy is active and `day` is within its dates; an empty date sets no limit."""
        return (
            self.status == self.Status.ACTIVE
            and (self.valid_from is None or self.valid_from <= day)
            and (self.valid_until is None or day <= self.valid_until)
        )

    @staticmethod
    def mask(number: str) -> str:
        """Return a policy number as lists show it."""
        return f"{'•' * max(len(number) - 4, 0)}{number[-4:]}"

    @property
    def masked_number(self) -> Any:
        return self.mask(self.number)

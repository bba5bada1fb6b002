"""Portal sign-ups that wait for a decision."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.access import Capability, has_capability
from core.encryption import EncryptedCharField, EncryptedDateField, EncryptedTextField
from core.ids import uuid7
from core.indonesia import format_phone
from patients.models.patient import Patient, Sex, mask_nik


class PortalRegistrationQuerySet(models.QuerySet["PortalRegistration"]):
    def visible_to(self, user: Any) -> PortalRegistrationQuerySet:
        """Registrations `user` may decide on; empty for anyone without the capability."""
        return self if has_capability(user, Capability.ACTIVATE_PATIENTS) else self.none()

    def pending(self) -> PortalRegistrationQuerySet:
        return self.filter(status=PortalRegistration.Status.PENDING)

    def decided(self) -> PortalRegistrationQuerySet:
        return self.exclude(status=PortalRegistration.Status.PENDING)

    def for_list(self) -> PortalRegistrationQuerySet:
        """With the account, who decided, and the record number."""
        return self.select_related("user", "decided_by", "patient")


class PortalRegistration(models.Model):
    """What a person wrote when signing up for the portal, until an admin connects it with a patient record."""

    class Status(models.TextChoices):
        PENDING = "pending", _("Waiting")
        ACTIVATED = "activated", _("Activated")
        REJECTED = "rejected", _("Rejected")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="portal_registration")
    full_name = EncryptedCharField(_("full name"), max_length=200)
    nik = EncryptedCharField(_("NIK"), max_length=16, null=True, blank=True)
    birth_date = EncryptedDateField(_("date of birth"))
    sex = models.CharField(_("sex"), max_length=10, choices=Sex)
    phone = EncryptedCharField(_("phone"), max_length=20)
    status = models.CharField(max_length=10, choices=Status, default=Status.PENDING)
    reason = EncryptedTextField(blank=True, default="")
    created_at = models.DateTimeField()
    decided_at = models.DateTimeField(null=True, blank=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    patient = models.ForeignKey(Patient, null=True, blank=True, on_delete=models.PROTECT, related_name="registrations")
    made_record = models.BooleanField(default=False)  # activated as a new patient, not connected with a known one

    objects = PortalRegistrationQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["status", "id"], name="registration_status_idx")]

    def __str__(self) -> str:
        return f"registration {self.pk}"

    @property
    def phone_label(self) -> str:
        return format_phone(self.phone)

    @property
    def sex_label(self) -> str:
        return str(self.get_sex_display())

    @property
    def masked_nik(self) -> str:
        return mask_nik(self.nik)

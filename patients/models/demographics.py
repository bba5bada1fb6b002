"""What is known about a patient beyond the identity: addresses, numbers, people around them, social data."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.access import Capability, has_capability
from core.encryption import EncryptedCharField, EncryptedJSONField, EncryptedTextField
from core.ids import uuid7
from patients.models.patient import Patient


class OfPatientQuerySet(models.QuerySet[Any]):
    """Rows that belong to a patient's identity: who may see the patient may see them."""

    def visible_to(self, user: Any) -> OfPatientQuerySet:
        """Rows of the patients whose identity `user` may read; empty for everyone else."""
        return self.filter(patient__in=Patient.objects.visible_to(user))


class Region(models.Model):
    """One administrative region of Indonesia by its Home Affairs (Kemendagri) code, written without dots.

    Two digits are a province, four a regency or city, six a district (kecamatan), ten a village (kelurahan or desa).
    """

    class Level(models.IntegerChoices):
        PROVINCE = 1, _("Province")
        REGENCY = 2, _("Regency or city")
        DISTRICT = 3, _("District")
        VILLAGE = 4, _("Village")

    code = models.CharField(_("code"), max_length=10, primary_key=True)
    name = models.CharField(_("name"), max_length=100)
    level = models.PositiveSmallIntegerField(_("level"), choices=Level)
    parent = models.ForeignKey("self", null=True, blank=True, on_delete=models.PROTECT, related_name="children")
    search_name = models.CharField(max_length=100, db_index=True, editable=False)  # folded name, for looking up
    postal_code = models.CharField(_("postal code"), max_length=5, blank=True, default="")
    bps_code = models.CharField(_("statistics office code"), max_length=10, blank=True, default="")
    is_active = models.BooleanField(_("in use"), default=True)

    class Meta:
        verbose_name = _("region")
        verbose_name_plural = _("regions")
        indexes = [models.Index(fields=["level", "search_name"], name="region_level_name_idx")]

    def __str__(self) -> str:
        return f"{self.code} {self.name}"


class PatientDemographics(models.Model):
    """The social variables of one patient (PMK 24/2022 article 14, KMK 1423/2022), each with its code and its label.

    The label is the one shown when it was recorded; code lists are in `patients.codes`.
    """

    class NikMissing(models.TextChoices):
        """Why a patient of the country has no NIK recorded."""

        NOT_SHOWN = "not_shown", _("Identity card not brought")
        NOT_ISSUED = "not_issued", _("Has no NIK yet")
        FORGOTTEN = "forgotten", _("Does not know it")
        REFUSED = "refused", _("Does not want to say")

    patient = models.OneToOneField(Patient, primary_key=True, on_delete=models.CASCADE, related_name="demographics")
    nik_missing = models.CharField(_("why there is no NIK"), max_length=12, choices=NikMissing, blank=True, default="")
    is_mother_unknown = models.BooleanField(_("mother's name is not known"), default=False)
    religion_code = models.CharField(_("religion"), max_length=4, blank=True, default="")
    religion_label = models.CharField(max_length=60, blank=True, default="")
    education_code = models.CharField(_("education"), max_length=4, blank=True, default="")
    education_label = models.CharField(max_length=60, blank=True, default="")
    occupation_code = models.CharField(_("occupation"), max_length=4, blank=True, default="")
    occupation_label = models.CharField(max_length=60, blank=True, default="")
    occupation_text = EncryptedCharField(_("occupation in words"), max_length=100, blank=True, default="")
    marital_code = models.CharField(_("marital status"), max_length=4, blank=True, default="")
    marital_label = models.CharField(max_length=60, blank=True, default="")
    ethnicity = EncryptedCharField(_("ethnic group"), max_length=60, blank=True, default="")
    spoken_languages = EncryptedCharField(_("languages spoken"), max_length=100, blank=True, default="")
    nationality = models.CharField(_("nationality"), max_length=2, blank=True, default="ID")  # ISO 3166-1 alpha-2
    home_phone = EncryptedCharField(_("home phone"), max_length=20, blank=True, default="")
    mother_nik = EncryptedCharField(_("mother's NIK"), max_length=16, blank=True, default="")  # of a newborn
    birth_order = models.PositiveSmallIntegerField(_("order among twins"), null=True, blank=True)
    age_band_code = models.CharField(_("estimated age"), max_length=4, blank=True, default="")  # of an unknown patient
    age_band_label = models.CharField(max_length=60, blank=True, default="")
    found_at = models.DateTimeField(_("found at"), null=True, blank=True)
    found_place = EncryptedCharField(_("found where"), max_length=200, blank=True, default="")
    letter_number = EncryptedCharField(
        _("letter of the social or civil registry office"), max_length=80, blank=True, default=""
    )
    updated_at = models.DateTimeField()

    objects = OfPatientQuerySet.as_manager()

    class Meta:
        verbose_name = _("social data")
        verbose_name_plural = _("social data")

    def __str__(self) -> str:
        return f"demographics {self.pk}"


class PatientAddress(models.Model):
    """One address of a patient (FHIR Address): the one on the identity card, or where they live. Codes and names are kept."""

    class Use(models.TextChoices):
        IDENTITY = "identity", _("Address on the identity card")
        DOMICILE = "domicile", _("Where the patient lives")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    patient = models.ForeignKey(Patient, on_delete=models.CASCADE, related_name="addresses")
    use = models.CharField(max_length=10, choices=Use)
    line = EncryptedCharField(_("street and number"), max_length=300, blank=True, default="")
    rt = EncryptedCharField("RT", max_length=3, blank=True, default="")
    rw = EncryptedCharField("RW", max_length=3, blank=True, default="")
    village_code = models.CharField(_("village"), max_length=10, blank=True, default="")
    village_name = models.CharField(max_length=100, blank=True, default="")
    district_code = models.CharField(_("district"), max_length=6, blank=True, default="")
    district_name = models.CharField(max_length=100, blank=True, default="")
    regency_code = models.CharField(_("regency or city"), max_length=4, blank=True, default="")
    regency_name = models.CharField(max_length=100, blank=True, default="")
    province_code = models.CharField(_("province"), max_length=2, blank=True, default="")
    province_name = models.CharField(max_length=100, blank=True, default="")
    postal_code = models.CharField(_("postal code"), max_length=10, blank=True, default="")
    country = models.CharField(_("country"), max_length=2, default="ID")  # ISO 3166-1 alpha-2
    updated_at = models.DateTimeField()

    objects = OfPatientQuerySet.as_manager()

    class Meta:
        verbose_name = _("address")
        verbose_name_plural = _("addresses")
        constraints = [models.UniqueConstraint(fields=["patient", "use"], name="patient_address_once")]

    def __str__(self) -> str:
        return f"address {self.pk}"


class PatientIdentifier(models.Model):
    """One number a patient is known by beside NIK and record number (FHIR Identifier); the search finds them by it."""

    class Kind(models.TextChoices):
        OLD_RECORD = "old_record", _("Old record number")
        PASSPORT = "passport", _("Passport")
        KITAS = "kitas", _("Stay permit (KITAS/KITAP)")
        FAMILY_CARD = "family_card", _("Family card (KK)")
        FORMER_NAME = "former_name", _("Former name")
        IHS = "ihs", _("SATUSEHAT number (IHS)")
        OTHER = "other", _("Other number")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    patient = models.ForeignKey(Patient, on_delete=models.CASCADE, related_name="identifiers")
    kind = models.CharField(_("kind"), max_length=12, choices=Kind)
    value = EncryptedCharField(_("number"), max_length=60)
    country = models.CharField(_("country"), max_length=2, blank=True, default="")  # who issued it
    valid_until = models.DateField(_("valid until"), null=True, blank=True)
    created_at = models.DateTimeField()

    objects = OfPatientQuerySet.as_manager()

    class Meta:
        verbose_name = _("number")
        verbose_name_plural = _("numbers")
        indexes = [models.Index(fields=["patient", "kind"], name="patient_identifier_idx")]

    def __str__(self) -> str:
        return f"identifier {self.pk}"


class PatientContact(models.Model):
    """One person around a patient (FHIR Patient.contact): to call, who answers for the bill, or who brought them in."""

    class Role(models.TextChoices):
        EMERGENCY = "emergency", _("Emergency contact")
        GUARANTOR = "guarantor", _("Person responsible")
        ESCORT = "escort", _("Brought in by")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    patient = models.ForeignKey(Patient, on_delete=models.CASCADE, related_name="contacts")
    role = models.CharField(max_length=10, choices=Role)
    name = EncryptedCharField(_("name"), max_length=200)
    relation_code = models.CharField(_("relation"), max_length=4, blank=True, default="")  # see patients.codes
    relation_label = models.CharField(max_length=60, blank=True, default="")
    phone = EncryptedCharField(_("phone"), max_length=20, blank=True, default="")
    address = EncryptedTextField(_("address"), blank=True, default="")
    nik = EncryptedCharField("NIK", max_length=16, blank=True, default="")
    updated_at = models.DateTimeField()

    objects = OfPatientQuerySet.as_manager()

    class Meta:
        verbose_name = _("contact")
        verbose_name_plural = _("contacts")
        indexes = [models.Index(fields=["patient", "role"], name="patient_contact_idx")]

    def __str__(self) -> str:
        return f"contact {self.pk}"


class RegistrationDraftQuerySet(models.QuerySet["RegistrationDraft"]):
    def visible_to(self, user: Any) -> RegistrationDraftQuerySet:
        """The drafts `user` typed; nobody else's."""
        return self.filter(user=user) if has_capability(user, Capability.REGISTER_PATIENTS) else self.none()


class RegistrationDraft(models.Model):
    """What somebody at the desk has typed into a registration that is not sent yet; gone a day after the last key."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    fields = EncryptedJSONField()
    updated_at = models.DateTimeField(db_index=True)

    objects = RegistrationDraftQuerySet.as_manager()

    def __str__(self) -> str:
        return f"draft {self.pk}"

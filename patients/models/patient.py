"""Patients: identity, search index and allergies."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Exists, OuterRef
from django.utils import formats
from django.utils.translation import gettext_lazy as _

from accounts.access import Capability, has_capability
from core import clock
from core.encryption import EncryptedCharField, EncryptedDateField, EncryptedTextField
from core.ids import uuid7
from core.indonesia import format_phone
from patients.models.care import CareTeamMember
from patients.models.guardians import portal_patient_ids
from patients.names import STAND_IN_NAME


class Sex(models.TextChoices):
    """FHIR administrative gender."""

    MALE = "male", _("Male")
    FEMALE = "female", _("Female")
    OTHER = "other", _("Other")
    UNKNOWN = "unknown", _("Unknown")


def mask_nik(nik: str | None) -> str:
    """Return a NIK as lists show it: 3171••••••••0001."""
    return f"{nik[:4]}••••••••{nik[-4:]}" if nik else ""


class PatientQuerySet(models.QuerySet["Patient"]):
    def visible_to(self, user: Any) -> PatientQuerySet:
        """Patients whose identity `user` may read.

        Desk, cashier and admin see all; doctors, nurses, pharmacists, laboratory and radiology those whose care team
        they are in now. A patient sees themselves and the people whose proven guardian they are. Empty for everyone
        else.
        """
        if has_capability(user, Capability.SEARCH_PATIENTS):
            return self
        if has_capability(user, Capability.SEARCH_OWN_PATIENTS):
            return self.in_care_of(user)
        if has_capability(user, Capability.USE_PORTAL):
            return self.filter(pk__in=portal_patient_ids(user))
        return self.none()

    def readable_by(self, user: Any) -> PatientQuerySet:
        """Patients whose clinical record `user` may read: narrower than `visible_to` for people with a second role.

        Roles add up for identity, not for care: a nurse who also works at the desk finds everybody and still reads the
        records of the own care team only.
        """
        if has_capability(user, Capability.VIEW_ALL_CHARTS):
            return self
        if has_capability(user, Capability.USE_PORTAL):
            return self.visible_to(user)
        return self.in_care_of(user)

    def in_care_of(self, user: Any) -> PatientQuerySet:
        """Patients whose care team `user` is in at this moment; empty for people who take no part in care."""
        if not has_capability(user, Capability.SEARCH_OWN_PATIENTS):
            return self.none()
        return self.filter(Exists(CareTeamMember.objects.of(user).filter(patient_id=OuterRef("pk"))))

    def active(self) -> PatientQuerySet:
        return self.filter(status=Patient.Status.ACTIVE)

    def for_header(self) -> PatientQuerySet:
        """With the allergies that every screen acting on a patient shows."""
        return self.prefetch_related(
            models.Prefetch(
                "allergy_rows", queryset=Allergy.objects.filter(status=Allergy.Status.ACTIVE).order_by("id")
            )
        )


class Patient(models.Model):
    """One person whom the clinic cares for. Identity columns are encrypted; search goes through `PatientToken` rows."""

    class Status(models.TextChoices):
        ACTIVE = "active", _("Active")
        ARCHIVED = "archived", _("Archived")
        MERGED = "merged", _("Merged into another record")

    class AllergyStatus(models.TextChoices):
        UNKNOWN = "unknown", _("Not asked yet")
        NONE = "none", _("No known allergies")
        KNOWN = "known", _("Has allergies")

    class Guarantor(models.TextChoices):
        SELF = "self", _("Self-pay")
        BPJS = "bpjs", _("BPJS")
        INSURANCE = "insurance", _("Insurance")

    class Kind(models.TextChoices):
        """How the person came to be registered; each asks for other facts (KMK 1423/2022)."""

        REGULAR = "regular", _("Patient with an identity card")
        NEWBORN = "newborn", _("Newborn")
        FOREIGNER = "foreigner", _("Foreigner")
        UNKNOWN = "unknown", _("Unknown patient")

    class BirthAccuracy(models.TextChoices):
        """How much of the birth date is known."""

        EXACT = "exact", _("Exact")
        MONTH = "month", _("Month and year")
        YEAR = "year", _("Year only")
        ESTIMATED = "estimated", _("Estimated")

    class Rhesus(models.TextChoices):
        POSITIVE = "+", _("Positive")
        NEGATIVE = "-", _("Negative")
        UNKNOWN = "", _("Unknown")

    class BloodType(models.TextChoices):
        A = "A", "A"
        B = "B", "B"
        AB = "AB", "AB"
        O = "O", "O"  # noqa: E741 - the blood group's name
        UNKNOWN = "", _("Unknown")

    signs: list[str]  # set by `services.find_duplicates`, with the score
    score: int
    former_number: str = ""  # set by `search.find_patients`: the record number typed, of a record merged into this one

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    record_number = models.CharField(_("record number"), max_length=20, unique=True)
    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="patient"
    )
    kind = models.CharField(_("registered as"), max_length=10, choices=Kind, default=Kind.REGULAR)
    full_name = EncryptedCharField(_("full name"), max_length=200)  # without titles
    title_prefix = EncryptedCharField(_("titles before the name"), max_length=60, blank=True, default="")
    title_suffix = EncryptedCharField(_("titles after the name"), max_length=60, blank=True, default="")
    nik = EncryptedCharField(_("NIK"), max_length=16, null=True, blank=True)
    nik_bidx = models.BigIntegerField(null=True, blank=True, unique=True, editable=False)
    nik_bidx_b = models.BigIntegerField(null=True, blank=True, unique=True, editable=False)  # see core.keys_index
    birth_place = EncryptedCharField(_("place of birth"), max_length=80, blank=True, default="")
    birth_date = EncryptedDateField(_("date of birth"))
    birth_accuracy = models.CharField(max_length=10, choices=BirthAccuracy, default=BirthAccuracy.EXACT)
    birth_time = models.TimeField(_("time of birth"), null=True, blank=True)
    sex = models.CharField(_("sex"), max_length=10, choices=Sex, default=Sex.UNKNOWN)
    phone = EncryptedCharField(_("phone"), max_length=20, null=True, blank=True)
    phone_bidx = models.BigIntegerField(null=True, blank=True, db_index=True, editable=False)
    phone_bidx_b = models.BigIntegerField(null=True, blank=True, db_index=True, editable=False)
    email = EncryptedCharField(_("e-mail"), max_length=254, blank=True, default="")
    address = EncryptedTextField(_("address"), blank=True, default="")
    mother_name = EncryptedCharField(_("mother's name"), max_length=200, blank=True, default="")
    bpjs_number = EncryptedCharField(_("BPJS number"), max_length=13, blank=True, default="")
    blood_type = models.CharField(_("blood type"), max_length=2, choices=BloodType, blank=True, default="")
    rhesus = models.CharField(_("rhesus"), max_length=1, choices=Rhesus, blank=True, default="")
    guarantor = models.CharField(_("guarantor"), max_length=12, choices=Guarantor, default=Guarantor.SELF)
    language = models.CharField(max_length=5, choices=[("id", "Bahasa Indonesia"), ("en", "English")], default="id")
    allergy_status = models.CharField(max_length=10, choices=AllergyStatus, default=AllergyStatus.UNKNOWN)
    allergy_asked_at = models.DateTimeField(null=True, blank=True)
    allergy_asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.ACTIVE)
    photo_key = models.UUIDField(null=True, blank=True)  # id of the photo's `PatientImage`, so that lists need no join
    mother = models.ForeignKey("self", null=True, blank=True, on_delete=models.PROTECT, related_name="newborns")
    merged_into = models.ForeignKey("self", null=True, blank=True, on_delete=models.PROTECT, related_name="aliases")
    deceased_on = EncryptedDateField(_("died on"), null=True, blank=True)
    archived_at = models.DateTimeField(null=True, blank=True)
    archived_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    archive_reason = EncryptedCharField(max_length=300, blank=True, default="")
    legal_hold = models.BooleanField(_("legal hold"), default=False)  # never proposed for destruction, never erased
    consented_at = models.DateTimeField(null=True, blank=True)
    profile_completed_at = models.DateTimeField(null=True, blank=True)
    duplicate_reason = EncryptedCharField(
        max_length=300, blank=True, default=""
    )  # why it is not the one that looks alike
    registration_key = models.UUIDField(
        null=True, blank=True, unique=True, editable=False
    )  # of the form: sent twice is once
    version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(_("registered at"))
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")

    objects = PatientQuerySet.as_manager()

    class Meta:
        verbose_name = _("patient")
        verbose_name_plural = _("patients")
        indexes = [models.Index(fields=["status", "id"], name="patient_status_idx")]

    def __str__(self) -> str:
        return self.record_number

    @property
    def sex_label(self) -> str:
        return str(self.get_sex_display())

    @property
    def display_name(self) -> str:
        """The name with its titles, as papers and headers show it: dr. Budi Santoso, Sp.A."""
        name = f"{self.title_prefix} {self.full_name}".strip()
        return f"{name}, {self.title_suffix}" if self.title_suffix else name

    @property
    def salutation(self) -> str:
        """How labels address the person: By., An., Tn., Ny. or Nn.; empty when the name says it or nothing is known.

        One statement for an adult woman, unless `demographics` are loaded.
        """
        if self.has_stand_in_name:
            return ""
        years = clock.age_parts(self.birth_date, clock.today())[0]
        if years < settings.SALUTATION_BABY_BELOW:
            return "By."
        if years < settings.SALUTATION_CHILD_BELOW:
            return "An."
        if self.sex == Sex.FEMALE:
            social = getattr(self, "demographics", None)
            return "Nn." if social is not None and social.marital_code == "1" else "Ny."
        return "Tn." if self.sex == Sex.MALE else ""

    @property
    def has_stand_in_name(self) -> bool:
        """True while the name was made by the clinic: "By. Ny. Rohani", "Tn. X 001"."""
        return bool(STAND_IN_NAME.match(self.full_name))

    @property
    def age_label(self) -> str:
        """The age, with ± when the birth date is not known exactly."""
        label = clock.age_label(self.birth_date)
        return label if self.birth_accuracy == self.BirthAccuracy.EXACT else f"± {label}"

    @property
    def birth_label(self) -> str:
        """The birth date as far as it is known: a date, a month, a year, or a year with ±."""
        if self.birth_accuracy == self.BirthAccuracy.EXACT:
            return formats.date_format(self.birth_date, "DATE_FORMAT")
        if self.birth_accuracy == self.BirthAccuracy.MONTH:
            return f"± {formats.date_format(self.birth_date, 'YEAR_MONTH_FORMAT')}"
        return f"± {self.birth_date.year}"

    @property
    def birth_label_short(self) -> str:
        """The birth date in figures, for small labels, as far as it is known: 05-03-1991, ± 03-1991 or ± 1991."""
        if self.birth_accuracy == self.BirthAccuracy.EXACT:
            return f"{self.birth_date:%d-%m-%Y}"
        return f"± {self.birth_date:%m-%Y}" if self.birth_accuracy == self.BirthAccuracy.MONTH else self.birth_label

    @property
    def guarantor_label(self) -> str:
        return str(self.get_guarantor_display())

    @property
    def avatar_initials(self) -> str:
        words = [word for word in self.full_name.split() if word[:1].isalpha()]
        return "".join(word[0] for word in words[:2]).upper() or "?"

    @property
    def mail_address(self) -> str:
        """Where the clinic writes to: the address given for care, else the portal account's; empty when there is none."""
        return self.email or (self.user.email if self.user is not None else "")

    @property
    def masked_nik(self) -> str:
        """The NIK as lists show it: 3171••••••••0001."""
        return mask_nik(self.nik)

    @property
    def phone_label(self) -> str:
        return format_phone(self.phone) if self.phone else ""

    @property
    def masked_phone(self) -> str:
        return f"{self.phone[:5]}••••{self.phone[-3:]}" if self.phone else ""

    @property
    def allergies(self) -> list[Allergy]:
        """Active allergies; query-free when loaded by `for_header()`."""
        return [row for row in self.allergy_rows.all() if row.status == Allergy.Status.ACTIVE]


class PatientToken(models.Model):
    """One keyed token of one patient's name: the blind index. See `core.search.blind`."""

    pk = models.CompositePrimaryKey("token", "patient_id")
    token = models.BigIntegerField()
    patient = models.ForeignKey(Patient, on_delete=models.CASCADE, related_name="+")

    def __str__(self) -> str:
        return str(self.token)


class AllergyQuerySet(models.QuerySet["Allergy"]):
    def visible_to(self, user: Any) -> AllergyQuerySet:
        """Allergies of the patients `user` may read: safety information, so also for desk and pharmacy."""
        return self.filter(patient__in=Patient.objects.visible_to(user))


class Allergy(models.Model):
    """One allergy or intolerance (FHIR AllergyIntolerance). Wrong ones are marked, never deleted."""

    class Category(models.TextChoices):
        FOOD = "food", _("Food")
        MEDICATION = "medication", _("Medicine")
        ENVIRONMENT = "environment", _("Environment")

    class Severity(models.TextChoices):
        MILD = "mild", _("Mild")
        MODERATE = "moderate", _("Moderate")
        SEVERE = "severe", _("Severe")

    class Status(models.TextChoices):
        ACTIVE = "active", _("Active")
        ENTERED_IN_ERROR = "entered_in_error", _("Entered in error")

    class Source(models.TextChoices):
        """How the clinic knows."""

        PATIENT = "patient", _("Told by the patient")
        FAMILY = "family", _("Told by the family")
        OBSERVED = "observed", _("Seen here by staff")
        DOCUMENT = "document", _("Letter or record of another clinic")
        TEST = "test", _("Allergy test")

    class Group(models.TextChoices):
        """Medicine groups that a prescription is checked against."""

        NONE = "", _("Not a medicine group")
        PENICILLIN = "penisilin", _("Penicillins")
        CEPHALOSPORIN = "sefalosporin", _("Cephalosporins")
        SULFONAMIDE = "sulfonamida", _("Sulfonamides")
        NSAID = "nsaid", _("NSAIDs")
        MACROLIDE = "makrolida", _("Macrolides")
        QUINOLONE = "kuinolon", _("Quinolones")
        TETRACYCLINE = "tetrasiklin", _("Tetracyclines")
        OPIOID = "opioid", _("Opioids")
        LOCAL_ANAESTHETIC = "anestesi_lokal", _("Local anaesthetics")
        IODINE = "yodium", _("Iodine")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="allergy_rows")
    substance = EncryptedCharField(_("substance"), max_length=120)
    category = models.CharField(_("kind"), max_length=12, choices=Category, default=Category.MEDICATION)
    group = models.CharField(_("medicine group"), max_length=20, choices=Group, blank=True, default="")
    code_system = models.CharField(max_length=80, blank=True, default="")  # "" is free text
    code = models.CharField(max_length=20, blank=True, default="")  # of the substance; `substance` is what was shown
    reaction = EncryptedCharField(_("reaction"), max_length=200, blank=True, default="")  # chosen and typed words
    reaction_codes = models.JSONField(blank=True, default=list)  # of `patients.substances.REACTIONS`
    onset_year = models.PositiveSmallIntegerField(_("since the year"), null=True, blank=True)
    is_confirmed = models.BooleanField(_("confirmed by a clinician"), default=False)
    source = models.CharField(_("known from"), max_length=10, choices=Source, blank=True, default="")
    severity = models.CharField(_("severity"), max_length=10, choices=Severity, blank=True, default="")
    status = models.CharField(max_length=20, choices=Status, default=Status.ACTIVE)
    recorded_at = models.DateTimeField()
    recorded_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    error_reason = EncryptedCharField(_("why it is wrong"), max_length=300, blank=True, default="")
    marked_at = models.DateTimeField(null=True, blank=True)
    marked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )

    objects = AllergyQuerySet.as_manager()

    def __str__(self) -> str:
        return f"allergy {self.pk}"

    @property
    def severity_label(self) -> str:
        return str(self.get_severity_display()) if self.severity else ""

"""Patients: identity, search index, allergies, who cares for whom, and portal registrations that wait."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.utils.translation import gettext_lazy as _

from accounts.access import Capability, has_capability
from core import clock
from core.encryption import EncryptedCharField, EncryptedDateField, EncryptedTextField
from core.ids import uuid7
from core.indonesia import format_phone

NO_SOURCE = UUID(int=0)  # a care relationship that no single appointment, visit or prescription made


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

    class AllergyStatus(models.TextChoices):
        UNKNOWN = "unknown", _("Not asked yet")
        NONE = "none", _("No known allergies")
        KNOWN = "known", _("Has allergies")

    class Guarantor(models.TextChoices):
        SELF = "self", _("Self-pay")
        BPJS = "bpjs", _("BPJS")
        INSURANCE = "insurance", _("Insurance")

    class BloodType(models.TextChoices):
        A = "A", "A"
        B = "B", "B"
        AB = "AB", "AB"
        O = "O", "O"  # noqa: E741 - the blood group's name
        UNKNOWN = "", _("Unknown")

    signs: list[str]  # set by `services.find_duplicates`

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    record_number = models.CharField(_("record number"), max_length=20, unique=True)
    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="patient"
    )
    full_name = EncryptedCharField(_("full name"), max_length=200)
    nik = EncryptedCharField(_("NIK"), max_length=16, null=True, blank=True)
    nik_bidx = models.BigIntegerField(null=True, blank=True, unique=True, editable=False)
    nik_bidx_b = models.BigIntegerField(null=True, blank=True, unique=True, editable=False)  # see core.keys_index
    birth_place = EncryptedCharField(_("place of birth"), max_length=80, blank=True, default="")
    birth_date = EncryptedDateField(_("date of birth"))
    sex = models.CharField(_("sex"), max_length=10, choices=Sex, default=Sex.UNKNOWN)
    phone = EncryptedCharField(_("phone"), max_length=20, null=True, blank=True)
    phone_bidx = models.BigIntegerField(null=True, blank=True, db_index=True, editable=False)
    phone_bidx_b = models.BigIntegerField(null=True, blank=True, db_index=True, editable=False)
    email = EncryptedCharField(_("e-mail"), max_length=254, blank=True, default="")
    address = EncryptedTextField(_("address"), blank=True, default="")
    mother_name = EncryptedCharField(_("mother's name"), max_length=200, blank=True, default="")
    bpjs_number = EncryptedCharField(_("BPJS number"), max_length=13, blank=True, default="")
    blood_type = models.CharField(_("blood type"), max_length=2, choices=BloodType, blank=True, default="")
    guarantor = models.CharField(_("guarantor"), max_length=12, choices=Guarantor, default=Guarantor.SELF)
    language = models.CharField(max_length=5, choices=[("id", "Bahasa Indonesia"), ("en", "English")], default="id")
    allergy_status = models.CharField(max_length=10, choices=AllergyStatus, default=AllergyStatus.UNKNOWN)
    allergy_asked_at = models.DateTimeField(null=True, blank=True)
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.ACTIVE)
    consented_at = models.DateTimeField(null=True, blank=True)
    profile_completed_at = models.DateTimeField(null=True, blank=True)
    duplicate_reason = EncryptedCharField(
        max_length=300, blank=True, default=""
    )  # why it is not the one that looks alike
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
    def age_label(self) -> str:
        return clock.age_label(self.birth_date)

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
    """One keyed token of one patient's name: the blind index. See `core.search`."""

    pk = models.CompositePrimaryKey("token", "patient_id")
    token = models.BigIntegerField()
    patient = models.ForeignKey(Patient, on_delete=models.CASCADE, related_name="+")

    def __str__(self) -> str:
        return str(self.token)


class CareTeamQuerySet(models.QuerySet["CareTeamMember"]):
    def running(self) -> CareTeamQuerySet:
        """Relationships that have not ended at this moment."""
        return self.filter(Q(ends_at__isnull=True) | Q(ends_at__gt=clock.now()))

    def of(self, user: Any) -> CareTeamQuerySet:
        """Relationships of `user`, as a person or through one of their roles, that run at this moment."""
        members = [CareTeamMember.of_user(user.pk), *(CareTeamMember.of_role(role) for role in user.role_names)]
        return self.running().filter(member__in=members)


class CareTeamMember(models.Model):
    """One reason why a person, or everyone in a role, takes part in a patient's care and may read the record (FHIR CareTeam).

    A person may have several reasons for one patient; each ends by itself (`ends_at` empty: it lasts).
    """

    class Source(models.TextChoices):
        ASSIGNED = "assigned", _("Assigned")
        APPOINTMENT = "appointment", _("Approved appointment")
        VISIT = "visit", _("Visit")
        PRESCRIPTION = "prescription", _("Prescription")
        ORDER = "order", _("Order")
        EMERGENCY = "emergency", _("Emergency access")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    patient = models.ForeignKey(Patient, on_delete=models.CASCADE, related_name="care_team")
    member = models.CharField(max_length=60)
    source = models.CharField(max_length=12, choices=Source, default=Source.ASSIGNED)
    source_id = models.UUIDField(default=NO_SOURCE)  # of the appointment, visit, … that made it
    since = models.DateTimeField()
    ends_at = models.DateTimeField(null=True, blank=True)

    objects = CareTeamQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["patient", "member", "source", "source_id"], name="care_team_reason_once")
        ]
        indexes = [
            models.Index(fields=["member", "patient", "ends_at"], name="care_team_member_idx"),
            models.Index(fields=["source_id"], name="care_team_source_idx"),
        ]

    def __str__(self) -> str:
        return self.member

    @staticmethod
    def of_user(user_id: Any) -> str:
        return f"user:{user_id.hex}"

    @staticmethod
    def of_role(role: str) -> str:
        return f"role:{role}"


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
    reaction = EncryptedCharField(_("reaction"), max_length=200, blank=True, default="")
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


# The app registry finds models here; the classes refer to Patient by name, so they may come last.
from patients.emergency_models import EmergencyAccess  # noqa: E402, F401
from patients.guardian_models import GuardianLink, portal_patient_ids  # noqa: E402, F401

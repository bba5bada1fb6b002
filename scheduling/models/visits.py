"""The patient's path through the clinic on one day."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Case, Q, Value, When
from django.utils.translation import gettext_lazy as _

from accounts.access import Capability, has_capability
from core import clock
from core.encryption import EncryptedTextField
from core.ids import uuid7
from patients.models import Patient
from scheduling.models.appointments import UNLISTED, Appointment

AFTER_MIDNIGHT = timedelta(hours=6)  # how long a number of yesterday evening is still called
NURSE_CARE = timedelta(days=7)  # nurses read the record on the day of the visit and this long after it (ADR 9)


def urgency(prefix: str = "") -> Case:
    """Return what orders visits by urgency: 0 an emergency, 1 another priority, 2 everybody else."""
    name = f"{prefix}priority"
    return Case(When(**{name: "emergency"}, then=Value(0)), When(**{name: ""}, then=Value(2)), default=Value(1))


class VisitQuerySet(models.QuerySet["Visit"]):
    def visible_to(self, user: Any) -> VisitQuerySet:
        """Paths of patients through the clinic: the desk sees all, doctors their own and those of their care team's
        patients, nurses the last days' and their care team's, pharmacists their care team's, patients their own."""
        if has_capability(user, Capability.VIEW_ALL_CONSULTATIONS) or has_capability(user, Capability.CHECK_IN):
            return self
        if has_capability(user, Capability.WRITE_NOTES):
            own = Q(doctor=user) & ~Q(status=Visit.Status.CANCELLED)
            return self.filter(own | Q(patient__in=Patient.objects.readable_by(user)))
        if has_capability(user, Capability.VIEW_QUEUE):
            recent = Q(visit_on__gte=clock.today() - NURSE_CARE)
            return self.filter(recent | Q(patient__in=Patient.objects.readable_by(user)))
        if has_capability(user, Capability.VIEW_PRESCRIPTIONS) or has_capability(user, Capability.USE_PORTAL):
            return self.filter(patient__in=Patient.objects.readable_by(user))
        return self.none()

    def on_day(self, day: Any) -> VisitQuerySet:
        return self.filter(visit_on=day)

    def under_way(self) -> VisitQuerySet:
        """Visits of today, and those of last night that are not over yet."""
        now = clock.now()
        over = (Visit.Status.FINISHED, Visit.Status.CANCELLED)
        last_night = Q(visit_on=clock.today() - timedelta(days=1), arrived_at__gte=now - AFTER_MIDNIGHT)
        return self.filter(Q(visit_on=clock.today()) | (last_night & ~Q(status__in=over)))

    def for_list(self) -> VisitQuerySet:
        return self.select_related("patient", "doctor__staff_profile", "service", "ticket", "appointment__slot")

    def for_queue(self) -> VisitQuerySet:
        """What a queue shows: number, name, age, allergy mark, doctor; no complaint."""
        return self.select_related("patient", "doctor__staff_profile", "service", "ticket").defer(
            "complaint", "reason", *UNLISTED
        )


class Visit(models.Model):
    """One patient's path through the clinic on one day (FHIR Encounter). A walk-in has a visit without an appointment."""

    class Status(models.TextChoices):
        ARRIVED = "arrived", _("Arrived")
        TRIAGE = "triage", _("With the nurse")
        WAITING = "waiting", _("Waiting for the doctor")
        IN_CONSULTATION = "in_consultation", _("With the doctor")
        LABORATORY = "laboratory", _("At the laboratory")
        RADIOLOGY = "radiology", _("At radiology")
        PHARMACY = "pharmacy", _("At the pharmacy")
        CASHIER = "cashier", _("At the cashier")
        FINISHED = "finished", _("Finished")
        CANCELLED = "cancelled", _("Cancelled")

    class Priority(models.TextChoices):
        NONE = "", _("None")
        EMERGENCY = "emergency", _("Emergency")
        ELDERLY = "elderly", _("Elderly")
        PREGNANT = "pregnant", _("Pregnant")
        DISABLED = "disabled", _("Disability")
        OTHER = "other", _("Other reason")

    class ArrivedBy(models.TextChoices):
        DESK = "desk", _("Reception")
        KIOSK = "kiosk", _("Kiosk")
        PHONE = "phone", _("The patient's phone, on site")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    number = models.CharField(max_length=30, unique=True)
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="visits")
    appointment = models.OneToOneField(
        Appointment, null=True, blank=True, on_delete=models.PROTECT, related_name="visit"
    )
    doctor = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="visits_as_doctor")
    service = models.ForeignKey("scheduling.Service", on_delete=models.PROTECT, related_name="visits")
    price_idr = models.PositiveBigIntegerField()  # sum of the lines
    complaint = EncryptedTextField(max_length=1000, blank=True, default="")
    visit_on = models.DateField()
    status = models.CharField(max_length=16, choices=Status, default=Status.ARRIVED)
    priority = models.CharField(_("priority"), max_length=10, choices=Priority, blank=True, default=Priority.NONE)
    arrived_by = models.CharField(max_length=10, choices=ArrivedBy, default=ArrivedBy.DESK)
    arrived_at = models.DateTimeField()
    triaged_at = models.DateTimeField(null=True, blank=True)
    started_at = models.DateTimeField(null=True, blank=True)
    consulted_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    patient_confirmed_at = models.DateTimeField(null=True, blank=True)
    reason = EncryptedTextField(max_length=500, blank=True, default="")
    checked_in_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )  # nobody: the patient, at the kiosk

    objects = VisitQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["visit_on", "status"], name="visit_day_idx"),
            models.Index(fields=["doctor", "visit_on", "status"], name="visit_doctor_day_idx"),
            models.Index(fields=["patient", "id"], name="visit_patient_idx"),
        ]

    def __str__(self) -> str:
        return self.number

    @property
    def is_priority(self) -> bool:
        return bool(self.priority)


class VisitLineQuerySet(models.QuerySet["VisitLine"]):
    def visible_to(self, user: Any) -> VisitLineQuerySet:
        return self.filter(visit__in=Visit.objects.visible_to(user))


class VisitLine(models.Model):
    """One service of a visit with its price: taken from the appointment's lines, or from the price list for a walk-in."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    visit = models.ForeignKey(Visit, on_delete=models.CASCADE, related_name="lines")
    service = models.ForeignKey("scheduling.Service", on_delete=models.PROTECT, related_name="+")
    position = models.PositiveSmallIntegerField()
    price_idr = models.PositiveBigIntegerField()

    objects = VisitLineQuerySet.as_manager()

    class Meta:
        ordering = ["position"]
        constraints = [models.UniqueConstraint(fields=["visit", "service"], name="visit_service_once")]

    def __str__(self) -> str:
        return f"line {self.position} of {self.visit_id}"

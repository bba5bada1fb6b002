"""A patient's claim on a slot, what it is for, and the moves it made."""

from __future__ import annotations

import secrets
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Case, Value, When
from django.utils.translation import gettext_lazy as _

from accounts.access import Capability, has_capability
from core.encryption import EncryptedTextField
from core.ids import uuid7
from patients.models import Patient, portal_patient_ids

# Encrypted patient columns that no list of the clinic's day shows.
UNLISTED = tuple(
    f"patient__{name}" for name in ("nik", "birth_place", "phone", "email", "address", "mother_name", "bpjs_number")
)

CODE_LETTERS = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"  # none that is read as another
CODE_LENGTH = 8


def booking_code() -> str:
    """Return a new random code; 8 of 31 letters, 39 bits."""
    return "".join(secrets.choice(CODE_LETTERS) for _position in range(CODE_LENGTH))


class AppointmentQuerySet(models.QuerySet["Appointment"]):
    def visible_to(self, user: Any) -> AppointmentQuerySet:
        """Desk and admin see all, a doctor their own, a patient their own; empty for everyone else.

        A booking that waits, was refused or cancelled is no care: the doctor does not learn who asked.
        """
        if has_capability(user, Capability.BOOK_APPOINTMENTS) or has_capability(user, Capability.APPROVE_APPOINTMENTS):
            return self
        if has_capability(user, Capability.WRITE_NOTES):
            return self.filter(doctor=user, status__in=Appointment.CARE_STATUSES)
        if has_capability(user, Capability.USE_PORTAL):
            return self.filter(patient_id__in=portal_patient_ids(user))
        return self.none()

    def for_list(self) -> AppointmentQuerySet:
        return self.select_related("patient", "doctor__staff_profile", "service", "slot")

    def for_names(self) -> AppointmentQuerySet:
        """What a list shows: each encrypted column costs its decryption, and no list shows a complaint."""
        return self.for_list().defer("complaint", "reason", *UNLISTED)


class Appointment(models.Model):
    """A patient's claim on one slot. At most one active appointment per slot: the database says so."""

    class Status(models.TextChoices):
        PENDING = "pending", _("Waiting for approval")
        APPROVED = "approved", _("Approved")
        REJECTED = "rejected", _("Rejected")
        CANCELLED = "cancelled", _("Cancelled")
        ARRIVED = "arrived", _("Arrived")
        FINISHED = "finished", _("Finished")
        NO_SHOW = "no_show", _("Did not come")
        OFFERED = "offered", _("Offered from the waiting list")
        EXPIRED = "expired", _("Not decided in time")

    CARE_STATUSES = (Status.APPROVED, Status.ARRIVED, Status.FINISHED)  # the doctor takes part in the patient's care

    class Source(models.TextChoices):
        PORTAL = "portal", _("Patient portal")
        RECEPTION = "reception", _("Reception")
        PHONE = "phone", _("Telephone")
        FOLLOW_UP = "follow_up", _("Follow-up by the doctor")
        WAITLIST = "waitlist", _("Waiting list")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    code = models.CharField(
        max_length=10, unique=True, default=booking_code
    )  # shown to the patient, typed at the kiosk
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="appointments")
    slot = models.ForeignKey("scheduling.Slot", on_delete=models.PROTECT, related_name="appointments")
    doctor = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="appointments_as_doctor"
    )
    service = models.ForeignKey("scheduling.Service", on_delete=models.PROTECT, related_name="appointments")
    price_idr = models.PositiveBigIntegerField()  # sum of the lines, as it was at booking
    complaint = EncryptedTextField(max_length=1000)
    status = models.CharField(max_length=10, choices=Status, default=Status.PENDING)
    active = models.GeneratedField(
        expression=Case(
            When(status__in=["rejected", "cancelled", "no_show", "expired"], then=Value(None)),
            default=Value(1),
            output_field=models.SmallIntegerField(),
        ),
        output_field=models.SmallIntegerField(null=True),
        db_persist=True,
        null=True,
    )
    source = models.CharField(max_length=10, choices=Source)
    held_until = models.DateTimeField(null=True, blank=True)  # PENDING and OFFERED keep their slot until then
    sequence = models.PositiveSmallIntegerField(
        default=0
    )  # of the calendar entry: raised by each move and cancellation
    booked_at = models.DateTimeField()
    booked_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    reason = EncryptedTextField(max_length=500, blank=True, default="")
    decided_at = models.DateTimeField(null=True, blank=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    idempotency_key = models.UUIDField(unique=True)

    objects = AppointmentQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["slot", "active"], name="appointment_slot_once")]
        indexes = [
            models.Index(fields=["status", "id"], name="appointment_status_idx"),
            models.Index(fields=["patient", "id"], name="appointment_patient_idx"),
            models.Index(fields=["status", "held_until"], name="appointment_held_idx"),
        ]

    def __str__(self) -> str:
        return f"appointment {self.pk}"


class OfAppointmentQuerySet(models.QuerySet):
    """Rows that hang on an appointment."""

    def visible_to(self, user: Any) -> OfAppointmentQuerySet:
        return self.filter(appointment__in=Appointment.objects.visible_to(user))


class AppointmentLine(models.Model):
    """One service of an appointment with the price it had at booking."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    appointment = models.ForeignKey(Appointment, on_delete=models.CASCADE, related_name="lines")
    service = models.ForeignKey("scheduling.Service", on_delete=models.PROTECT, related_name="+")
    position = models.PositiveSmallIntegerField()
    price_idr = models.PositiveBigIntegerField()
    duration_minutes = models.PositiveSmallIntegerField()

    objects = OfAppointmentQuerySet.as_manager()

    class Meta:
        ordering = ["position"]
        constraints = [models.UniqueConstraint(fields=["appointment", "service"], name="appointment_service_once")]

    def __str__(self) -> str:
        return f"line {self.position} of {self.appointment_id}"


class AppointmentMove(models.Model):
    """That an appointment left one slot for another: append only."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    appointment = models.ForeignKey(Appointment, on_delete=models.CASCADE, related_name="moves")
    from_slot = models.ForeignKey("scheduling.Slot", on_delete=models.PROTECT, related_name="+")
    to_slot = models.ForeignKey("scheduling.Slot", on_delete=models.PROTECT, related_name="+")
    reason = EncryptedTextField(max_length=500, blank=True, default="")
    moved_at = models.DateTimeField()
    moved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )

    objects = OfAppointmentQuerySet.as_manager()

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"move of {self.appointment_id}"

"""How a patient wants to be reminded, and what was reminded."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from core.ids import uuid7
from patients.models import Patient
from scheduling.models.appointments import Appointment


class Channel(models.TextChoices):
    EMAIL = "email", _("E-mail")
    WHATSAPP = "whatsapp", _("WhatsApp, sent by the clinic's staff")
    NONE = "none", _("No reminders")


class ReminderPreferenceQuerySet(models.QuerySet["ReminderPreference"]):
    def visible_to(self, user: Any) -> ReminderPreferenceQuerySet:
        return self.filter(patient__in=Patient.objects.visible_to(user))


class ReminderPreference(models.Model):
    """The way one patient chose; without a row: e-mail when there is an address, else WhatsApp when there is a number."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    patient = models.OneToOneField(Patient, on_delete=models.CASCADE, related_name="reminder_preference")
    channel = models.CharField(_("remind by"), max_length=10, choices=Channel)
    changed_at = models.DateTimeField()

    objects = ReminderPreferenceQuerySet.as_manager()

    def __str__(self) -> str:
        return f"reminders of {self.patient_id}: {self.channel}"


class ReminderQuerySet(models.QuerySet["Reminder"]):
    def visible_to(self, user: Any) -> ReminderQuerySet:
        return self.filter(appointment__in=Appointment.objects.visible_to(user))


class Reminder(models.Model):
    """One reminder of one appointment at one time: a moved appointment is reminded again, the same one never twice."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    appointment = models.ForeignKey(Appointment, on_delete=models.CASCADE, related_name="reminders")
    starts_at = models.DateTimeField()  # of the appointment, as reminded
    channel = models.CharField(max_length=10, choices=Channel)
    created_at = models.DateTimeField()
    done_at = models.DateTimeField(null=True, blank=True)  # queued as mail, or sent by hand
    done_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )

    objects = ReminderQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["appointment", "starts_at"], name="reminder_once")]
        indexes = [models.Index(fields=["starts_at", "done_at"], name="reminder_open_idx")]

    def __str__(self) -> str:
        return f"reminder of {self.appointment_id}"

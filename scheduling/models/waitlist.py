"""Who waits for a time that is taken."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.access import Capability, has_capability
from core.ids import uuid7
from patients.models import Patient, portal_patient_ids


class WaitlistQuerySet(models.QuerySet["WaitlistEntry"]):
    def visible_to(self, user: Any) -> WaitlistQuerySet:
        """All for the desk, a patient's own and their dependants'; empty for everyone else."""
        if has_capability(user, Capability.BOOK_APPOINTMENTS):
            return self
        if has_capability(user, Capability.USE_PORTAL):
            return self.filter(patient_id__in=portal_patient_ids(user))
        return self.none()


class WaitlistEntry(models.Model):
    """A wish for a time of a service, with one doctor or any, within some days. Freed slots are offered oldest wish first.

    An offer is an appointment in the state OFFERED that holds the slot until its `held_until`.
    """

    class Status(models.TextChoices):
        WAITING = "waiting", _("Waiting")
        OFFERED = "offered", _("A time is offered")
        BOOKED = "booked", _("Booked")
        WITHDRAWN = "withdrawn", _("Withdrawn")
        EXPIRED = "expired", _("Expired")

    class Part(models.TextChoices):
        ANY = "any", _("Any time of day")
        MORNING = "morning", _("Morning")
        MIDDAY = "midday", _("Midday")
        AFTERNOON = "afternoon", _("Afternoon")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="waitlist_entries")
    service = models.ForeignKey("scheduling.Service", on_delete=models.PROTECT, related_name="waitlist_entries")
    doctor = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    first_on = models.DateField(_("from"))
    last_on = models.DateField(_("until"))
    part = models.CharField(_("time of day"), max_length=10, choices=Part, default=Part.ANY)
    status = models.CharField(max_length=10, choices=Status, default=Status.WAITING)
    offer = models.OneToOneField(
        "scheduling.Appointment", null=True, blank=True, on_delete=models.PROTECT, related_name="waitlist_entry"
    )
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    ended_at = models.DateTimeField(null=True, blank=True)

    objects = WaitlistQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["status", "service", "id"], name="waitlist_order_idx")]

    def __str__(self) -> str:
        return f"waitlist {self.pk}"

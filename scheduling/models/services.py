"""What patients book and are billed for."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from accounts.models import Specialty
from core.ids import uuid7


class Service(models.Model):
    """Something a patient can book or is billed for, with its price of today. Reference data, kept in the back office."""

    class BookingMode(models.TextChoices):
        APPROVAL = "approval", _("Staff approves each booking")
        INSTANT = "instant", _("Booked at once")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    code = models.CharField(_("code"), max_length=20, unique=True)
    name_id = models.CharField(_("name in Indonesian"), max_length=120)
    name_en = models.CharField(_("name in English"), max_length=120)
    specialty = models.CharField(_("specialty"), max_length=20, choices=Specialty)
    duration_minutes = models.PositiveSmallIntegerField(_("duration in minutes"), default=30)
    price_idr = models.PositiveBigIntegerField(_("price in rupiah"))
    booking_mode = models.CharField(_("booking"), max_length=10, choices=BookingMode, default=BookingMode.APPROVAL)
    queue_prefix = models.CharField(_("queue letter"), max_length=2, default="A")
    doctors = models.ManyToManyField(
        settings.AUTH_USER_MODEL, blank=True, related_name="offered_services", verbose_name=_("doctors"),
        help_text=_("Nobody chosen: every doctor of the specialty."),
    )  # fmt: skip
    is_active = models.BooleanField(_("active"), default=True)

    class Meta:
        verbose_name = _("service")
        verbose_name_plural = _("services")
        ordering = ["specialty", "code"]

    def __str__(self) -> str:
        return self.name_id

    @property
    def name(self) -> str:
        """The name in the language of the page."""
        return self.name_en if (get_language() or "id").startswith("en") else self.name_id

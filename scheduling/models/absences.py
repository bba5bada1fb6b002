"""When nobody practises: leave and blocked hours of a doctor, days off of the clinic, hours of Fridays and Ramadan."""

from __future__ import annotations

from datetime import date, time, timedelta
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.access import Capability, has_capability
from core import clock
from core.ids import uuid7

FIRST_YEAR, LAST_YEAR = 2000, 2200  # of days that people mean; outside, the calendar runs out


class TimeOffQuerySet(models.QuerySet["TimeOff"]):
    def visible_to(self, user: Any) -> TimeOffQuerySet:
        """All for the desk and admins, a doctor's own; empty for everyone else."""
        if has_capability(user, Capability.APPROVE_SESSIONS) or has_capability(user, Capability.BOOK_APPOINTMENTS):
            return self
        if has_capability(user, Capability.PROPOSE_SESSIONS):
            return self.filter(doctor=user)
        return self.none()


class TimeOff(models.Model):
    """A stretch in which one doctor takes no patients. Its slots are closed; a cancelled row closes nothing."""

    class Kind(models.TextChoices):
        LEAVE = "leave", _("Leave")
        BLOCKED = "blocked", _("Blocked hours")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    doctor = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="times_off")
    kind = models.CharField(_("kind"), max_length=10, choices=Kind)
    starts_at = models.DateTimeField(_("start"))
    ends_at = models.DateTimeField(_("end"))
    note = models.CharField(_("note"), max_length=200, blank=True, default="")
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    cancelled_at = models.DateTimeField(null=True, blank=True)
    cancelled_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )

    objects = TimeOffQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["doctor", "starts_at"], name="time_off_doctor_idx")]

    def __str__(self) -> str:
        return f"time off {self.starts_at:%Y-%m-%d} {self.doctor_id}"

    @property
    def first_on(self) -> date:
        """The first clinic day it touches."""
        return clock.local(self.starts_at).date()

    @property
    def last_on(self) -> date:
        """The last clinic day it touches; a time off until midnight does not touch the next one."""
        return clock.local(self.ends_at - timedelta(microseconds=1)).date()

    @property
    def is_whole_days(self) -> bool:
        return clock.local(self.starts_at).time() == clock.local(self.ends_at).time() == time.min


class HolidayQuerySet(models.QuerySet["Holiday"]):
    def visible_to(self, user: Any) -> HolidayQuerySet:
        """All for staff who see schedules or keep them; empty for everyone else."""
        may = has_capability(user, Capability.VIEW_SCHEDULES) or has_capability(user, Capability.MANAGE_SCHEDULING)
        return self if may else self.none()


class Holiday(models.Model):
    """A day of the yearly decree or of the clinic itself. Movable feasts differ every year, so no date is in the code."""

    class Kind(models.TextChoices):
        NATIONAL = "national", _("National holiday")
        JOINT_LEAVE = "joint_leave", _("Joint leave")
        LOCAL = "local", _("Holiday of the clinic")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    date = models.DateField(_("date"), unique=True)
    name = models.CharField(_("name"), max_length=120)
    kind = models.CharField(_("kind"), max_length=12, choices=Kind)
    closes_clinic = models.BooleanField(_("the clinic is closed"), default=True)

    objects = HolidayQuerySet.as_manager()

    class Meta:
        verbose_name = _("holiday")
        verbose_name_plural = _("holidays")
        ordering = ["date"]

    def __str__(self) -> str:
        return f"{self.date} {self.name}"

    def clean(self) -> None:
        if self.date is not None and not FIRST_YEAR <= self.date.year <= LAST_YEAR:
            raise ValidationError({"date": _("Choose a date between the years 2000 and 2200.")})


class ClinicHoursQuerySet(models.QuerySet["ClinicHours"]):
    def visible_to(self, user: Any) -> ClinicHoursQuerySet:
        """All for those who keep them; empty for everyone else."""
        return self if has_capability(user, Capability.MANAGE_SCHEDULING) else self.none()


class ClinicHours(models.Model):
    """A variant of the clinic's hours: for days of the week, for a stretch of dates, or both (Friday prayer, Ramadan).

    It may name the hours between which slots may lie, a break that slots skip, or both. Several may apply to one day.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    name = models.CharField(_("name"), max_length=80)
    weekdays = models.JSONField(_("days of the week"), default=list, blank=True)  # ISO numbers; empty: every day
    first_on = models.DateField(_("from"), null=True, blank=True)
    last_on = models.DateField(_("until"), null=True, blank=True)
    opens_at = models.TimeField(_("opens"), null=True, blank=True)
    closes_at = models.TimeField(_("closes"), null=True, blank=True)
    break_starts_at = models.TimeField(_("break from"), null=True, blank=True)
    break_ends_at = models.TimeField(_("break until"), null=True, blank=True)
    is_active = models.BooleanField(_("active"), default=True)

    objects = ClinicHoursQuerySet.as_manager()

    class Meta:
        verbose_name = _("hours of the clinic")
        verbose_name_plural = _("hours of the clinic")
        ordering = ["first_on", "name"]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        days = self.weekdays
        if not isinstance(days, list) or any(type(day) is not int or not 1 <= day <= 7 for day in days):
            raise ValidationError(_("Write the days as numbers from 1 (Monday) to 7 (Sunday), for example [5]."))
        if self.first_on and self.last_on and self.last_on < self.first_on:
            raise ValidationError(_("The last day must not be before the first."))
        if self.opens_at and self.closes_at and self.closes_at <= self.opens_at:
            raise ValidationError(_("The clinic must close after it opens."))
        if self.break_starts_at and self.break_ends_at and self.break_ends_at <= self.break_starts_at:
            raise ValidationError(_("A break must end after it starts."))
        if bool(self.break_starts_at) != bool(self.break_ends_at):
            raise ValidationError(_("Enter both times of the break, or none."))

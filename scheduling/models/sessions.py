"""Practice sessions, weekly series of them, and their slots."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.apps import apps
from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.access import Capability, has_capability
from core import clock
from core.ids import uuid7


class SessionSeriesQuerySet(models.QuerySet["SessionSeries"]):
    def visible_to(self, user: Any) -> SessionSeriesQuerySet:
        """As practice sessions: all for staff who see schedules, a doctor's own."""
        if has_capability(user, Capability.PROPOSE_SESSIONS) and not has_capability(user, Capability.APPROVE_SESSIONS):
            return self.filter(doctor=user)
        if has_capability(user, Capability.VIEW_SCHEDULES):
            return self
        return self.none()


class SessionSeries(models.Model):
    """A weekly pattern that a doctor proposes once; its sessions are rows of their own and are decided together."""

    class Status(models.TextChoices):
        PENDING = "pending", _("Waiting for approval")
        APPROVED = "approved", _("Approved")
        REJECTED = "rejected", _("Rejected")
        ENDED = "ended", _("Ended")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    doctor = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="session_series")
    service = models.ForeignKey("scheduling.Service", on_delete=models.PROTECT, related_name="session_series")
    station = models.ForeignKey(
        "scheduling.Station", null=True, blank=True, on_delete=models.PROTECT, related_name="session_series"
    )
    weekdays = models.JSONField(_("days of the week"))  # ISO numbers, Monday 1 to Sunday 7
    every_weeks = models.PositiveSmallIntegerField(_("every how many weeks"), default=1)
    first_on = models.DateField(_("from"))
    until = models.DateField(_("until"))
    except_on = models.JSONField(_("except on"), default=list)  # ISO dates
    start_time = models.TimeField(_("start"))
    slot_minutes = models.PositiveSmallIntegerField(_("slot length in minutes"))
    gap_minutes = models.PositiveSmallIntegerField(_("gap in minutes"), default=0)
    slot_count = models.PositiveSmallIntegerField(_("number of slots"))
    breaks = models.JSONField(_("fixed breaks"), default=list)
    status = models.CharField(max_length=10, choices=Status, default=Status.PENDING)
    reason = models.CharField(max_length=300, blank=True, default="")
    proposed_at = models.DateTimeField()
    decided_at = models.DateTimeField(null=True, blank=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )

    objects = SessionSeriesQuerySet.as_manager()

    class Meta:
        verbose_name = _("weekly sessions")
        verbose_name_plural = _("weekly sessions")
        indexes = [models.Index(fields=["doctor", "until"], name="series_doctor_idx")]

    def __str__(self) -> str:
        return f"series {self.first_on} {self.doctor_id}"


class PracticeSessionQuerySet(models.QuerySet["PracticeSession"]):
    def visible_to(self, user: Any) -> PracticeSessionQuerySet:
        """All sessions for staff who see schedules; a doctor without that right sees their own; patients see none here."""
        if has_capability(user, Capability.APPROVE_SESSIONS) or (
            has_capability(user, Capability.VIEW_SCHEDULES) and not has_capability(user, Capability.PROPOSE_SESSIONS)
        ):
            return self
        if has_capability(user, Capability.PROPOSE_SESSIONS):
            return self.filter(doctor=user)
        return self.none()

    def for_list(self) -> PracticeSessionQuerySet:
        return self.select_related("doctor__staff_profile", "service").prefetch_related("slots")


class PracticeSession(models.Model):
    """One stretch of practice that a doctor proposes for one date: slots of equal length with gaps and fixed breaks."""

    class Status(models.TextChoices):
        PENDING = "pending", _("Waiting for approval")
        APPROVED = "approved", _("Approved")
        REJECTED = "rejected", _("Rejected")
        COMPLETION_REQUESTED = "completion_requested", _("Completion requested")
        COMPLETED = "completed", _("Completed")
        CANCELLED = "cancelled", _("Cancelled")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    doctor = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="practice_sessions")
    service = models.ForeignKey("scheduling.Service", on_delete=models.PROTECT, related_name="practice_sessions")
    practice_on = models.DateField(_("date"))
    starts_at = models.DateTimeField(_("start"))
    ends_at = models.DateTimeField(_("end"))
    slot_minutes = models.PositiveSmallIntegerField(_("slot length in minutes"))
    gap_minutes = models.PositiveSmallIntegerField(_("gap in minutes"), default=0)
    slot_count = models.PositiveSmallIntegerField(_("number of slots"))
    breaks = models.JSONField(_("fixed breaks"), default=list)
    station = models.ForeignKey(
        "scheduling.Station", null=True, blank=True, on_delete=models.PROTECT, related_name="practice_sessions"
    )  # the room
    series = models.ForeignKey(
        "scheduling.SessionSeries", null=True, blank=True, on_delete=models.PROTECT, related_name="sessions"
    )
    status = models.CharField(max_length=24, choices=Status, default=Status.PENDING)
    delay_minutes = models.PositiveSmallIntegerField(default=0)  # how late the doctor said to be, for boards and portal
    version = models.PositiveIntegerField(default=0)  # raised by every change of times, so an old form is refused
    reason = models.CharField(max_length=300, blank=True, default="")
    proposed_at = models.DateTimeField()
    decided_at = models.DateTimeField(null=True, blank=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    completed_at = models.DateTimeField(null=True, blank=True)

    objects = PracticeSessionQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["doctor", "practice_on"], name="session_doctor_day_idx"),
            models.Index(fields=["status", "starts_at"], name="session_status_idx"),
        ]

    def __str__(self) -> str:
        return f"session {self.practice_on} {self.doctor_id}"


class SlotQuerySet(models.QuerySet["Slot"]):
    def offered(self) -> SlotQuerySet:
        """Open slots of approved sessions whose doctor and service are active, free or not, past or not."""
        return self.filter(
            session__status=PracticeSession.Status.APPROVED,
            session__doctor__is_active=True,
            session__service__is_active=True,
            is_closed=False,
        )

    def bookable(self, now: Any) -> SlotQuerySet:
        """Free future slots of approved sessions: the only ones a booking may take."""
        return self.with_bookings().offered().ahead(now).filter(is_booked=False)

    def ahead(self, now: Any) -> SlotQuerySet:
        """Slots that begin after `now`.

        When the session is adds nothing to the meaning (a slot lies on its session's day or the night after it). It keeps
        databases from reading the slots of all past sessions, of a doctor by one index and of everybody by another.
        """
        yesterday = clock.local(now).date() - timedelta(days=1)
        return self.filter(
            session__practice_on__gte=yesterday,
            session__starts_at__gte=clock.day_bounds(yesterday)[0],
            starts_at__gt=now,
        )

    def not_taken(self) -> SlotQuerySet:
        """Slots that no appointment holds, by a join: for counts over many slots. Databases answer it faster than
        `is_booked=False` of `with_bookings()`, which asks once for each slot."""
        held = models.Q(appointments__active=1)
        return self.annotate(holder=models.FilteredRelation("appointments", condition=held)).filter(holder__isnull=True)

    def with_bookings(self) -> SlotQuerySet:
        """Each slot with `is_booked`: an appointment holds it."""
        taken = apps.get_model("scheduling", "Appointment").objects.filter(slot=models.OuterRef("pk"), active=1)
        return self.annotate(is_booked=models.Exists(taken))


class Slot(models.Model):
    """One bookable time of a practice session."""

    is_booked: bool  # only on rows of `with_bookings()`

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    session = models.ForeignKey(PracticeSession, on_delete=models.CASCADE, related_name="slots")
    number = models.PositiveSmallIntegerField()
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    is_closed = models.BooleanField(
        default=False
    )  # follows time off and holidays; an existing booking stays until decided

    objects = SlotQuerySet.as_manager()

    class Meta:
        ordering = ["starts_at"]
        constraints = [models.UniqueConstraint(fields=["session", "number"], name="slot_number_once")]
        indexes = [models.Index(fields=["starts_at"], name="slot_start_idx")]

    def __str__(self) -> str:
        return f"slot {self.number} of {self.session_id}"

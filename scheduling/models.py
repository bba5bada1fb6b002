"""The clinic's day: services, practice sessions with slots, appointments, visits and queue tickets."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Case, Q, Value, When
from django.utils.translation import gettext_lazy as _

from accounts.access import Capability, has_capability
from accounts.models import Specialty
from core import clock
from core.encryption import EncryptedTextField
from core.ids import uuid7
from patients.models import Patient, portal_patient_ids

NURSE_CARE = timedelta(days=7)  # nurses read the record on the day of the visit and this long after it (ADR 9)

# Encrypted patient columns that no list of the clinic's day shows.
_UNLISTED = tuple(
    f"patient__{name}" for name in ("nik", "birth_place", "phone", "email", "address", "mother_name", "bpjs_number")
)


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
        from django.utils.translation import get_language

        return self.name_en if (get_language() or "id").startswith("en") else self.name_id


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

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    doctor = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="practice_sessions")
    service = models.ForeignKey(Service, on_delete=models.PROTECT, related_name="practice_sessions")
    practice_on = models.DateField(_("date"))
    starts_at = models.DateTimeField(_("start"))
    ends_at = models.DateTimeField(_("end"))
    slot_minutes = models.PositiveSmallIntegerField(_("slot length in minutes"))
    gap_minutes = models.PositiveSmallIntegerField(_("gap in minutes"), default=0)
    slot_count = models.PositiveSmallIntegerField(_("number of slots"))
    breaks = models.JSONField(_("fixed breaks"), default=list)
    status = models.CharField(max_length=24, choices=Status, default=Status.PENDING)
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
        """Slots of approved sessions whose doctor and service are active, free or not, past or not."""
        return self.filter(
            session__status=PracticeSession.Status.APPROVED,
            session__doctor__is_active=True,
            session__service__is_active=True,
        )

    def bookable(self, now: Any) -> SlotQuerySet:
        """Free future slots of approved sessions: the only ones a booking may take."""
        return self.with_bookings().offered().filter(is_booked=False, starts_at__gt=now)

    def with_bookings(self) -> SlotQuerySet:
        """Each slot with `is_booked`: an appointment holds it."""
        taken = Appointment.objects.filter(slot=models.OuterRef("pk"), active=1)
        return self.annotate(is_booked=models.Exists(taken))


class Slot(models.Model):
    """One bookable time of a practice session."""

    is_booked: bool  # only on rows of `with_bookings()`

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    session = models.ForeignKey(PracticeSession, on_delete=models.CASCADE, related_name="slots")
    number = models.PositiveSmallIntegerField()
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()

    objects = SlotQuerySet.as_manager()

    class Meta:
        ordering = ["starts_at"]
        constraints = [models.UniqueConstraint(fields=["session", "number"], name="slot_number_once")]
        indexes = [models.Index(fields=["starts_at"], name="slot_start_idx")]

    def __str__(self) -> str:
        return f"slot {self.number} of {self.session_id}"


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
        return self.for_list().defer("complaint", "reason", *_UNLISTED)


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

    CARE_STATUSES = (Status.APPROVED, Status.ARRIVED, Status.FINISHED)  # the doctor takes part in the patient's care

    class Source(models.TextChoices):
        PORTAL = "portal", _("Patient portal")
        RECEPTION = "reception", _("Reception")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="appointments")
    slot = models.ForeignKey(Slot, on_delete=models.PROTECT, related_name="appointments")
    doctor = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="appointments_as_doctor"
    )
    service = models.ForeignKey(Service, on_delete=models.PROTECT, related_name="appointments")
    price_idr = models.PositiveBigIntegerField()
    complaint = EncryptedTextField(max_length=1000)
    status = models.CharField(max_length=10, choices=Status, default=Status.PENDING)
    active = models.GeneratedField(
        expression=Case(
            When(status__in=["rejected", "cancelled", "no_show"], then=Value(None)),
            default=Value(1),
            output_field=models.SmallIntegerField(),
        ),
        output_field=models.SmallIntegerField(null=True),
        db_persist=True,
        null=True,
    )
    source = models.CharField(max_length=10, choices=Source)
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
        ]

    def __str__(self) -> str:
        return f"appointment {self.pk}"


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

    def for_list(self) -> VisitQuerySet:
        return self.select_related("patient", "doctor__staff_profile", "service", "ticket", "appointment__slot")

    def for_queue(self) -> VisitQuerySet:
        """What a queue shows: number, name, age, allergy mark, doctor; no complaint."""
        return self.select_related("patient", "doctor__staff_profile", "service", "ticket").defer(
            "complaint", "reason", *_UNLISTED
        )


class Visit(models.Model):
    """One patient's path through the clinic on one day (FHIR Encounter). A walk-in has a visit without an appointment."""

    class Status(models.TextChoices):
        ARRIVED = "arrived", _("Arrived")
        TRIAGE = "triage", _("With the nurse")
        WAITING = "waiting", _("Waiting for the doctor")
        IN_CONSULTATION = "in_consultation", _("With the doctor")
        PHARMACY = "pharmacy", _("At the pharmacy")
        CASHIER = "cashier", _("At the cashier")
        FINISHED = "finished", _("Finished")
        CANCELLED = "cancelled", _("Cancelled")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    number = models.CharField(max_length=30, unique=True)
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="visits")
    appointment = models.OneToOneField(
        Appointment, null=True, blank=True, on_delete=models.PROTECT, related_name="visit"
    )
    doctor = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="visits_as_doctor")
    service = models.ForeignKey(Service, on_delete=models.PROTECT, related_name="visits")
    price_idr = models.PositiveBigIntegerField()
    complaint = EncryptedTextField(max_length=1000, blank=True, default="")
    visit_on = models.DateField()
    status = models.CharField(max_length=16, choices=Status, default=Status.ARRIVED)
    is_priority = models.BooleanField(default=False)
    arrived_at = models.DateTimeField()
    triaged_at = models.DateTimeField(null=True, blank=True)
    started_at = models.DateTimeField(null=True, blank=True)
    consulted_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    patient_confirmed_at = models.DateTimeField(null=True, blank=True)
    reason = EncryptedTextField(max_length=500, blank=True, default="")
    checked_in_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")

    objects = VisitQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["visit_on", "status"], name="visit_day_idx"),
            models.Index(fields=["doctor", "visit_on", "status"], name="visit_doctor_day_idx"),
            models.Index(fields=["patient", "id"], name="visit_patient_idx"),
        ]

    def __str__(self) -> str:
        return self.number


class QueueTicketQuerySet(models.QuerySet["QueueTicket"]):
    def visible_to(self, user: Any) -> QueueTicketQuerySet:
        return self.filter(visit__in=Visit.objects.visible_to(user))


class QueueTicket(models.Model):
    """The number a patient waits with; letters by service, counted anew each clinic day, never given twice a day."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    visit = models.OneToOneField(Visit, on_delete=models.PROTECT, related_name="ticket")
    issued_on = models.DateField()
    prefix = models.CharField(max_length=2)
    number = models.PositiveIntegerField()
    called_at = models.DateTimeField(null=True, blank=True)
    call_count = models.PositiveSmallIntegerField(default=0)

    objects = QueueTicketQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["issued_on", "prefix", "number"], name="queue_ticket_once")]

    def __str__(self) -> str:
        return self.label

    @property
    def label(self) -> str:
        return f"{self.prefix}-{self.number:03d}"

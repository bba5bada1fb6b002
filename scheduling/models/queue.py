"""Numbers, the stays of a number at each station, what was called, and the stations themselves."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Case, Q, Value, When
from django.utils.translation import gettext_lazy as _

from accounts.access import Capability, has_capability
from core.encryption import EncryptedTextField
from core.ids import uuid7
from scheduling.models.visits import Visit


class Stage(models.TextChoices):
    """Where a patient can wait or be served, in the order of the usual path."""

    REGISTRATION = "registration", _("Registration")
    NURSE = "nurse", _("Nurse")
    DOCTOR = "doctor", _("Doctor")
    LABORATORY = "laboratory", _("Laboratory")
    RADIOLOGY = "radiology", _("Radiology")
    PHARMACY = "pharmacy", _("Pharmacy")
    CASHIER = "cashier", _("Cashier")


# Who calls and serves at a stage: any one of these rights.
SERVES: dict[str, tuple[Capability, ...]] = {
    Stage.REGISTRATION: (Capability.CHECK_IN,),
    Stage.NURSE: (Capability.RECORD_VITALS,),
    Stage.DOCTOR: (Capability.WRITE_NOTES,),
    Stage.LABORATORY: (Capability.SERVE_LABORATORY,),
    Stage.RADIOLOGY: (Capability.SERVE_RADIOLOGY,),
    Stage.PHARMACY: (Capability.DISPENSE, Capability.PRICE_PRESCRIPTIONS),
    Stage.CASHIER: (Capability.TAKE_PAYMENTS,),
}


def stages_of(user: Any) -> list[str]:
    """Return the stages at whose stations somebody works, in the order of the path.

    Doctors may record vital signs too, and do so with the patients who are with them: the nurses' queue is not theirs.
    """
    found = [stage for stage, rights in SERVES.items() if any(has_capability(user, right) for right in rights)]
    if Stage.DOCTOR in found and Stage.NURSE in found:
        found.remove(Stage.NURSE)
    return found


class Station(models.Model):
    """A room or counter that patients are called to."""

    class Spoken(models.TextChoices):
        """Places that the voice of the board can say; each has an audio clip."""

        REGISTRATION = "pendaftaran", _("Registration")
        NURSE = "perawat", _("Nurse's room")
        ROOM = "ruang", _("Room")
        COUNTER = "loket", _("Counter")
        GENERAL = "poli-umum", _("General clinic")
        ENT = "poli-tht", _("Ear, nose and throat clinic")
        DENTAL = "poli-gigi", _("Dental clinic")
        PAEDIATRICS = "poli-anak", _("Children's clinic")
        OBGYN = "poli-kandungan", _("Obstetrics and gynaecology clinic")
        INTERNAL = "poli-penyakit-dalam", _("Internal medicine clinic")
        LABORATORY = "laboratorium", _("Laboratory")
        RADIOLOGY = "radiologi", _("Radiology")
        PHARMACY = "farmasi", _("Pharmacy")
        CASHIER = "kasir", _("Cashier")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    name = models.CharField(_("name"), max_length=40, unique=True)  # as it stands on the door
    stage = models.CharField(_("stage"), max_length=14, choices=Stage)
    spoken = models.CharField(_("as the voice says it"), max_length=24, choices=Spoken)
    spoken_number = models.PositiveSmallIntegerField(_("number after it"), null=True, blank=True)  # 1 to 99
    is_active = models.BooleanField(_("active"), default=True)
    order = models.PositiveSmallIntegerField(_("order"), default=0)

    class Meta:
        verbose_name = _("station")
        verbose_name_plural = _("stations")
        ordering = ["order", "name"]

    def __str__(self) -> str:
        return self.name


class QueueTicketQuerySet(models.QuerySet["QueueTicket"]):
    def visible_to(self, user: Any) -> QueueTicketQuerySet:
        """Numbers of visible visits; the registration desk also sees those that nobody is registered for yet."""
        own = Q(visit__in=Visit.objects.visible_to(user))
        return self.filter(own | Q(visit=None) if has_capability(user, Capability.CHECK_IN) else own)


class QueueTicket(models.Model):
    """The number a patient waits with; letters by service, counted anew each clinic day, never given twice a day."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    visit = models.OneToOneField(
        Visit, null=True, blank=True, on_delete=models.PROTECT, related_name="ticket"
    )  # none: taken at the kiosk, for the registration desk
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


class QueueStepQuerySet(models.QuerySet["QueueStep"]):
    def visible_to(self, user: Any) -> QueueStepQuerySet:
        """Stays of visible numbers, and those at the stages where somebody works."""
        return self.filter(Q(ticket__in=QueueTicket.objects.visible_to(user)) | self._at_stations_of(user))

    def at_stations_of(self, user: Any) -> QueueStepQuerySet:
        """Stays at the stages where somebody works; at the doctor's only those of the own queue."""
        return self.filter(self._at_stations_of(user))

    def whereabouts(self, user: Any) -> QueueStepQuerySet:
        """Every stay, for the board of where numbers are; none without that right. Numbers only: who it is, the board
        asks of `Patient.visible_to`."""
        return self if has_capability(user, Capability.VIEW_FLOW) else self.none()

    def _at_stations_of(self, user: Any) -> Q:
        stages = stages_of(user)
        elsewhere = [stage for stage in stages if stage != Stage.DOCTOR]
        found = Q(stage__in=elsewhere)
        return found | Q(stage=Stage.DOCTOR, doctor=user) if Stage.DOCTOR in stages else found


class QueueStep(models.Model):
    """One stay of a number at one stage: it waits, is called, served, and goes on. One stay of a number is open at a time.

    `due_at` orders the waiting: the time of the appointment for who came before it, else the arrival; who missed the call
    or came back late gets a later one. The number itself never changes.
    """

    class State(models.TextChoices):
        WAITING = "waiting", _("Waiting")
        CALLED = "called", _("Called")
        SERVING = "serving", _("Being served")
        SKIPPED = "skipped", _("Did not answer")
        DONE = "done", _("Done")
        CANCELLED = "cancelled", _("Cancelled")

    OPEN_STATES = (State.WAITING, State.CALLED, State.SERVING, State.SKIPPED)

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    ticket = models.ForeignKey(QueueTicket, on_delete=models.PROTECT, related_name="steps")
    visit = models.ForeignKey(Visit, null=True, blank=True, on_delete=models.PROTECT, related_name="steps")
    queue_on = models.DateField()  # clinic day
    stage = models.CharField(max_length=14, choices=Stage)
    doctor = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )  # whose queue it is, at the stage DOCTOR
    station = models.ForeignKey(Station, null=True, blank=True, on_delete=models.PROTECT, related_name="steps")
    state = models.CharField(max_length=10, choices=State, default=State.WAITING)
    open = models.GeneratedField(
        expression=Case(
            When(state__in=["done", "cancelled"], then=Value(None)),
            default=Value(1),
            output_field=models.SmallIntegerField(),
        ),
        output_field=models.SmallIntegerField(null=True),
        db_persist=True,
        null=True,
    )
    priority = models.CharField(max_length=10, choices=Visit.Priority, blank=True, default="")
    due_at = models.DateTimeField()
    entered_at = models.DateTimeField()
    called_at = models.DateTimeField(null=True, blank=True)
    call_count = models.PositiveSmallIntegerField(default=0)
    skip_count = models.PositiveSmallIntegerField(default=0)
    started_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    estimated_at = models.DateTimeField(null=True, blank=True)  # the call as first estimated, to report the error

    objects = QueueStepQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["ticket", "open"], name="queue_step_open_once")]
        indexes = [
            models.Index(fields=["queue_on", "stage", "state"], name="queue_step_stage_idx"),
            models.Index(fields=["doctor", "queue_on", "state"], name="queue_step_doctor_idx"),
        ]

    def __str__(self) -> str:
        return f"{self.stage} {self.ticket_id}"


class QueueEventQuerySet(models.QuerySet["QueueEvent"]):
    def visible_to(self, user: Any) -> QueueEventQuerySet:
        return self.filter(step__in=QueueStep.objects.visible_to(user))


class QueueEvent(models.Model):
    """One act at a station, append only but for the mark that it was undone. Boards show the calls."""

    class Kind(models.TextChoices):
        CALL = "call", _("Called")
        RECALL = "recall", _("Called again")
        START = "start", _("Began")
        SKIP = "skip", _("Did not answer")
        REQUEUE = "requeue", _("Back in the queue")
        SEND_BACK = "send_back", _("Sent back")
        TRANSFER = "transfer", _("Transferred")
        FINISH = "finish", _("Finished")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    step = models.ForeignKey(QueueStep, on_delete=models.PROTECT, related_name="events")
    kind = models.CharField(max_length=10, choices=Kind)
    station = models.ForeignKey(Station, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    reason = EncryptedTextField(max_length=300, blank=True, default="")  # of a transfer, or of sending somebody back
    before = models.JSONField(default=dict)  # what undoing puts back: states and times, nothing about a person
    undone_at = models.DateTimeField(null=True, blank=True)

    objects = QueueEventQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["at"], name="queue_event_at_idx")]

    def __str__(self) -> str:
        return f"{self.kind} {self.step_id}"

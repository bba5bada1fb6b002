"""Background work that a person asked for and can watch."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from core import clock
from core.encryption import EncryptedCharField, EncryptedJSONField, EncryptedTextField
from core.ids import uuid7
from jobs import kinds

MAX_ATTEMPTS = 5  # beginnings in a row that got no further
SOON, MINUTE = timedelta(seconds=5), timedelta(minutes=1)


class JobQuerySet(models.QuerySet["Job"]):
    def visible_to(self, user: Any) -> JobQuerySet:
        """Own jobs of kinds that `user` may still have done, and everybody's of kinds that are shared; else none."""
        usable = kinds.usable_by(user)
        if not usable:
            return self.none()
        own = Q(requested_by=user, kind__in=[kind.name for kind in usable])
        shared = [kind.name for kind in usable if kind.is_shared]
        return self.filter(own | Q(kind__in=shared) if shared else own)

    def open(self) -> JobQuerySet:
        """Jobs that wait or run."""
        return self.filter(state__in=Job.OPEN)

    def due(self, now: datetime) -> JobQuerySet:
        """Jobs for a worker to take: waiting ones, and running ones that no worker holds any more."""
        return self.filter(
            Q(state=Job.State.QUEUED) | Q(state=Job.State.RUNNING, lease_until__lte=now), attempts__lt=MAX_ATTEMPTS
        )

    def given_up(self, now: datetime) -> JobQuerySet:
        """Jobs that no worker will take: they were begun too often without getting further."""
        return self.filter(state=Job.State.RUNNING, lease_until__lte=now, attempts__gte=MAX_ATTEMPTS)

    def expired(self, now: datetime) -> JobQuerySet:
        """Ended jobs whose result and parameters are to be removed."""
        return self.filter(expires_at__lte=now)

    def for_list(self) -> JobQuerySet:
        """With what lists show, and what kinds make links and summaries of; the cursor may be long and is left out."""
        return self.select_related("requested_by").defer("cursor")


class Job(models.Model):
    """One piece of background work, from the request to its end. The row is the truth; the broker only carries its id.

    `turn` rises with every claim by a worker and never falls: whoever writes names the turn, so that a worker that was
    given up can write nothing any more. `attempts` counts the claims since the work last got further.
    """

    class State(models.TextChoices):
        QUEUED = "queued", pgettext_lazy("state of a job", "Waiting")
        RUNNING = "running", pgettext_lazy("state of a job", "Running")
        DONE = "done", pgettext_lazy("state of a job", "Done")
        FAILED = "failed", pgettext_lazy("state of a job", "Failed")
        CANCELLED = "cancelled", pgettext_lazy("state of a job", "Cancelled")

    OPEN = (State.QUEUED, State.RUNNING)
    RESUMABLE = (State.FAILED, State.CANCELLED)
    TONES = {"queued": "neutral", "running": "accent", "done": "success", "failed": "danger", "cancelled": "warning"}

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    kind = models.CharField(max_length=60)
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    patient_id = models.UUIDField(null=True, blank=True)
    parameters = EncryptedJSONField(default=dict)
    state = models.CharField(max_length=10, choices=State, default=State.QUEUED)
    phase = models.CharField(max_length=40, blank=True)
    done = models.PositiveIntegerField(default=0)
    total = models.PositiveIntegerField(default=0)  # 0: not known yet
    cursor = EncryptedJSONField(null=True, blank=True)  # where to go on; belongs to the kind
    turn = models.PositiveIntegerField(default=0)
    attempts = models.PositiveSmallIntegerField(default=0)
    lease_until = models.DateTimeField(null=True, blank=True)  # another worker may take it from then on
    error_code = models.CharField(max_length=60, blank=True)
    error = EncryptedTextField(blank=True, default="")  # a sentence, in the language of who asked
    outcome = EncryptedJSONField(null=True, blank=True)  # what came of it; belongs to the kind
    result = models.ForeignKey("core.StoredFile", null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    result_name = EncryptedCharField(max_length=200, blank=True, default="")
    expires_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    objects = JobQuerySet.as_manager()

    class Meta:
        verbose_name = _("background job")
        verbose_name_plural = _("background jobs")
        indexes = [
            models.Index(fields=["requested_by", "id"], name="job_person_idx"),
            models.Index(fields=["state", "lease_until"], name="job_due_idx"),
            models.Index(fields=["kind", "id"], name="job_kind_idx"),
            models.Index(fields=["expires_at"], name="job_expiry_idx"),
            models.Index(fields=["patient_id"], name="job_patient_idx"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.state}"

    def get_absolute_url(self) -> str:
        """Return the page this job belongs to: its kind's own, or the general one."""
        kind = kinds.get(self.kind)
        return (kind.link(self) if kind is not None and kind.link else "") or reverse("jobs:detail", args=[self.pk])

    @property
    def is_open(self) -> bool:
        return self.state in Job.OPEN

    @property
    def is_resumable(self) -> bool:
        """True when it stopped before its end and can go on."""
        return self.state in Job.RESUMABLE and self.expires_at is not None and self.expires_at > clock.now()

    @property
    def tone(self) -> str:
        return Job.TONES[self.state]

    @property
    def label(self) -> str:
        """What the work is, in words."""
        kind = kinds.get(self.kind)
        return str(kind.label) if kind is not None else self.kind

    @property
    def phase_label(self) -> str:
        """What is being done right now; "" when the kind says nothing about it."""
        kind = kinds.get(self.kind)
        return str(kind.phases.get(self.phase, "")) if kind is not None else ""

    @property
    def summary(self) -> str:
        """What came of a job that is done; "" when its kind has no words for it."""
        kind = kinds.get(self.kind)
        if self.state != Job.State.DONE or kind is None or kind.summary is None or self.outcome is None:
            return ""
        return str(kind.summary(self))

    @property
    def percent(self) -> int | None:
        """How far it is, 0 to 100; None while nobody knows."""
        return min(100, self.done * 100 // self.total) if self.total else None

    @property
    def minutes_left(self) -> int | None:
        """About how many minutes it will take yet, 0 for less than one; None before that can be said."""
        if self.state != Job.State.RUNNING or self.started_at is None or not 0 < self.done < self.total:
            return None
        spent = clock.now() - self.started_at
        return int(spent * (self.total - self.done) / self.done / MINUTE) if spent >= SOON else None

    @property
    def has_result(self) -> bool:
        """True while its file can be loaded."""
        return self.result_id is not None and (self.expires_at is None or self.expires_at > clock.now())

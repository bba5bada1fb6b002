"""The audit log: who did or read what, when, and the seals over it. Rows are only ever added."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from audit.errors import AuditIsAppendOnly
from core.rights import holds


class AppendOnlyQuerySet(models.QuerySet[Any]):
    def visible_to(self, user: Any) -> AppendOnlyQuerySet:
        """Rows `user` may read; empty for anyone without the capability."""
        return self if holds(user, "view_audit") else self.none()

    def update(self, **kwargs: Any) -> int:
        raise AuditIsAppendOnly

    def delete(self) -> tuple[int, dict[str, int]]:
        raise AuditIsAppendOnly


class AuditEventQuerySet(AppendOnlyQuerySet):
    """Events."""


class AppendOnly(models.Model):
    """A row that is added once."""

    objects = AppendOnlyQuerySet.as_manager()

    class Meta:
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise AuditIsAppendOnly
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        raise AuditIsAppendOnly


class AuditEvent(AppendOnly):
    """One act or one reading of a chart, written in the transaction of the act; or a refusal, in one of its own.

    The key is a sequence and not a UUID: the sealer reads rows in insertion order and names the gaps.
    """

    class Result(models.TextChoices):
        OK = "ok", pgettext_lazy("result of an act", "done")
        REFUSED = "refused", _("refused")
        FAILED = "failed", _("failed")

    id = models.BigAutoField(primary_key=True)
    at = models.DateTimeField(_("time"), default=timezone.now)
    action = models.CharField(_("action"), max_length=80)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("person"),
        null=True,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        related_name="+",
    )
    actor_name = models.CharField(_("name of the person"), max_length=200, blank=True)
    actor_roles = models.CharField(_("roles of the person"), max_length=200, blank=True)
    patient_id = models.UUIDField(_("patient id"), null=True)
    target_type = models.CharField(_("kind of record"), max_length=80, blank=True)
    target_id = models.CharField(_("record id"), max_length=64, blank=True)
    detail = models.JSONField(_("details"), default=dict)
    request_id = models.CharField(_("request id"), max_length=32, blank=True)
    address_hash = models.CharField(_("address digest"), max_length=64, blank=True)
    result = models.CharField(_("result"), max_length=8, choices=Result, default=Result.OK)
    browser = models.CharField(_("browser"), max_length=60, blank=True)
    origin = models.CharField(_("job"), max_length=80, blank=True)
    format = models.PositiveSmallIntegerField(default=1)  # what `mac` covers; see audit.macs
    mac = models.CharField(max_length=64)

    objects = AuditEventQuerySet.as_manager()

    class Meta:
        verbose_name = _("audit event")
        verbose_name_plural = _("audit events")
        indexes = [
            models.Index(fields=["patient_id", "id"], name="audit_patient_idx"),
            models.Index(fields=["actor", "id"], name="audit_actor_idx"),
            models.Index(fields=["action", "id"], name="audit_action_idx"),
        ]

    def __str__(self) -> str:
        return f"{self.action} #{self.pk}"


class AuditSeal(AppendOnly):
    """One link of the chain over the log: these events, in this order, after everything sealed before.

    A seal covers the ids `first_id` to `last_id`. Ids in `missing` held no row at that time. A row of an earlier range that
    was committed late is sealed by name in `late`; ids whose rows never came are written down in `void`. A seal of kind
    ARCHIVE covers no new rows: its `detail` says which events now live in a file.
    """

    class Kind(models.TextChoices):
        EVENTS = "events", _("events")
        ARCHIVE = "archive", _("archive")

    sequence = models.BigIntegerField(_("number"), primary_key=True)
    kind = models.CharField(_("kind"), max_length=8, choices=Kind, default=Kind.EVENTS)
    first_id = models.BigIntegerField(_("first event"))
    last_id = models.BigIntegerField(_("last event"))
    count = models.PositiveIntegerField(_("events"))
    missing = models.JSONField(default=list)  # [[first, last], ...]
    late = models.JSONField(default=list)  # [id, ...]
    void = models.JSONField(default=list)  # [[first, last], ...]
    detail = models.JSONField(default=dict)
    prints = models.TextField(blank=True)  # four characters an event: not proof, but names the event that was moved
    at = models.DateTimeField(_("time"))
    previous_hash = models.CharField(max_length=64)
    hash = models.CharField(_("hash"), max_length=64)
    mac = models.CharField(max_length=64)

    class Meta:
        verbose_name = _("audit seal")
        verbose_name_plural = _("audit seals")

    def __str__(self) -> str:
        return f"seal {self.sequence}"


class SealerState(models.Model):
    """The one row a sealer locks, and what it must not forget between two runs. Nothing here is believed by the check."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    sequence = models.BigIntegerField(default=0)
    hash = models.CharField(max_length=64, blank=True)
    gaps = models.JSONField(default=list)  # [[first, last, seen at], ...] ids that may still be committed
    anchored = models.JSONField(default=dict)  # anchor file -> last sequence written to it

    def __str__(self) -> str:
        return f"sealer at {self.sequence}"


class RefusalCount(models.Model):
    """How often one person or address was refused in one minute, while the minute lasts: most become one number.

    Rows live for a minute or two; the sealer turns what was not written one by one into an event with a count.
    """

    key = models.CharField(max_length=64, primary_key=True)  # digest of who and what
    minute = models.DateTimeField()
    action = models.CharField(max_length=80)
    actor_id = models.UUIDField(null=True)
    address_hash = models.CharField(max_length=64, blank=True)
    count = models.PositiveIntegerField(default=0)
    written = models.PositiveIntegerField(default=0)

    class Meta:
        indexes = [models.Index(fields=["minute"], name="audit_refusal_minute_idx")]

    def __str__(self) -> str:
        return f"{self.action} x{self.count}"

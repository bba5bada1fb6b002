"""The audit log: who did or read what, when. Rows are only ever added."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from audit.errors import AuditIsAppendOnly
from core.rights import holds


class AuditEventQuerySet(models.QuerySet["AuditEvent"]):
    def visible_to(self, user: Any) -> AuditEventQuerySet:
        """Rows `user` may read; empty for anyone without the capability."""
        return self if holds(user, "view_audit") else self.none()

    def update(self, **kwargs: Any) -> int:
        raise AuditIsAppendOnly

    def delete(self) -> tuple[int, dict[str, int]]:
        raise AuditIsAppendOnly


class AuditEvent(models.Model):
    """One act or one reading of a chart, written in the transaction of the act.

    The key is a sequence and not a UUID: the sealer reads rows in insertion order and names the gaps.
    """

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

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise AuditIsAppendOnly
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        raise AuditIsAppendOnly

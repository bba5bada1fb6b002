"""Who takes part in whose care."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from core import clock
from core.ids import uuid7

NO_SOURCE = UUID(int=0)  # a care relationship that no single appointment, visit or prescription made


class CareTeamQuerySet(models.QuerySet["CareTeamMember"]):
    def running(self) -> CareTeamQuerySet:
        """Relationships that have not ended at this moment."""
        return self.filter(Q(ends_at__isnull=True) | Q(ends_at__gt=clock.now()))

    def of(self, user: Any) -> CareTeamQuerySet:
        """Relationships of `user`, as a person or through one of their roles, that run at this moment."""
        members = [CareTeamMember.of_user(user.pk), *(CareTeamMember.of_role(role) for role in user.role_names)]
        return self.running().filter(member__in=members)


class CareTeamMember(models.Model):
    """One reason why a person, or everyone in a role, takes part in a patient's care and may read the record (FHIR CareTeam).

    A person may have several reasons for one patient; each ends by itself (`ends_at` empty: it lasts).
    """

    class Source(models.TextChoices):
        ASSIGNED = "assigned", _("Assigned")
        APPOINTMENT = "appointment", _("Approved appointment")
        VISIT = "visit", _("Visit")
        PRESCRIPTION = "prescription", _("Prescription")
        ORDER = "order", _("Order")
        EMERGENCY = "emergency", _("Emergency access")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    patient = models.ForeignKey("patients.Patient", on_delete=models.CASCADE, related_name="care_team")
    member = models.CharField(max_length=60)
    source = models.CharField(max_length=12, choices=Source, default=Source.ASSIGNED)
    source_id = models.UUIDField(default=NO_SOURCE)  # of the appointment, visit, … that made it
    since = models.DateTimeField()
    ends_at = models.DateTimeField(null=True, blank=True)

    objects = CareTeamQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["patient", "member", "source", "source_id"], name="care_team_reason_once")
        ]
        indexes = [
            models.Index(fields=["member", "patient", "ends_at"], name="care_team_member_idx"),
            models.Index(fields=["source_id"], name="care_team_source_idx"),
        ]

    def __str__(self) -> str:
        return self.member

    @staticmethod
    def of_user(user_id: Any) -> str:
        return f"user:{user_id.hex}"

    @staticmethod
    def of_role(role: str) -> str:
        return f"role:{role}"

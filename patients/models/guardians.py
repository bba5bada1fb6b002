"""Who may act for whom in the portal."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.access import Capability, has_capability
from core import clock
from core.encryption import EncryptedCharField, EncryptedDateField, EncryptedTextField
from core.ids import uuid7


class GuardianLinkQuerySet(models.QuerySet["GuardianLink"]):
    def visible_to(self, user: Any) -> GuardianLinkQuerySet:
        """Links `user` may read: the desk all, a portal account those it is a party to; empty for everyone else."""
        if has_capability(user, Capability.REGISTER_PATIENTS):
            return self
        if has_capability(user, Capability.USE_PORTAL):
            own = getattr(user, "patient", None)
            return self.filter(Q(guardian=user) | Q(dependant_id=own.pk if own is not None else None))
        return self.none()

    def waiting(self) -> GuardianLinkQuerySet:
        return self.filter(status=GuardianLink.Status.REQUESTED)

    def active(self) -> GuardianLinkQuerySet:
        """Not closed by anybody. Whether one still counts today is `is_in_force`: its end is encrypted."""
        return self.filter(status=GuardianLink.Status.ACTIVE)

    def for_list(self) -> GuardianLinkQuerySet:
        """With the account, its own record, the dependant, and who decided."""
        return self.select_related("guardian__patient", "dependant", "requested_by", "proven_by", "ended_by")


class GuardianLink(models.Model):
    """One portal account that may act for one patient (FHIR RelatedPerson), or the request for it.

    A request carries what the asking person typed and names no record: staff find it, so that asking tells nobody who
    is a patient here. The end is the first day without access; it would tell a child's birthday, so it is encrypted.
    """

    class Status(models.TextChoices):
        REQUESTED = "requested", _("Waiting for proof")
        ACTIVE = "active", _("Active")
        REJECTED = "rejected", _("Rejected")
        ENDED = "ended", _("Ended")

    class Relationship(models.TextChoices):
        """What the guardian is to the patient. Codes of HL7 v3 RoleCode; `O` (other) is of HL7 table 0131."""

        PARENT = "PRN", _("Parent")
        LEGAL_GUARDIAN = "GUARD", _("Legal guardian")
        SPOUSE = "SPS", _("Husband or wife")
        CHILD = "CHILD", _("Son or daughter")
        OTHER = "O", _("Other family or carer")

    class Proof(models.TextChoices):
        FAMILY_CARD = "family_card", _("Family card (KK)")
        BIRTH_CERTIFICATE = "birth_certificate", _("Birth certificate")
        COURT_ORDER = "court_order", _("Court order")
        POWER_OF_ATTORNEY = "power_of_attorney", _("Identity card and power of attorney")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    guardian = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="guardian_links")
    dependant = models.ForeignKey(
        "patients.Patient", null=True, blank=True, on_delete=models.PROTECT, related_name="guardian_links"
    )
    relationship = models.CharField(_("relationship"), max_length=10, choices=Relationship)
    asked_name = EncryptedCharField(max_length=200, blank=True, default="")
    asked_birth_date = EncryptedDateField(null=True, blank=True)
    proof = models.CharField(_("kind of proof"), max_length=20, choices=Proof, blank=True, default="")
    proof_note = EncryptedTextField(max_length=500, blank=True, default="")
    status = models.CharField(max_length=10, choices=Status, default=Status.REQUESTED)
    is_active = models.GeneratedField(
        expression=models.Case(
            models.When(status="active", then=models.Value(1)),
            default=models.Value(None),
            output_field=models.SmallIntegerField(),
        ),
        output_field=models.SmallIntegerField(null=True),
        db_persist=True,
        null=True,
    )
    requested_at = models.DateTimeField()
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    proven_at = models.DateTimeField(null=True, blank=True)
    proven_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    ends_on = EncryptedDateField(null=True, blank=True)
    is_for_child = models.BooleanField(default=False)  # proven for a child: ends at 18 at the latest
    announced_at = models.DateTimeField(null=True, blank=True)  # when the coming end was told
    ended_at = models.DateTimeField(null=True, blank=True)
    ended_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    reason = EncryptedCharField(max_length=300, blank=True, default="")

    objects = GuardianLinkQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["guardian", "dependant", "is_active"], name="guardian_link_active_once"),
            models.CheckConstraint(
                condition=~models.Q(status="active")
                | models.Q(dependant__isnull=False, proven_at__isnull=False, proven_by__isnull=False),
                name="guardian_link_active_is_proven",
            ),
        ]
        indexes = [
            models.Index(fields=["guardian", "status"], name="guardian_link_guardian_idx"),
            models.Index(fields=["dependant", "status"], name="guardian_link_dependant_idx"),
            models.Index(fields=["status", "id"], name="guardian_link_status_idx"),
        ]

    def __str__(self) -> str:
        return f"guardian link {self.pk}"

    @property
    def relationship_label(self) -> str:
        return str(self.get_relationship_display())

    def is_in_force(self, day: date) -> bool:
        """True while the link gives access on this clinic day; the date decides, also when no job has closed the link."""
        return self.status == self.Status.ACTIVE and (self.ends_on is None or day < self.ends_on)


def portal_patient_ids(user: Any) -> list[UUID]:
    """Return the records a portal account may read today: the own one first, then those of its proven links.

    A list, not a subquery: `IN (ids)` finds rows by their patient index on both databases, an OR over two tables reads
    them all. One query; none inside a portal request, where the guard has asked for this very request.
    """
    known: list[UUID] | None = getattr(user, "portal_ids_of_request", None)
    if known is not None:
        return known
    own = getattr(user, "patient", None)
    links = GuardianLink.objects.active().filter(guardian_id=user.pk).only("id", "dependant_id", "status", "ends_on")
    today = clock.today()
    return [
        *([own.pk] if own is not None else []),
        *(link.dependant_id for link in links if link.dependant_id and link.is_in_force(today)),
    ]

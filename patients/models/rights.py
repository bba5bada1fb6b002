"""The rights of people over their data (UU 27/2022), what was removed, what may be, and failures of protection."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.access import Capability, has_capability
from core.encryption import EncryptedCharField, EncryptedJSONField, EncryptedTextField
from core.ids import uuid7
from jobs.models import Job
from patients.models.documents import PatientDocument
from patients.models.patient import Patient


class DataRequestQuerySet(models.QuerySet["DataRequest"]):
    def visible_to(self, user: Any) -> DataRequestQuerySet:
        """All for those who answer requests; in the portal those about records the account may read."""
        if has_capability(user, Capability.HANDLE_DATA_REQUESTS):
            return self
        if has_capability(user, Capability.USE_PORTAL):
            return self.filter(patient__in=Patient.objects.visible_to(user))
        return self.none()


class DataRequest(models.Model):
    """What a person, or who acts for them, asks about their data; answered within 3 x 24 hours (UU 27/2022)."""

    class Kind(models.TextChoices):
        COPY = "copy", _("Copy of the data")
        CORRECTION = "correction", _("Correction")
        RESTRICTION = "restriction", _("Restriction of processing")
        ERASURE = "erasure", _("Erasure")

    class Status(models.TextChoices):
        RECEIVED = "received", _("Received")
        FULFILLED = "fulfilled", _("Fulfilled")
        PARTLY = "partly", _("Fulfilled in part")
        REFUSED = "refused", _("Refused")
        WITHDRAWN = "withdrawn", _("Withdrawn")

    OPEN = (Status.RECEIVED,)

    class Channel(models.TextChoices):
        PORTAL = "portal", _("Patient portal")
        DESK = "desk", _("At the desk")
        LETTER = "letter", _("Letter or e-mail")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    number = models.CharField(max_length=20, unique=True)
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="data_requests")
    kind = models.CharField(_("request"), max_length=12, choices=Kind)
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.RECEIVED)
    channel = models.CharField(_("received by"), max_length=8, choices=Channel)
    requester_name = EncryptedCharField(_("who asks"), max_length=200)
    requester_relation = EncryptedCharField(_("in which role"), max_length=120, blank=True, default="")
    proof = EncryptedCharField(_("how the identity was checked"), max_length=300, blank=True, default="")
    details = EncryptedTextField(_("what is asked"), blank=True, default="")
    received_at = models.DateTimeField(_("received at"))
    due_at = models.DateTimeField(_("due"), db_index=True)
    recorded_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    ground = models.CharField(_("ground of refusal"), max_length=20, blank=True, default="")
    decision = EncryptedTextField(_("decision"), blank=True, default="")
    decided_at = models.DateTimeField(_("decided at"), null=True, blank=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    evidence = models.ForeignKey(PatientDocument, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    # restriction: {"scopes"} asked for; correction: {"before"} as received, {"changes"} when decided; withdrawal: {"reason"}
    facts = EncryptedJSONField(default=dict)
    copy = models.ForeignKey(Job, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")  # its file
    warned_at = models.DateTimeField(null=True, blank=True)  # when staff were told that it is nearly due

    objects = DataRequestQuerySet.as_manager()

    class Meta:
        verbose_name = _("data request")
        verbose_name_plural = _("data requests")
        indexes = [models.Index(fields=["status", "due_at"], name="data_request_status_idx")]

    def __str__(self) -> str:
        return self.number


class HandlersOnlyQuerySet(models.QuerySet[Any]):
    def visible_to(self, user: Any) -> HandlersOnlyQuerySet:
        """All rows for those who answer requests about personal data; empty for everyone else."""
        return self if has_capability(user, Capability.HANDLE_DATA_REQUESTS) else self.none()


class Erasure(models.Model):
    """One erasure: what was removed of a patient's data and what the law keeps, as the certificate says it."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    number = models.CharField(max_length=20, unique=True)
    patient = models.ForeignKey(Patient, null=True, blank=True, on_delete=models.SET_NULL, related_name="erasures")
    record_number = models.CharField(max_length=20)  # stays when a record registered by mistake is gone
    request = models.ForeignKey(DataRequest, null=True, blank=True, on_delete=models.SET_NULL, related_name="erasures")
    removed = models.JSONField()  # codes and counts, no content
    kept = models.JSONField()  # codes, counts and the ground of each
    erased_at = models.DateTimeField()
    erased_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")

    objects = HandlersOnlyQuerySet.as_manager()

    def __str__(self) -> str:
        return self.number


class RetentionProposal(models.Model):
    """A record whose legal time is over (25 years after the last visit): somebody decides, nothing is removed by itself."""

    class State(models.TextChoices):
        PROPOSED = "proposed", _("Proposed")
        KEPT = "kept", _("Kept longer")
        APPROVED = "approved", _("May be destroyed")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    patient = models.OneToOneField(Patient, on_delete=models.CASCADE, related_name="retention_proposal")
    last_used_on = models.DateField()
    due_on = models.DateField()
    state = models.CharField(max_length=10, choices=State, default=State.PROPOSED)
    proposed_at = models.DateTimeField()
    decided_at = models.DateTimeField(null=True, blank=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    keep_until = models.DateField(null=True, blank=True)
    reason = EncryptedCharField(max_length=300, blank=True, default="")

    objects = HandlersOnlyQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["state", "due_on"], name="retention_proposal_idx")]

    def __str__(self) -> str:
        return f"retention {self.pk}"


class BreachQuerySet(models.QuerySet[Any]):
    def visible_to(self, user: Any) -> BreachQuerySet:
        """All rows for those who keep the register of failures; empty for everyone else."""
        return self if has_capability(user, Capability.MANAGE_BREACHES) else self.none()


class Breach(models.Model):
    """One failure to protect personal data; subjects and the agency are told in writing within 3 x 24 hours."""

    class Status(models.TextChoices):
        OPEN = "open", _("Open")
        CLOSED = "closed", _("Closed")

    class Risk(models.TextChoices):
        LOW = "low", _("Low")
        MEDIUM = "medium", _("Medium")
        HIGH = "high", _("High")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    number = models.CharField(max_length=20, unique=True)
    title = EncryptedCharField(_("what happened, in short"), max_length=160)
    discovered_at = models.DateTimeField(_("discovered at"))
    due_at = models.DateTimeField(_("notices due"), db_index=True)
    began_at = models.DateTimeField(_("began at"), null=True, blank=True)
    ended_at = models.DateTimeField(_("ended at"), null=True, blank=True)
    data_kinds = models.JSONField(_("data exposed"), default=list)
    course = EncryptedTextField(_("when and how it happened"), blank=True, default="")
    measures = EncryptedTextField(_("handling and recovery"), blank=True, default="")
    risk = models.CharField(_("risk"), max_length=8, choices=Risk, default=Risk.MEDIUM)
    agency_told_at = models.DateTimeField(_("agency told at"), null=True, blank=True)
    public_told_at = models.DateTimeField(_("public told at"), null=True, blank=True)
    status = models.CharField(_("status"), max_length=8, choices=Status, default=Status.OPEN)
    version = models.PositiveIntegerField(default=1)
    recorded_at = models.DateTimeField()
    recorded_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    closed_at = models.DateTimeField(null=True, blank=True)
    closed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )

    objects = BreachQuerySet.as_manager()

    class Meta:
        verbose_name = _("failure of protection")
        verbose_name_plural = _("failures of protection")

    def __str__(self) -> str:
        return self.number


class AffectedPatient(models.Model):
    """One person whose data a failure exposed, and when and how they were told."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    breach = models.ForeignKey(Breach, on_delete=models.CASCADE, related_name="affected")
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="+")
    added_at = models.DateTimeField()
    told_at = models.DateTimeField(null=True, blank=True)
    told_how = models.CharField(max_length=10, blank=True, default="")  # email, letter, phone, portal
    told_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )

    objects = BreachQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["breach", "patient"], name="affected_patient_once")]

    def __str__(self) -> str:
        return f"affected {self.pk}"


class ProcessingLimitQuerySet(models.QuerySet[Any]):
    def visible_to(self, user: Any) -> ProcessingLimitQuerySet:
        """All for those who answer requests; in the portal those of records the account may read."""
        if has_capability(user, Capability.HANDLE_DATA_REQUESTS):
            return self
        if has_capability(user, Capability.USE_PORTAL):
            return self.filter(patient__in=Patient.objects.visible_to(user))
        return self.none()

    def in_force(self) -> ProcessingLimitQuerySet:
        return self.filter(lifted_at__isnull=True)


class ProcessingLimit(models.Model):
    """Processing that a person had suspended (UU 27/2022 article 41): what may not be done with the data, until lifted."""

    class Scope(models.TextChoices):
        EXCHANGE = "exchange", _("Passing data on: SATUSEHAT and insurers")
        MESSAGES = "messages", _("Reminders and messages")
        EDUCATION = "education", _("Education and research")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="processing_limits")
    request = models.ForeignKey(DataRequest, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    scope = models.CharField(max_length=10, choices=Scope)  # care, and what the law demands, are never limited
    since = models.DateTimeField()
    since_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    lifted_at = models.DateTimeField(null=True, blank=True)
    lifted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    reason = EncryptedCharField(max_length=300, blank=True, default="")
    evidence = EncryptedJSONField(default=dict)

    objects = ProcessingLimitQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["patient", "scope"], name="processing_limit_idx")]

    def __str__(self) -> str:
        return f"limit {self.pk}"

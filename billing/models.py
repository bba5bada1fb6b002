"""Bills. One invoice per visit; charges name an opaque source, so billing knows no clinical app."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Case, F, Q, Value, When
from django.utils.translation import gettext_lazy as _

from accounts.access import Capability, has_capability
from core.encryption import EncryptedCharField
from core.ids import uuid7
from patients.models import Patient, portal_patient_ids


class InvoiceQuerySet(models.QuerySet["Invoice"]):
    def visible_to(self, user: Any) -> InvoiceQuerySet:
        """Bills `user` may read: the cashier's and admin's, or a patient's own; empty for everyone else."""
        if has_capability(user, Capability.VIEW_BILLS):
            return self
        if has_capability(user, Capability.USE_PORTAL):
            return self.filter(patient_id__in=portal_patient_ids(user))
        return self.none()

    def unpaid(self) -> InvoiceQuerySet:
        return self.filter(status__in=[Invoice.Status.UNPAID, Invoice.Status.PART_PAID])


class Invoice(models.Model):
    """The bill of one visit. Totals are kept on the row and changed only under its lock."""

    class Status(models.TextChoices):
        DRAFT = "draft", _("Being prepared")
        UNPAID = "unpaid", _("Unpaid")
        PART_PAID = "part_paid", _("Partly paid")
        PAID = "paid", _("Paid")
        VOID = "void", _("Void")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    encounter_id = models.UUIDField(unique=True)
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="invoices")
    number = models.CharField(max_length=30, null=True, blank=True, unique=True)
    status = models.CharField(max_length=10, choices=Status, default=Status.DRAFT)
    total_idr = models.BigIntegerField(default=0)
    paid_idr = models.BigIntegerField(default=0)
    refunded_idr = models.BigIntegerField(default=0)
    created_at = models.DateTimeField()
    issued_at = models.DateTimeField(null=True, blank=True)
    paid_at = models.DateTimeField(null=True, blank=True)
    void_reason = models.CharField(max_length=200, blank=True, default="")

    objects = InvoiceQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(total_idr__gte=0), name="invoice_total_not_negative"),
            models.CheckConstraint(condition=Q(paid_idr__gte=0), name="invoice_paid_not_negative"),
            models.CheckConstraint(
                condition=Q(refunded_idr__gte=0) & Q(refunded_idr__lte=F("paid_idr")), name="invoice_refund_within_paid"
            ),
        ]
        indexes = [
            models.Index(fields=["status", "issued_at"], name="invoice_status_idx"),
            models.Index(fields=["paid_at"], name="invoice_paid_at_idx"),
        ]

    def __str__(self) -> str:
        return self.number or f"draft {self.pk}"

    @property
    def balance_idr(self) -> int:
        """What is still to pay; negative when money must go back."""
        return self.total_idr - (self.paid_idr - self.refunded_idr)


class ChargeQuerySet(models.QuerySet["Charge"]):
    def visible_to(self, user: Any) -> ChargeQuerySet:
        return self.filter(invoice__in=Invoice.objects.visible_to(user))

    def active(self) -> ChargeQuerySet:
        return self.filter(status=Charge.Status.ACTIVE)


class Charge(models.Model):
    """One line of a bill. A cancelled line stays on record and counts nothing."""

    class Category(models.TextChoices):
        CONSULTATION = "consultation", _("Consultation")
        PROCEDURE = "procedure", _("Procedure")
        LABORATORY = "laboratory", _("Laboratory")
        MEDICINE = "medicine", _("Medicine")
        OTHER = "other", _("Other")

    class Status(models.TextChoices):
        ACTIVE = "active", _("Active")
        CANCELLED = "cancelled", _("Cancelled")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    invoice = models.ForeignKey(Invoice, on_delete=models.PROTECT, related_name="charges")
    category = models.CharField(max_length=12, choices=Category)
    description = EncryptedCharField(max_length=200)
    quantity = models.DecimalField(max_digits=10, decimal_places=2, default=1)
    unit_price_idr = models.BigIntegerField()
    amount_idr = models.BigIntegerField()
    source_type = models.CharField(max_length=60)
    source_id = models.UUIDField()
    status = models.CharField(max_length=10, choices=Status, default=Status.ACTIVE)
    active = models.GeneratedField(
        expression=Case(
            When(status="active", then=Value(1)), default=Value(None), output_field=models.SmallIntegerField()
        ),
        output_field=models.SmallIntegerField(null=True),
        db_persist=True,
        null=True,
    )
    cancel_reason = models.CharField(max_length=200, blank=True, default="")
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")

    objects = ChargeQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["source_type", "source_id", "active"], name="charge_source_once"),
            models.CheckConstraint(
                condition=Q(amount_idr__gte=0) & Q(unit_price_idr__gte=0), name="charge_not_negative"
            ),
            models.CheckConstraint(condition=Q(quantity__gt=0), name="charge_quantity_positive"),
        ]

    def __str__(self) -> str:
        return f"charge {self.pk}"


class PaymentQuerySet(models.QuerySet["Payment"]):
    def visible_to(self, user: Any) -> PaymentQuerySet:
        return self.filter(invoice__in=Invoice.objects.visible_to(user))


class Payment(models.Model):
    """Money taken for a bill; idempotent by the key the form carried."""

    class Method(models.TextChoices):
        CASH = "cash", _("Cash")
        TRANSFER = "transfer", _("Bank transfer")
        QRIS = "qris", "QRIS"
        DEBIT = "debit", _("Debit card")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    invoice = models.ForeignKey(Invoice, on_delete=models.PROTECT, related_name="payments")
    receipt_number = models.CharField(max_length=30, unique=True)
    idempotency_key = models.UUIDField(unique=True)
    method = models.CharField(max_length=10, choices=Method)
    amount_idr = models.BigIntegerField()
    tendered_idr = models.BigIntegerField(null=True, blank=True)
    change_idr = models.BigIntegerField(default=0)
    reference = models.CharField(max_length=60, blank=True, default="")
    received_at = models.DateTimeField()
    received_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")

    objects = PaymentQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(amount_idr__gt=0), name="payment_positive"),
            models.CheckConstraint(condition=Q(change_idr__gte=0), name="payment_change_not_negative"),
        ]
        indexes = [models.Index(fields=["received_at"], name="payment_received_idx")]

    def __str__(self) -> str:
        return self.receipt_number


class RefundQuerySet(models.QuerySet["Refund"]):
    def visible_to(self, user: Any) -> RefundQuerySet:
        return self.filter(invoice__in=Invoice.objects.visible_to(user))


class Refund(models.Model):
    """Money that must go back to a patient because a paid line was cancelled."""

    class Status(models.TextChoices):
        DUE = "due", _("To pay back")
        PAID = "paid", _("Paid back")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    invoice = models.ForeignKey(Invoice, on_delete=models.PROTECT, related_name="refunds")
    amount_idr = models.BigIntegerField()
    reason = models.CharField(max_length=200)
    status = models.CharField(max_length=5, choices=Status, default=Status.DUE)
    created_at = models.DateTimeField()
    paid_at = models.DateTimeField(null=True, blank=True)
    paid_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )

    objects = RefundQuerySet.as_manager()

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(amount_idr__gt=0), name="refund_positive")]

    def __str__(self) -> str:
        return f"refund {self.pk}"

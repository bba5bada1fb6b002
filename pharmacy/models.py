"""Medicines, stock by batch with its ledger, prescriptions and what was handed over."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Count, DecimalField, Exists, F, OuterRef, Q, Subquery, Sum, Value
from django.db.models.functions import Coalesce
from django.utils.translation import gettext_lazy as _

from accounts.access import Capability, has_capability
from billing.models import Invoice
from core import clock
from core.encryption import EncryptedCharField, EncryptedTextField
from core.ids import uuid7
from patients.models import Patient, portal_patient_ids
from pharmacy import substances
from scheduling.models import Visit

LOOKS_AT_MEDICINES = (
    Capability.WRITE_NOTES,
    Capability.PRICE_PRESCRIPTIONS,
    Capability.DISPENSE,
    Capability.MANAGE_STOCK,
    Capability.USE_BACK_OFFICE,
)


def may_see_medicines(user: Any) -> bool:
    """True for people who prescribe, price, hand over or keep medicines."""
    return any(has_capability(user, capability) for capability in LOOKS_AT_MEDICINES)


class SearchTextField(models.CharField):
    """Text made from the row's names whenever the row is saved, also by bulk_create and imports. A plain column."""

    def pre_save(self, instance: Any, add: bool) -> str:
        text = instance.make_search_text()[: self.max_length]
        setattr(instance, self.attname, text)
        return text

    def deconstruct(self) -> Any:
        name, _path, args, kwargs = super().deconstruct()
        return name, "django.db.models.CharField", args, kwargs


class MedicineQuerySet(models.QuerySet["Medicine"]):
    def visible_to(self, user: Any) -> MedicineQuerySet:
        """The medicine list, for people who prescribe, price, hand over or keep medicines; empty for everyone else."""
        return self if may_see_medicines(user) else self.none()

    def active(self) -> MedicineQuerySet:
        return self.filter(is_active=True)

    def with_stock(self, today: date | None = None) -> MedicineQuerySet:
        """With `expired_quantity` (on the shelf, never handed over), `free` (to promise) and `nearest_expiry`."""
        day = today or clock.today()
        batches = Batch.objects.filter(medicine=OuterRef("pk"), quantity__gt=0).order_by()
        expired = batches.filter(expires_on__lte=day).values("medicine").annotate(total=Sum("quantity")).values("total")
        zero = Value(Decimal(0), output_field=DecimalField(max_digits=12, decimal_places=2))
        usable = batches.filter(expires_on__gt=day).order_by("expires_on").values("expires_on")
        annotations: dict[str, Any] = {
            "expired_quantity": Coalesce(Subquery(expired), zero),
            "nearest_expiry": Subquery(usable[:1]),
            "free": F("on_hand") - F("reserved") - F("expired_quantity"),
        }
        return self.annotate(**annotations)

    def search(self, text: str) -> MedicineQuerySet:
        """Medicines with every word of `text` in their names, class, ingredients or code, in any usual spelling."""
        found = self
        for word in substances.search_words(text):
            found = found.filter(search_text__contains=word)
        return found


class Medicine(models.Model):
    """One article of the clinic's medicine list, as sold: generic name, strength and form, with stock in its unit.

    `on_hand` is the sum of its batches, `reserved` what signed prescriptions wait for; both change only by conditional
    updates in `pharmacy.services.stock`.
    """

    class Route(models.TextChoices):
        ORAL = "oral", _("By mouth")
        TOPICAL = "topical", _("On the skin")
        OPHTHALMIC = "ophthalmic", _("In the eye")
        OTIC = "otic", _("In the ear")
        NASAL = "nasal", _("In the nose")
        RECTAL = "rectal", _("Rectal")
        VAGINAL = "vaginal", _("Vaginal")
        INHALATION = "inhalation", _("To inhale")
        INJECTION = "injection", _("By injection")
        OROMUCOSAL = "oromucosal", _("In the mouth, not swallowed")

    class Category(models.TextChoices):
        """Indonesian legal classes of medicines."""

        FREE = "bebas", _("Free")
        LIMITED = "bebas_terbatas", _("Limited free")
        PRESCRIPTION = "keras", _("Prescription only")
        PSYCHOTROPIC = "psikotropika", _("Psychotropic")
        NARCOTIC = "narkotika", _("Narcotic")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    code = models.CharField(_("code"), max_length=20, unique=True)
    generic_name = models.CharField(_("generic name"), max_length=160)
    brand = models.CharField(_("brand"), max_length=80, blank=True, default="")
    strength = models.CharField(_("strength"), max_length=80, blank=True, default="")
    form = models.CharField(_("form"), max_length=40)
    unit = models.CharField(_("unit"), max_length=20)
    route = models.CharField(_("route"), max_length=12, choices=Route, default=Route.ORAL)
    medicine_class = models.CharField(_("class"), max_length=80, blank=True, default="")
    category = models.CharField(_("legal class"), max_length=16, choices=Category, default=Category.PRESCRIPTION)
    atc_code = models.CharField(_("ATC code"), max_length=8, blank=True, default="")
    kfa_code = models.CharField(_("KFA code"), max_length=8, blank=True, default="")
    ingredients = models.JSONField(_("ingredients"), default=list)
    allergen_groups = models.JSONField(_("allergen groups"), default=list)
    price_idr = models.PositiveBigIntegerField(_("price per unit in rupiah"))
    typical_quantity = models.PositiveIntegerField(_("usual quantity"), default=10)
    typical_signa = models.CharField(_("usual directions"), max_length=200, blank=True, default="")
    minimum_stock = models.PositiveIntegerField(_("minimum stock"), default=0)
    is_lasa = models.BooleanField(_("looks or sounds like another"), default=False)
    is_high_alert = models.BooleanField(_("high alert"), default=False)
    is_active = models.BooleanField(_("active"), default=True)
    on_hand = models.DecimalField(_("on hand"), max_digits=12, decimal_places=2, default=0, editable=False)
    reserved = models.DecimalField(_("reserved"), max_digits=12, decimal_places=2, default=0, editable=False)
    search_text = SearchTextField(max_length=400, editable=False, default="")

    # Set by with_stock()
    expired_quantity: Decimal
    free: Decimal
    nearest_expiry: date | None

    objects = MedicineQuerySet.as_manager()

    class Meta:
        verbose_name = _("medicine")
        verbose_name_plural = _("medicines")
        ordering = ["generic_name", "strength", "form"]
        constraints = [
            models.CheckConstraint(condition=Q(on_hand__gte=0), name="medicine_on_hand_not_negative"),
            models.CheckConstraint(condition=Q(reserved__gte=0), name="medicine_reserved_not_negative"),
        ]

    def __str__(self) -> str:
        return self.label

    @property
    def label(self) -> str:
        """Name, strength and form as prescriptions and labels print it."""
        parts = [self.generic_name, self.strength, self.form]
        name = " ".join(part for part in parts if part)
        return f"{name} ({self.brand})" if self.brand else name

    @property
    def available(self) -> Decimal:
        """Units that are neither handed over nor promised."""
        return self.on_hand - self.reserved

    def make_search_text(self) -> str:
        """Return the folded words this medicine is found by."""
        names = [self.generic_name, self.brand, *self.ingredients, self.medicine_class, self.code]
        return " ".join(dict.fromkeys(word for name in names for word in substances.fold(name).split()))

    @property
    def is_oral(self) -> bool:
        return self.route == self.Route.ORAL


class BatchQuerySet(models.QuerySet["Batch"]):
    def visible_to(self, user: Any) -> BatchQuerySet:
        return self if may_see_medicines(user) else self.none()

    def usable(self, today: date | None = None) -> BatchQuerySet:
        """What may be handed over, first to expire first. A lot is expired from its expiry date on."""
        return self.filter(expires_on__gt=today or clock.today(), quantity__gt=0).order_by("expires_on", "pk")


class Batch(models.Model):
    """One delivered lot of a medicine with its expiry date and what is left of it."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    medicine = models.ForeignKey(Medicine, verbose_name=_("medicine"), on_delete=models.PROTECT, related_name="batches")
    lot_number = models.CharField(_("batch number"), max_length=40)
    expires_on = models.DateField(_("expiry date"))
    quantity = models.DecimalField(_("left"), max_digits=12, decimal_places=2, default=0)
    unit_cost_idr = models.PositiveBigIntegerField(_("cost per unit in rupiah"), default=0)
    received_at = models.DateTimeField(_("received at"))

    objects = BatchQuerySet.as_manager()

    class Meta:
        verbose_name = _("batch")
        verbose_name_plural = _("batches")
        ordering = ["expires_on", "id"]
        constraints = [
            models.CheckConstraint(condition=Q(quantity__gte=0), name="batch_quantity_not_negative"),
            models.UniqueConstraint(fields=["medicine", "lot_number", "expires_on"], name="batch_once_per_medicine"),
        ]
        indexes = [models.Index(fields=["medicine", "expires_on"], name="batch_fefo_idx")]

    def __str__(self) -> str:
        return self.lot_number

    @property
    def is_expired(self) -> bool:
        return self.expires_on <= clock.today()


class StockMovementQuerySet(models.QuerySet["StockMovement"]):
    def visible_to(self, user: Any) -> StockMovementQuerySet:
        return self if may_see_medicines(user) else self.none()


class StockMovement(models.Model):
    """One change of one batch. The sum of a batch's movements is what is left of it."""

    class Kind(models.TextChoices):
        RECEIPT = "receipt", _("Received")
        DISPENSE = "dispense", _("Handed over")
        ADJUSTMENT = "adjustment", _("Corrected")
        DISPOSAL = "disposal", _("Disposed of")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    batch = models.ForeignKey(Batch, verbose_name=_("batch"), on_delete=models.PROTECT, related_name="movements")
    medicine = models.ForeignKey(
        Medicine, verbose_name=_("medicine"), on_delete=models.PROTECT, related_name="movements"
    )
    kind = models.CharField(_("kind"), max_length=12, choices=Kind)
    quantity = models.DecimalField(_("units moved"), max_digits=12, decimal_places=2)
    reason = models.CharField(_("reason"), max_length=200, blank=True, default="")
    source_id = models.UUIDField(null=True, blank=True)
    moved_at = models.DateTimeField(_("time"))
    moved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name=_("person"), null=True, on_delete=models.PROTECT, related_name="+"
    )

    objects = StockMovementQuerySet.as_manager()

    class Meta:
        verbose_name = _("stock movement")
        verbose_name_plural = _("stock movements")
        constraints = [models.CheckConstraint(condition=~Q(quantity=0), name="movement_not_zero")]
        indexes = [models.Index(fields=["medicine", "id"], name="movement_medicine_idx")]

    def __str__(self) -> str:
        return f"{self.kind} {self.quantity}"


class PrescriptionQuerySet(models.QuerySet["Prescription"]):
    def visible_to(self, user: Any) -> PrescriptionQuerySet:
        """Prescriptions of the patients `user` may read, or a patient's own; empty for anyone without the capability."""
        if has_capability(user, Capability.VIEW_PRESCRIPTIONS):
            return self.filter(patient__in=Patient.objects.readable_by(user))
        if has_capability(user, Capability.USE_PORTAL):
            return self.filter(patient_id__in=portal_patient_ids(user))
        return self.none()

    def with_settled(self) -> PrescriptionQuerySet:
        """With `is_settled` (the visit's bill is paid) and `settled_at`."""
        bill = Invoice.objects.filter(encounter_id=OuterRef("visit_id"), status=Invoice.Status.PAID)
        return self.annotate(is_settled=Exists(bill), settled_at=Subquery(bill.values("paid_at")[:1]))

    def with_line_count(self) -> PrescriptionQuerySet:
        """With `line_count`."""
        items = PrescriptionItem.objects.filter(prescription=OuterRef("pk")).order_by().values("prescription")
        return self.annotate(line_count=Coalesce(Subquery(items.annotate(n=Count("pk")).values("n")), 0))

    def ready(self) -> PrescriptionQuerySet:
        """Priced and paid: may be handed over."""
        return self.with_settled().filter(status=Prescription.Status.PRICED, is_settled=True)

    def awaiting_payment(self) -> PrescriptionQuerySet:
        """Priced, and the bill of the visit is not settled."""
        return self.with_settled().filter(status=Prescription.Status.PRICED, is_settled=False)

    def for_list(self) -> PrescriptionQuerySet:
        return self.select_related("patient", "prescriber__staff_profile", "visit__ticket").prefetch_related(
            "items__medicine"
        )

    def for_detail(self) -> PrescriptionQuerySet:
        """Everything the pages and papers of one prescription show; the bill's state included."""
        return (
            self.with_settled()
            .select_related(
                "patient", "prescriber__staff_profile", "visit__ticket", "priced_by__staff_profile",
                "dispensed_by__staff_profile",
            )
            .prefetch_related("items__medicine", "items__dispenses__batch", "patient__allergy_rows")
        )  # fmt: skip


class Prescription(models.Model):
    """What a doctor prescribed on one visit.

    NEW until the pharmacist confirmed prices, PRICED until it is handed over. Whether a priced one is ready is not a state
    of its own: it is ready when its bill is paid (docs/adr/0002).
    """

    class Status(models.TextChoices):
        NEW = "new", _("New")
        PRICED = "priced", _("Prices confirmed")
        DISPENSED = "dispensed", _("Handed over")
        CANCELLED = "cancelled", _("Cancelled")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    number = models.CharField(max_length=30, unique=True)
    visit = models.OneToOneField(Visit, on_delete=models.PROTECT, related_name="prescription")
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="prescriptions")
    prescriber = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    status = models.CharField(max_length=10, choices=Status, default=Status.NEW)
    prescribed_at = models.DateTimeField()
    priced_at = models.DateTimeField(null=True, blank=True)
    priced_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    dispensed_at = models.DateTimeField(null=True, blank=True)
    dispensed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    cancelled_at = models.DateTimeField(null=True, blank=True)
    cancel_reason = models.CharField(max_length=200, blank=True, default="")

    # Set by with_settled() and with_line_count()
    is_settled: bool
    settled_at: datetime | None
    line_count: int

    objects = PrescriptionQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["status", "id"], name="prescription_status_idx")]

    def __str__(self) -> str:
        return self.number


class PrescriptionItemQuerySet(models.QuerySet["PrescriptionItem"]):
    def visible_to(self, user: Any) -> PrescriptionItemQuerySet:
        return self.filter(prescription__in=Prescription.objects.visible_to(user))


class PrescriptionItem(models.Model):
    """One line: medicine, quantity and directions, with the price list's and the confirmed price."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    prescription = models.ForeignKey(Prescription, on_delete=models.PROTECT, related_name="items")
    position = models.PositiveSmallIntegerField()
    medicine = models.ForeignKey(Medicine, on_delete=models.PROTECT, related_name="+")
    label = EncryptedCharField(max_length=300)
    quantity = models.DecimalField(max_digits=8, decimal_places=2)
    unit = models.CharField(max_length=20)
    signa = EncryptedCharField(_("directions"), max_length=300)
    allergy_override_reason = EncryptedTextField(max_length=300, blank=True, default="")
    list_price_idr = models.PositiveBigIntegerField()
    unit_price_idr = models.PositiveBigIntegerField(null=True, blank=True)
    price_reason = models.CharField(max_length=200, blank=True, default="")

    objects = PrescriptionItemQuerySet.as_manager()

    class Meta:
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(fields=["prescription", "position"], name="item_position_once"),
            models.CheckConstraint(condition=Q(quantity__gt=0), name="item_quantity_positive"),
        ]

    def __str__(self) -> str:
        return f"item {self.position} of {self.prescription_id}"


class DispenseQuerySet(models.QuerySet["Dispense"]):
    def visible_to(self, user: Any) -> DispenseQuerySet:
        return self.filter(item__in=PrescriptionItem.objects.visible_to(user))


class Dispense(models.Model):
    """Units of one prescription line taken from one batch."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    item = models.ForeignKey(PrescriptionItem, on_delete=models.PROTECT, related_name="dispenses")
    batch = models.ForeignKey(Batch, on_delete=models.PROTECT, related_name="dispenses")
    quantity = models.DecimalField(max_digits=8, decimal_places=2)
    dispensed_at = models.DateTimeField()
    dispensed_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")

    objects = DispenseQuerySet.as_manager()

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(quantity__gt=0), name="dispense_quantity_positive")]

    def __str__(self) -> str:
        return f"{self.quantity} of {self.batch_id}"

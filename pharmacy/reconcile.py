"""Does the stock add up? Movements to batches, batches to medicines, promises to open prescriptions."""

from __future__ import annotations

from decimal import Decimal

from django.db import transaction
from django.db.models import Sum

from pharmacy.models import Batch, Dispense, Medicine, Prescription, PrescriptionItem, StockMovement

ZERO = Decimal(0)


@transaction.atomic
def differences() -> list[str]:
    """Return one sentence for each number that does not agree; empty when all do. Five statements, whatever the size."""
    found: list[str] = []
    moved = dict(StockMovement.objects.order_by().values_list("batch").annotate(total=Sum("quantity")))
    on_hand: dict[object, Decimal] = {}
    for batch in Batch.objects.only("id", "medicine_id", "lot_number", "quantity").order_by("pk"):
        on_hand[batch.medicine_id] = on_hand.get(batch.medicine_id, ZERO) + batch.quantity
        if moved.get(batch.pk, ZERO) != batch.quantity:
            found.append(f"batch {batch.pk}: movements {moved.get(batch.pk, ZERO)}, left {batch.quantity}")
    open_items = PrescriptionItem.objects.filter(
        prescription__status__in=[Prescription.Status.NEW, Prescription.Status.PRICED]
    )
    promised = dict(open_items.order_by().values_list("medicine").annotate(total=Sum("quantity")))
    for medicine in Medicine.objects.only("id", "code", "on_hand", "reserved").order_by("code"):
        if on_hand.get(medicine.pk, ZERO) != medicine.on_hand:
            found.append(
                f"medicine {medicine.code}: batches {on_hand.get(medicine.pk, ZERO)}, on hand {medicine.on_hand}"
            )
        if promised.get(medicine.pk, ZERO) != medicine.reserved:
            found.append(
                f"medicine {medicine.code}: open prescriptions {promised.get(medicine.pk, ZERO)}, reserved {medicine.reserved}"
            )
    found += _dispensed_differences()
    return found


def _dispensed_differences() -> list[str]:
    """Handed-over lines and their batches agree with the movements out."""
    given = dict(Dispense.objects.order_by().values_list("item").annotate(total=Sum("quantity")))
    out = StockMovement.objects.filter(kind=StockMovement.Kind.DISPENSE)
    left = dict(out.order_by().values_list("source_id").annotate(total=Sum("quantity")))
    return [
        f"prescription line {item_id}: handed over {given.get(item_id, ZERO)}, moved out {-left.get(item_id, ZERO)}"
        for item_id in sorted({*given, *left}, key=str)
        if given.get(item_id, ZERO) != -left.get(item_id, ZERO)
    ]

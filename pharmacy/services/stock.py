"""Stock: received, promised, handed over, corrected. Every change of a batch leaves a movement, so movements add up.

Locks: medicines by id, then batches by (expires_on, id). Whoever changes a batch or a promise holds the medicine's row.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import F, Sum
from django.utils.translation import gettext as _

import audit
from core import clock, live
from core.db import retry_transaction
from core.numbers import format_quantity
from pharmacy.errors import InvalidStockEntry, OutOfStock
from pharmacy.models import Batch, Dispense, Medicine, PrescriptionItem, StockMovement

MOST_UNITS = Decimal("999999.99")
MOST_COST_IDR = 999_999_999
SHORTEST_REASON = 5
ZERO = Decimal(0)


def lock_medicines(medicine_ids: Iterable[UUID]) -> dict[UUID, Medicine]:
    """Return these medicines, locked in the order of their ids until the caller's transaction ends."""
    if not connection.in_atomic_block:
        raise RuntimeError("lock_medicines needs a transaction")
    ids = sorted(set(medicine_ids))
    return {
        medicine.pk: medicine for medicine in Medicine.objects.select_for_update().filter(pk__in=ids).order_by("pk")
    }


def expired_quantity(medicine_id: UUID, on: date) -> Decimal:
    """Return units that are on the shelf but may not be handed over on that day."""
    expired = Batch.objects.filter(medicine_id=medicine_id, expires_on__lte=on, quantity__gt=0)
    return expired.aggregate(total=Sum("quantity"))["total"] or ZERO


def reserve(*, quantities: Mapping[UUID, Decimal]) -> None:
    """Promise units of medicines to a prescription, all or none. Call inside the transaction that writes its lines.

    What is expired cannot be promised, nor what others were promised before.

    Raises:
        OutOfStock: free unexpired units of a medicine do not cover the quantity; names it and what is left.
    """
    medicines = lock_medicines(quantities)
    today = clock.today()
    for medicine_id in sorted(quantities):
        quantity, medicine = quantities[medicine_id], medicines[medicine_id]
        expired = expired_quantity(medicine_id, today)
        is_covered = Medicine.objects.filter(pk=medicine_id, on_hand__gte=F("reserved") + quantity + expired)
        if not is_covered.update(reserved=F("reserved") + quantity):
            left = max(medicine.available - expired, ZERO)
            raise OutOfStock(
                _("%(medicine)s: %(left)s %(unit)s left. Prescribe less or choose another medicine.")
                % {"medicine": medicine.label, "left": format_quantity(left), "unit": medicine.unit}
            )


def release(*, quantities: Mapping[UUID, Decimal]) -> None:
    """Take back the promise of units; the counterpart of `reserve` when a prescription is cancelled."""
    lock_medicines(quantities)
    for medicine_id in sorted(quantities):
        quantity = quantities[medicine_id]
        promised = Medicine.objects.filter(pk=medicine_id, reserved__gte=quantity)
        if not promised.update(reserved=F("reserved") - quantity):
            raise RuntimeError(f"reservation of medicine {medicine_id} is smaller than its prescriptions")


def split_over(batches: Iterable[Batch], quantity: Decimal) -> tuple[list[tuple[Batch, Decimal]], Decimal]:
    """Return which batches serve a quantity in the order given, and what they leave unserved."""
    parts, missing = [], quantity
    for batch in batches:
        part = min(batch.quantity, missing)
        if part > 0:
            parts.append((batch, part))
            missing -= part
        if missing <= 0:
            break
    return parts, missing


def issue(*, item: PrescriptionItem, actor: Any) -> list[Dispense]:
    """Hand over one reserved line: units leave the batches that expire first, one movement and one row per batch.

    The caller holds the lock of the item's medicine. Expired lots are never touched.

    Raises:
        OutOfStock: unexpired batches do not cover the line.
    """
    now, today = clock.now(), clock.today()
    batches = list(Batch.objects.select_for_update().filter(medicine_id=item.medicine_id).usable(today))
    parts, missing = split_over(batches, item.quantity)
    if missing > 0:
        _refuse_issue(item, item.quantity - missing)
    given = []
    for batch, quantity in parts:
        if not Batch.objects.filter(pk=batch.pk, quantity__gte=quantity).update(quantity=F("quantity") - quantity):
            _refuse_issue(item, ZERO)
        _move(batch, StockMovement.Kind.DISPENSE, -quantity, actor=actor, source_id=item.pk)
        given.append(Dispense(item=item, batch=batch, quantity=quantity, dispensed_at=now, dispensed_by=actor))
    leaving = Medicine.objects.filter(pk=item.medicine_id, on_hand__gte=item.quantity, reserved__gte=item.quantity)
    if not leaving.update(on_hand=F("on_hand") - item.quantity, reserved=F("reserved") - item.quantity):
        raise RuntimeError(f"stock of medicine {item.medicine_id} does not agree with its batches or reservations")
    return Dispense.objects.bulk_create(given)


def _refuse_issue(item: PrescriptionItem, left: Decimal) -> None:
    raise OutOfStock(
        _("%(medicine)s: %(left)s of %(quantity)s %(unit)s can be handed over. Receive stock first.")
        % {
            "medicine": item.label,
            "left": format_quantity(left),
            "quantity": format_quantity(item.quantity),
            "unit": item.unit,
        }
    )


def _move(
    batch: Batch, kind: str, quantity: Decimal, *, actor: Any, reason: str = "", source_id: UUID | None = None
) -> StockMovement:
    return StockMovement.objects.create(
        batch=batch, medicine_id=batch.medicine_id, kind=kind, quantity=quantity, reason=reason, source_id=source_id,
        moved_at=clock.now(), moved_by=actor,
    )  # fmt: skip


@retry_transaction
def receive(
    *, medicine_id: UUID, lot_number: str, expires_on: date, quantity: Decimal, unit_cost_idr: int, actor: Any
) -> Batch:
    """Put a delivery on the shelf; the same lot with the same expiry date adds to the batch that is there.

    Raises:
        InvalidStockEntry: no lot number, a lot that is expired, or a quantity or cost out of bounds.
    """
    lot_number = lot_number.strip().upper()
    if not lot_number or len(lot_number) > 40:
        raise InvalidStockEntry(_("Enter the batch number printed on the package, at most 40 characters."))
    if expires_on <= clock.today():
        raise InvalidStockEntry(_("This batch has expired. Return it to the supplier instead of receiving it."))
    _check_units(quantity)
    if not 0 <= unit_cost_idr <= MOST_COST_IDR:
        raise InvalidStockEntry(_("Enter a cost between Rp0 and Rp999.999.999 per unit."))
    medicine = lock_medicines([medicine_id]).get(medicine_id)
    if medicine is None:
        raise InvalidStockEntry(_("Choose a medicine of the list."))
    batch, is_new = Batch.objects.get_or_create(
        medicine=medicine, lot_number=lot_number, expires_on=expires_on,
        defaults={"quantity": quantity, "unit_cost_idr": unit_cost_idr, "received_at": clock.now()},
    )  # fmt: skip
    if not is_new:
        Batch.objects.filter(pk=batch.pk).update(quantity=F("quantity") + quantity, unit_cost_idr=unit_cost_idr)
    Medicine.objects.filter(pk=medicine.pk).update(on_hand=F("on_hand") + quantity)
    _move(batch, StockMovement.Kind.RECEIPT, quantity, actor=actor)
    _record("pharmacy.stock.received", batch, quantity, actor)
    batch.refresh_from_db()
    return batch


@retry_transaction
def adjust(*, batch_id: UUID, quantity_change: Decimal, reason: str, actor: Any) -> Batch:
    """Correct what is left of a batch after counting, breakage or loss; never below zero, always with a reason.

    Promised units do not stop a correction downwards: the ledger follows the shelf, and handing over will say what lacks.

    Raises:
        InvalidStockEntry: no change, no reason, or more taken away than is left.
    """
    reason = reason.strip()
    if len(reason) < SHORTEST_REASON:
        raise InvalidStockEntry(_("Write the reason of the correction in at least 5 characters."))
    _check_units(abs(quantity_change))
    return _change_batch(batch_id, StockMovement.Kind.ADJUSTMENT, quantity_change, reason, actor)


@retry_transaction
def dispose_expired(*, batch_id: UUID, reason: str, actor: Any) -> Batch:
    """Take what is left of an expired batch out of stock, for destruction.

    Raises:
        InvalidStockEntry: the batch is not expired, is empty, or no reason was given.
    """
    reason = reason.strip()
    if len(reason) < SHORTEST_REASON:
        raise InvalidStockEntry(_("Write how the batch is disposed of in at least 5 characters."))
    medicine_id = Batch.objects.values_list("medicine_id", flat=True).get(pk=batch_id)
    lock_medicines([medicine_id])
    batch = Batch.objects.select_for_update().get(pk=batch_id)
    if batch.expires_on > clock.today():
        raise InvalidStockEntry(_("This batch has not expired. Use a correction with a reason instead."))
    if batch.quantity <= 0:
        raise InvalidStockEntry(_("Nothing is left of this batch."))
    return _change_batch(batch_id, StockMovement.Kind.DISPOSAL, -batch.quantity, reason, actor)


def _change_batch(batch_id: UUID, kind: str, change: Decimal, reason: str, actor: Any) -> Batch:
    medicine_id = Batch.objects.values_list("medicine_id", flat=True).get(pk=batch_id)
    lock_medicines([medicine_id])
    batch = Batch.objects.select_for_update().get(pk=batch_id)
    if not Batch.objects.filter(pk=batch_id, quantity__gte=-change).update(quantity=F("quantity") + change):
        raise InvalidStockEntry(
            _("Only %(left)s are left of this batch. Enter a smaller number.")
            % {"left": format_quantity(batch.quantity)}
        )
    if not Medicine.objects.filter(pk=medicine_id, on_hand__gte=-change).update(on_hand=F("on_hand") + change):
        raise RuntimeError(f"stock of medicine {medicine_id} does not agree with its batches")
    _move(batch, kind, change, actor=actor, reason=reason[:200])
    action = "disposed" if kind == StockMovement.Kind.DISPOSAL else "adjusted"
    _record(f"pharmacy.stock.{action}", batch, change, actor)
    batch.refresh_from_db()
    return batch


def _check_units(quantity: Decimal) -> None:
    exponent = quantity.as_tuple().exponent
    if not quantity.is_finite() or not isinstance(exponent, int) or exponent < -2 or not 0 < quantity <= MOST_UNITS:
        raise InvalidStockEntry(_("Enter a quantity above zero with at most two decimals."))


def _record(action: str, batch: Batch, change: Decimal, actor: Any) -> None:
    audit.record(
        action,
        actor=actor,
        target=batch,
        detail={"medicine": str(batch.medicine_id), "change": format_quantity(change, "en")},
    )
    live.changed(live.PHARMACY)

"""A year of the clinic's medicine shelves: deliveries, batches by expiry, what was handed over."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any
from uuid import UUID

from core.clock import local
from core.ids import uuid7
from pharmacy.models import Batch, Medicine, StockMovement


class Shelves:
    """Batches and ledger rows in memory, filled in time order and stored at the end.

    A delivery comes whenever the next hand-over would take a medicine below its minimum, so history never runs dry.
    """

    def __init__(self, random: Random, medicines: list[Medicine], costs: dict[UUID, int], keeper: Any) -> None:
        self.random = random
        self.costs = costs
        self.keeper = keeper
        self.batches: dict[UUID, list[Batch]] = {medicine.pk: [] for medicine in medicines}
        self.movements: list[StockMovement] = []
        self.deliveries = 0

    def deliver(self, medicine: Medicine, at: datetime, quantity: int, shelf_days: int | None = None) -> Batch:
        """Receive one new batch; it expires in a year or two unless `shelf_days` says otherwise."""
        self.deliveries += 1
        days = shelf_days if shelf_days is not None else self.random.randint(420, 900)
        batch = Batch(
            pk=uuid7(),
            medicine=medicine,
            lot_number=f"{self.random.choice('BKMPT')}{at:%y%m}{self.deliveries:04d}",
            expires_on=(local(at) + timedelta(days=days)).date(),
            quantity=Decimal(quantity),
            unit_cost_idr=self.costs[medicine.pk],
            received_at=at,
        )
        self.batches[medicine.pk].append(batch)
        self._move(batch, StockMovement.Kind.RECEIPT, Decimal(quantity), at, None)
        return batch

    def take(self, medicine: Medicine, quantity: Decimal, at: datetime, source_id: UUID) -> list[tuple[Batch, Decimal]]:
        """Hand over units, first expiring first; returns (batch, units) pairs."""
        day = local(at).date()
        usable = [batch for batch in self.batches[medicine.pk] if batch.quantity > 0 and batch.expires_on > day]
        if sum(batch.quantity for batch in usable) - quantity < medicine.minimum_stock:
            refill = max(int(quantity) * 3, medicine.minimum_stock * 3, 20)
            usable.append(self.deliver(medicine, at - timedelta(hours=3), refill))
        taken = []
        for batch in sorted(usable, key=lambda row: (row.expires_on, row.pk)):
            units = min(batch.quantity, quantity)
            if units > 0:
                batch.quantity -= units
                quantity -= units
                taken.append((batch, units))
                self._move(batch, StockMovement.Kind.DISPENSE, -units, at, source_id)
        return taken

    def keep_ready(self, medicine: Medicine, at: datetime, units: Decimal) -> None:
        """Have at least so many units above the minimum that do not expire soon."""
        soon = local(at).date() + timedelta(days=30)
        usable = sum(batch.quantity for batch in self.batches[medicine.pk] if batch.expires_on > soon)
        if usable < medicine.minimum_stock + units:
            self.deliver(medicine, at - timedelta(days=1), int(units) * 2 + medicine.minimum_stock)

    def dispose(self, batch: Batch, units: Decimal, at: datetime) -> None:
        """Write off units of one batch."""
        batch.quantity -= units
        self._move(batch, StockMovement.Kind.DISPOSAL, -units, at, None)

    def _move(self, batch: Batch, kind: str, quantity: Decimal, at: datetime, source_id: UUID | None) -> None:
        self.movements.append(
            StockMovement(
                batch=batch,
                medicine_id=batch.medicine_id,
                kind=kind,
                quantity=quantity,
                source_id=source_id,
                moved_at=at,
                moved_by=self.keeper,
            )
        )

    def store(self) -> None:
        """Write batches and ledger, and set each medicine's stock to the sum of its batches."""
        Batch.objects.bulk_create([batch for rows in self.batches.values() for batch in rows], batch_size=500)
        StockMovement.objects.bulk_create(self.movements, batch_size=500)
        medicines = list(Medicine.objects.filter(pk__in=self.batches))
        for medicine in medicines:
            medicine.on_hand = sum((batch.quantity for batch in self.batches[medicine.pk]), Decimal(0))
        Medicine.objects.bulk_update(medicines, ["on_hand"], batch_size=200)

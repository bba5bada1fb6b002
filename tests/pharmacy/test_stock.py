from datetime import timedelta
from decimal import Decimal

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction

from audit.models import AuditEvent
from core import clock
from pharmacy.errors import InvalidStockEntry, OutOfStock
from pharmacy.models import Batch, StockMovement
from pharmacy.reconcile import differences
from pharmacy.services import stock
from tests.factories.pharmacy import MedicineFactory, add_batch

pytestmark = pytest.mark.django_db


def receive(medicine, cast, **changes):
    fields = {
        "lot_number": "A-1", "expires_on": clock.today() + timedelta(days=400), "quantity": Decimal(50), "unit_cost_idr": 300,
    } | changes  # fmt: skip
    return stock.receive(medicine_id=medicine.pk, actor=cast.pharmacist, **fields)


def test_receiving_adds_batch_movement_and_sum(cast):
    medicine = MedicineFactory(stock=0)
    batch = receive(medicine, cast, quantity=Decimal("12.5"), lot_number=" a-1 ")
    medicine.refresh_from_db()
    assert (batch.lot_number, batch.quantity, medicine.on_hand) == ("A-1", Decimal("12.50"), Decimal("12.50"))
    movement = StockMovement.objects.get()
    assert (movement.kind, movement.quantity, movement.moved_by) == ("receipt", Decimal("12.50"), cast.pharmacist)
    assert AuditEvent.objects.get().action == "pharmacy.stock.received"
    assert differences() == []


def test_the_same_lot_is_one_batch(cast):
    medicine = MedicineFactory(stock=0)
    receive(medicine, cast)
    batch = receive(medicine, cast, unit_cost_idr=350)
    assert Batch.objects.count() == 1
    assert (batch.quantity, batch.unit_cost_idr) == (100, 350)
    assert StockMovement.objects.count() == 2
    assert differences() == []


@pytest.mark.parametrize(
    "wrong",
    [{"lot_number": "  "}, {"lot_number": "x" * 41}, {"quantity": Decimal(0)}, {"quantity": Decimal(-1)},
     {"quantity": Decimal("1.005")}, {"quantity": Decimal("NaN")}, {"quantity": Decimal("Infinity")},
     {"quantity": Decimal(10**7)}, {"unit_cost_idr": -1}, {"unit_cost_idr": 10**9}],
    ids=str,
)  # fmt: skip
def test_impossible_deliveries_change_nothing(cast, wrong):
    medicine = MedicineFactory(stock=0)
    with pytest.raises(InvalidStockEntry):
        receive(medicine, cast, **wrong)
    medicine.refresh_from_db()
    assert (medicine.on_hand, Batch.objects.count(), StockMovement.objects.count()) == (0, 0, 0)


@pytest.mark.parametrize("days", [0, -1])
def test_expired_deliveries_are_refused(cast, days):
    with pytest.raises(InvalidStockEntry, match="expired"):
        receive(MedicineFactory(stock=0), cast, expires_on=clock.today() + timedelta(days=days))
    assert not Batch.objects.exists()


def test_reserving_leaves_what_others_were_promised():
    medicine = MedicineFactory(stock=10)
    with transaction.atomic():
        stock.reserve(quantities={medicine.pk: Decimal(7)})
    with pytest.raises(OutOfStock, match=rf"{medicine.generic_name}.*: 3 tablet"), transaction.atomic():
        stock.reserve(quantities={medicine.pk: Decimal("3.01")})
    medicine.refresh_from_db()
    assert medicine.reserved == 7
    with transaction.atomic():
        stock.reserve(quantities={medicine.pk: Decimal(3)})
        stock.release(quantities={medicine.pk: Decimal(7)})
    medicine.refresh_from_db()
    assert medicine.reserved == 3


def test_expired_units_cannot_be_promised():
    medicine = MedicineFactory(stock=5)
    add_batch(medicine, quantity=100, expires_in_days=0)
    with pytest.raises(OutOfStock, match=": 5 tablet"), transaction.atomic():
        stock.reserve(quantities={medicine.pk: Decimal(6)})
    with transaction.atomic():
        stock.reserve(quantities={medicine.pk: Decimal(5)})


def test_releasing_more_than_promised_is_a_fault_and_not_a_number():
    medicine = MedicineFactory(stock=5)
    with pytest.raises(RuntimeError), transaction.atomic():
        stock.release(quantities={medicine.pk: Decimal(1)})


def test_corrections_go_both_ways_with_a_reason(cast):
    medicine = MedicineFactory(stock=20)
    batch = medicine.batches.get()
    stock.adjust(
        batch_id=batch.pk, quantity_change=Decimal("-2.5"), reason="Pecah saat dihitung", actor=cast.pharmacist
    )
    stock.adjust(batch_id=batch.pk, quantity_change=Decimal(1), reason="Salah hitung", actor=cast.pharmacist)
    medicine.refresh_from_db()
    assert medicine.on_hand == Decimal("18.50")
    assert list(StockMovement.objects.filter(kind="adjustment").order_by("pk").values_list("quantity", "reason")) == [
        (Decimal("-2.50"), "Pecah saat dihitung"),
        (Decimal("1.00"), "Salah hitung"),
    ]
    assert differences() == []


@pytest.mark.parametrize(
    ("change", "reason"),
    [(Decimal(-21), "Terlalu banyak"), (Decimal(0), "Tidak ada"), (Decimal(-1), "    "), (Decimal(-1), "abc"),
     (Decimal("-0.001"), "Terlalu kecil")],
)  # fmt: skip
def test_wrong_corrections_change_nothing(cast, change, reason):
    medicine = MedicineFactory(stock=20)
    with pytest.raises(InvalidStockEntry):
        stock.adjust(batch_id=medicine.batches.get().pk, quantity_change=change, reason=reason, actor=cast.pharmacist)
    medicine.refresh_from_db()
    assert (medicine.on_hand, medicine.batches.get().quantity) == (20, 20)
    assert StockMovement.objects.count() == 1


def test_only_expired_batches_are_disposed_of(cast):
    medicine = MedicineFactory(stock=20)
    expired = add_batch(medicine, quantity=4, expires_in_days=0)
    stock.dispose_expired(batch_id=expired.pk, reason="Dimusnahkan, BA 12", actor=cast.pharmacist)
    with pytest.raises(InvalidStockEntry, match="has not expired"):
        stock.dispose_expired(
            batch_id=medicine.batches.get(lot_number="LOT-1").pk, reason="Salah", actor=cast.pharmacist
        )
    with pytest.raises(InvalidStockEntry, match="Nothing is left"):
        stock.dispose_expired(batch_id=expired.pk, reason="Sekali lagi", actor=cast.pharmacist)
    medicine.refresh_from_db()
    assert medicine.on_hand == 20
    assert StockMovement.objects.get(kind="disposal").quantity == -4
    assert differences() == []


def test_check_stock_reports_what_differs(capsys):
    medicine = MedicineFactory(stock=20)
    call_command("check_stock")
    assert capsys.readouterr().out == "Stock adds up.\n"
    Batch.objects.filter(medicine=medicine).update(quantity=19)
    type(medicine).objects.filter(pk=medicine.pk).update(reserved=1)
    with pytest.raises(CommandError, match="3 differences"):
        call_command("check_stock")
    assert "movements 20" in capsys.readouterr().err

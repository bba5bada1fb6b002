from decimal import Decimal

import pytest

from audit.models import AuditEvent
from billing import services as billing
from billing.models import Charge, Refund
from core.errors import InvalidInput
from pharmacy.errors import AlreadyDispensed, NotPaid, OutOfStock, WrongState
from pharmacy.models import Batch, Dispense, Medicine, StockMovement
from pharmacy.reconcile import differences
from pharmacy.services import dispensing, stock
from scheduling.models import Visit
from tests.factories.pharmacy import MedicineFactory, add_batch, confirm, prescribe, ready, visit_at_pharmacy

pytestmark = pytest.mark.django_db


def hand_over(rx, actor):
    return dispensing.dispense_prescription(prescription_id=rx.pk, actor=actor)


def cancel(rx, actor, reason="Pasien tidak jadi"):
    return dispensing.cancel_at_pharmacy(prescription_id=rx.pk, actor=actor, reason=reason)


def make_ready(cast, medicine, quantity=10, **fields):
    return ready(medicine, quantity, pharmacist=cast.pharmacist, cashier=cast.cashier, **fields)


def numbers(medicine):
    medicine.refresh_from_db()
    return medicine.on_hand, medicine.reserved


def test_handing_over_takes_the_stock_and_ends_the_visit(cast):
    medicine = MedicineFactory(stock=30)
    rx = make_ready(cast, medicine, "10.5")
    assert numbers(medicine) == (30, Decimal("10.50"))
    hand_over(rx, cast.pharmacist)
    rx.refresh_from_db()
    assert (rx.status, rx.dispensed_by) == ("dispensed", cast.pharmacist)
    assert numbers(medicine) == (Decimal("19.50"), 0)
    given = Dispense.objects.get()
    assert (given.quantity, given.batch.lot_number, given.item.prescription_id) == (Decimal("10.50"), "LOT-1", rx.pk)
    movement = StockMovement.objects.get(kind="dispense")
    assert (movement.quantity, movement.source_id, movement.moved_by) == (
        Decimal("-10.50"),
        given.item_id,
        cast.pharmacist,
    )
    assert Visit.objects.get(pk=rx.visit_id).status == Visit.Status.FINISHED
    assert AuditEvent.objects.filter(action="pharmacy.prescription.dispensed", patient_id=rx.patient_id).count() == 1
    assert differences() == []


def test_what_expires_first_goes_first_over_several_batches(cast):
    medicine = MedicineFactory(stock=0)
    late = add_batch(medicine, quantity=50, expires_in_days=300, lot_number="LATE")
    early = add_batch(medicine, quantity=4, expires_in_days=30, lot_number="EARLY")
    middle = add_batch(medicine, quantity="2.5", expires_in_days=90, lot_number="MIDDLE")
    add_batch(medicine, quantity=99, expires_in_days=0, lot_number="EXPIRED")
    hand_over(make_ready(cast, medicine, 10), cast.pharmacist)
    assert list(Dispense.objects.order_by("pk").values_list("batch__lot_number", "quantity")) == [
        ("EARLY", 4), ("MIDDLE", Decimal("2.50")), ("LATE", Decimal("3.50")),
    ]  # fmt: skip
    for batch, left in ((early, 0), (middle, 0), (late, Decimal("46.50"))):
        batch.refresh_from_db()
        assert batch.quantity == left
    assert Batch.objects.get(lot_number="EXPIRED").quantity == 99
    assert differences() == []


def test_two_lines_of_one_medicine_share_its_batches(cast):
    medicine = MedicineFactory(stock=0)
    add_batch(medicine, quantity=5, expires_in_days=30, lot_number="A")
    add_batch(medicine, quantity=20, expires_in_days=60, lot_number="B")
    rx = make_ready(cast, [(medicine, 4), (medicine, 4)])
    hand_over(rx, cast.pharmacist)
    assert list(Dispense.objects.order_by("pk").values_list("item__position", "batch__lot_number", "quantity")) == [
        (1, "A", 4), (2, "A", 1), (2, "B", 3),
    ]  # fmt: skip
    assert numbers(medicine) == (17, 0)
    assert differences() == []


@pytest.mark.django_db(transaction=True)
def test_a_batch_that_expired_meanwhile_is_not_handed_over(cast):
    good, bad = MedicineFactory(stock=30), MedicineFactory(generic_name="Lewat", stock=30)
    rx = make_ready(cast, [(good, 10), (bad, 10)])
    Batch.objects.filter(medicine=bad).update(expires_on="2020-01-01")
    with pytest.raises(OutOfStock, match=r"Lewat 500 mg tablet: 0 .* 10 tablet"):
        hand_over(rx, cast.pharmacist)
    rx.refresh_from_db()
    assert rx.status == "priced"
    assert (numbers(good), numbers(bad)) == ((30, 10), (30, 10))
    assert not Dispense.objects.exists()
    assert not StockMovement.objects.filter(kind="dispense").exists()
    assert differences() == []


def test_not_before_prices_and_payment(cast):
    medicine = MedicineFactory()
    rx = prescribe(medicine)
    with pytest.raises(WrongState):
        hand_over(rx, cast.pharmacist)
    confirm(rx, cast.pharmacist)
    with pytest.raises(NotPaid, match="not paid"):
        hand_over(rx, cast.pharmacist)
    rx.refresh_from_db()
    assert (rx.status, numbers(medicine)) == ("priced", (100, 10))


def test_never_twice(cast):
    medicine = MedicineFactory()
    rx = make_ready(cast, medicine)
    hand_over(rx, cast.pharmacist)
    with pytest.raises(AlreadyDispensed, match=rx.number):
        hand_over(rx, cast.pharmacist)
    assert numbers(medicine) == (90, 0)
    with pytest.raises(WrongState):
        cancel(rx, cast.pharmacist)
    assert numbers(medicine) == (90, 0)
    assert differences() == []


def test_a_loss_found_between_leaves_the_prescription_waiting(cast):
    medicine = MedicineFactory(stock=10)
    rx = make_ready(cast, medicine, 10)
    stock.adjust(
        batch_id=medicine.batches.get().pk, quantity_change=Decimal(-1), reason="Pecah satu", actor=cast.pharmacist
    )
    with pytest.raises(OutOfStock, match="9"):
        hand_over(rx, cast.pharmacist)
    add_batch(medicine, quantity=1, expires_in_days=40)
    hand_over(rx, cast.pharmacist)
    assert numbers(medicine) == (0, 0)
    assert differences() == []


# --- Cancelling -------------------------------------------------------------------------------------------------
def test_cancelling_a_new_one_frees_stock_and_issues_the_bill(cast):
    medicine = MedicineFactory()
    rx = prescribe(medicine)
    cancel(rx, cast.pharmacist)
    rx.refresh_from_db()
    assert (rx.status, rx.cancel_reason, numbers(medicine)) == ("cancelled", "Pasien tidak jadi", (100, 0))
    invoice = billing.invoice_of(rx.visit_id)
    assert (invoice.status, invoice.total_idr) == ("unpaid", 100_000)
    assert Visit.objects.get(pk=rx.visit_id).status == Visit.Status.CASHIER
    assert AuditEvent.objects.filter(action="pharmacy.prescription.cancelled").count() == 1
    assert differences() == []


def test_cancelling_a_priced_one_takes_its_lines_off_the_bill(cast):
    rx = prescribe(MedicineFactory(price_idr=1000))
    confirm(rx, cast.pharmacist)
    cancel(rx, cast.pharmacist)
    assert billing.invoice_of(rx.visit_id).total_idr == 100_000
    assert Charge.objects.get(source_type="pharmacy.item").status == "cancelled"


def test_cancelling_a_paid_one_makes_a_refund_and_ends_the_visit(cast):
    medicine = MedicineFactory(price_idr=1000)
    rx = make_ready(cast, medicine)
    cancel(rx, cast.pharmacist)
    assert Refund.objects.get().amount_idr == 10_000
    assert numbers(medicine) == (100, 0)
    assert Visit.objects.get(pk=rx.visit_id).status == Visit.Status.FINISHED
    assert differences() == []


def test_cancelling_a_free_visit_ends_it(cast):
    rx = prescribe(MedicineFactory(), visit=visit_at_pharmacy(fee_idr=0))
    cancel(rx, cast.pharmacist)
    assert Visit.objects.get(pk=rx.visit_id).status == Visit.Status.FINISHED


@pytest.mark.parametrize("reason", ["", "    ", "abcd"])
def test_cancelling_needs_a_reason(cast, reason):
    rx = prescribe(MedicineFactory())
    with pytest.raises(InvalidInput):
        cancel(rx, cast.pharmacist, reason)
    rx.refresh_from_db()
    assert rx.status == "new"
    assert Medicine.objects.get().reserved == 10


def test_cancelling_twice_frees_once(cast):
    medicine = MedicineFactory()
    other = prescribe(medicine, 5)
    rx = prescribe(medicine, 10)
    cancel(rx, cast.pharmacist)
    with pytest.raises(WrongState):
        cancel(rx, cast.pharmacist)
    assert numbers(medicine) == (100, 5)
    assert other.items.count() == 1
    assert differences() == []

"""Two people at once, on a real database: `DATABASE_URL=mysql://… pytest tests/pharmacy` runs the same on MariaDB."""

from decimal import Decimal

from billing.models import Charge
from core.errors import DomainError
from notifications.models import Email
from pharmacy.errors import AlreadyDispensed, InvalidStockEntry, OutOfStock, WrongState
from pharmacy.models import Dispense, Prescription, StockMovement
from pharmacy.reconcile import differences
from pharmacy.services import dispensing, stock
from tests.factories.accounts import UserFactory
from tests.factories.patients import PatientFactory
from tests.factories.pharmacy import MedicineFactory, add_batch, confirm, prescribe, ready, visit_at_pharmacy

SECOND = {"username": "apt.kedua", "full_name": "Apoteker Kedua", "roles": ["pharmacist"]}


def errors(results):
    return [result for result in results if isinstance(result, Exception)]


def test_twelve_prescriptions_for_the_last_five_boxes(cast, race):
    medicine = MedicineFactory(stock=5)
    visits = [visit_at_pharmacy() for _ in range(12)]
    results = race(lambda visit: prescribe(medicine, 1, visit=visit), [(visit,) for visit in visits])
    lost = errors(results)
    assert [type(error) for error in lost] == [OutOfStock] * 7
    medicine.refresh_from_db()
    assert (medicine.on_hand, medicine.reserved, Prescription.objects.count()) == (5, 5, 5)
    assert len(set(Prescription.objects.values_list("number", flat=True))) == 5
    assert differences() == []


def test_two_pharmacists_and_the_last_box(cast, race):
    """One box was lost after it was promised twice over: exactly one of two prescriptions gets the last one."""
    medicine = MedicineFactory(stock=2)
    people = {"pharmacist": cast.pharmacist, "cashier": cast.cashier}
    first, second = ready(medicine, 1, **people), ready(medicine, 1, **people)
    stock.adjust(
        batch_id=medicine.batches.get().pk, quantity_change=Decimal(-1), reason="Hilang satu", actor=cast.pharmacist
    )
    other = UserFactory(**SECOND)
    results = race(
        lambda rx, actor: dispensing.dispense_prescription(prescription_id=rx.pk, actor=actor),
        [(first, cast.pharmacist), (second, other)],
    )
    [lost] = errors(results)
    assert type(lost) is OutOfStock
    assert Prescription.objects.filter(status="dispensed").count() == 1
    medicine.refresh_from_db()
    assert (medicine.on_hand, medicine.reserved) == (0, 1)
    assert differences() == []


def test_the_same_prescription_at_two_counters(cast, race):
    medicine = MedicineFactory(stock=0)
    add_batch(medicine, quantity=4, expires_in_days=20, lot_number="A")
    add_batch(medicine, quantity=40, expires_in_days=90, lot_number="B")
    rx = ready(medicine, 10, pharmacist=cast.pharmacist, cashier=cast.cashier)
    other = UserFactory(**SECOND)
    results = race(
        lambda actor: dispensing.dispense_prescription(prescription_id=rx.pk, actor=actor),
        [(cast.pharmacist,), (other,), (cast.pharmacist,), (other,)],
    )
    assert [type(error) for error in errors(results)] == [AlreadyDispensed] * 3
    medicine.refresh_from_db()
    assert (medicine.on_hand, medicine.reserved) == (34, 0)
    assert Dispense.objects.count() == StockMovement.objects.filter(kind="dispense").count() == 2
    assert differences() == []


def test_cancel_against_hand_over(cast, race):
    medicine = MedicineFactory(stock=30)
    rx = ready(medicine, 10, pharmacist=cast.pharmacist, cashier=cast.cashier)
    results = race(
        lambda function, kwargs: function(prescription_id=rx.pk, actor=cast.pharmacist, **kwargs),
        [(dispensing.dispense_prescription, {}), (dispensing.cancel_at_pharmacy, {"reason": "Pasien pulang"})],
    )
    [lost] = errors(results)
    assert isinstance(lost, WrongState)
    rx.refresh_from_db()
    medicine.refresh_from_db()
    on_hand = 20 if rx.status == "dispensed" else 30
    assert rx.status in {"dispensed", "cancelled"}
    assert (medicine.on_hand, medicine.reserved) == (on_hand, 0)
    assert differences() == []


def test_two_pharmacists_confirm_different_prices(cast, race):
    rx = prescribe(MedicineFactory(price_idr=500), patient=PatientFactory(email="a@surat.example"))
    results = race(lambda price: confirm(rx, cast.pharmacist, price_idr=price), [(400,), (600,), (700,)])
    assert [type(error) for error in errors(results)] == [WrongState] * 2
    price = rx.items.get().unit_price_idr
    assert price in {400, 600, 700}
    assert Charge.objects.get(source_type="pharmacy.item").amount_idr == price * 10
    assert Email.objects.filter(template="prescription_ready").count() == 1


def test_deliveries_and_corrections_of_one_batch(cast, race):
    medicine = MedicineFactory(stock=5)
    batch = medicine.batches.get()

    def add():
        return stock.receive(
            medicine_id=medicine.pk, lot_number=batch.lot_number, expires_on=batch.expires_on, quantity=Decimal(3),
            unit_cost_idr=100, actor=cast.pharmacist,
        )  # fmt: skip

    def take():
        return stock.adjust(
            batch_id=batch.pk, quantity_change=Decimal(-4), reason="Dihitung ulang", actor=cast.pharmacist
        )

    results = race(lambda act: act(), [(add,), (take,)] * 5)
    lost = errors(results)
    assert {type(error) for error in lost} <= {InvalidStockEntry}
    medicine.refresh_from_db()
    batch.refresh_from_db()
    assert medicine.on_hand == batch.quantity == 5 + 5 * 3 - 4 * (5 - len(lost))
    assert differences() == []


def test_crossed_lines_do_not_deadlock(cast, race):
    """Prescriptions that name the same medicines in opposite order, handed over at once."""
    first, second = MedicineFactory(stock=50), MedicineFactory(stock=50)
    people = {"pharmacist": cast.pharmacist, "cashier": cast.cashier}
    made = [
        ready([(first, 1), (second, 2)] if number % 2 else [(second, 2), (first, 1)], **people) for number in range(6)
    ]
    results = race(
        lambda rx: dispensing.dispense_prescription(prescription_id=rx.pk, actor=cast.pharmacist),
        [(rx,) for rx in made],
    )
    assert [str(error) for error in errors(results) if not isinstance(error, DomainError)] == []
    assert Prescription.objects.filter(status="dispensed").count() == 6
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.on_hand, second.on_hand) == (44, 38)
    assert differences() == []

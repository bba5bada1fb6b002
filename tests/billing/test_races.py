from uuid import uuid4

from billing import services
from billing.models import Charge, Invoice, Payment
from tests.factories.accounts import UserFactory
from tests.factories.billing import InvoiceFactory
from tests.factories.patients import PatientFactory


def test_double_click_takes_the_money_once(race):
    cashier, invoice, key = UserFactory(), InvoiceFactory(total_idr=90_000), uuid4()

    def click():
        return services.take_payment(
            invoice_id=invoice.pk,
            method="cash",
            amount_idr=90_000,
            tendered_idr=100_000,
            idempotency_key=key,
            actor=cashier,
        )

    results = race(click, [()] * 12)
    assert {getattr(result, "pk", result) for result in results} == {Payment.objects.get().pk}
    invoice.refresh_from_db()
    assert (invoice.paid_idr, invoice.status) == (90_000, "paid")


def test_two_cashiers_cannot_take_more_than_is_owed(race):
    cashier, invoice = UserFactory(), InvoiceFactory(total_idr=90_000)

    def take(key):
        return services.take_payment(
            invoice_id=invoice.pk,
            method="cash",
            amount_idr=60_000,
            tendered_idr=60_000,
            idempotency_key=key,
            actor=cashier,
        )

    results = race(take, [(uuid4(),) for _ in range(8)])
    assert sum(isinstance(result, Payment) for result in results) == 1
    invoice.refresh_from_db()
    assert invoice.paid_idr == 60_000


def test_parallel_charges_of_one_new_visit_share_one_bill(race):
    actor, patient, encounter = UserFactory(), PatientFactory(), uuid4()

    def post(source):
        return services.post_charge(
            encounter_id=encounter, patient_id=patient.pk, category=Charge.Category.OTHER, description="x",
            unit_price_idr=1000, source_type="tests", source_id=source, actor=actor,
        )  # fmt: skip

    results = race(post, [(uuid4(),) for _ in range(10)])
    assert all(isinstance(result, Charge) for result in results), results
    assert Invoice.objects.get().total_idr == 10_000


def test_parallel_issues_give_different_numbers(race):
    actor = UserFactory()
    encounters = [uuid4() for _ in range(10)]
    for encounter in encounters:
        InvoiceFactory(encounter_id=encounter, status=Invoice.Status.DRAFT, number=None, issued_at=None)
    results = race(
        lambda encounter: services.issue_invoice(encounter_id=encounter, actor=actor), [(e,) for e in encounters]
    )
    numbers = sorted(result.number[-6:] for result in results)
    assert numbers == [f"{number:06d}" for number in range(1, 11)]

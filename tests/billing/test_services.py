from decimal import Decimal
from uuid import uuid4

import pytest
from django.contrib.auth.models import AnonymousUser

from audit.models import AuditEvent
from billing import services
from billing.errors import InvoiceClosed, InvoiceNotFound, NotPayable, ReferenceMissing, RefundClosed, WrongAmount
from billing.models import Charge, Invoice, Payment, Refund
from core.errors import InvalidInput
from tests.factories.accounts import UserFactory
from tests.factories.billing import InvoiceFactory
from tests.factories.patients import PatientFactory

pytestmark = pytest.mark.django_db


def charge(patient, encounter, actor, *, price=100_000, source=None, quantity=Decimal(1), source_type="tests"):
    return services.post_charge(
        encounter_id=encounter,
        patient_id=patient.pk,
        category=Charge.Category.CONSULTATION,
        description="Konsultasi",
        quantity=quantity,
        unit_price_idr=price,
        source_type=source_type,
        source_id=source or uuid4(),
        actor=actor,
    )


def pay(invoice, actor, amount, **fields):
    defaults = {"method": Payment.Method.CASH, "tendered_idr": amount, "idempotency_key": uuid4()}
    return services.take_payment(invoice_id=invoice.pk, amount_idr=amount, actor=actor, **{**defaults, **fields})


def test_bills_are_closed_to_the_wrong_person(cast):
    mine = InvoiceFactory(patient=cast.patient_user.patient)
    InvoiceFactory(patient=cast.other_patient_user.patient)
    for outsider in (
        AnonymousUser(),
        UserFactory(),
        UserFactory(is_superuser=True),
        cast.doctor,
        cast.pharmacist,
        cast.nurse,
    ):
        assert not Invoice.objects.visible_to(outsider).exists()
        assert not Charge.objects.visible_to(outsider).exists()
    assert list(Invoice.objects.visible_to(cast.patient_user)) == [mine]
    assert Invoice.objects.visible_to(cast.cashier).count() == 2


def test_charges_add_up_and_the_same_source_counts_once(cast):
    patient, encounter, source = PatientFactory(), uuid4(), uuid4()
    first = charge(patient, encounter, cast.admin, price=75_000, source=source)
    again = charge(patient, encounter, cast.admin, price=999_999, source=source)
    charge(patient, encounter, cast.admin, price=333, quantity=Decimal("2.5"))
    invoice = services.invoice_of(encounter)
    assert again.pk == first.pk
    assert invoice.total_idr == 75_000 + 833
    assert invoice.status == Invoice.Status.DRAFT
    assert invoice.number is None


@pytest.mark.parametrize("price", [-1, 10**13])
def test_impossible_prices_are_refused(cast, price):
    with pytest.raises(InvalidInput):
        charge(PatientFactory(), uuid4(), cast.admin, price=price)
    assert not Invoice.objects.exists()


def test_issue_gives_running_numbers_once(cast):
    patient, one, two = PatientFactory(), uuid4(), uuid4()
    for encounter in (one, two):
        charge(patient, encounter, cast.admin)
    first = services.issue_invoice(encounter_id=one, actor=cast.admin)
    assert services.issue_invoice(encounter_id=one, actor=cast.admin).number == first.number
    second = services.issue_invoice(encounter_id=two, actor=cast.admin)
    assert first.number.endswith("/000001")
    assert second.number.endswith("/000002")
    assert AuditEvent.objects.filter(action="billing.invoice.issued").count() == 2


def test_a_bill_of_nothing_is_settled_at_once(cast):
    encounter = uuid4()
    charge(PatientFactory(), encounter, cast.admin, price=0)
    invoice = services.issue_invoice(encounter_id=encounter, actor=cast.admin)
    assert invoice.status == Invoice.Status.PAID
    assert services.is_settled(encounter_id=encounter)


def test_no_bill_no_issue(cast):
    with pytest.raises(InvoiceNotFound):
        services.issue_invoice(encounter_id=uuid4(), actor=cast.admin)


def test_cash_gives_change_and_closes_the_bill(cast):
    invoice = InvoiceFactory(total_idr=150_000)
    payment = pay(invoice, cast.cashier, 150_000, tendered_idr=200_000)
    invoice.refresh_from_db()
    assert (payment.change_idr, invoice.status, invoice.paid_idr, invoice.balance_idr) == (50_000, "paid", 150_000, 0)
    assert payment.receipt_number.startswith("KW/")


def test_part_payment_then_the_rest(cast):
    invoice = InvoiceFactory(total_idr=150_000)
    pay(invoice, cast.cashier, 100_000, method=Payment.Method.QRIS, reference="QR-1", tendered_idr=None)
    invoice.refresh_from_db()
    assert (invoice.status, invoice.balance_idr) == ("part_paid", 50_000)
    with pytest.raises(WrongAmount):
        pay(invoice, cast.cashier, 50_001)
    pay(invoice, cast.cashier, 50_000)
    invoice.refresh_from_db()
    assert invoice.status == Invoice.Status.PAID


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"amount": 0}, WrongAmount),
        ({"amount": -1}, WrongAmount),
        ({"amount": 150_001}, WrongAmount),
        ({"amount": 150_000, "tendered_idr": 149_999}, WrongAmount),
        ({"amount": 150_000, "tendered_idr": None}, WrongAmount),
        ({"amount": 150_000, "method": "qris", "tendered_idr": None, "reference": "  "}, ReferenceMissing),
    ],
)
def test_wrong_payments_change_nothing(cast, fields, error):
    invoice = InvoiceFactory(total_idr=150_000)
    with pytest.raises(error):
        pay(invoice, cast.cashier, fields.pop("amount"), **fields)
    invoice.refresh_from_db()
    assert (invoice.status, invoice.paid_idr) == ("unpaid", 0)
    assert not Payment.objects.exists()


def test_the_same_form_twice_is_one_payment(cast):
    invoice, key = InvoiceFactory(total_idr=150_000), uuid4()
    first = pay(invoice, cast.cashier, 100_000, idempotency_key=key)
    assert pay(invoice, cast.cashier, 100_000, idempotency_key=key).pk == first.pk
    invoice.refresh_from_db()
    assert invoice.paid_idr == 100_000
    with pytest.raises(NotPayable):
        pay(InvoiceFactory(), cast.cashier, 1000, idempotency_key=key)


def test_draft_paid_and_void_bills_take_no_money(cast):
    for status in ("draft", "paid", "void"):
        with pytest.raises(NotPayable):
            pay(InvoiceFactory(status=status), cast.cashier, 1000)


def test_nothing_is_added_to_a_bill_with_payments(cast):
    invoice = InvoiceFactory(total_idr=150_000)
    pay(invoice, cast.cashier, 100_000)
    with pytest.raises(InvoiceClosed):
        charge(invoice.patient, invoice.encounter_id, cast.admin)


def test_cancelled_lines_lower_the_bill_and_paid_money_becomes_a_refund_once(cast):
    patient, encounter, source = PatientFactory(), uuid4(), uuid4()
    charge(patient, encounter, cast.admin, price=100_000)
    charge(patient, encounter, cast.admin, price=40_000, source=source, source_type="pharmacy.item")
    invoice = services.issue_invoice(encounter_id=encounter, actor=cast.admin)
    pay(invoice, cast.cashier, 140_000)
    for expected in (1, 0):
        done = services.cancel_charges(source_type="pharmacy.item", source_ids=[source], reason="x", actor=cast.admin)
        assert done == expected
    invoice.refresh_from_db()
    assert (invoice.total_idr, invoice.balance_idr, invoice.status) == (100_000, -40_000, "paid")
    refund = Refund.objects.get()
    assert refund.amount_idr == 40_000
    services.pay_refund(refund_id=refund.pk, actor=cast.cashier)
    invoice.refresh_from_db()
    assert invoice.balance_idr == 0
    with pytest.raises(RefundClosed):
        services.pay_refund(refund_id=refund.pk, actor=cast.cashier)


def test_cancelling_the_rest_of_a_part_paid_bill_closes_it(cast):
    patient, encounter, source = PatientFactory(), uuid4(), uuid4()
    charge(patient, encounter, cast.admin, price=100_000)
    charge(patient, encounter, cast.admin, price=40_000, source=source)
    invoice = services.issue_invoice(encounter_id=encounter, actor=cast.admin)
    pay(invoice, cast.cashier, 100_000)
    services.cancel_charges(source_type="tests", source_ids=[source], reason="x", actor=cast.admin)
    invoice.refresh_from_db()
    assert invoice.status == Invoice.Status.PAID
    assert not Refund.objects.exists()

from uuid import uuid4

import pytest
from django.urls import reverse

from billing.models import Invoice, Payment, Refund
from core import clock
from scheduling.models import Visit
from tests.factories.billing import InvoiceFactory
from tests.factories.patients import PatientFactory
from tests.factories.scheduling import VisitFactory
from workspace.cashier import quick_notes

pytestmark = pytest.mark.django_db


def bill(**fields):
    visit = VisitFactory(status=Visit.Status.CASHIER, consulted_at=clock.now())
    return InvoiceFactory(patient=visit.patient, encounter_id=visit.pk, **fields)


def form(**changes):
    return {
        "method": "cash",
        "amount_idr": "150.000",
        "tendered_idr": "200.000",
        "idempotency_key": str(uuid4()),
        **changes,
    }


def test_the_wrong_people_take_no_money(cast, client_for):
    invoice = bill()
    for person, status in ((cast.doctor, 403), (cast.owner, 403), (cast.patient_user, 404)):
        assert client_for(person).post(f"/bills/{invoice.pk}/payments/", form()).status_code == status
    assert not Payment.objects.exists()


def test_cash_closes_the_visit_and_shows_the_change(cast, client_for):
    invoice = bill()
    response = client_for(cast.cashier).post(f"/bills/{invoice.pk}/payments/", form(), follow=True)
    assert response.status_code == 200
    assert "Rp50.000" in response.content.decode()
    assert Visit.objects.get(pk=invoice.encounter_id).status == Visit.Status.FINISHED


def test_double_click_is_one_payment(cast, client_for):
    invoice, data = bill(), form()
    client = client_for(cast.cashier)
    for _ in range(3):
        assert client.post(f"/bills/{invoice.pk}/payments/", data).status_code == 302
    assert Payment.objects.get().amount_idr == 150_000


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"amount_idr": "150.001", "tendered_idr": "200.000"}, 422),
        ({"amount_idr": "-1"}, 422),
        ({"amount_idr": "1,5"}, 422),
        ({"amount_idr": ""}, 422),
        ({"tendered_idr": ""}, 422),
        ({"tendered_idr": "100.000"}, 422),
        ({"method": "gold"}, 422),
        ({"method": "qris", "reference": ""}, 422),
        ({"idempotency_key": "x"}, 422),
        ({"amount_idr": "9" * 30}, 422),
    ],
)
def test_wrong_forms_say_why_and_change_nothing(cast, client_for, changes, status):
    invoice = bill()
    response = client_for(cast.cashier).post(f"/bills/{invoice.pk}/payments/", form(**changes))
    assert response.status_code == status
    assert "error-summary" in response.content.decode()
    assert not Payment.objects.exists()


def test_forged_status_and_total_are_ignored(cast, client_for):
    invoice = bill()
    client_for(cast.cashier).post(
        f"/bills/{invoice.pk}/payments/",
        form(amount_idr="1.000", tendered_idr="1.000", status="paid", total_idr="1000", balance="0"),
    )
    invoice.refresh_from_db()
    assert (invoice.status, invoice.total_idr, invoice.paid_idr) == ("part_paid", 150_000, 1000)


def test_a_paid_bill_answers_409(cast, client_for):
    invoice = bill(status=Invoice.Status.PAID, paid_idr=150_000)
    assert client_for(cast.cashier).post(f"/bills/{invoice.pk}/payments/", form()).status_code == 409


def test_the_owner_opens_no_bill(cast, client_for):
    """A bill names its patient; the owner has the figures on the overview."""
    invoice = bill()
    owner = client_for(cast.owner)
    for url in ("/cashier/", f"/bills/{invoice.pk}/", reverse("billing:invoice-pdf", args=[invoice.pk])):
        assert owner.get(url).status_code == 403
    assert not Invoice.objects.visible_to(cast.owner).exists()


def test_hostile_names_are_text(cast, client_for):
    patient = PatientFactory(full_name='<img src=x onerror="alert(1)">')
    visit = VisitFactory(patient=patient)
    invoice = InvoiceFactory(patient=patient, encounter_id=visit.pk)
    for url in ("/cashier/", f"/bills/{invoice.pk}/"):
        assert "<img src=x" not in client_for(cast.cashier).get(url).content.decode()


def test_refund_is_paid_back_once(cast, client_for):
    invoice = bill(status=Invoice.Status.PAID, paid_idr=200_000)
    refund = Refund.objects.create(invoice=invoice, amount_idr=50_000, reason="x", created_at=clock.now())
    client = client_for(cast.cashier)
    for _ in range(2):
        client.post(f"/refunds/{refund.pk}/pay/")
    invoice.refresh_from_db()
    assert invoice.refunded_idr == 50_000


@pytest.mark.parametrize("tab", ["unpaid", "preparing", "paid", "'; DROP"])
def test_queries_do_not_grow_with_the_list(cast, client_for, tab, django_assert_max_num_queries):
    client = client_for(cast.cashier)
    state = {"preparing": Invoice.Status.DRAFT, "paid": Invoice.Status.PAID}.get(tab, Invoice.Status.UNPAID)
    for _ in range(3):
        InvoiceFactory(status=state, paid_at=clock.now())
    with django_assert_max_num_queries(15) as three:
        client.get("/cashier/", {"tab": tab})
    for _ in range(27):
        InvoiceFactory(status=state, paid_at=clock.now())
    with django_assert_max_num_queries(15) as thirty:
        client.get("/cashier/", {"tab": tab})
    assert len(thirty) == len(three)


@pytest.mark.parametrize(
    ("balance", "notes"),
    [(0, []), (85_000, [85_000, 90_000, 100_000]), (123_500, [123_500, 130_000, 140_000, 150_000, 200_000])],
)
def test_quick_notes(balance, notes):
    assert quick_notes(balance) == notes

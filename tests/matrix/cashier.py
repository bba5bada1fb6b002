from uuid import uuid4

from billing.models import Invoice, Refund
from core import clock
from scheduling.models import Visit
from tests.factories.billing import InvoiceFactory
from tests.factories.scheduling import VisitFactory
from tests.matrix import Row
from tests.matrix.billing import payment


def bill(cast):
    visit = VisitFactory(patient=cast.patient_user.patient, status=Visit.Status.CASHIER)
    return {"pk": InvoiceFactory(patient=visit.patient, encounter_id=visit.pk).pk}


def refund(cast):
    invoice = InvoiceFactory(status=Invoice.Status.PAID, paid_idr=200_000)
    return {"pk": Refund.objects.create(invoice=invoice, amount_idr=50_000, reason="x", created_at=clock.now()).pk}


def cash(cast):
    return {"method": "cash", "amount_idr": "150.000", "tendered_idr": "200.000", "idempotency_key": str(uuid4())}


ROWS = [
    Row("workspace:cashier", holder="cashier", colleague="doctor"),
    Row("workspace:cashier-panel", holder="cashier", colleague="nurse"),
    Row("workspace:bill-detail", build=bill, holder="cashier", colleague="pharmacist"),
    Row("workspace:payment-take", build=bill, method="POST", data=cash, holder="cashier", colleague="owner"),
    Row("workspace:payment-done", build=payment, holder="cashier", colleague="owner"),
    Row("workspace:refund-pay", build=refund, method="POST", holder="cashier", colleague="owner"),
]

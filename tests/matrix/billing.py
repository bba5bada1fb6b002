from tests.factories.billing import InvoiceFactory
from tests.matrix import Row


def own_bill(cast):
    return {"pk": InvoiceFactory(patient=cast.patient_user.patient).pk}


def payment(cast):
    from uuid import uuid4

    from billing.services import take_payment

    invoice = InvoiceFactory(patient=cast.patient_user.patient)
    taken = take_payment(
        invoice_id=invoice.pk,
        method="cash",
        amount_idr=1000,
        tendered_idr=1000,
        idempotency_key=uuid4(),
        actor=cast.cashier,
    )
    return {"pk": taken.pk}


ROWS = [
    Row("billing:invoice-pdf", build=own_bill, holder="cashier", colleague="doctor"),
    Row("billing:receipt-pdf", build=payment, holder="cashier", colleague="owner"),
    Row("billing:portal-bills", holder="patient", outsider="cashier"),
    Row("billing:portal-bill", build=own_bill, holder="patient", outsider="other_patient"),
    Row("billing:portal-invoice-pdf", build=own_bill, holder="patient", outsider="other_patient"),
]

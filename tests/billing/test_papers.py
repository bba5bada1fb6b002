import io
from datetime import timedelta
from uuid import uuid4

import pytest
import time_machine
from pypdf import PdfReader

from billing import services
from billing.models import Charge, Invoice
from billing.pdf import invoice_pdf, receipt_pdf
from billing.reminders import remind_unpaid_bills
from billing.tasks import remind_unpaid
from core import clock
from notifications.models import Email
from tests.factories.billing import InvoiceFactory
from tests.factories.patients import PatientFactory

pytestmark = pytest.mark.django_db


def words_of(content: bytes) -> str:
    return " ".join(page.extract_text() for page in PdfReader(io.BytesIO(content)).pages)


def test_the_patient_reads_only_own_papers(cast, client_for):
    foreign = InvoiceFactory(patient=cast.other_patient_user.patient)
    client = client_for(cast.patient_user)
    assert client.get(f"/portal/bills/{foreign.pk}/").status_code == 404
    assert client.get(f"/portal/bills/{foreign.pk}/invoice.pdf").status_code == 404
    assert client.get(f"/bills/{foreign.pk}/invoice.pdf").status_code == 404
    draft = InvoiceFactory(patient=cast.patient_user.patient, status=Invoice.Status.DRAFT, number=None)
    assert client.get(f"/portal/bills/{draft.pk}/invoice.pdf").status_code == 404
    assert client.get(f"/portal/bills/{draft.pk}/").status_code == 200


def test_invoice_prints_markup_as_text_and_the_total_in_words():
    patient = PatientFactory(full_name='Nu\'man <b>Tebal</b> & "Kutip" 😀')
    invoice = InvoiceFactory(patient=patient, total_idr=1_250_000)
    Charge.objects.update(description="<script>alert(1)</script> <para>")
    text = words_of(invoice_pdf(invoice))
    assert "<b>Tebal</b> &" in text
    assert "<script>alert(1)</script> <para>" in text
    assert "Rp1.250.000" in text
    assert "Satu juta dua ratus lima puluh ribu rupiah" in text
    assert invoice.number in text


@pytest.mark.parametrize("name", ["A", "Kata" * 75, "Siti " * 40, "王小明", "\u202eabc"])
def test_any_name_prints(name):
    invoice = InvoiceFactory(patient=PatientFactory(full_name=name[:200]))
    assert invoice_pdf(invoice).startswith(b"%PDF")


def test_receipt_says_what_was_paid_and_marks_copies(cast):
    invoice = InvoiceFactory(total_idr=100_000)
    payment = services.take_payment(
        invoice_id=invoice.pk,
        method="cash",
        amount_idr=100_000,
        tendered_idr=150_000,
        idempotency_key=uuid4(),
        actor=cast.cashier,
    )
    first, copy = (
        words_of(receipt_pdf(payment, language="en")),
        words_of(receipt_pdf(payment, is_copy=True, language="en")),
    )
    assert "Seratus ribu rupiah" in first
    assert "Rp50.000" in first
    assert "COPY" in copy
    assert "COPY" not in first


class TestUnpaidReminder:
    """Due at 16:00 WIB, for bills issued three days ago or earlier, once a bill."""

    def bill(self, days_ago, **fields):
        patient = PatientFactory(email="siti@surat.example")
        return InvoiceFactory(patient=patient, issued_at=clock.now() - timedelta(days=days_ago), **fields)

    def test_only_old_unpaid_bills_with_an_address_once(self):
        with time_machine.travel("2026-03-10T09:00:00Z", tick=False):
            old, part = self.bill(3), self.bill(5, status=Invoice.Status.PART_PAID, paid_idr=50_000)
            self.bill(2)
            self.bill(9, status=Invoice.Status.PAID)
            InvoiceFactory(patient=PatientFactory(email=""), issued_at=clock.now() - timedelta(days=9))
            assert remind_unpaid_bills(day=clock.today()) == 2
            assert remind_unpaid_bills(day=clock.today()) == 0
        assert set(Email.objects.values_list("dedupe_key", flat=True)) == {
            f"payment_reminder:{old.pk}", f"payment_reminder:{part.pk}",
        }  # fmt: skip
        mail = Email.objects.get(dedupe_key=f"payment_reminder:{part.pk}")
        assert "Rp100.000" in mail.body_text

    def test_runs_from_four_in_the_afternoon_and_once_a_day(self):
        with time_machine.travel("2026-03-10T08:59:00Z", tick=False):  # 15.59 WIB
            self.bill(4)
            assert remind_unpaid() is False
        with time_machine.travel("2026-03-10T09:00:00Z", tick=False):  # 16.00 WIB
            assert remind_unpaid() is True
            assert remind_unpaid() is False
        with time_machine.travel("2026-03-11T14:30:00Z", tick=False):  # the scheduler was away until 21.30
            assert remind_unpaid() is True
        assert Email.objects.count() == 1

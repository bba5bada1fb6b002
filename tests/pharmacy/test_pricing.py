from uuid import uuid4

import pytest

from audit.models import AuditEvent
from billing import services as billing
from billing.models import Charge, Invoice
from notifications.models import Email, Notice
from pharmacy.errors import InvalidPrice, WrongState
from pharmacy.models import Prescription
from pharmacy.reconcile import differences
from pharmacy.services import dispensing, pricing
from scheduling.models import Visit
from tests.factories.patients import PatientFactory
from tests.factories.pharmacy import MedicineFactory, confirm, prescribe, visit_at_pharmacy

pytestmark = pytest.mark.django_db


def refused(rx, actor, prices, error=InvalidPrice):
    with pytest.raises(error):
        pricing.confirm_prices(prescription_id=rx.pk, actor=actor, prices=prices)
    rx.refresh_from_db()
    assert rx.status == "new"
    assert not Charge.objects.filter(source_type="pharmacy.item").exists()
    assert not Email.objects.exists()


def test_confirming_charges_issues_and_mails_once(cast):
    patient = PatientFactory(email="siti@surat.example")
    rx = prescribe(MedicineFactory(price_idr=333), "2.5", patient=patient)
    item = rx.items.get()
    pricing.confirm_prices(
        prescription_id=rx.pk, actor=cast.pharmacist, prices={item.pk: (333, "")}, review=("clinical", "administrative")
    )
    rx.refresh_from_db()
    item.refresh_from_db()
    assert (rx.status, rx.priced_by, item.unit_price_idr, item.price_reason) == ("priced", cast.pharmacist, 333, "")
    charge = Charge.objects.get(source_type="pharmacy.item", source_id=item.pk)
    assert (charge.amount_idr, charge.category) == (833, "medicine")  # 832,5 rounded half up
    invoice = billing.invoice_of(rx.visit_id)
    assert (invoice.status, invoice.total_idr, bool(invoice.number)) == ("unpaid", 100_833, True)
    assert Visit.objects.get(pk=rx.visit_id).status == Visit.Status.CASHIER
    mail = Email.objects.get()
    assert (mail.template, mail.to_address, mail.patient_id) == ("prescription_ready", patient.email, patient.pk)
    assert "Siti" not in mail.subject
    assert AuditEvent.objects.get(action="pharmacy.prescription.priced").detail == {
        "number": rx.number, "review": ["administrative", "clinical"], "changed_prices": [],
    }  # fmt: skip
    with pytest.raises(WrongState):
        confirm(rx, cast.pharmacist)
    assert Email.objects.count() == 1
    assert differences() == []


def test_a_portal_patient_is_told_and_mailed_at_the_account(cast):
    rx = prescribe(MedicineFactory(), patient=cast.patient_user.patient)
    confirm(rx, cast.pharmacist)
    assert Email.objects.get().to_address == cast.patient_user.email
    assert Notice.objects.get(recipient=cast.patient_user).kind == "prescription_ready"


def test_a_patient_without_address_gets_no_mail(cast):
    confirm(prescribe(MedicineFactory()), cast.pharmacist)
    assert not Email.objects.exists()


def test_another_price_needs_a_reason(cast):
    rx = prescribe(MedicineFactory(price_idr=500))
    item = rx.items.get()
    for reason in ("", "    ", "abcd"):
        refused(rx, cast.pharmacist, {item.pk: (400, reason)})
    pricing.confirm_prices(prescription_id=rx.pk, actor=cast.pharmacist, prices={item.pk: (400, "Potongan karyawan")})
    item.refresh_from_db()
    assert (item.unit_price_idr, item.list_price_idr, item.price_reason) == (400, 500, "Potongan karyawan")
    assert AuditEvent.objects.get(action="pharmacy.prescription.priced").detail["changed_prices"] == [str(item.pk)]


def test_missing_foreign_and_impossible_prices(cast):
    rx, other = prescribe(MedicineFactory()), prescribe(MedicineFactory())
    item, foreign = rx.items.get(), other.items.get()
    refused(rx, cast.pharmacist, {})
    refused(rx, cast.pharmacist, {foreign.pk: (500, "")})
    refused(rx, cast.pharmacist, {item.pk: (500, ""), foreign.pk: (500, "")})
    refused(rx, cast.pharmacist, {item.pk: (500, ""), uuid4(): (1, "Palsu sekali")})
    refused(rx, cast.pharmacist, {item.pk: (-1, "Minus satu rupiah")})
    refused(rx, cast.pharmacist, {item.pk: (100_000_000, "Terlalu mahal")})


def test_a_bill_of_nothing_goes_straight_to_the_pharmacy(cast):
    rx = prescribe(MedicineFactory(price_idr=500), visit=visit_at_pharmacy(fee_idr=0))
    confirm(rx, cast.pharmacist, price_idr=0)
    assert billing.is_settled(encounter_id=rx.visit_id)
    assert Visit.objects.get(pk=rx.visit_id).status == Visit.Status.PHARMACY
    assert Prescription.objects.ready().get() == rx


def test_ready_and_awaiting_payment_follow_the_bill(cast):
    rx = prescribe(MedicineFactory())
    assert not Prescription.objects.awaiting_payment().exists()
    confirm(rx, cast.pharmacist)
    assert Prescription.objects.awaiting_payment().get() == rx
    assert not Prescription.objects.ready().exists()
    Invoice.objects.filter(encounter_id=rx.visit_id).update(status=Invoice.Status.PART_PAID)
    assert Prescription.objects.awaiting_payment().get() == rx
    Invoice.objects.filter(encounter_id=rx.visit_id).update(status=Invoice.Status.PAID)
    assert Prescription.objects.ready().get() == rx


def test_a_cancelled_prescription_cannot_be_priced(cast):
    rx = prescribe(MedicineFactory())
    dispensing.cancel_at_pharmacy(prescription_id=rx.pk, actor=cast.pharmacist, reason="Pasien batal")
    with pytest.raises(WrongState, match="Cancelled"):
        confirm(rx, cast.pharmacist)
    assert not Charge.objects.filter(source_type="pharmacy.item").exists()

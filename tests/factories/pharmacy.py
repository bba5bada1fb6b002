from datetime import timedelta
from decimal import Decimal
from uuid import uuid4

import factory
from django.db.models import F

from billing import services as billing
from billing.models import Charge
from core import clock
from patients.services import add_to_care_team
from pharmacy.models import Batch, Medicine, Prescription, PrescriptionItem, StockMovement
from pharmacy.services import prescribing, pricing
from scheduling import services as scheduling
from scheduling.models import Visit
from tests.factories.accounts import DoctorFactory
from tests.factories.scheduling import VisitFactory


class MedicineFactory(factory.django.DjangoModelFactory):
    """A medicine with `stock` units in one batch that expires in a year, recorded in the ledger."""

    class Meta:
        model = Medicine
        skip_postgeneration_save = True

    code = factory.Sequence(lambda n: f"OB-{n:04d}")
    generic_name = factory.Sequence(lambda n: f"Parasetamol {n}")
    strength = "500 mg"
    form = "tablet"
    unit = "tablet"
    price_idr = 500

    @factory.post_generation
    def stock(self, create, extracted, **kwargs):
        quantity = Decimal(extracted if extracted is not None else 100)
        if quantity:
            batch = Batch.objects.create(
                medicine=self, lot_number="LOT-1", expires_on=clock.today() + timedelta(days=365), quantity=quantity,
                received_at=clock.now(),
            )  # fmt: skip
            StockMovement.objects.create(
                batch=batch, medicine=self, kind=StockMovement.Kind.RECEIPT, quantity=quantity, moved_at=clock.now()
            )
            Medicine.objects.filter(pk=self.pk).update(on_hand=quantity)
            self.on_hand = quantity


class PrescriptionFactory(factory.django.DjangoModelFactory):
    """A new prescription without lines, not reserved; prefer the prescribing service where stock matters."""

    class Meta:
        model = Prescription

    number = factory.Sequence(lambda n: f"R/T/{n:06d}")
    visit = factory.SubFactory(VisitFactory)
    patient = factory.LazyAttribute(lambda rx: rx.visit.patient)
    prescriber = factory.SubFactory(DoctorFactory)
    prescribed_at = factory.LazyFunction(clock.now)


class PrescriptionItemFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = PrescriptionItem

    prescription = factory.SubFactory(PrescriptionFactory)
    position = factory.Sequence(lambda n: n + 1)
    medicine = factory.SubFactory(MedicineFactory)
    label = factory.LazyAttribute(lambda item: item.medicine.label)
    quantity = Decimal(10)
    unit = "tablet"
    signa = "3 x sehari 1 tablet, sesudah makan"
    list_price_idr = factory.LazyAttribute(lambda item: item.medicine.price_idr)


def add_batch(medicine, *, quantity, expires_in_days, lot_number="LOT-X"):
    """Put one more batch on the shelf, with its movement; a negative number of days makes an expired one."""
    batch = Batch.objects.create(
        medicine=medicine, lot_number=lot_number, expires_on=clock.today() + timedelta(days=expires_in_days),
        quantity=Decimal(quantity), received_at=clock.now(),
    )  # fmt: skip
    StockMovement.objects.create(
        batch=batch, medicine=medicine, kind=StockMovement.Kind.RECEIPT, quantity=batch.quantity, moved_at=clock.now()
    )
    Medicine.objects.filter(pk=medicine.pk).update(on_hand=F("on_hand") + batch.quantity)
    medicine.refresh_from_db()
    return batch


def visit_at_pharmacy(*, patient=None, doctor=None, fee_idr=100_000):
    """A visit whose consultation is closed, with its fee on a draft bill: where `create_prescription` is called."""
    extra = {key: value for key, value in {"patient": patient, "doctor": doctor}.items() if value is not None}
    visit = VisitFactory(status=Visit.Status.PHARMACY, consulted_at=clock.now(), **extra)
    add_to_care_team(patient_id=visit.patient_id, user_id=visit.doctor_id)
    billing.post_charge(
        encounter_id=visit.pk, patient_id=visit.patient_id, category=Charge.Category.CONSULTATION,
        description="Konsultasi", unit_price_idr=fee_idr, source_type="scheduling.visit", source_id=visit.pk,
        actor=visit.doctor,
    )  # fmt: skip
    return visit


def prescribe(medicine, quantity=10, *, visit=None, **visit_fields):
    """A prescription of one or several medicines, made by the service: stock is reserved, the pharmacist may see it."""
    visit = visit or visit_at_pharmacy(**visit_fields)
    medicines = medicine if isinstance(medicine, list) else [(medicine, quantity)]
    lines = [prescribing.PrescriptionLine(med.pk, Decimal(str(units)), "3 x sehari 1") for med, units in medicines]
    return prescribing.create_prescription(visit_id=visit.pk, actor=visit.doctor, lines=lines)


def confirm(prescription, actor, price_idr=None):
    """Confirm the prices of the list, or one other price for all lines."""
    prices = {
        item.pk: (item.list_price_idr, "") if price_idr is None else (price_idr, "Harga khusus")
        for item in prescription.items.all()
    }
    return pricing.confirm_prices(prescription_id=prescription.pk, actor=actor, prices=prices)


def pay(prescription, actor):
    """Settle the bill of the visit in cash, and send the patient back to the pharmacy."""
    invoice = billing.invoice_of(prescription.visit_id)
    billing.take_payment(
        invoice_id=invoice.pk, method="cash", amount_idr=invoice.balance_idr, tendered_idr=invoice.balance_idr,
        idempotency_key=uuid4(), actor=actor,
    )  # fmt: skip
    scheduling.move_visit(visit_id=prescription.visit_id, to_status=Visit.Status.PHARMACY, actor=actor)


def ready(medicine, quantity=10, *, pharmacist, cashier, **visit_fields):
    """A prescription that is priced and paid: only the hand-over is left."""
    prescription = prescribe(medicine, quantity, **visit_fields)
    confirm(prescription, pharmacist)
    pay(prescription, cashier)
    return prescription

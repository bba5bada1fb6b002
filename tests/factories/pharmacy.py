from datetime import timedelta
from decimal import Decimal

import factory

from core import clock
from pharmacy.models import Batch, Medicine, Prescription, PrescriptionItem, StockMovement
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

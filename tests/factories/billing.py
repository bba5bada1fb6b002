from uuid import uuid4

import factory

from billing.models import Charge, Invoice
from core import clock
from tests.factories.patients import PatientFactory


class InvoiceFactory(factory.django.DjangoModelFactory):
    """An issued, unpaid bill with one consultation charge of `total_idr`."""

    class Meta:
        model = Invoice
        skip_postgeneration_save = True

    encounter_id = factory.LazyFunction(uuid4)
    patient = factory.SubFactory(PatientFactory)
    number = factory.Sequence(lambda n: f"INV/T/{n:06d}")
    status = Invoice.Status.UNPAID
    total_idr = 150_000
    created_at = factory.LazyFunction(clock.now)
    issued_at = factory.LazyFunction(clock.now)

    @factory.post_generation
    def charge(self, create, extracted, **kwargs):
        Charge.objects.create(
            invoice=self, category=Charge.Category.CONSULTATION, description="Konsultasi", unit_price_idr=self.total_idr,
            amount_idr=self.total_idr, source_type="tests", source_id=uuid4(), created_at=clock.now(),
        )  # fmt: skip

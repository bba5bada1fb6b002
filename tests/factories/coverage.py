import factory

from core import clock
from patients.models import Insurer, PolicyCoverage
from tests.factories.accounts import UserFactory
from tests.factories.patients import PatientFactory


class InsurerFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Insurer
        django_get_or_create = ("name",)

    name = "Asuransi Sehat Bersama"
    kind = Insurer.Kind.INSURANCE


class PolicyFactory(factory.django.DjangoModelFactory):
    """An active policy of an insurance company without dates."""

    class Meta:
        model = PolicyCoverage

    patient = factory.SubFactory(PatientFactory)
    insurer = factory.SubFactory(InsurerFactory)
    number = factory.Sequence(lambda n: f"ASB-{7000 + n}")
    created_at = factory.LazyFunction(clock.now)
    created_by = factory.SubFactory(UserFactory)

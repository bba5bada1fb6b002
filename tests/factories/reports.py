from datetime import timedelta

import factory

from core import clock
from reports.models import AccessAlert
from tests.factories.accounts import UserFactory


class AccessAlertFactory(factory.django.DjangoModelFactory):
    """An alert that waits for a review."""

    class Meta:
        model = AccessAlert

    kind = AccessAlert.Kind.MANY_CHARTS
    actor = factory.SubFactory(UserFactory)
    window = factory.Sequence(lambda n: f"window {n}")
    count = 41
    since = factory.LazyFunction(lambda: clock.now() - timedelta(hours=1))
    until = factory.LazyFunction(clock.now)

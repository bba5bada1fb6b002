import factory

from core import clock
from support.models import SupportMessage
from tests.factories.accounts import UserFactory


class SupportMessageFactory(factory.django.DjangoModelFactory):
    """A new message of a member of staff."""

    class Meta:
        model = SupportMessage

    sender = factory.SubFactory(UserFactory)
    subject = "Printer tidak jalan"
    body = "Printer di pendaftaran tidak mencetak nomor antrean."
    sent_at = factory.LazyFunction(clock.now)

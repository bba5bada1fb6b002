"""Infrastructure tables; no domain models."""

from django.db import models

from core import clock
from core.encryption import EncryptedTextField


class Counter(models.Model):
    """One running number, such as record numbers or today's queue of one prefix. Changed only by `core.db.next_number`."""

    name = models.CharField(max_length=80, primary_key=True)
    value = models.PositiveBigIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.name}: {self.value}"


class KeySentinel(models.Model):
    """Known text sealed under the keys of one purpose; a process whose keys do not open it must not touch the data."""

    purpose = models.CharField(max_length=40, primary_key=True)
    sealed = EncryptedTextField()
    proof = models.BigIntegerField()
    created_at = models.DateTimeField(default=clock.now)

    def __str__(self) -> str:
        return self.purpose

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


class SearchIndex(models.Model):
    """Which master key the search index is read by, and how far a change of that key has come. There is one row.

    Every process asks this row: nobody keeps the state of a change in memory, so a kill loses nothing and all
    processes agree. How a change goes: `core.keys_index`.
    """

    class Phase(models.TextChoices):
        READY = "ready"  # everything is under `current`
        BUILDING = "building"  # rows are also written under `other`, the key to come
        CLEARING = "clearing"  # what is left of `other`, the key that went, is deleted

    name = models.CharField(max_length=20, primary_key=True)
    phase = models.CharField(max_length=10, choices=Phase, default=Phase.READY)
    current = models.CharField(max_length=8)  # public ids of keys
    other = models.CharField(max_length=8, blank=True, default="")
    slot = models.PositiveSmallIntegerField(default=0)  # which of the two columns of a number belongs to `current`
    cursor = models.CharField(max_length=36, blank=True, default="")  # last row done in this phase
    done = models.PositiveBigIntegerField(default=0)
    total = models.PositiveBigIntegerField(default=0)  # counted when the phase began
    since = models.DateTimeField(default=clock.now)  # when this phase began

    def __str__(self) -> str:
        return f"{self.name}: {self.phase}"


class CspReport(models.Model):
    """One thing the Content-Security-Policy kept a browser from doing, and how often it was reported."""

    fingerprint = models.CharField(max_length=64, primary_key=True)
    directive = models.CharField(max_length=60)
    blocked = models.CharField(max_length=200)
    page = models.CharField(max_length=200)
    source = models.CharField(max_length=220, blank=True)
    times = models.PositiveBigIntegerField(default=0)
    first_seen_at = models.DateTimeField(default=clock.now)
    last_seen_at = models.DateTimeField(default=clock.now)

    class Meta:
        verbose_name = "CSP report"
        verbose_name_plural = "CSP reports"
        indexes = [models.Index(fields=["-last_seen_at"], name="csp_report_seen_idx")]

    def __str__(self) -> str:
        return f"{self.directive}: {self.blocked}"

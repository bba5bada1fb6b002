"""Infrastructure tables; no domain models."""

from django.db import models

from core import clock
from core.encryption import EncryptedCharField, EncryptedTextField
from core.ids import uuid7


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
    folding = models.PositiveSmallIntegerField(default=1)  # `search.FOLDING_VERSION` that the whole index is written by

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


class StoredFile(models.Model):
    """One file that people gave us or asked us for: where its sealed bytes lie, and the key they are sealed under.

    The row says nothing about whose file it is: the row that points here does, and it has the permission check.
    Each file has a random key of its own, so changing the data key writes this column again and not the files, and
    deleting the row makes the bytes unreadable wherever a copy of them is left. Written only by `core.files`.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    name = models.CharField(max_length=80, unique=True)  # random; where the storage keeps the sealed bytes
    file_key = EncryptedCharField(max_length=44)
    content_type = models.CharField(max_length=100)  # decided by the content, never by the sender
    size = models.PositiveBigIntegerField()  # bytes in clear
    digest = models.CharField(max_length=64)  # keyed: equal for equal files, and tells nothing about them
    created_at = models.DateTimeField(default=clock.now, db_index=True)

    def __str__(self) -> str:
        return str(self.pk)

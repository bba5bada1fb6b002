"""Write every encrypted value again under the newest data key."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError, models, transaction
from django.db.models import ExpressionWrapper, F, Q

from core.encryption import (
    AES,
    ENVELOPE,
    DecryptionError,
    KeyRing,
    SealedText,
    StrictEncryption,
    cipher_name,
    encrypted_fields,
    encrypted_models,
    key_ring,
)
from core.keys import KeysError
from core.keys_check import verify_sentinel

BATCH_SIZE = 500


class Command(BaseCommand):
    help = (
        "Write every encrypted value that is not under the newest data key, or not in the cipher of FIELD_CIPHER, "
        "again. Safe to stop at any moment and to run again: finished rows are passed by."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--batch-size", type=int, default=BATCH_SIZE, help="rows per transaction (%(default)s)")
        parser.add_argument("--dry-run", action="store_true", help="only count the rows that would be written")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["batch_size"] < 1:
            raise CommandError("--batch-size must be 1 or more.")
        try:
            verify_sentinel()
        except KeysError as error:
            raise CommandError(str(error)) from error
        ring, cipher = key_ring(), cipher_name()
        self.stdout.write(f"Newest data key: {ring.newest_id}, cipher {cipher}.")
        failed = []
        waiting = 0
        for model in encrypted_models():
            label = model._meta.label
            try:
                if options["dry_run"]:
                    count = outdated(model, ring, cipher).count()
                    waiting += count
                    self.stdout.write(f"{label}: {count} row(s) to write")
                else:
                    self._rotate(model, ring, cipher, options["batch_size"])
            except DecryptionError as error:
                failed.append(f"{label}: {error}")
            except DatabaseError as error:
                failed.append(f"{label}: the database refuses the change ({type(error).__name__}).")
        if failed:
            raise CommandError("Keep the older data keys, these tables are not finished:\n" + "\n".join(failed))
        if options["dry_run"]:
            self.stdout.write(f"{waiting} row(s) in all.")
        elif len(ring.ids) > 1:
            older = ", ".join(ring.ids[1:])
            self.stdout.write(self.style.SUCCESS(f"No row needs {older} any more."))
            self.stdout.write(
                "Take the older keys out of FIELD_ENCRYPTION_KEYS; keep them with the backups made under them."
            )
        else:
            self.stdout.write(self.style.SUCCESS("Every row is under the newest key."))

    def _rotate(self, model: type[models.Model], ring: KeyRing, cipher: str, batch_size: int) -> None:
        last: Any = None
        written = 0
        while True:
            last, changed = rotate_batch(model, ring, cipher, after=last, batch_size=batch_size)
            written += changed
            if last is None:
                break
            self.stdout.write(f"{model._meta.label}: {written} row(s) written")
        self.stdout.write(f"{model._meta.label}: done, {written} row(s) written")


def outdated(model: type[models.Model], ring: KeyRing, cipher: str) -> models.QuerySet[Any]:
    """Return the rows that may need writing, with the stored text of each encrypted column as raw0, raw1 and so on.

    Exact for the AES envelope, which names its key. A Fernet token does not, so there every row is looked at.
    """
    columns = encrypted_fields(model)
    raw = {f"raw{at}": ExpressionWrapper(F(field.name), models.TextField()) for at, field in enumerate(columns)}
    wanted = Q()
    for name in raw:
        stale = Q(**{f"{name}__isnull": False})
        if cipher == AES:
            stale &= ~Q(**{f"{name}__startswith": f"{ENVELOPE}:{ring.newest_id}:"})
        wanted |= stale
    return model._base_manager.annotate(**raw).filter(wanted)


@transaction.atomic
def rotate_batch(
    model: type[models.Model], ring: KeyRing, cipher: str, *, after: Any, batch_size: int
) -> tuple[Any, int]:
    """Write one batch of rows with a primary key above `after`; return the last key (None at the end) and how many.

    The rows are locked before they are read, so a change made meanwhile by somebody else is never overwritten.

    Raises:
        DecryptionError: a value opens under none of the keys; the batch is left as it was.
    """
    columns: list[StrictEncryption] = encrypted_fields(model)
    rows = outdated(model, ring, cipher).order_by("pk").select_for_update()
    if after is not None:
        rows = rows.filter(pk__gt=after)
    found = list(rows.values_list("pk", *(f"raw{at}" for at in range(len(columns))))[:batch_size])
    changed = 0
    for pk, *stored in found:
        renewed = {
            field.name: SealedText(ring.seal(ring.open(text, field.seal_context), field.seal_context, cipher=cipher))
            for field, text in zip(columns, stored, strict=True)
            if text is not None and not ring.is_current(text, cipher=cipher)
        }
        if renewed:
            model._base_manager.filter(pk=pk).update(**renewed)
            changed += 1
    return (found[-1][0] if len(found) == batch_size else None), changed

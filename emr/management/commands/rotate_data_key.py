"""Write every encrypted value again under the newest data key."""

from __future__ import annotations

import time
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError, models, transaction

import audit
from core import keys
from core.encryption import DecryptionError, KeyRing, cipher_name, encrypted_models, key_ring
from core.keys import KeysError
from core.keys_check import verify_sentinel
from core.keys_rotation import outdated, rotate_batch
from core.management.progress import Progress
from emr import key_changes
from emr.embedded import CannotServe

BATCH_SIZE = 500


class Command(BaseCommand):
    help = (
        "Write every encrypted value that is not under the newest data key, or not in the cipher of FIELD_CIPHER, "
        "again. Reading and writing go on. Safe to stop at any moment and to run again: finished rows are passed by."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--batch-size", type=int, default=BATCH_SIZE, help="rows per transaction (%(default)s)")
        parser.add_argument(
            "--rest", type=float, default=0.0, help="seconds to rest between batches, to spare the database"
        )
        what = parser.add_mutually_exclusive_group()
        what.add_argument("--dry-run", action="store_true", help="only count the rows that would be written")
        what.add_argument(
            "--new-key",
            action="store_true",
            help="with every other process stopped: make the key in KEY_DIR, rotate, and take the old ones out of the list",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["batch_size"] < 1 or options["rest"] < 0:
            raise CommandError("--batch-size must be 1 or more, --rest 0 or more.")
        try:
            verify_sentinel()
            if options["dry_run"]:
                self._count()
            elif options["new_key"]:
                with key_changes.only_process():
                    self._with_new_key(options["batch_size"], options["rest"])
            else:
                self._rotate_all(options["batch_size"], options["rest"])
        except (KeysError, CannotServe) as error:
            raise CommandError(str(error)) from error

    def _with_new_key(self, batch_size: int, rest: float) -> None:
        """Make a key and rotate; a run that was killed half way has left several keys, and only rotates."""
        if len(key_ring().ids) == 1:
            name = key_changes.add_key(keys.FIELD_KEYS)
            self.stdout.write(f"Made data key {name}. Back up {keys.FIELD_KEYS.file_name} now.")
        self._rotate_all(batch_size, rest)
        gone = key_changes.drop_older_keys(keys.FIELD_KEYS)
        if gone:
            self.stdout.write(f"Key {', '.join(gone)} went from the list to {keys.FIELD_KEYS.file_name}.retired.")

    def _count(self) -> None:
        ring, cipher = key_ring(), cipher_name()
        waiting = 0
        for model in encrypted_models():
            count = outdated(model, ring, cipher).count()
            waiting += count
            self.stdout.write(f"{model._meta.label}: {count} row(s) to write")
        self.stdout.write(f"{waiting} row(s) in all.")

    def _rotate_all(self, batch_size: int, rest: float) -> None:
        ring, cipher = key_ring(), cipher_name()
        self.stdout.write(f"Newest data key: {ring.newest_id}, cipher {cipher}.")
        failed = []
        total = 0
        for model in encrypted_models():
            label = model._meta.label
            try:
                total += self._rotate(model, ring, cipher, batch_size, rest)
            except DecryptionError as error:
                failed.append(f"{label}: {error}")
            except DatabaseError as error:
                failed.append(f"{label}: the database refuses the change ({type(error).__name__}).")
        if failed:
            raise CommandError("Keep the older data keys, these tables are not finished:\n" + "\n".join(failed))
        if total:
            with transaction.atomic():
                audit.record("core.data_key.rotated", actor=None, detail={"key": ring.newest_id, "rows": total})
        if len(ring.ids) == 1:
            self.stdout.write(self.style.SUCCESS("Every row is under the newest key."))
            return
        self.stdout.write(self.style.SUCCESS(f"No row needs {', '.join(ring.ids[1:])} any more."))
        self.stdout.write(
            "Take the older keys out of FIELD_ENCRYPTION_KEYS; keep them with the backups made under them."
        )

    def _rotate(self, model: type[models.Model], ring: KeyRing, cipher: str, batch_size: int, rest: float) -> int:
        progress = Progress(self.stdout, model._meta.label, outdated(model, ring, cipher).count())
        last: Any = None
        seen = written = 0
        while True:
            last, changed, count = rotate_batch(model, ring, cipher, after=last, batch_size=batch_size)
            written += changed
            seen += count
            if last is None:
                break
            progress.set(seen)
            time.sleep(rest)
        progress.set(seen)
        progress.end()
        self.stdout.write(f"{model._meta.label}: done, {written} row(s) written")
        return written

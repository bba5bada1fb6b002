"""Write the search index of all patients again."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import IntegrityError
from django.db.models import Exists, OuterRef

import audit
from core import keys_index
from core.db import retry_transaction
from patients.models import Patient, PatientToken
from patients.search import INDEXED_FIELDS, write_tokens_of

BATCH_SIZE = 200


class Command(BaseCommand):
    help = (
        "Bring the search index of all patients in line with their names. Needed after an import that bypassed the "
        "services, and after a release that changes how names are folded. Safe to stop and to run again."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--missing", action="store_true", help="only patients without any token")
        parser.add_argument("--batch-size", type=int, default=BATCH_SIZE, help="patients per transaction (%(default)s)")

    @audit.job("reindex_patients")
    def handle(self, *args: Any, **options: Any) -> None:
        if options["batch_size"] < 1:
            raise CommandError("--batch-size must be 1 or more.")
        last: UUID | None = None
        seen = changed = 0
        while True:
            try:
                last, count, rows = reindex_batch(
                    after=last, batch_size=options["batch_size"], only_missing=options["missing"]
                )
            except IntegrityError as error:
                raise CommandError(
                    f"Two patients have the same NIK, near the one with id {last}. Correct one, then run this again."
                ) from error
            seen += count
            changed += rows
            if count:
                self.stdout.write(f"{seen} patient(s) read, {changed} index row(s) changed")
            if last is None:
                break
        if not options["missing"]:
            keys_index.note_folding()
        self.stdout.write(self.style.SUCCESS(f"Done: {seen} patient(s)."))


@retry_transaction
def reindex_batch(*, after: UUID | None, batch_size: int, only_missing: bool) -> tuple[UUID | None, int, int]:
    """Index one batch of patients with an id above `after`.

    Returns the last id (None at the end), how many patients were read and how many index rows changed.
    """
    patients = Patient.objects.order_by("pk").select_for_update()
    if after is not None:
        patients = patients.filter(pk__gt=after)
    if only_missing:
        patients = patients.filter(~Exists(PatientToken.objects.filter(patient_id=OuterRef("pk"))))
    batch = list(patients.only(*INDEXED_FIELDS)[:batch_size])
    changed = write_tokens_of(batch) if batch else 0
    return (batch[-1].pk if len(batch) == batch_size else None), len(batch), changed

"""Show events of an archive."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

import audit
from audit import archives, macs
from audit.errors import ArchiveError


class Command(BaseCommand):
    help = "Prints the events of an archive as JSON, one in a line; this reading is itself an event."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--patient", type=UUID, help="Only events about this patient (id).")
        parser.add_argument("--actor", type=UUID, help="Only events of this person (id).")

    def handle(self, *args: Any, **options: Any) -> None:
        path: Path = options["file"]
        patient, actor = options["patient"], options["actor"]
        with transaction.atomic():
            detail = {"file": path.name, "actor": str(actor or "")}
            audit.record("audit.archive.read", actor=None, patient=patient, detail=detail)
        try:
            for record in archives.read_records(path):
                if "event" not in record:
                    continue
                event = dict(zip(macs.COLUMNS, record["event"], strict=True))
                if patient and not _same(event["patient_id"], patient):
                    continue
                if actor and not _same(event["actor_id"], actor):
                    continue
                self.stdout.write(json.dumps(event | {"detail": json.loads(event["detail"])}, ensure_ascii=False))
        except ArchiveError as error:
            raise CommandError(str(error)) from error


def _same(text: str | None, wanted: UUID) -> bool:
    return text is not None and UUID(text) == wanted

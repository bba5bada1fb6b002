"""Write a list of patients into a file, as the page does."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import translation

import audit
from core.errors import DomainError
from core.sheets import WRITERS
from patients.management.commands.import_patients import acting_user
from patients.services import exports

EVERY = 10_000


class Command(BaseCommand):
    help = (
        "Write all patients into an XLSX or CSV file that only you can read. It holds identities in clear: keep it on an "
        "encrypted disk, and delete it when it is no longer needed. What left the system is in the audit log."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--out", type=Path, required=True, help="file to be written, ending in .xlsx or .csv")
        parser.add_argument("--actor", required=True, help="user name of who answers for it; needs the right")
        parser.add_argument("--reason", choices=exports.Reason.values, default=exports.Reason.MIGRATION)
        parser.add_argument("--columns", nargs="+", choices=list(exports.COLUMNS), default=list(exports.COLUMNS))

    @audit.job("export_patients")
    def handle(self, *args: Any, **options: Any) -> None:
        actor, path = acting_user(options["actor"]), options["out"]
        ending = path.suffix.lower().removeprefix(".")
        if ending not in WRITERS:
            raise CommandError("The file must end in .xlsx or .csv.")
        asked = exports.parameters(columns=options["columns"], reason=options["reason"], ending=ending)
        writer = WRITERS[ending]()
        with translation.override(actor.language):
            try:
                rows = exports.write(writer, actor=actor, asked=asked, progress=self._say)
            except DomainError as error:
                raise CommandError(str(error)) from error
        try:
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(writer.finish())
        except OSError as error:
            raise CommandError(f"{path} cannot be written: {error.strerror}.") from error
        exports.record_export(actor=actor, asked=asked, rows=rows)
        self.stdout.write(f"{rows} patients are in {path}.")

    def _say(self, done: int, total: int) -> None:
        if total and done // EVERY != (done - exports.BATCH) // EVERY:
            self.stdout.write(f"{done} of {total}")

"""Load a list of administrative regions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

import audit
from core.errors import DomainError
from patients.region_files import SHIPPED, read_rows
from patients.services.regions import import_regions

SHOWN_ERRORS = 50


class Command(BaseCommand):
    help = (
        "Add or correct administrative regions (provinces to villages) by their Home Affairs codes from a CSV or XLSX "
        "file with the columns code and name, and optionally postal_code and bps_code. Dots in codes are fine. Regions "
        "that are not in the file stay. Without a file the short list of the product is loaded again."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, nargs="?", default=SHIPPED, help="CSV in UTF-8, or XLSX")
        parser.add_argument("--dry-run", action="store_true", help="say what would change, write nothing")

    @audit.job("import_regions")
    def handle(self, *args: Any, **options: Any) -> None:
        try:
            outcome = import_regions(rows=read_rows(options["file"]), dry_run=options["dry_run"])
        except DomainError as error:
            raise CommandError(f"{error} Nothing was changed.") from error
        for sentence in outcome.errors[:SHOWN_ERRORS]:
            self.stderr.write(sentence)
        if len(outcome.errors) > SHOWN_ERRORS:
            self.stderr.write(f"… and {len(outcome.errors) - SHOWN_ERRORS} more.")
        would = "would be " if options["dry_run"] else ""
        self.stdout.write(
            f"{outcome.added} regions {would}added, {outcome.changed} {would}changed, {outcome.same} as they were, "
            f"{len(outcome.errors)} lines left out."
        )

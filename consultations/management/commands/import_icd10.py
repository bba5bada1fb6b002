"""Load an ICD-10 list from a CSV file."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

import audit
from consultations.services import import_codes
from core.errors import DomainError

NEEDED = {"code", "display_en"}
EDITION = "2010"


class Command(BaseCommand):
    help = (
        "Add or update ICD-10 codes from a CSV file with the columns code, display_en, and optionally display_id, chapter, "
        "is_primary_allowed (1 or 0), keywords. Running it again changes nothing."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, help="CSV file in UTF-8 with a header line")
        parser.add_argument("--edition", default=EDITION, help=f"edition of the list (default {EDITION})")

    @audit.job("import_icd10")
    def handle(self, *args: Any, **options: Any) -> None:
        path: Path = options["file"]
        try:
            with path.open(encoding="utf-8-sig", newline="") as lines:
                reader = csv.DictReader(lines)
                missing = NEEDED - set(reader.fieldnames or ())
                if missing:
                    raise CommandError(f"{path.name} has no column {', '.join(sorted(missing))}.")
                added, changed = import_codes(reader, edition=options["edition"])
        except OSError as error:
            raise CommandError(f"{path} cannot be read: {error.strerror}.") from error
        except UnicodeDecodeError as error:
            raise CommandError(f"{path.name} is not UTF-8. Save it as UTF-8 and run this again.") from error
        except (DomainError, csv.Error) as error:
            raise CommandError(f"{path.name}: {error} Nothing was changed.") from error
        self.stdout.write(f"{added} codes added, {changed} changed.")

"""Move old events of the audit log into files."""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import date, time
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

import audit
from audit import archives
from audit.errors import ArchiveError
from core import clock


class Command(BaseCommand):
    help = (
        "Writes whole months of sealed events into encrypted files that verify_audit can read. With --release, rows leave "
        "the table once two copies in different directories were read back; that needs the migration account."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--before", type=date.fromisoformat, help="Archive months that ended before this date.")
        parser.add_argument("--to", type=Path, default=None, help="Directory of the archives (AUDIT_ARCHIVE_DIR).")
        parser.add_argument("--release", action="store_true", help="Remove rows of archives that have two good copies.")
        parser.add_argument("--copy", action="append", type=Path, default=[], help="Directory of a further copy.")
        parser.add_argument("--dry-run", action="store_true", help="Only say what would be done.")

    def handle(self, *args: Any, **options: Any) -> None:
        directory = options["to"] or Path(settings.AUDIT_ARCHIVE_DIR)
        if not options["before"] and not options["release"]:
            raise CommandError("Give --before DATE, --release, or both.")
        try:
            with audit.job("archive_audit"):
                if options["before"]:
                    self._write(options["before"], directory, options["dry_run"])
                if options["release"]:
                    self._release([directory, *options["copy"]], options["dry_run"])
        except ArchiveError as error:
            raise CommandError(str(error)) from error

    def _write(self, before: date, directory: Path, dry_run: bool) -> None:
        months = archives.plan(clock.at(before, time.min))
        if not months:
            self.stdout.write("No whole month of sealed events is old enough.")
        for first, last in months:
            if dry_run:
                self.stdout.write(f"Seals {first} to {last} would be archived.")
                continue
            path = archives.write(first, last, directory)
            self.stdout.write(f"Seals {first} to {last}: {path} ({path.stat().st_size:,} bytes), verified.")

    def _release(self, directories: list[Path], dry_run: bool) -> None:
        for archive in archives.written():
            name = archive.detail["file"]
            if not archives.rows_left(archive):
                continue
            if dry_run:
                self.stdout.write(f"The rows of {name} would leave the table.")
                continue
            self.stdout.write(f"{name}: {archives.release(archive, directories):,} rows left the table.")

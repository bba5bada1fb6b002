"""Make the keys of a new installation, or add a new data key in front of the present ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from core import keys


class Command(BaseCommand):
    help = (
        "Make the missing keys in KEY_DIR; existing ones are never changed. Where settings refuse to start without "
        "keys, use `python -m core.keys KEY_DIR`, which does the same."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dir", type=Path, help="another directory than KEY_DIR")
        parser.add_argument(
            "--add-data-key",
            action="store_true",
            help="put a new data key in front of the list; then restart every process and run rotate_data_key",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        key_dir = options["dir"] or settings.KEY_DIR
        if key_dir is None:
            raise CommandError("KEY_DIR is not set; name a directory with --dir.")
        try:
            if options["add_data_key"]:
                name = keys.add_data_key(key_dir)
                self.stdout.write(f"Data key {name} is now the newest in {key_dir}. Back the file up.")
                self.stdout.write("Stop every process, start them again, then run: manage.py rotate_data_key")
                return
            self.stdout.write(keys.created_message(key_dir, keys.create_missing(key_dir)))
        except keys.KeysError as error:
            raise CommandError(str(error)) from error

"""Make the keys of a new installation, or add a new key in front of the present ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from core import keys

ADDED = {
    "data": (keys.FIELD_KEYS, "Stop every process, start them again, then run: manage.py rotate_data_key"),
    "index": (keys.SEARCH_KEY, "Restart the processes one after the other, then run: manage.py rotate_index_key"),
    "audit": (keys.AUDIT_KEY, "Restart every process. The older keys stay in the list: earlier events need them."),
}


class Command(BaseCommand):
    help = (
        "Make the missing keys in KEY_DIR; existing ones are never changed. Where settings refuse to start without "
        "keys, use `python -m core.keys KEY_DIR`, which does the same."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dir", type=Path, help="another directory than KEY_DIR")
        added = parser.add_mutually_exclusive_group()
        for name, (_secret, next_step) in ADDED.items():
            added.add_argument(
                f"--add-{name}-key",
                action="store_const",
                const=name,
                dest="added",
                help=f"put a new {name} key in front of its list; {next_step[0].lower()}{next_step[1:]}",
            )

    def handle(self, *args: Any, **options: Any) -> None:
        key_dir = options["dir"] or settings.KEY_DIR
        if key_dir is None:
            raise CommandError("KEY_DIR is not set; name a directory with --dir.")
        try:
            if options["added"]:
                secret, next_step = ADDED[options["added"]]
                name = keys.add_key(secret, key_dir)
                self.stdout.write(f"Key {name} is now the newest of {secret.name} in {key_dir}. Back the file up.")
                self.stdout.write(next_step)
                return
            self.stdout.write(keys.created_message(key_dir, keys.create_missing(key_dir)))
        except keys.KeysError as error:
            raise CommandError(str(error)) from error

"""Remove the demo clinic of the embedded product, so that the next start builds it anew."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import connection

from emr import embedded

LEFTOVERS = ("mail", "media", "files", "demo-sign-ins.json")


class Command(BaseCommand):
    help = "Delete database, mails and files of the demo under VAR_DIR. Keys stay. Refused outside the embedded demo."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        if not (settings.EMBEDDED and settings.DEMO_MODE):
            raise CommandError("This is not the embedded demo (EMBEDDED=1, DEMO_MODE=1). Nothing was deleted.")
        database = Path(str(connection.settings_dict["NAME"]))
        if connection.vendor != "sqlite" or database.resolve().parent != settings.VAR_DIR.resolve():
            raise CommandError("The database is not the SQLite file under VAR_DIR. Nothing was deleted.")
        try:
            with embedded.only_process(settings.VAR_DIR):
                connection.close()
                for name in (*(database.name + end for end in ("", "-wal", "-shm")), *LEFTOVERS):
                    path = settings.VAR_DIR / name
                    if path.is_dir():
                        shutil.rmtree(path)
                    else:
                        path.unlink(missing_ok=True)
        except embedded.CannotServe as error:
            raise CommandError(f"{error} Nothing was deleted.") from error
        self.stdout.write("The demo clinic is removed. `make run` builds it anew.")

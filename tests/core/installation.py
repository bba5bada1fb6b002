"""A real installation in a directory of its own, used by real processes: for what only a kill or a start can show."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection

from core import keys
from tests.snapshots import Snapshot

SECONDS = 300


class Installation:
    """Keys, database and environment; SQLite in the directory, or on the server the tests run on a database of its own."""

    _migrated: Snapshot | None = None  # right after the migrations

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.key_dir = directory / "keys"
        self.database = ""
        self.environ = {
            "PATH": os.environ["PATH"], "DJANGO_SETTINGS_MODULE": "emr.settings.development", "PYTHONUNBUFFERED": "1",
            "VAR_DIR": str(directory), "DEMO_MODE": "0", "PYTHONWARNINGS": "ignore",
        }  # fmt: skip
        if connection.vendor == "mysql":
            values = connection.settings_dict
            self.database = f"emr_keys_{os.getpid()}_{abs(hash(directory)) % 10_000}"
            with connection._nodb_cursor() as cursor:
                cursor.execute(f"CREATE DATABASE {self.database} CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci")
            secret = f":{values['PASSWORD']}" if values["PASSWORD"] else ""
            self.environ["DATABASE_URL"] = (
                f"mysql://{values['USER']}{secret}@{values['HOST'] or '127.0.0.1'}:{values['PORT'] or 3306}/{self.database}"
            )

    @classmethod
    def migrated(cls, directory: Path) -> Installation:
        """Make one whose database is migrated; after the first in this process they begin as that one did."""
        made = cls(directory)
        try:
            with made._cursor() as cursor:
                if cls._migrated is None:
                    made.manage("migrate", "-v0")
                    cls._migrated = Snapshot(directory, cursor)
                else:
                    cls._migrated.restore(directory, cursor)
        except BaseException:
            made.drop()
            raise
        return made

    @contextmanager
    def _cursor(self) -> Iterator[Any]:
        """Give a cursor on the database; None where it is a file."""
        if not self.database:
            yield None
            return
        with connection._nodb_cursor() as cursor:
            cursor.execute(f"USE {self.database}")
            yield cursor

    def drop(self) -> None:
        """Remove the database from the server."""
        if self.database:
            with connection._nodb_cursor() as cursor:
                cursor.execute(f"DROP DATABASE {self.database}")

    def start(self, *arguments: str, **environ: str) -> subprocess.Popen:
        """Start a Python process of this installation."""
        return subprocess.Popen(
            [sys.executable, *arguments],
            cwd=settings.BASE_DIR,
            env={**self.environ, **environ},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: str, code: int | None = 0, **environ: str) -> str:
        """Run a process to its end and return all it wrote; `code` is how it must end (None: anyhow)."""
        process = self.start(*arguments, **environ)
        out, err = process.communicate(timeout=SECONDS)
        assert code is None or process.returncode == code, out + err
        self.refuse_secrets(out + err)
        return out + err

    def manage(self, *arguments: str, code: int | None = 0, **environ: str) -> str:
        return self.run("manage.py", *arguments, code=code, **environ)

    def health(self) -> dict:
        return json.loads(self.manage("check_keys", "--json"))

    def secrets(self) -> list[str]:
        """Every secret of the installation as text, and as the bytes it stands for."""
        texts = [text for path in self.key_dir.iterdir() for text in path.read_text().split()]
        return [*texts, *(keys.decode(text).hex() for text in texts if len(text) == keys.KEY_TEXT_LENGTH)]

    def refuse_secrets(self, text: str) -> None:
        if self.key_dir.exists():
            assert not [at for at, secret in enumerate(self.secrets()) if secret in text], "a secret was printed"


def wait_for(condition, *, what: str, seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"waited too long for {what}"
        time.sleep(0.02)

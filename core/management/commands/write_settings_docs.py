"""Write docs/settings.md and .env.example from the declared settings."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from core import settings_docs


class Command(BaseCommand):
    help = "Write docs/settings.md and .env.example from the declared settings; with --check, only say what is old."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--check", action="store_true", help="write nothing; fail when a file is not current")

    def handle(self, *args: Any, check: bool, **options: Any) -> None:
        old = [
            path
            for path, text in settings_docs.files().items()
            if not path.exists() or path.read_text(encoding="utf-8") != text
        ]
        if check and old:
            names = ", ".join(path.name for path in old)
            raise CommandError(f"{names} is not current. Run: python manage.py write_settings_docs")
        for path, text in settings_docs.files().items() if old else ():
            path.write_text(text, encoding="utf-8")
            self.stdout.write(f"{path.name} written.")

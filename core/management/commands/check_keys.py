"""Show which keys are in use and prove that they open the database."""

from __future__ import annotations

from typing import Any

from django.core.checks import Tags, run_checks
from django.core.management.base import BaseCommand, CommandError

from core.encryption import cipher_name, key_ring
from core.keys import KeysError
from core.keys_check import verify_sentinel


class Command(BaseCommand):
    help = "Show the ids of the data keys, never the keys, and check that all keys fit the stored data."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        ring = key_ring()
        self.stdout.write(
            f"Data keys, newest first: {', '.join(ring.ids)}. New values are written with {cipher_name()}."
        )
        problems = [message for message in run_checks(tags=[Tags.models]) if (message.id or "").startswith("core.E10")]
        if problems:
            raise CommandError("\n".join(str(message) for message in problems))
        try:
            verify_sentinel()
        except KeysError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(self.style.SUCCESS("The keys open this database."))

"""Prove that the stock adds up."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from pharmacy.reconcile import differences


class Command(BaseCommand):
    help = (
        "Check that movements add up to batches, batches to medicines, and reservations to open prescriptions. "
        "Ends with an error when something differs; changes nothing."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        found = differences()
        for difference in found:
            self.stderr.write(difference)
        if found:
            raise CommandError(f"Stock does not add up: {len(found)} differences.")
        self.stdout.write("Stock adds up.")

"""Seal the audit log now."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from audit.refusals import flush_refusals
from audit.sealing import head, seal_all


class Command(BaseCommand):
    help = "Seals what is new in the audit log and writes the anchors. The scheduler does this every minute."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--seconds", type=float, default=3600, help="Stop after about this long; the next run goes on."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        flush_refusals()
        made = seal_all(seconds=options["seconds"])
        newest = head()
        if newest is None:
            self.stdout.write("The audit log is empty.")
            return
        self.stdout.write(f"{made} new seal(s). Seal {newest.sequence} up to event {newest.last_id}: {newest.hash}")

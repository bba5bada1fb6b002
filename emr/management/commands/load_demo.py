"""Fill an empty database with the demo clinic."""

from __future__ import annotations

import time
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from emr.demo import loader


class Command(BaseCommand):
    help = (
        "Fill an empty database with the demo clinic: staff, 300 patients, a year of visits and a day under way. "
        "A database that holds patients is left as it is."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--seed", type=int, default=loader.SEED, help="the same seed on the same day gives the same clinic"
        )
        parser.add_argument("--patients", type=int, default=loader.PATIENTS, help="how many patients (200 or more)")
        parser.add_argument("--months", type=int, default=loader.MONTHS, help="months of past visits (1 to 60)")

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.DEMO_MODE:
            raise CommandError("DEMO_MODE is off. Invented patients never go into a database of real ones.")
        if options["patients"] < 200 or not 1 <= options["months"] <= 60:
            raise CommandError("Ask for 200 patients or more, and 1 to 60 months.")
        started = time.monotonic()
        try:
            loader.load(
                seed=options["seed"], patients=options["patients"], months=options["months"], say=self.stdout.write
            )
        except loader.AlreadyLoaded:
            self.stdout.write("This database holds patients already; nothing was changed.")
            return
        self.stdout.write(self.style.SUCCESS(f"The demo clinic is loaded ({time.monotonic() - started:.0f} s)."))

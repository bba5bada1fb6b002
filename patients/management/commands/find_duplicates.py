"""Look through all patient records for pairs that may be of one person, now."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

import audit.jobs
from patients.services import duplicate_scan


class Command(BaseCommand):
    help = "Compare all patient records now instead of by night, for instance after an import. May run during the day."

    def handle(self, *args: Any, **options: Any) -> None:
        with audit.jobs.job("find_duplicates", quiet=True):
            pairs = duplicate_scan.scan_all(say=self.stdout.write)
        self.stdout.write(self.style.SUCCESS(f"{pairs} pairs wait for a decision."))

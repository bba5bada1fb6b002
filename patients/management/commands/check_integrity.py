"""Check all records now and say what is wrong; exit code 1 when something serious is."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

import audit
from core import clock
from patients import integrity
from patients.models import IntegrityFinding, IntegrityRun
from patients.services import integrity as service


class Command(BaseCommand):
    help = "Checks all records and lists what is wrong, without names. Exit code 1 when something serious is open."

    @audit.job("check_integrity")
    def handle(self, *args: Any, **options: Any) -> None:
        run = IntegrityRun.objects.filter(finished_at__isnull=True).first()
        run = run or IntegrityRun.objects.create(started_at=clock.now())
        service.go_on()
        run.refresh_from_db()
        if run.finished_at is None:
            raise CommandError("Another worker is at this check. Run the command again in some minutes.")
        serious = 0
        for check in integrity.checks():
            result = run.results.get(check.name, {})
            opened = IntegrityFinding.objects.filter(check_name=check.name, gone_at__isnull=True)
            subjects = list(opened.order_by("pk").values_list("subject", flat=True))
            state = "failed" if result.get("failed") else f"{len(subjects)} found"
            self.stdout.write(f"{check.name}: {state}, {result.get('looked_at', 0)} looked at")
            for subject in subjects[:20]:
                self.stdout.write(f"  {subject}")
            is_bad = bool(subjects) or bool(result.get("failed"))
            serious += is_bad and check.severity == integrity.Severity.SERIOUS
        if serious:
            raise CommandError(
                f"{serious} check(s) found something serious. The page “Check of records” says what to do."
            )

"""Check the audit log."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from audit import anchors
from audit.models import AuditEvent, SealerState
from audit.verifying import Check, Report

SHOWN = 20


class Command(BaseCommand):
    help = (
        "Checks every event, the chain of seals and the anchors; names the first bad event. Ends with 0 when all is well, 1 "
        "when something is wrong."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--anchors", action="append", type=Path, default=None, metavar="FILE",
            help="File of anchors (AUDIT_ANCHOR_FILE by default); may be given several times.",
        )  # fmt: skip
        parser.add_argument(
            "--no-anchors", action="store_true", help="Check without anchors: a cut-off end is not seen."
        )
        parser.add_argument(
            "--archives", action="append", type=Path, default=None, metavar="DIR",
            help="Directory of archives (AUDIT_ARCHIVE_DIR by default); may be given several times.",
        )  # fmt: skip
        parser.add_argument("--from", dest="start", type=int, default=1, metavar="SEQ", help="Begin at this seal.")
        parser.add_argument("--json", action="store_true", help="Report as JSON.")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["start"] < 1:
            raise CommandError("Seals are numbered from 1.")
        files = [] if options["no_anchors"] else options["anchors"] or self._usual_anchors()
        self._total = AuditEvent.objects.order_by("-id").values_list("id", flat=True).first() or 0
        report = Check(
            anchor_files=files,
            archive_dirs=options["archives"] or [settings.AUDIT_ARCHIVE_DIR],
            start=options["start"],
            progress=None if options["json"] else self._progress,
        ).run()
        if not files:
            report.notes.append("Without anchors a cut-off end of the log is not seen.")
        self._show(report, as_json=options["json"])
        if not report.is_clean:
            raise SystemExit(1)

    @staticmethod
    def _usual_anchors() -> list[Path]:
        """Return the usual file when it exists or should exist."""
        path = Path(settings.AUDIT_ANCHOR_FILE)
        state = SealerState.objects.filter(pk=1).first()
        return [path] if path.exists() or (state and anchors.file_key(path) in state.anchored) else []

    def _progress(self, report: Report) -> None:
        self.stderr.write(f"  {report.events:,} events of about {self._total:,}, {report.seals:,} seals")

    def _show(self, report: Report, *, as_json: bool) -> None:
        first = report.first
        if as_json:
            values = {
                **asdict(report),
                "rate": round(report.rate),
                "ok": report.is_clean,
                "first": first and asdict(first),
            }
            self.stdout.write(json.dumps(values, indent=1))
            return
        self.stdout.write(
            f"{report.events:,} events ({report.unsealed:,} not sealed yet, {report.archived:,} in archives), {report.seals:,} "
            f"seals, {report.anchors:,} anchors: {report.seconds:.1f} s, {report.rate:,.0f} events/s."
        )
        for note in report.notes:
            self.stdout.write(f"Note: {note}")
        if first is None:
            self.stdout.write(
                self.style.SUCCESS(f"The audit log is complete and unchanged. Head: {report.head or 'none'}")
            )
            return
        self.stdout.write(self.style.ERROR(f"FIRST BAD EVENT: {first.event_id} ({first.kind}). {first.text}"))
        for finding in sorted(report.findings)[1:SHOWN]:
            self.stdout.write(f"  {finding.event_id} ({finding.kind}): {finding.text}")
        if len(report.findings) > SHOWN:
            self.stdout.write(f"  and {len(report.findings) - SHOWN} more")

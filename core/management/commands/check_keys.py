"""Show the health of the keys, never the keys, and prove that they open the database."""

from __future__ import annotations

import json
from typing import Any

from django.core.checks import Tags, run_checks
from django.core.management.base import BaseCommand, CommandError, CommandParser

from core import keys_health

NEEDS_ATTENTION = 2


class Command(BaseCommand):
    help = (
        "Show where each key comes from, what is still under older keys and what should be done; never a key. "
        "Ends with 1 when the keys do not fit the stored data, with --strict also with 2 when there is advice."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="print the report as JSON, for monitoring")
        parser.add_argument("--quick", action="store_true", help="do not count rows under each key")
        parser.add_argument("--strict", action="store_true", help="end with 2 when there is advice")
        parser.add_argument("--backed-up", action="store_true", help="note that the present keys are backed up")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["backed_up"]:
            self.stdout.write(f"Noted: {', '.join(keys_health.note_backup())} are backed up.", self.style.SUCCESS)
        found = keys_health.report(count_rows=not options["quick"])
        found["problems"] += [
            str(message) for message in run_checks(tags=[Tags.models]) if (message.id or "").startswith("core.E10")
        ]
        if options["json"]:
            self.stdout.write(json.dumps(found, indent=2))
        else:
            self._show(found)
        if found["problems"]:
            raise CommandError("\n".join(found["problems"]))
        if found["advice"] and options["strict"]:
            raise CommandError("There is advice to follow, see above.", returncode=NEEDS_ATTENTION)

    def _show(self, found: dict[str, Any]) -> None:
        for key in found["keys"]:
            place = key["path"] or ("its variable" if key["source"] == "variable" else "nowhere")
            details = f" (mode {key['mode']}, changed {key['changed_at']})" if key["mode"] else ""
            self.stdout.write(f"{key['name']}: {', '.join(key['ids']) or 'present'}; from {place}{details}")
        self.stdout.write(f"New values are written with {found['cipher']}. Of several keys the newest comes first.")
        if found["tables"]:
            self.stdout.write("Rows under each data key:")
        for label, rows in found["tables"].items():
            shown = ", ".join(f"{name} {count}" for name, count in rows.items()) or "none"
            self.stdout.write(f"  {label}: {shown}")
        index = found["index"]
        if index:
            text = f"Search index: {index['phase']}, key {index['key']}"
            if index["other_key"]:
                text += f", other key {index['other_key']}, {index['rows_done']} of {index['rows_total']} patients done"
            self.stdout.write(text)
        for advice in found["advice"]:
            self.stdout.write(self.style.WARNING(advice))
        if found["opens_database"]:
            self.stdout.write(self.style.SUCCESS("The keys open this database."))

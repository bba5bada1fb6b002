"""Import a list of patients without the screens; the same work, the same rules."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import translation

import audit
from accounts.access import Capability, has_capability
from accounts.models import User
from core import files
from core.errors import DomainError
from jobs import runner
from jobs import services as jobs
from jobs.models import Job
from patients.importing.columns import BY_CODE, folded
from patients.models import PatientImport
from patients.services import imports

WAIT_SECONDS = 2


def acting_user(username: str) -> User:
    """Return the account that answers for an import or an export.

    Raises:
        CommandError: there is none, or it may not import and export.
    """
    user = User.objects.filter(username=username).first()
    if user is None or not has_capability(user, Capability.IMPORT_PATIENTS):
        raise CommandError(f"{username} is no active account that may import and export patients.")
    return user


class Command(BaseCommand):
    help = (
        "Import patients from a CSV or XLSX file (up to 64 MB and 200,000 rows), as the pages under Import and export do. "
        "Nothing is printed but numbers and kinds of problems; the report of an import is on its page."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--actor", required=True, help="user name of who answers for it; needs the right")
        parser.add_argument("--mapping", type=Path, help='JSON file {"heading": "field"}; else headings are recognised')
        parser.add_argument("--dry-run", action="store_true", help="check only")
        parser.add_argument("--update-empty", action="store_true", help="fill what is empty in known records")
        parser.add_argument("--keep-numbers", action="store_true", help="take over old record numbers that are free")
        parser.add_argument("--leave-out-wrong", action="store_true", help="import people without their wrong values")
        parser.add_argument("--resume", action="store_true", help="go on with the last import of this very file")

    @audit.job("import_patients")
    def handle(self, *args: Any, **options: Any) -> None:
        actor = acting_user(options["actor"])
        with translation.override(actor.language):
            try:
                self._run(actor, options)
            except DomainError as error:
                raise CommandError(str(error)) from error

    def _run(self, actor: User, options: dict[str, Any]) -> None:
        try:
            data = options["file"].read_bytes()
        except OSError as error:
            raise CommandError(f"{options['file']} cannot be read: {error.strerror}.") from error
        source = self._last(data) if options["resume"] else None
        if source is None or source.import_job_id is None:
            source = source or imports.upload(data=data, name=options["file"].name, actor=actor)
            self._check(source, actor, options)
            source.refresh_from_db()
        if options["dry_run"]:
            self.stdout.write("Nothing was imported.")
            return
        if source.import_job_id is None:
            known = "update" if options["update_empty"] else "skip"
            decisions = {f"on_{name}": known for name in imports.DUPLICATES}
            numbers = "keep" if options["keep_numbers"] else "new"
            source = imports.start(import_id=source.pk, actor=actor, numbers=numbers, **decisions)
        elif Job.objects.filter(pk=source.import_job_id, state__in=Job.RESUMABLE).exists():
            jobs.resume(job_id=source.import_job_id, actor=actor)
        self._follow(source.import_job_id, "import")
        self.stdout.write(f"The report is at /patients/imports/{source.pk}/")

    def _last(self, data: bytes) -> PatientImport | None:
        rows = PatientImport.objects.filter(digest=files.digest_of(data)).exclude(state=PatientImport.State.CANCELLED)
        found = rows.exclude(state=PatientImport.State.IMPORTED).order_by("-pk").first()
        if found is None:
            raise CommandError("There is no unfinished import of this file.")
        return found

    def _check(self, source: PatientImport, actor: User, options: dict[str, Any]) -> None:
        if source.read_job_id is not None:
            self._follow(source.read_job_id, "read")
            source.refresh_from_db()
        mapping = {int(at): code for at, code in source.mapping.items()}
        if options["mapping"] is not None:
            mapping = self._mapping(options["mapping"], source)
        shown = ", ".join(sorted(mapping.values()))
        self.stdout.write(f"{source.data_row_count} rows; columns taken: {shown}")
        wrong = "leave_out" if options["leave_out_wrong"] else "reject"
        heading = bool(imports.decisions_of(source)["has_heading"])
        source = imports.set_mapping(
            import_id=source.pk, actor=actor, mapping=mapping, has_heading=heading, on_value=wrong
        )
        self._follow(source.check_job_id, "check")

    def _mapping(self, path: Path, source: PatientImport) -> dict[int, str]:
        try:
            chosen = json.loads(path.read_text(encoding="utf-8"))
            wanted = {folded(str(heading)): str(code) for heading, code in chosen.items()}
        except (OSError, ValueError, AttributeError) as error:
            raise CommandError(f'{path} is no JSON file of the form {{"heading": "field"}}.') from error
        unknown = sorted(set(wanted.values()) - set(BY_CODE))
        if unknown:
            raise CommandError(f"Unknown fields: {', '.join(unknown)}. Fields are: {', '.join(BY_CODE)}.")
        headings = [folded(heading) for heading in source.sheet["first"]]
        missing = sorted(set(wanted) - set(headings))
        if missing:
            raise CommandError(f"The file has no such columns: {', '.join(missing)}.")
        return {at: wanted[heading] for at, heading in enumerate(headings) if heading in wanted}

    def _follow(self, job_id: Any, what: str) -> None:
        """Work on the job here, or watch another worker do it, until it has ended."""
        while True:
            state = runner.work(job_id)
            job = Job.objects.get(pk=job_id)
            percent = "" if job.percent is None else f" {job.percent} %"
            self.stdout.write(f"{what}: {job.state}{percent}")
            if not job.is_open:
                break
            if state is None:
                time.sleep(WAIT_SECONDS)
        if job.state != Job.State.DONE:
            raise CommandError(job.error or f"The {what} was cancelled. Run it again with --resume.")
        self.stdout.write(job.summary)

"""The machine-readable copy of one patient's data: a ZIP with `data.json`, the files, and a page that explains it.

Source: UU 27/2022 article 7 (access and a copy) and article 13 (in a form that other systems read).
"""

from __future__ import annotations

import json
import zipfile
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import timedelta
from io import BytesIO
from typing import Any

from django.conf import settings
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, override

import jobs.kinds
from accounts.access import Capability
from core import clock, files
from jobs.models import Job
from jobs.steps import JobResult, JobStep
from patients import personal_data
from patients.models import DataRequest, Patient, PatientDocument
from patients.rights import moment
from patients.services.locks import refuse_merged
from patients.services.rights import COPY_KIND

FORMAT, VERSION = "emr-personal-copy", 1
KEPT_FOR = timedelta(days=7)
ENDINGS = {"image/jpeg": "jpg", "image/png": "png", "image/gif": "gif", "application/pdf": "pdf"}


def register() -> None:
    """Make the kind of job known; called once."""
    jobs.kinds.register(
        COPY_KIND, run=_run, label=gettext_lazy("Copy of all data of one patient"), is_shared=True,
        capability=Capability.HANDLE_DATA_REQUESTS, allows=_allows, result_lifetime=KEPT_FOR, summary=_summary, link=_link,
        phases=Phases(), wants_factor=lambda job: True,
    )  # fmt: skip


class Phases(Mapping[str, str | Promise]):
    """The section that is being written. Apps above register theirs after this kind is made known."""

    def __getitem__(self, name: str) -> str | Promise:
        return {section.name: section.title for section in personal_data.sections()}[name]

    def __iter__(self) -> Iterator[str]:
        return (section.name for section in personal_data.sections())

    def __len__(self) -> int:
        return len(personal_data.sections())


class Package:
    """One copy while it is made."""

    def __init__(self, patient: Patient, language: str) -> None:
        self.patient, self.language = patient, language
        self.resources: list[personal_data.Resource] = []
        self.sections: list[dict[str, Any]] = []
        self.counts: Counter[str] = Counter()
        self.missing: list[str] = []
        self._out = BytesIO()
        self._zip = zipfile.ZipFile(self._out, "w", zipfile.ZIP_DEFLATED)

    def add(self, section: personal_data.Section) -> None:
        """Put one section in: its rows, resources and files."""
        with override(self.language):
            tables = {
                table.model: [self._row(table, row) for row in table.rows(self.patient)] for table in section.tables
            }
            for name, rows in section.listed.items():
                tables[name] = [
                    {key: personal_data.json_value(value) for key, value in row.items()} for row in rows(self.patient)
                ]
            count = sum(len(rows) for rows in tables.values())
            self.counts["rows"] += count
            self.sections.append(
                {
                    "name": section.name, "title": str(section.title), "ground": str(section.ground), "count": count,
                    "tables": {name: rows for name, rows in tables.items() if rows},
                }
            )  # fmt: skip

    def _row(self, table: personal_data.Table, row: Any) -> dict[str, Any]:
        values = personal_data.values_of(table, row)
        if table.resources is not None:
            self.resources += table.resources(row)
        if table.files is not None:
            values["files"] = [self._file(start, stored) for start, stored in table.files(row)]
        return values

    def _file(self, start: str, stored: Any) -> str:
        name = f"files/{start}-{stored.pk.hex[-8:]}.{ENDINGS.get(stored.content_type, 'bin')}"
        try:
            data = files.read(stored)
        except files.FileUnreadable:
            self.missing.append(name)
            return name
        self._zip.writestr(zipfile.ZipInfo(name, clock.local(stored.created_at).timetuple()[:6]), data)
        self.counts["files"] += 1
        return name

    def finish(self) -> bytes:
        """Return the ZIP."""
        at = clock.now()
        data = {
            "format": FORMAT, "version": VERSION, "made_at": at.isoformat(), "language": self.language,
            "clinic": {"name": settings.CLINIC_NAME, "address": settings.CLINIC_ADDRESS, "phone": settings.CLINIC_PHONE},
            "record_number": self.patient.record_number, "sections": self.sections, "missing_files": self.missing,
            "fhir": {
                "resourceType": "Bundle", "type": "collection", "timestamp": at.isoformat(),
                "entry": [{"resource": resource} for resource in self.resources],
            },
        }  # fmt: skip
        self._zip.writestr("data.json", json.dumps(data, ensure_ascii=False, indent=1))
        with override(self.language):
            self._zip.writestr("BACA-SAYA.txt" if self.language == "id" else "README.txt", self._readme())
        self._zip.close()
        return self._out.getvalue()

    def _readme(self) -> str:
        lines = [
            _("Copy of personal data"), "=" * 40, "",
            _("Clinic: %(name)s") % {"name": settings.CLINIC_NAME},
            _("Name: %(name)s") % {"name": self.patient.full_name},
            _("Record number: %(number)s") % {"number": self.patient.record_number},
            _("Made on: %(moment)s") % {"moment": moment(clock.now())}, "",
            _("What is in this file"), "-" * 40,
        ]  # fmt: skip
        for section in self.sections:
            entries = ngettext("%(count)d entry", "%(count)d entries", section["count"]) % {"count": section["count"]}
            lines += [f"- {section['title']}: {entries}", f"  {section['ground']}"]
        lines += [
            "", _("How to read it"), "-" * 40,
            _("data.json holds everything as text that programs read. Each section has the tables of the clinic's system."),
            _("Under \"fhir\" the same stands after HL7 FHIR R4, as far as that has a form for it."),
            _("The folder \"files\" holds your documents and pictures as they were stored."), "",
            _("What is not in this file"), "-" * 40,
            _("Data of other people, and what only keeps the system running, such as the search index."),
        ]  # fmt: skip
        kept_back = PatientDocument.objects.filter(patient=self.patient, is_internal=True).count()
        if kept_back:
            words = ngettext(
                "%(count)d document that is for the clinic only. Ask us about it.",
                "%(count)d documents that are for the clinic only. Ask us about them.",
                kept_back,
            )
            lines.append(words % {"count": kept_back})
        if self.missing:
            lines.append(_("Files that could not be read: %(names)s") % {"names": ", ".join(self.missing)})
        lines += [
            "", _("Keep it safe"), "-" * 40,
            _("This file holds health data. Keep it where only you can open it, and do not send it on by mail."), "",
            _("Questions: %(phone)s, %(mail)s") % {"phone": settings.CLINIC_PHONE, "mail": settings.CLINIC_EMAIL}, "",
        ]  # fmt: skip
        return "\r\n".join(lines)


def _run(step: JobStep) -> JobResult:
    patient = Patient.objects.get(pk=step.patient_id)
    refuse_merged(patient)
    package = Package(patient, step.parameters.get("language", "id"))
    sections = personal_data.sections()
    for done, section in enumerate(sections):
        step.progress(done, len(sections), phase=section.name)
        package.add(section)
    data = package.finish()
    name = f"{_request_number(step)}.zip"
    return JobResult(data=data, name=name, content_type="application/zip", outcome=dict(package.counts))


def _request_number(step: JobStep) -> str:
    return str(DataRequest.objects.values_list("number", flat=True).get(pk=step.parameters["request"]))


def _allows(user: Any, job: Job) -> bool:
    return Patient.objects.visible_to(user).filter(pk=job.patient_id).exists()


def _link(job: Job) -> str:
    request_id = (job.parameters or {}).get("request")
    return reverse("patients:data-request-detail", args=[request_id]) if request_id else ""


def _summary(job: Job) -> str:
    outcome = job.outcome or {}
    return _("The copy holds %(rows)d entries and %(files)d files.") % {
        "rows": outcome.get("rows", 0), "files": outcome.get("files", 0),
    }  # fmt: skip

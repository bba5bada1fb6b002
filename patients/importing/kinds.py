"""The background work of imports and exports, as `jobs` knows it. Registered when the apps are loaded."""

from __future__ import annotations

from datetime import timedelta

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

import jobs
from accounts.access import Capability
from jobs.models import Job
from patients.importing.running import run_check, run_import, run_read
from patients.services import exports, imports

LONG_LEASE = timedelta(minutes=10)  # opening a big workbook, writing a long report: no step in between


def register() -> None:
    """Make the kinds known."""
    shared = {"capability": Capability.IMPORT_PATIENTS, "is_shared": True, "link": _import_page}
    jobs.register(
        imports.READ,
        run=run_read,
        label=gettext_lazy("Reading a list of patients"),
        lease=LONG_LEASE,
        summary=_read_summary,
        **shared,
    )
    jobs.register(
        imports.CHECK,
        run=run_check,
        label=gettext_lazy("Checking a list of patients"),
        phases={"checking": gettext_lazy("Checking the rows")},
        summary=_check_summary,
        **shared,
    )
    jobs.register(
        imports.RUN,
        run=run_import,
        label=gettext_lazy("Importing patients"),
        lease=LONG_LEASE,
        phases={"importing": gettext_lazy("Registering patients"), "report": gettext_lazy("Writing the report")},
        summary=_import_summary,
        **shared,
    )
    jobs.register(
        exports.EXPORT,
        run=exports.run_export,
        label=gettext_lazy("List of patients as a file"),
        capability=Capability.IMPORT_PATIENTS,
        result_lifetime=exports.LIFETIME,
        phases={"rows": gettext_lazy("Writing patients")},
        wants_factor=lambda job: "nik" in (job.parameters or {}).get("columns", []),
        summary=_export_summary,
    )


def _import_page(job: Job) -> str:
    return reverse("patients:import-detail", args=[job.parameters["import"]]) if "import" in job.parameters else ""


def _read_summary(job: Job) -> str:
    count = (job.outcome or {}).get("rows", 0)
    return ngettext("%(count)d row was read.", "%(count)d rows were read.", count) % {"count": count}


def _check_summary(job: Job) -> str:
    found = job.outcome or {}
    known = sum(found.get(name, 0) for name in imports.DUPLICATES)
    return _("%(rows)d rows checked: %(wrong)d wrong, %(known)d look like known patients.") % {
        "rows": found.get("rows", 0),
        "wrong": found.get("value", 0),
        "known": known,
    }


def _import_summary(job: Job) -> str:
    found = job.outcome or {}
    return _("%(created)d imported, %(updated)d known records completed, %(skipped)d left out, %(wrong)d wrong.") % {
        "created": found.get("created", 0),
        "updated": found.get("updated", 0),
        "skipped": found.get("skipped", 0),
        "wrong": found.get("error", 0),
    }


def _export_summary(job: Job) -> str:
    count = (job.outcome or {}).get("rows", 0)
    return ngettext("%(count)d patient is in the file.", "%(count)d patients are in the file.", count) % {
        "count": count
    }

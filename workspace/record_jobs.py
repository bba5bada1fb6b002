"""Long records are made in the background; this is the kind of job that does it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.utils.translation import gettext_lazy as _

import jobs.kinds
from accounts.access import Capability, has_capability
from jobs.models import Job
from jobs.steps import JobResult, JobStep
from patients.models import Patient
from patients.services.locks import refuse_merged
from workspace.record_pdf import RecordWish, record_pdf

KIND = "workspace.record"
KEPT_FOR = timedelta(hours=24)
FILE_NAME = "rekam-medis.pdf"


def register() -> None:
    """Make the kind known; called once."""
    jobs.kinds.register(KIND, run=_run, label=_("Medical record as PDF"), allows=_allows, result_lifetime=KEPT_FOR)


def may_export(user: Any) -> bool:
    """True for staff who may make records as PDF, and for patients, who may have their own."""
    return has_capability(user, Capability.EXPORT_RECORDS) or has_capability(user, Capability.USE_PORTAL)


def _allows(user: Any, job: Job) -> bool:
    return may_export(user) and Patient.objects.readable_by(user).filter(pk=job.patient_id).exists()


def _run(step: JobStep) -> JobResult:
    patient = Patient.objects.readable_by(step.actor).for_header().get(pk=step.patient_id)
    refuse_merged(patient)  # its visits are elsewhere: the paper would be of an empty record
    content = record_pdf(
        patient=patient,
        reader=step.actor,
        wish=RecordWish.from_json(step.parameters),
        language=step.parameters["language"],
        tell=lambda done, total: step.progress(done, total),
    )
    return JobResult(data=content, name=FILE_NAME, content_type="application/pdf")

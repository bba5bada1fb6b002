"""Asking for background work, cancelling it, and having its result."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any
from uuid import UUID

import audit
from accounts.models import User
from core import clock, files, workers
from core.db import locked, retry_transaction
from core.models import StoredFile
from jobs import kinds
from jobs.errors import JobEnded, JobNotPermitted, JobNotResumable, ResultGone, TooManyJobs
from jobs.models import Job

RUN_TASK = "jobs.tasks.run"
MAX_OPEN = 3  # of one kind for one person
SWEEP_LIMIT = 200
KEEP_ROWS = timedelta(days=90)


@retry_transaction
def request(*, kind: str, actor: User, parameters: dict[str, Any] | None = None, patient_id: UUID | None = None) -> Job:
    """Ask for one job; a worker is told on commit. The same request that still waits or runs is returned, not doubled.

    `parameters` are JSON values (ids rather than data; the column is encrypted). `patient_id` is whom it is about.
    Locks the actor's account, so that the limit is exact. Audited.

    Raises:
        JobNotPermitted: the actor lacks the kind's right, or the kind does not allow this very job.
        TooManyJobs: three of this kind wait or run for the actor.
    """
    if kinds.get(kind) is None:
        raise ValueError(f"unknown kind of job: {kind}")
    values = json.loads(json.dumps(parameters or {}))
    job = Job(kind=kind, requested_by=actor, patient_id=patient_id, parameters=values, created_at=clock.now())
    _refuse_unless_permitted(actor, job)
    waiting = _waiting(job)
    for other in waiting:
        if other.patient_id == patient_id and other.parameters == values:
            return other
    _refuse_too_many(waiting)
    job.save(force_insert=True)
    audit.record("jobs.job.requested", actor=actor, patient=patient_id, target=job, detail={"kind": kind})
    nudge(job.pk)
    return job


@retry_transaction
def cancel(*, job_id: UUID, actor: User) -> Job:
    """Stop a job that waits or runs; what it has committed stays. A worker hears of it at its next step. Audited.

    Raises:
        JobEnded: it is over already.
    """
    now = clock.now()
    job = Job.objects.get(pk=job_id)
    values = {"finished_at": now, "lease_until": None, "expires_at": now + _lifetime(job.kind)}
    if not Job.objects.open().filter(pk=job_id).update(state=Job.State.CANCELLED, **values):
        raise JobEnded
    job.refresh_from_db(fields=["state"])
    audit.record("jobs.job.cancelled", actor=actor, patient=job.patient_id, target=job, detail={"kind": job.kind})
    return job


@retry_transaction
def resume(*, job_id: UUID, actor: User) -> Job:
    """Have a job that failed or was cancelled go on where it was; on behalf of who asked for it first. Audited.

    Raises:
        JobNotResumable: it waits, runs or is done, or what it needs is no longer kept.
        JobNotPermitted: the actor may not have it done.
        TooManyJobs: as for a new one.
    """
    job = Job.objects.get(pk=job_id)
    _refuse_unless_permitted(actor, job)
    _refuse_too_many(_waiting(job))
    stopped = Job.objects.filter(pk=job_id, state__in=Job.RESUMABLE, expires_at__gt=clock.now())
    values = {"attempts": 0, "error": "", "error_code": "", "finished_at": None, "expires_at": None}
    if not stopped.update(state=Job.State.QUEUED, **values):
        raise JobNotResumable
    audit.record("jobs.job.resumed", actor=actor, patient=job.patient_id, target=job, detail={"kind": job.kind})
    nudge(job_id)
    return Job.objects.get(pk=job_id)


@retry_transaction
def open_result(*, job_id: UUID, actor: User) -> tuple[StoredFile, str]:
    """Return the result file and its name, for one download. Audited, with `rows` of the outcome when it has them.

    Raises:
        JobNotPermitted: the kind does not allow it (any more), for instance because the patient left one's care.
        ResultGone: there is no result, or its time is over.
    """
    job = Job.objects.select_related("result").get(pk=job_id)
    _refuse_unless_permitted(actor, job)
    if not job.has_result or job.result is None:
        raise ResultGone
    rows = {"rows": job.outcome["rows"]} if job.outcome and isinstance(job.outcome.get("rows"), int) else {}
    detail = {"kind": job.kind, **rows}
    audit.record("jobs.result.downloaded", actor=actor, patient=job.patient_id, target=job, detail=detail)
    return job.result, job.result_name


def _refuse_unless_permitted(actor: User, job: Job) -> None:
    kind = kinds.get(job.kind)
    if kind is None or not kind.permits(actor, job):
        raise JobNotPermitted


def _waiting(job: Job) -> list[Job]:
    """Jobs of this kind that wait or run for who asked for it, under the lock of that account."""
    locked(User.objects.filter(pk=job.requested_by_id)).values_list("pk").get()
    return list(Job.objects.open().filter(kind=job.kind, requested_by=job.requested_by_id).exclude(pk=job.pk))


def _refuse_too_many(waiting: list[Job]) -> None:
    if len(waiting) >= MAX_OPEN:
        raise TooManyJobs(len(waiting))


def _lifetime(kind: str) -> timedelta:
    known = kinds.get(kind)
    return known.result_lifetime if known is not None else kinds.RESULT_LIFETIME


def nudge(job_id: UUID) -> None:
    """Tell the workers on commit that a job waits. A lost nudge costs a minute: the sweep finds the row."""
    workers.nudge(RUN_TASK, str(job_id), about="a job")


def due() -> list[UUID]:
    """Return the ids of jobs for a worker to take, oldest first."""
    return list(Job.objects.due(clock.now()).order_by("pk").values_list("pk", flat=True)[:SWEEP_LIMIT])


def remove_expired() -> int:
    """Remove the result files and parameters of jobs whose time is over; the number of jobs. Safe to run twice."""
    expired = Job.objects.expired(clock.now()).order_by("expires_at").values_list("pk", flat=True)
    return sum(_forget(job_id) for job_id in expired[:SWEEP_LIMIT])


def remove_results_of(patient_id: UUID) -> int:
    """Remove the result files and parameters of all ended jobs about one patient; the number of jobs."""
    ended = Job.objects.filter(patient_id=patient_id, expires_at__isnull=False).values_list("pk", flat=True)
    return sum(_forget(job_id) for job_id in list(ended))


def remove_old() -> int:
    """Delete the rows of jobs that ended long ago; the audit log keeps that they were. The number of rows."""
    old = Job.objects.filter(finished_at__lt=clock.now() - KEEP_ROWS, result__isnull=True, expires_at__isnull=True)
    return old.exclude(state__in=Job.OPEN).delete()[0]


@retry_transaction
def _forget(job_id: UUID) -> bool:
    job = locked(Job.objects.filter(pk=job_id, expires_at__isnull=False)).first()
    if job is None or job.is_open:
        return False
    stored = StoredFile.objects.filter(pk=job.result_id).first() if job.result_id else None
    job.result, job.expires_at, job.parameters, job.cursor = None, None, {}, None
    job.save(update_fields=["result", "expires_at", "parameters", "cursor"])
    if stored is not None:
        files.remove(stored)
        audit.record("jobs.result.removed", actor=None, patient=job.patient_id, target=job, detail={"kind": job.kind})
    return True

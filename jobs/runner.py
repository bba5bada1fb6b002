"""Working on jobs: one worker at a time, taken up again where it was after a kill."""

from __future__ import annotations

import logging
import traceback
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from celery.exceptions import SoftTimeLimitExceeded
from django.conf import settings
from django.db import OperationalError
from django.db.models import F
from django.db.models.functions import Coalesce
from django.utils import translation
from django.utils.translation import gettext as _

import audit
from audit.models import AuditEvent
from core import clock, files
from core.db import is_transient, retry_transaction
from core.errors import DomainError
from core.models import StoredFile
from jobs import kinds, services
from jobs.models import MAX_ATTEMPTS, Job
from jobs.steps import JobResult, JobStep, LeaseLost, Paused, Stopped
from notifications.services import notify

logger = logging.getLogger(__name__)

NOTICE_AFTER = timedelta(seconds=5)  # whoever waits that long has gone on to something else
RETRY_AFTER = timedelta(seconds=20)  # times the number of tries


def work(job_id: UUID) -> Job.State | None:
    """Work on one job until it ends or has had its share; the state it is left in, None when it is not to be had.

    The claim is one conditional UPDATE that names the turn, so of two workers exactly one goes on. No transaction is open
    around the kind's `run`.
    """
    job = _claim(job_id)
    kind = kinds.get(job.kind) if job is not None else None
    if job is None or kind is None:
        return None
    actor = job.requested_by
    with translation.override(_language(job)):
        if actor is None or not kind.permits(actor, job):
            return _fail(job, "jobs.not_permitted", _("You may no longer do this work. Nothing was changed."))
        step = JobStep(job, kind, actor)
        try:
            made = kind.run(step)
            stored = files.put(made.data, content_type=made.content_type) if made and made.data is not None else None
            return _finish(job, made, stored)
        except Paused:
            return _put_back(job, clock.now(), paused=True)
        except Stopped:
            return None
        except Exception as error:
            return _after_fault(job, error)


def _language(job: Job) -> str:
    return job.requested_by.language if job.requested_by is not None else settings.LANGUAGE_CODE


def run_to_end(job_id: UUID) -> Job:
    """Work on one job in this process until it has ended, for commands; returns its row.

    When another worker has the job it is left to that one.
    """
    while work(job_id) == Job.State.RUNNING:
        pass
    return Job.objects.get(pk=job_id)


def sweep() -> list[UUID]:
    """End jobs that were begun too often; return the ids of those for a worker to take."""
    for job in Job.objects.given_up(clock.now()).select_related("requested_by").order_by("pk")[: services.SWEEP_LIMIT]:
        _give_up(job)
    return services.due()


def _claim(job_id: UUID) -> Job | None:
    now = clock.now()
    job = Job.objects.due(now).filter(pk=job_id).select_related("requested_by").first()
    kind = kinds.get(job.kind) if job is not None else None
    if job is None:
        return None
    if kind is None:
        logger.error("no worker of this version knows jobs of kind %s", job.kind)
        return None
    taken = Job.objects.due(now).filter(pk=job.pk, turn=job.turn)
    values: dict[str, Any] = {"started_at": Coalesce("started_at", now), "attempts": F("attempts") + 1}
    if not taken.update(state=Job.State.RUNNING, turn=job.turn + 1, lease_until=now + kind.lease, **values):
        return None
    job.turn, job.attempts, job.state = job.turn + 1, job.attempts + 1, Job.State.RUNNING
    return job


@retry_transaction
def _finish(job: Job, made: JobResult | None, stored: StoredFile | None) -> Job.State | None:
    """Keep the result and end the job as done, in one transaction."""
    values: dict[str, Any] = {"cursor": None}
    if made is not None and stored is not None:
        values |= {"result": files.keep(stored), "result_name": made.name[:200]}
    if made is not None and made.outcome is not None:
        values["outcome"] = dict(made.outcome)
    return _end(job, Job.State.DONE, **values)


def _fail(job: Job, code: str, sentence: str, fault: str = "") -> Job.State | None:
    detail = {"code": code, **({"fault": fault} if fault else {})}
    try:
        return _end(job, Job.State.FAILED, detail, error_code=code, error=sentence)
    except LeaseLost:
        return None


@retry_transaction
def _end(job: Job, state: Job.State, detail: dict[str, Any] | None = None, **values: Any) -> Job.State:
    """Write how the job ended, and tell the person when it took a while.

    Raises:
        LeaseLost: it was cancelled or taken over meanwhile; nothing is written, a stored result neither.
    """
    now, kind = clock.now(), kinds.get(job.kind)
    values |= {"finished_at": now, "lease_until": None}
    values["expires_at"] = now + (kind.result_lifetime if kind is not None else kinds.RESULT_LIFETIME)
    if not Job.objects.filter(pk=job.pk, turn=job.turn, state=Job.State.RUNNING).update(state=state, **values):
        raise LeaseLost
    is_done = state == Job.State.DONE
    audit.record(
        "jobs.job.finished" if is_done else "jobs.job.failed",
        actor=job.requested_by,
        patient=job.patient_id,
        target=job,
        detail={"kind": job.kind, **(detail or {})},
        result=AuditEvent.Result.OK if is_done else AuditEvent.Result.FAILED,
    )
    if job.requested_by is not None and kind is not None and now - job.created_at >= NOTICE_AFTER:
        notice = kind.done_notice if is_done else kind.failed_notice
        notify(recipients=[job.requested_by], kind=notice, path=job.get_absolute_url())
    return state


def _put_back(job: Job, until: Any, *, paused: bool = False) -> Job.State | None:
    """Let go of the job; it may be taken again from `until` on."""
    mine = Job.objects.filter(pk=job.pk, turn=job.turn, state=Job.State.RUNNING)
    if not mine.update(lease_until=until):
        return None
    if paused:
        services.nudge(job.pk)
    return Job.State.RUNNING


def _give_up(job: Job) -> None:
    with translation.override(_language(job)):
        sentence = _("The work stopped several times at the same place. What was finished before stays. Tell an admin.")
        try:
            _fail(job, "jobs.given_up", sentence)
        except Exception as error:  # one job that cannot even be ended must not keep the others from going on
            logger.error(
                "job %s (%s) cannot be ended: %s at %s", job.pk, job.kind, type(error).__name__, _places(error)
            )


def _after_fault(job: Job, error: Exception) -> Job.State | None:
    """End the job as failed, or put it back when what was in the way passes.

    The text of a fault of the program is neither shown nor logged, since it may hold data.
    """
    if isinstance(error, files.StorageDown) or (isinstance(error, OperationalError) and is_transient(error)):
        job.refresh_from_db(fields=["attempts"])
        if job.attempts < MAX_ATTEMPTS:
            return _put_back(job, clock.now() + RETRY_AFTER * max(1, job.attempts))
    if isinstance(error, DomainError):
        return _fail(job, error.code, str(error))
    logger.error("job %s (%s) failed: %s at %s", job.pk, job.kind, type(error).__name__, _places(error))
    if isinstance(error, SoftTimeLimitExceeded):
        sentence = _("The work took too long and was stopped. Ask for a smaller part of it.")
        return _fail(job, "jobs.too_long", sentence, type(error).__name__)
    sentence = _("The work failed because of a fault in the program. Try once more; if it fails again, tell an admin.")
    return _fail(job, "jobs.fault", sentence, type(error).__name__)


def _places(error: Exception) -> str:
    """Return where in our code a fault was, innermost first."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if "site-packages" not in frame.filename]
    return " < ".join(f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in frames[::-1][:6])

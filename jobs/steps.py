"""What a kind's `run` gets in hand, and gives back."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db import connection

from core import clock

if TYPE_CHECKING:
    from accounts.models import User
    from jobs.kinds import Kind
    from jobs.models import Job

SLICE_SECONDS = 20.0  # how long others wait behind a job that can go on later


class Stopped(Exception):
    """The run ends here; what was committed stays. Not for `run` to catch."""


class Cancelled(Stopped):
    """The person cancelled the job."""


class LeaseLost(Stopped):
    """Another worker has the job; nothing may be written any more."""


class Paused(Stopped):
    """The worker is wanted elsewhere; the work goes on from its cursor soon."""


@dataclass(frozen=True)
class JobResult:
    """What a run made. `data`, when given, becomes the result file; `outcome` are facts for the kind's own words."""

    data: bytes | None = None
    name: str = ""
    content_type: str = "application/octet-stream"
    outcome: Mapping[str, Any] | None = None


class JobStep:
    """One go of a job by one worker.

    A run that can go on later works like this, and is resumed at `step.cursor` after a kill, a pause or a deadlock:

        def run(step):
            at = (step.cursor or {"row": 0})["row"]
            while at < total:
                at = write_batch(step, at)  # @retry_transaction; its first statement is step.progress(…, cursor={"row": …})
                step.rest()
            return JobResult(outcome={"rows": at})

    `progress` inside the transaction of a batch is saved or rolled back with it, so no batch is ever done twice. As its
    first statement it refuses the batch before anything is written when the job is cancelled or another worker has it,
    and keeps others from taking the job until the commit. A run that cannot go on in the middle calls it
    without a cursor, outside of transactions; such a run is repeated from its beginning after a kill.
    """

    def __init__(self, job: Job, kind: Kind, actor: User) -> None:
        self.job_id: UUID = job.pk
        self.actor = actor
        self.patient_id: UUID | None = job.patient_id
        self.parameters: dict[str, Any] = dict(job.parameters or {})
        self.cursor: Any = job.cursor
        self.done, self.total = job.done, job.total
        self.turn = job.turn
        self._kind = kind
        self._phase = job.phase
        self._began = time.monotonic()
        self._can_rest = False

    def progress(self, done: int, total: int, *, cursor: Any = None, phase: str | None = None) -> None:
        """Save how far the work is, keep hold of the job, and remember where to go on (`cursor`: any JSON value).

        One UPDATE. `phase` is a code of the kind's `phases`; left out, the one before stays.

        Raises:
            Cancelled: the person cancelled the job.
            LeaseLost: another worker has it.
        """
        from jobs.models import Job

        values: dict[str, Any] = {"done": done, "total": total, "lease_until": clock.now() + self._kind.lease}
        if cursor is not None:
            values |= {"cursor": cursor, "attempts": 0}
        if phase is not None:
            values["phase"] = phase
        mine = Job.objects.filter(pk=self.job_id, turn=self.turn)
        if not mine.filter(state=Job.State.RUNNING).update(**values):
            raise Cancelled if mine.filter(state=Job.State.CANCELLED).exists() else LeaseLost
        self._can_rest = self._can_rest or cursor is not None

    def rest(self) -> None:
        """Let other work of this worker have its turn when this job had its share; called between transactions.

        Does nothing before a cursor was saved. The run begins again at the cursor, in this worker or another.
        """
        from celery.worker import state as worker_state

        if connection.in_atomic_block:
            return
        is_over = time.monotonic() - self._began >= SLICE_SECONDS
        if self._can_rest and (is_over or worker_state.should_stop is not None):
            raise Paused

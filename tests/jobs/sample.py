"""A kind of job for tests: counts to `total` in steps, one row of the database a step, so that each step is seen once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from uuid import uuid4

import jobs
from accounts.access import Capability
from core.db import retry_transaction
from core.models import Counter
from jobs import kinds, services
from jobs.models import Job

NAME = "tests.sample"
PATIENT = uuid4()


@retry_transaction
def count(step: jobs.JobStep, number: int, total: int) -> None:
    step.progress(number, total, cursor={"number": number}, phase="counting")
    Counter.objects.create(name=f"sample:{step.job_id.hex}:{number}", value=number)  # a second time breaks its key


def run(step: jobs.JobStep) -> jobs.JobResult:
    total = step.parameters.get("total", 3)
    number = (step.cursor or {"number": 0})["number"]
    while number < total:
        number += 1
        count(step, number, total)
        step.rest()
    return jobs.JobResult(data=b"1\n2\n3\n", name="hitungan.txt", content_type="text/plain", outcome={"rows": number})


def counted(job: Job) -> list[int]:
    """The numbers that were committed, in order."""
    return sorted(Counter.objects.filter(name__startswith=f"sample:{job.pk.hex}:").values_list("value", flat=True))


@contextmanager
def registered(name: str = NAME, **options: Any) -> Iterator[kinds.Kind]:
    """A kind that is known inside the block only."""
    before = kinds._kinds.pop(name, None)
    try:
        yield jobs.register(name, **{"run": run, "label": "Counting", **options})
    finally:
        kinds._kinds.pop(name, None)
        if before is not None:
            kinds._kinds[name] = before


def known() -> kinds.Kind:
    """The kind, for the rest of the process; for tables of rows that outlive no test."""
    return kinds.get(NAME) or jobs.register(
        NAME,
        run=run,
        label="Counting",
        phases={"counting": "Counting"},
        summary=lambda job: f"{job.outcome['rows']} counted",
        lease=timedelta(minutes=2),
    )


def asked(actor: Any, *, kind: str = NAME, total: int = 3, patient_id: Any = None, **more: Any) -> Job:
    return services.request(kind=kind, actor=actor, parameters={"total": total, **more}, patient_id=patient_id)


def failing(error: Callable[[], Exception]) -> Callable[[jobs.JobStep], None]:
    """A run that makes one step and then raises."""

    def fail(step: jobs.JobStep) -> None:
        count(step, step.done + 1, 9)
        raise error()

    return fail


STAFF = Capability.USE_STAFF_SITE

"""Background work of this app. The truth is in the table of jobs; a task is a nudge and safe to run twice."""

from __future__ import annotations

from uuid import UUID

from celery import shared_task

from core import clock
from jobs import runner, services
from notifications.daily import run_once

# Only for runs that cannot pause; below the broker's visibility timeout of 900 s, after which a message is given out again.
SOFT_SECONDS, HARD_SECONDS = 840, 870


@shared_task(name=services.RUN_TASK, soft_time_limit=SOFT_SECONDS, time_limit=HARD_SECONDS)
def run(job_id: str) -> str:
    """Work on one job for a while, unless it is over or another worker is at it."""
    return str(runner.work(UUID(job_id)) or "")


@shared_task(name="jobs.tasks.sweep")
def sweep() -> int:
    """Hand out jobs that wait or whose worker died, and remove results whose time is over; the number handed out."""
    found = runner.sweep()
    for job_id in found:
        run.apply_async(args=[str(job_id)])
    services.remove_expired()
    run_once("jobs.old_rows", clock.today(), services.remove_old)
    return len(found)

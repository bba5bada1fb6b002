"""Background work of accounts."""

from __future__ import annotations

from celery import shared_task

from accounts import sessions


@shared_task(name="accounts.tasks.tidy_sessions")
def tidy_sessions() -> int:
    """Remove expired sessions; how many sign-ins had run out. Safe to run twice."""
    return sessions.tidy()

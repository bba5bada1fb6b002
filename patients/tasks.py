"""Daily duty of guardian links. The scheduler calls it every 10 minutes; the database knows whether today's is done."""

from __future__ import annotations

from datetime import time

from celery import shared_task

from core import clock
from notifications.daily import is_due, run_once
from patients import services

TELL_FROM = time(7, 0)  # access ends at midnight by date; the mails about it wait for the morning


@shared_task(name="patients.tasks.end_guardian_links")
def end_guardian_links() -> bool:
    """From 07:00 on, once a day: close links whose end has come, and announce those that end within 30 days."""
    return is_due(TELL_FROM) and run_once("patients.guardian_links", clock.today(), _work)


def _work() -> None:
    services.end_due_links()
    services.announce_endings()

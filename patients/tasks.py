"""Daily duties of patients. The scheduler calls them every 10 minutes; the database knows whether today's are done."""

from __future__ import annotations

from datetime import time

from celery import shared_task

from core import clock
from notifications.daily import is_due, run_once
from patients import services
from patients.services import emergency
from patients.services.missing_records import warn_about_missing_records

CHECK_FROM = time(5, 0)
TELL_FROM = time(7, 0)  # access ends at midnight by date; the mails about it wait for the morning
REMIND_FROM = time(8, 0)


@shared_task(name="patients.tasks.end_guardian_links")
def end_guardian_links() -> bool:
    """From 07:00 on, once a day: close links whose end has come, and announce those that end within 30 days."""
    return is_due(TELL_FROM) and run_once("patients.guardian_links", clock.today(), _work)


@shared_task(name="patients.tasks.check_records")
def check_records() -> bool:
    """From 05:00 on, once a day: tell those who activate patients which portal accounts lack their record."""
    return is_due(CHECK_FROM) and run_once("patients.missing_records", clock.today(), warn_about_missing_records)


@shared_task(name="patients.tasks.remind_emergency_reviews")
def remind_emergency_reviews() -> bool:
    """From 08:00 on, once a day: tell reviewers of emergency accesses that wait for more than three days."""
    return is_due(REMIND_FROM) and run_once(
        "patients.emergency_reviews", clock.today(), emergency.remind_overdue_reviews
    )


def _work() -> None:
    services.end_due_links()
    services.announce_endings()

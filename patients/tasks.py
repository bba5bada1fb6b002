"""Daily duties of patients. The scheduler calls them every 10 minutes; the database knows whether today's are done."""

from __future__ import annotations

from datetime import time
from uuid import UUID

from celery import shared_task

from core import clock
from notifications.daily import is_due, run_once
from patients import services
from patients.services import (
    breaches,
    documents,
    drafts,
    duplicate_scan,
    emergency,
    imports,
    integrity,
    retention,
    rights,
)
from patients.services.missing_records import warn_about_missing_records

INTEGRITY_FROM = time(2, 0)
WARN_FROM = time(6, 0)
COMPARE_FROM = time(1, 0)
COMPARE_SECONDS = 60  # within which parts begin; the next round, ten minutes later, goes on
CHECK_FROM = time(5, 0)
TELL_FROM = time(7, 0)  # access ends at midnight by date; the mails about it wait for the morning
REMIND_FROM = time(8, 0)


@shared_task(name="patients.tasks.end_guardian_links")
def end_guardian_links() -> bool:
    """From 07:00 on, once a day: close links whose end has come, and announce those that end within 30 days."""
    return is_due(TELL_FROM) and run_once("patients.guardian_links", clock.today(), _work)


@shared_task(name="patients.tasks.look_for_duplicates")
def look_for_duplicates() -> bool:
    """From 01:00 on, once a day in parts: look through all records for pairs that may be of one person."""
    return is_due(COMPARE_FROM) and duplicate_scan.run_due(clock.today(), seconds=COMPARE_SECONDS) > 0


@shared_task(name="patients.tasks.check_records")
def check_records() -> bool:
    """From 05:00 on, once a day: tell those who activate patients which portal accounts lack their record."""
    return is_due(CHECK_FROM) and run_once("patients.missing_records", clock.today(), warn_about_missing_records)


@shared_task(name="patients.tasks.warn_about_breaches")
def warn_about_breaches() -> bool:
    """From 06:00 on, once a day: tell who keeps the register of notices that are due within a day or overdue."""
    return is_due(WARN_FROM) and run_once("patients.breaches", clock.today(), breaches.warn_due)


@shared_task(name="patients.tasks.propose_retention")
def propose_retention() -> bool:
    """Once a month: propose records whose legal time is over. Nothing is removed."""
    return run_once("patients.retention", clock.today().replace(day=1), retention.propose_due)


@shared_task(name=integrity.RUN_TASK)
def go_on_with_integrity_runs() -> int:
    """From 02:00 on, once a day: check all records; and go on with checks that were asked for or interrupted."""
    if is_due(INTEGRITY_FROM):
        integrity.begin_nightly(clock.today())
    done = integrity.go_on()
    if done:
        integrity.tidy()
    return done


@shared_task(name="patients.tasks.remind_emergency_reviews")
def remind_emergency_reviews() -> bool:
    """From 08:00 on, once a day: tell reviewers of emergency accesses that wait for more than three days."""
    return is_due(REMIND_FROM) and run_once(
        "patients.emergency_reviews", clock.today(), emergency.remind_overdue_reviews
    )


@shared_task(name="patients.tasks.warn_data_requests")
def warn_data_requests() -> int:
    """Tell those who answer of requests about personal data whose 72 hours are nearly or wholly over."""
    return rights.warn_due()


@shared_task(name="patients.tasks.remove_old_drafts")
def remove_old_drafts() -> int:
    """Once an hour: remove half-filled registrations nobody typed in for a day."""
    return drafts.remove_old_drafts()


@shared_task(name=documents.PREVIEW_TASK)
def make_preview(document_id: str) -> bool:
    """Make the preview of one document, unless it is there or cannot be."""
    return documents.make_preview(document_id=UUID(document_id))


@shared_task(name="patients.tasks.sweep_previews")
def sweep_previews() -> int:
    """Hand out previews that were missed; the number of documents looked at."""
    due = documents.previews_due()
    for document_id in due:
        make_preview.apply_async(args=[str(document_id)])
    return len(due)


@shared_task(name="patients.tasks.tidy_imports")
def tidy_imports() -> int:
    """Remove the files of imports that are over or forgotten; how many."""
    return imports.tidy()


def _work() -> None:
    services.end_due_links()
    services.announce_endings()

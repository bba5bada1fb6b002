"""Background work of reports."""

from __future__ import annotations

from celery import shared_task

from reports import alerts


@shared_task(name="reports.tasks.look_for_unusual_access")
def look_for_unusual_access() -> int:
    """Look through the audit log; see `reports.alerts.look`."""
    return alerts.look()

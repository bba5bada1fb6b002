"""Daily duties of billing."""

from datetime import time

from celery import shared_task

from billing.reminders import remind_unpaid_bills
from core import clock
from notifications.daily import is_due, run_once

DUE_FROM = time(16, 0)


@shared_task
def remind_unpaid() -> bool:
    """Remind unpaid bills from 16:00 of the clinic's day, once a day; True when it ran now."""
    if not is_due(DUE_FROM):
        return False
    today = clock.today()
    return run_once("billing.remind_unpaid", today, lambda: remind_unpaid_bills(day=today))

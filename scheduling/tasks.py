"""Daily duties of the clinic's day. The scheduler calls them every 10 minutes; the database knows what is done."""

from __future__ import annotations

from datetime import time, timedelta

from celery import shared_task

from core import clock
from notifications.daily import is_due, run_once
from scheduling import services

REMIND_FROM = time(8, 0)


@shared_task(name="scheduling.tasks.remind_tomorrow")
def remind_tomorrow() -> int:
    """From 08:00 on, remind the patients of tomorrow's approved appointments, each once; how many mails were ordered.

    Not bound to one run a day: a scheduler that starts late still reminds, and so is a booking approved in the afternoon.
    """
    if not is_due(REMIND_FROM):
        return 0
    return services.remind_for_day(clock.today() + timedelta(days=1))


@shared_task(name="scheduling.tasks.mark_no_shows")
def mark_no_shows() -> bool:
    """After the clinic's day has ended, mark approved appointments nobody came to; once a day."""
    today = clock.today()
    return run_once("scheduling.no_shows", today, lambda: services.mark_no_shows_before(today))

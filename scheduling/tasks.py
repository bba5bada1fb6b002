"""Daily duties of the clinic's day. The scheduler calls them every 10 minutes; the database knows what is done."""

from __future__ import annotations

from datetime import timedelta

from celery import shared_task

from core import clock
from notifications.daily import is_due, run_once
from scheduling import services


@shared_task(name="scheduling.tasks.remind_tomorrow")
def remind_tomorrow() -> int:
    """From 08:00 on, remind the patients of tomorrow's approved appointments, each once; how many were reminded now.

    Not bound to one run a day: a scheduler that starts late still reminds, and so is a booking approved in the afternoon.
    After a day on which nothing ran, those of today who are still to come are reminded as well; who comes early, before 08:00.
    """
    today = clock.today()
    if not is_due(services.REMIND_FROM):
        return services.remind_early(today)
    return services.remind_for_day(today + timedelta(days=1), with_missed=True)


@shared_task(name="scheduling.tasks.mark_no_shows")
def mark_no_shows() -> bool:
    """After the clinic's day has ended, mark approved appointments nobody came to; once a day."""
    today = clock.today()
    return run_once("scheduling.no_shows", today, lambda: services.mark_no_shows_before(today))


@shared_task(name="scheduling.tasks.refresh_closed_slots")
def refresh_closed_slots() -> int:
    """Close and open slots ahead as time off and holidays say; how many were wrong. Heals what was missed."""
    return services.refresh_year_ahead()


@shared_task(name="scheduling.tasks.keep_times")
def keep_times() -> int:
    """Give back times that were held too long, offer what is free to who waits, end old wishes; how many changed."""
    now = clock.now()
    changed = services.expire_holds(now)
    return changed + services.offer_free_times(now) + services.end_old_wishes(clock.today())

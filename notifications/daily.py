"""Daily duties. The scheduler asks often, the database knows whether today's is done: a nap of the scheduler costs nothing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, time, timedelta

from core import clock
from notifications.models import DailyDuty

LEASE = timedelta(minutes=15)  # longer than the hard time limit of a task, so a claim never outlives its holder's work


def is_due(from_time: time) -> bool:
    """True from this wall-clock time of the clinic's day until midnight."""
    return clock.local(clock.now()).time() >= from_time


def run_once(duty: str, day: date, function: Callable[[], object]) -> bool:
    """Call `function()` unless `duty` is done for `day` or another worker is at it; True when it ran here.

    The claim is one conditional UPDATE with a lease. When `function` raises, the claim is given back and the next round
    tries again, so `function` must be safe to repeat (mails: by their `dedupe_key`). No transaction is open around it.
    """
    now = clock.now()
    DailyDuty.objects.bulk_create([DailyDuty(duty=duty, day=day, claimed_until=now)], ignore_conflicts=True)
    until = now + LEASE
    mine = DailyDuty.objects.filter(duty=duty, day=day, done_at__isnull=True)
    if not mine.filter(claimed_until__lte=now).update(claimed_until=until):
        return False
    try:
        function()
    except BaseException:
        mine.filter(claimed_until=until).update(claimed_until=now)
        raise
    mine.filter(claimed_until=until).update(done_at=clock.now())
    return True

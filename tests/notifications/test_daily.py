from __future__ import annotations

from datetime import date, datetime, time
from zoneinfo import ZoneInfo

import pytest

from notifications.daily import LEASE, is_due, run_once
from notifications.models import DailyDuty

DAY = date(2026, 3, 5)
JAKARTA = ZoneInfo("Asia/Jakarta")


def test_a_duty_runs_once_a_day_and_again_the_next_day(db):
    calls = []
    assert run_once("billing.unpaid", DAY, lambda: calls.append(1))
    assert not run_once("billing.unpaid", DAY, lambda: calls.append(2))
    assert run_once("billing.unpaid", date(2026, 3, 6), lambda: calls.append(3))
    assert run_once("scheduling.reminders", DAY, lambda: calls.append(4))
    assert calls == [1, 3, 4]


def test_a_duty_that_fails_is_tried_again(db):
    with pytest.raises(ZeroDivisionError):
        run_once("billing.unpaid", DAY, lambda: 1 / 0)
    assert run_once("billing.unpaid", DAY, lambda: None)


def test_of_many_workers_one_does_it(race):
    calls = []
    results = race(lambda: run_once("billing.unpaid", DAY, lambda: calls.append(1)), [()] * 6)
    assert sorted(results) == [False] * 5 + [True]
    assert calls == [1]


def test_a_dead_workers_duty_is_taken_over_after_the_lease(db, time_machine):
    time_machine.move_to(datetime(2026, 3, 5, 8, 0, tzinfo=JAKARTA), tick=False)
    with pytest.raises(KeyboardInterrupt):
        run_once("x", DAY, lambda: (_ for _ in ()).throw(KeyboardInterrupt))
    DailyDuty.objects.update(claimed_until=datetime(2026, 3, 5, 8, 0, tzinfo=JAKARTA) + LEASE)
    assert not run_once("x", DAY, lambda: None)
    time_machine.shift(LEASE)
    assert run_once("x", DAY, lambda: None)


@pytest.mark.parametrize(("at", "due"), [((7, 59), False), ((8, 0), True), ((23, 59), True), ((0, 5), False)])
def test_due_by_the_clinics_clock(time_machine, at, due):
    time_machine.move_to(datetime(2026, 3, 5, *at, tzinfo=JAKARTA), tick=False)
    assert is_due(time(8, 0)) is due

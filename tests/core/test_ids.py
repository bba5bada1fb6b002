"""Ids of rows: in the order of their making, and of the time they were made."""

import time
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from uuid import RFC_4122

import pytest

from core import ids

MANY = 20_000


def milliseconds(one):
    return one.int >> 80


@pytest.fixture(autouse=True)
def fresh(monkeypatch):
    monkeypatch.setattr(ids, "_last_ms", 0)  # other tests travel through time


def test_ids_are_of_version_7_and_rise_strictly():
    made = [ids.uuid7() for _number in range(MANY)]
    assert {(one.version, one.variant) for one in made} == {(7, RFC_4122)}
    assert all(one < other for one, other in pairwise(made))


def test_many_ids_at_once_do_not_run_ahead_of_the_clock():
    """Rows that another process writes a moment later stand after them, in every list by id."""
    made = [ids.uuid7() for _number in range(MANY)]
    assert milliseconds(made[-1]) <= time.time_ns() // 1_000_000 + 1


def test_a_standing_clock_gives_rising_ids(monkeypatch):
    monkeypatch.setattr(time, "time_ns", lambda: 1_800_000_000_000_000_000)
    made = [ids.uuid7() for _number in range(10_000)]
    assert all(one < other for one, other in pairwise(made))
    assert milliseconds(made[0]) == 1_800_000_000_000
    assert milliseconds(made[-1]) - milliseconds(made[0]) <= 10_000 // 2_048


def test_a_clock_that_is_set_back_gives_rising_ids(monkeypatch):
    first = ids.uuid7()
    now = time.time_ns()
    monkeypatch.setattr(time, "time_ns", lambda: now - 3_600_000_000_000)
    assert ids.uuid7() > first


def test_threads_never_make_the_same_id():
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _number: ids.uuid7(), range(MANY)))
    assert len({one.int >> 62 for one in made}) == MANY, "unique already before the random part"

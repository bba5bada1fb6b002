"""Laying out slots: a table of cases."""

from datetime import date, datetime, time, timedelta

import pytest

from core import clock
from scheduling.errors import InvalidPlan
from scheduling.services import plan_slots

DAY = date(2026, 11, 24)


def plan(start="08:00", length=30, gap=0, count=3, breaks=()):
    return plan_slots(
        starts_at=clock.at(DAY, time.fromisoformat(start)),
        slot_minutes=length,
        gap_minutes=gap,
        slot_count=count,
        breaks=[(time.fromisoformat(first), time.fromisoformat(last)) for first, last in breaks],
    )


def words(spans):
    return " ".join(f"{start:%H:%M}-{end:%H:%M}" for start, end in spans)


CASES = [
    # name, arguments, slots, numbers of moved slots
    ("plain", {}, "08:00-08:30 08:30-09:00 09:00-09:30", []),
    ("gap", {"gap": 15}, "08:00-08:30 08:45-09:15 09:30-10:00", []),
    ("custom gap", {"gap": 7}, "08:00-08:30 08:37-09:07 09:14-09:44", []),
    ("one hour", {"length": 60, "count": 2}, "08:00-09:00 09:00-10:00", []),
    ("two hours", {"length": 120, "count": 2, "gap": 180}, "08:00-10:00 13:00-15:00", []),
    ("break right after a slot", {"breaks": [("08:30", "09:00")]}, "08:00-08:30 09:00-09:30 09:30-10:00", [2]),
    ("slot ends where the break starts", {"count": 1, "breaks": [("08:30", "09:00")]}, "08:00-08:30", []),
    ("slot starts where the break ends", {"start": "09:00", "count": 1, "breaks": [("08:30", "09:00")]},
     "09:00-09:30", []),
    ("slot would run into the break", {"start": "08:15", "count": 2, "breaks": [("08:30", "09:00")]},
     "09:00-09:30 09:30-10:00", [1]),
    ("one minute of touch moves it", {"start": "08:01", "count": 1, "breaks": [("08:30", "09:00")]},
     "09:00-09:30", [1]),
    ("break inside a slot", {"length": 60, "count": 2, "breaks": [("08:20", "08:25")]},
     "08:25-09:25 09:25-10:25", [1]),
    ("start inside a break", {"start": "12:30", "count": 1, "breaks": [("12:00", "13:00")]}, "13:00-13:30", [1]),
    ("gap ends inside the break", {"start": "11:15", "gap": 30, "count": 2, "breaks": [("12:00", "13:00")]},
     "11:15-11:45 13:00-13:30", [2]),
    ("gap spans the break", {"start": "11:30", "gap": 60, "count": 2, "breaks": [("12:00", "12:30")]},
     "11:30-12:00 13:00-13:30", []),
    ("adjacent breaks", {"start": "11:30", "count": 2, "breaks": [("12:00", "12:30"), ("12:30", "13:00")]},
     "11:30-12:00 13:00-13:30", [2]),
    ("breaks out of order", {"start": "11:30", "count": 2, "breaks": [("12:30", "13:00"), ("12:00", "12:30")]},
     "11:30-12:00 13:00-13:30", [2]),
    ("overlapping breaks", {"start": "11:30", "count": 2, "breaks": [("12:00", "12:45"), ("12:15", "13:15")]},
     "11:30-12:00 13:15-13:45", [2]),
    ("too little room between breaks", {"start": "11:30", "count": 2, "breaks": [("12:00", "12:30"), ("12:45", "13:30")]},
     "11:30-12:00 13:30-14:00", [2]),
    ("room for exactly one between breaks", {"start": "11:30", "count": 3, "breaks": [("12:00", "12:30"), ("13:00", "13:30")]},
     "11:30-12:00 12:30-13:00 13:30-14:00", [2, 3]),
    ("three breaks",
     {"start": "08:00", "length": 120, "count": 4, "breaks": [("10:00", "10:15"), ("12:15", "13:00"), ("15:00", "15:30")]},
     "08:00-10:00 10:15-12:15 13:00-15:00 15:30-17:30", [2, 3, 4]),
    ("break outside the session", {"count": 1, "breaks": [("20:00", "21:00")]}, "08:00-08:30", []),
]  # fmt: skip


@pytest.mark.parametrize(("arguments", "slots", "moved"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_slots(arguments, slots, moved):
    found = plan(**arguments)
    assert words((clock.local(start), clock.local(end)) for start, end in found.slots) == slots
    assert [row.number for row in found.skipped] == moved
    assert found.warnings == []


def test_moved_slots_say_where_they_would_have_been():
    moved = plan(start="11:15", gap=30, count=2, breaks=[("12:00", "13:00")]).skipped[0]
    assert (f"{clock.local(moved.planned_start):%H:%M}", f"{clock.local(moved.starts_at):%H:%M}") == ("12:15", "13:00")


def test_twenty_slots_and_not_one_more():
    assert len(plan(count=20).slots) == 20
    with pytest.raises(InvalidPlan):
        plan(count=21)


def test_nothing_ends_after_midnight():
    found = plan(start="22:30", count=4)
    local = [(clock.local(start), clock.local(end)) for start, end in found.slots]
    assert words(local) == "22:30-23:00 23:00-23:30 23:30-00:00"
    assert len(found.warnings) == 1
    assert "3" in found.warnings[0]
    assert plan(start="23:31", count=1).slots == []
    assert plan(start="23:00", count=1, breaks=[("23:15", "23:59")]).slots == []


def test_the_day_is_the_clinics_whatever_zone_the_instant_is_written_in():
    found = plan_slots(
        starts_at=datetime.fromisoformat("2026-11-23T23:30:00+00:00"),  # 06.30 WIB on the 24th
        slot_minutes=30, gap_minutes=0, slot_count=2, breaks=[(time(7), time(8))],
    )  # fmt: skip
    assert words((clock.local(start), clock.local(end)) for start, end in found.slots) == "06:30-07:00 08:00-08:30"


def test_slots_never_overlap_and_keep_their_length():
    found = plan(
        start="07:10", length=90, gap=15, count=20, breaks=[("09:00", "09:05"), ("12:00", "13:00"), ("18:00", "18:30")]
    )
    assert all(end - start == timedelta(minutes=90) for start, end in found.slots)
    assert all(
        first[1] + timedelta(minutes=15) <= second[0]
        for first, second in zip(found.slots, found.slots[1:], strict=False)
    )
    assert not any(start < last and end > first for start, end in found.slots for first, last in found.breaks)


@pytest.mark.parametrize(
    "arguments",
    [
        {"length": 0}, {"length": 4}, {"length": 241}, {"length": -30}, {"gap": -1}, {"gap": 241}, {"count": 0}, {"count": -3},
        {"breaks": [("09:00", "09:00")]}, {"breaks": [("10:00", "09:00")]},
        {"breaks": [("09:00", "09:10"), ("10:00", "10:10"), ("11:00", "11:10"), ("12:00", "12:10")]},
    ],
)  # fmt: skip
def test_forged_values_are_refused(arguments):
    with pytest.raises(InvalidPlan):
        plan(**arguments)

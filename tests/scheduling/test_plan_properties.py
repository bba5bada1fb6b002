"""Laying out slots: what holds for every input, in zones with and without a change of clocks."""

from datetime import UTC, date, time, timedelta

import pytest
from django.test import override_settings
from hypothesis import given, settings
from hypothesis import strategies as st

from core import clock
from scheduling.services import DayRules, plan_slots
from scheduling.services.planning import MAX_BREAKS, MAX_GAP_MINUTES, MAX_SLOT_MINUTES, MIN_SLOT_MINUTES, span_of

ZONES = ["Asia/Jakarta", "Asia/Jayapura", "America/New_York"]
# With the days on which New York's clocks go forward and back, and the edges of a year.
DAYS = [date(2026, 3, 8), date(2026, 11, 1), date(2026, 3, 5), date(2026, 12, 31), date(2028, 2, 29)]
MANY = settings(max_examples=150, deadline=None)

times = st.builds(time, st.integers(0, 23), st.integers(0, 59))
spans = st.tuples(times, times).filter(lambda pair: pair[0] < pair[1])
layouts = st.fixed_dictionaries(
    {
        "slot_minutes": st.integers(MIN_SLOT_MINUTES, MAX_SLOT_MINUTES),
        "gap_minutes": st.integers(0, MAX_GAP_MINUTES),
        "breaks": st.lists(spans, max_size=MAX_BREAKS),
    }
)
rules = st.fixed_dictionaries(
    {
        "opens": st.none() | times,
        "closes": st.none() | times,
        "breaks": st.lists(spans, max_size=2),
        "away": st.lists(spans, max_size=2),
    }
)


def day_rules(day, given_rules):
    stretches = {
        name: tuple(span for pair in given_rules[name] if (span := span_of(day, *pair))) for name in ("breaks", "away")
    }
    return DayRules(
        opens_at=clock.at(day, given_rules["opens"]) if given_rules["opens"] else None,
        closes_at=clock.at(day, given_rules["closes"]) if given_rules["closes"] else None,
        **stretches,
    )


@pytest.mark.parametrize("zone_name", ZONES)
@MANY
@given(day=st.sampled_from(DAYS), start=times, count=st.integers(1, 20), layout=layouts, given_rules=rules)
def test_what_holds_for_every_plan(zone_name, day, start, count, layout, given_rules):
    with override_settings(TIME_ZONE=zone_name):
        of_day = day_rules(day, given_rules)
        values = {"starts_at": clock.at(day, start), "rules": of_day, **layout}
        plan = plan_slots(slot_count=count, **values)
        first, midnight = (bound.astimezone(UTC) for bound in clock.day_bounds(day))
        length, gap = timedelta(minutes=layout["slot_minutes"]), timedelta(minutes=layout["gap_minutes"])
        closed = [span for span in (span_of(day, *pair) for pair in layout["breaks"]) if span]
        closed += [*of_day.breaks, *of_day.away]

        assert len(plan.slots) <= count
        assert all(end.astimezone(UTC) - begin.astimezone(UTC) == length for begin, end in plan.slots), "none is cut"
        assert not any(begin < last and end > start_ for begin, end in plan.slots for start_, last in closed)
        following = zip(plan.slots, plan.slots[1:], strict=False)
        assert all(after[0] - before[1] >= gap for before, after in following), "in order, and gaps are kept"
        assert all(begin >= clock.at(day, start).astimezone(UTC) for begin, _end in plan.slots)
        assert all(first <= begin and end <= midnight for begin, end in plan.slots), "within the clinic's day"
        if of_day.opens_at:
            assert all(begin >= of_day.opens_at.astimezone(UTC) for begin, _end in plan.slots)
        if of_day.closes_at:
            assert all(end <= of_day.closes_at.astimezone(UTC) for _begin, end in plan.slots)
        assert bool(plan.warnings) == (len(plan.slots) < count), "what is left out is said"
        assert {row.starts_at for row in plan.skipped} <= {begin for begin, _end in plan.slots}

        again = plan_slots(slot_count=count, **values)
        assert (again.slots, again.fingerprint) == (plan.slots, plan.fingerprint)
        if count > 1:
            fewer = plan_slots(slot_count=count - 1, **values)
            assert fewer.slots == plan.slots[: count - 1], "one slot less is the same plan without its last"


@pytest.mark.parametrize("zone_name", ZONES)
@MANY
@given(day=st.sampled_from(DAYS), start=times, layout=layouts)
def test_the_first_slot_stands_where_nothing_is_in_its_way(zone_name, day, start, layout):
    with override_settings(TIME_ZONE=zone_name):
        begin = clock.at(day, start).astimezone(UTC)
        end = begin + timedelta(minutes=layout["slot_minutes"])
        closed = [span for span in (span_of(day, *pair) for pair in layout["breaks"]) if span]
        free = end <= clock.day_bounds(day)[1] and not any(begin < last and end > first for first, last in closed)
        plan = plan_slots(starts_at=clock.at(day, start), slot_count=1, **layout)
        assert (bool(plan.slots) and plan.slots[0] == (begin, end)) == free


@pytest.mark.parametrize(
    ("day", "start", "expected"),
    [
        # Clocks go forward at 02:00: an hour from 01:30 ends at 03:30 on the wall.
        (date(2026, 3, 8), time(1, 30), ["01:30-03:30", "03:30-04:30"]),
        # They go back at 02:00: 01:30 comes twice.
        (date(2026, 11, 1), time(0, 30), ["00:30-01:30", "01:30-01:30"]),
    ],
)
def test_an_hour_lasts_an_hour_when_the_clocks_change(settings, day, start, expected):
    settings.TIME_ZONE = "America/New_York"
    plan = plan_slots(starts_at=clock.at(day, start), slot_minutes=60, gap_minutes=0, slot_count=2)
    assert [f"{clock.local(first):%H:%M}-{clock.local(last):%H:%M}" for first, last in plan.slots] == expected


@pytest.mark.parametrize("zone_name", ZONES)
@pytest.mark.parametrize(("start", "count"), [(time(23, 30), 1), (time(0, 30), 3)])
def test_the_edges_of_the_clinics_day(settings, zone_name, start, count):
    settings.TIME_ZONE = zone_name
    day = date(2026, 3, 5)
    plan = plan_slots(starts_at=clock.at(day, start), slot_minutes=30, gap_minutes=0, slot_count=3)
    assert len(plan.slots) == count
    assert {clock.local(first).date() for first, _last in plan.slots} == {day}

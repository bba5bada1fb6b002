"""A bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

from io import StringIO

import time_machine
from django.core.management.base import OutputWrapper

from core.management import progress
from core.management.progress import Progress


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


def test_plain_lines_at_every_tenth():
    out = StringIO()
    bar = Progress(OutputWrapper(out), "Patients", 1000)
    for _row in range(1000):
        bar.add(1)
    bar.end()
    lines = out.getvalue().splitlines()
    assert 10 <= len(lines) <= 13
    assert lines[-1] == "Patients: 1000/1000 rows, 100 %"
    assert "\r" not in out.getvalue()


def test_bar_on_a_terminal(monkeypatch):
    monkeypatch.setattr(progress, "TERMINAL_SECONDS", 0)
    out = Terminal()
    bar = Progress(OutputWrapper(out), "Patients", 4)
    bar.add(1)
    bar.add(3)
    bar.end()
    drawn = out.getvalue().split("\r")
    assert drawn[1].startswith("Patients [#######-----------------------] 1/4 rows, 25 %")
    assert drawn[-1] == f"Patients [{'#' * 30}] 4/4 rows, 100 %\x1b[K\n"


def test_remaining_time_counts_only_this_run(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    bar = Progress(OutputWrapper(StringIO()), "Patients", 10_000, before=4_000)
    assert bar.remaining == ""
    now[0] += 10
    bar.add(1_000)
    assert bar.remaining == "50 s"
    bar.total = 1_005_000
    assert bar.remaining == "2 h 46 min"
    bar.total = 18_000
    assert bar.remaining == "2 min 10 s"


def test_empty_table_and_rows_that_came_meanwhile():
    out = StringIO()
    bar = Progress(OutputWrapper(out), "Empty", 0)
    bar.end()
    assert out.getvalue() == "Empty: 0/0 rows, 100 %\n"
    bar.set(3)
    assert (bar.done, bar.total, bar.percent) == (3, 3, 100)


def test_clock_of_the_tests_does_not_matter():
    with time_machine.travel("2020-01-01", tick=False):
        assert Progress(OutputWrapper(StringIO()), "x", 1).percent == 0

"""How fast the calendar opens: 20 doctors with 40 slots each, inside a database of a million slots.

    python bench/availability.py load --database sqlite:////tmp/emr-bench-times.sqlite3 --slots 1000000
    python bench/day_calendar.py --database sqlite:////tmp/emr-bench-times.sqlite3 --times 30

Uses the database that `bench/availability.py load` made. Each view is opened through the whole stack (session, rights, queries,
template) as a receptionist who sees every name, on another day each time. Milliseconds; `cpu` is this process without
the wait for the database server and for other programs.
"""

from __future__ import annotations

import argparse
import os
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from bench.availability import begin, run, say, show  # noqa: E402

VIEWS = ("day", "week", "month", "list")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--database", required=True)
    parser.add_argument("--times", type=int, default=30, help="runs of each view (%(default)s)")
    options = parser.parse_args()
    begin(parser, options.database)
    measure(options.times)
    return 0


def measure(times: int) -> None:
    from django.db import connection
    from django.test import Client

    from core import clock
    from scheduling.calendars import Scope, day_of
    from scheduling.models import Slot
    from tests.conftest import sign_in

    desk = receptionist()
    client = sign_in(Client(), desk)
    now, today = clock.now(), clock.today()
    say(
        f"{connection.vendor}, {Slot.objects.count():,} slots; load of the machine: "
        f"{' '.join(f'{value:.1f}' for value in os.getloadavg())}, {os.cpu_count()} cores"
    )
    print(f"{'':<28}{'queries':>8}{'p50':>9}{'p95':>9}{'cpu':>9}")
    show("day, reading only", *run(lambda at: day_of(Scope(desk), today + timedelta(days=at % 50), now), times))
    size = {}
    for view in VIEWS:

        def page(at: int, view: str = view) -> None:
            day = today + timedelta(days=at % 50)
            answer = client.get("/calendar/", {"view": view, "day": day.isoformat()})
            assert answer.status_code == 200, answer.status_code
            size[view] = len(answer.content)

        show(f"page: {view}", *run(page, times))
    print("; ".join(f"{view} {bytes_ / 1024:,.0f} KiB" for view, bytes_ in size.items()))


def receptionist() -> Any:
    from accounts.models import User
    from tests.factories.accounts import UserFactory

    return User.objects.filter(username="meja.bench").first() or UserFactory(
        username="meja.bench", full_name="Meja Depan", roles=["receptionist"]
    )


if __name__ == "__main__":
    sys.exit(main())

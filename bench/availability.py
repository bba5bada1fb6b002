"""How fast free times are found: beside any number of generated slots, most of them booked and long past.

    python bench/availability.py load --database sqlite:////tmp/emr-bench-times.sqlite3 --slots 1000000
    python bench/availability.py load --database mysql://root@127.0.0.1:3306/emr_bench_times --slots 1000000
    python bench/availability.py measure --database mysql://root@127.0.0.1:3306/emr_bench_times --times 40
    python bench/availability.py explain --database mysql://root@127.0.0.1:3306/emr_bench_times

Uses a database of its own, whose name must contain "bench", with the public keys of the tests. Nobody in it exists. Fifty doctors;
on each day twenty of them practise, two sessions of twenty slots of 15 minutes each. The last 60 days lie ahead, all others back.
Of the past 85 of 100 slots are booked, ahead fewer the farther a day is. `load` may be killed and repeated: it goes on with
the days that are missing. Times are of the queries of the product alone, in milliseconds; `cpu` is this process
without the wait for the database server and for other programs.
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

DOCTORS, WORKING = 50, 20
SESSIONS, SLOTS, MINUTES = 2, 20, 15  # a doctor's day
STARTS = (8, 14)  # hours
PER_DAY = WORKING * SESSIONS * SLOTS
PATIENTS = 5_000
AHEAD = 60  # days
BOOKED_BEFORE = 0.85
BATCH_DAYS = 5
SPECIALTIES = ("general", "tht", "dental", "paediatrics", "obgyn")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("act", choices=("load", "measure", "explain"))
    parser.add_argument("--database", required=True)
    parser.add_argument("--slots", type=int, default=1_000_000)
    parser.add_argument("--times", type=int, default=40, help="runs of each query (%(default)s)")
    options = parser.parse_args()
    begin(parser, options.database)
    if options.act == "load":
        prepare()
        load(options.slots)
    elif options.act == "measure":
        measure(options.times)
    else:
        explain()
    return 0


def begin(parser: argparse.ArgumentParser, database: str) -> None:
    """Start Django on a database that may be filled with made-up rows."""
    if "bench" not in database:
        parser.error("the name of the database must contain 'bench'")
    os.environ["DATABASE_URL"] = database
    os.environ["DJANGO_SETTINGS_MODULE"] = "emr.settings.test"
    import django

    django.setup()


def say(text: str) -> None:
    print(f"{datetime.now(UTC):%H:%M:%S} {text}", flush=True)


# --- Loading --------------------------------------------------------------------------------------------------------


def prepare() -> None:
    """Make the database and its tables, once."""
    from django.core.management import call_command
    from django.db import connection

    if connection.vendor == "mysql":
        import MySQLdb

        values = connection.settings_dict
        server = MySQLdb.connect(
            host=values["HOST"], port=int(values["PORT"] or 3306), user=values["USER"], password=values["PASSWORD"]
        )
        server.cursor().execute(f"CREATE DATABASE IF NOT EXISTS {values['NAME']} CHARACTER SET utf8mb4")
        server.close()
    call_command("migrate", verbosity=0)


def load(wanted: int) -> None:
    """Insert doctors, services, patients, and then the days that are missing, oldest first."""
    from core import clock
    from scheduling.models import PracticeSession, Slot

    doctors, services, patients = people()
    days = -(-wanted // PER_DAY)
    first = clock.today() + timedelta(days=AHEAD - days + 1)
    latest = PracticeSession.objects.order_by("-practice_on").values_list("practice_on", flat=True).first()
    earliest = PracticeSession.objects.order_by("practice_on").values_list("practice_on", flat=True).first()
    start = (latest - (earliest or first)).days + 1 if latest else 0
    first = earliest or first
    began = time.perf_counter()
    for number in range(start, days, BATCH_DAYS):
        load_days(first, range(number, min(number + BATCH_DAYS, days)), doctors, services, patients)
        done = (number - start + BATCH_DAYS) * PER_DAY
        if number // BATCH_DAYS % 20 == 0:
            say(f"{number * PER_DAY:,} slots, {done / (time.perf_counter() - began):,.0f} a second")
    analyse()
    say(f"{Slot.objects.count():,} slots")


def analyse() -> None:
    from django.db import connection

    tables = "scheduling_slot, scheduling_appointment, scheduling_practicesession, scheduling_visit"
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE" if connection.vendor == "sqlite" else f"ANALYZE TABLE {tables}")
        cursor.fetchall()


def people() -> tuple[list[Any], list[Any], list[UUID]]:
    """Return doctors, one service for each specialty, and the ids of patients; made when they are not there."""
    from accounts.models import User
    from patients.models import Patient
    from scheduling.models import Service, Station
    from tests.factories.accounts import DoctorFactory
    from tests.factories.names import person
    from tests.factories.scheduling import ServiceFactory

    if not Station.objects.filter(name="Ruang 1").exists():
        Station.objects.bulk_create(
            Station(name=f"Ruang {n}", stage="doctor", spoken="ruang", spoken_number=n, order=n)
            for n in range(1, WORKING + 1)
        )
    if Service.objects.count() < len(SPECIALTIES):
        for number, specialty in enumerate(SPECIALTIES):
            ServiceFactory(code=f"BN-{number}", specialty=specialty, duration_minutes=MINUTES)
    for number in range(User.objects.filter(username__startswith="bench.dr").count(), DOCTORS):
        DoctorFactory(
            username=f"bench.dr{number:02d}", full_name=person(number + 1).full_name[:80],
            email=f"bench{number}@klinik.example", profile={"specialty": SPECIALTIES[number % len(SPECIALTIES)]},
        )  # fmt: skip
    missing = range(Patient.objects.count() + 1, PATIENTS + 1)
    made = datetime(2020, 1, 1, tzinfo=UTC)
    Patient.objects.bulk_create(
        [
            Patient(
                id=one.id, record_number=one.record_number, full_name=one.full_name, birth_date=one.birth_date,
                phone=one.phone, sex="female", status="active", created_at=made,
            )
            for one in (person(number) for number in missing)
        ],
        batch_size=500,
    )  # fmt: skip
    doctors = list(User.objects.filter(username__startswith="bench.dr").order_by("username"))
    services = list(Service.objects.filter(code__startswith="BN-").order_by("code"))
    return doctors, services, list(Patient.objects.order_by("pk").values_list("pk", flat=True)[:PATIENTS])


def load_days(first: date, numbers: range, doctors: list[Any], services: list[Any], patients: list[UUID]) -> None:
    from django.db import transaction

    from core import clock
    from scheduling.models import Appointment, PracticeSession, Slot, Station

    stations = list(Station.objects.order_by("order"))
    today = clock.today()
    sessions, slots, bookings = [], [], []
    for number in numbers:
        rng = random.Random(number)
        day = first + timedelta(days=number)
        share = BOOKED_BEFORE if day < today else max(0.1, 0.9 - (day - today).days * 0.03)
        midnight = clock.day_bounds(day)[0]
        for at in range(WORKING):
            who = (number * WORKING + at) % DOCTORS
            for hour in STARTS:
                start = midnight + timedelta(hours=hour)
                session = PracticeSession(
                    doctor=doctors[who], service=services[who % len(services)], practice_on=day, starts_at=start,
                    ends_at=start + timedelta(minutes=MINUTES * SLOTS), slot_minutes=MINUTES, slot_count=SLOTS,
                    station=stations[at], status="completed" if day < today else "approved", proposed_at=midnight,
                )  # fmt: skip
                sessions.append(session)
                for place in range(SLOTS):
                    begins = start + timedelta(minutes=MINUTES * place)
                    slot = Slot(
                        session=session, number=place + 1, starts_at=begins, ends_at=begins + timedelta(minutes=MINUTES)
                    )
                    slots.append(slot)
                    if rng.random() < share:
                        bookings.append(booking(slot, session, rng.choice(patients), day < today, midnight))
    with transaction.atomic():
        PracticeSession.objects.bulk_create(sessions, batch_size=500)
        Slot.objects.bulk_create(slots, batch_size=1000)
        Appointment.objects.bulk_create(bookings, batch_size=500)


def booking(slot: Any, session: Any, patient_id: UUID, is_past: bool, at: datetime) -> Any:
    from core.ids import uuid7
    from scheduling.models import Appointment

    key = uuid7()
    return Appointment(
        code=code_of(key),
        patient_id=patient_id, slot=slot, doctor_id=session.doctor_id, service_id=session.service_id, price_idr=100_000,
        complaint="Batuk", status="finished" if is_past else "approved", source="reception", booked_at=at,
        booked_by_id=session.doctor_id, idempotency_key=key,
    )  # fmt: skip


def code_of(key: UUID) -> str:
    """Return a code that no other booking has: among a million random ones of 8 letters two would be the same."""
    number, letters = key.int % 31**10, ""
    for _position in range(10):
        number, at = divmod(number, 31)
        letters += "ABCDEFGHJKMNPQRSTUVWXYZ23456789"[at]
    return letters


# --- Measuring ------------------------------------------------------------------------------------------------------


def searches() -> dict[str, Callable[[int], Any]]:
    """Return the searches for free times by name; each takes the number of the run and does one."""
    from core import clock
    from scheduling import querysets
    from scheduling.models import Slot

    now = clock.now()
    free = list(Slot.objects.bookable(now).filter(starts_at__lt=now + timedelta(days=14)).values_list("pk", flat=True))
    random.Random(2026).shuffle(free)
    days = [clock.today() + timedelta(days=number) for number in range(1, AHEAD - 1)]

    def some_slot(run: int) -> Any:
        return Slot.objects.select_related("session__doctor__staff_profile", "session__service").get(
            pk=free[run % len(free)]
        )

    def free_of_a_day(run: int) -> Any:
        start, end = clock.day_bounds(days[run % len(days)])
        return list(Slot.objects.bookable(now).filter(starts_at__gte=start, starts_at__lt=end).order_by("starts_at"))

    found: dict[str, Callable[[int], Any]] = {
        "offers": lambda run: querysets.offers(now),
        "times_around": lambda run: querysets.times_around(some_slot(run), now),
        "free times of a day": free_of_a_day,
    }
    from scheduling import services

    if hasattr(services, "alternatives"):
        found["alternatives"] = lambda run: services.alternatives(some_slot(run))
    return found


def measure(times: int) -> None:
    say(f"load of the machine: {' '.join(f'{value:.1f}' for value in os.getloadavg())}, {os.cpu_count()} cores")
    print(f"{'':<28}{'queries':>8}{'p50':>9}{'p95':>9}{'cpu':>9}")
    for name, search in searches().items():
        show(name, *run(search, times))


def run(search: Callable[[int], Any], times: int) -> tuple[int, list[float], list[float]]:
    """Return the number of statements, and wall and CPU milliseconds of each run; the first run warms up."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as captured:
        search(0)
    queries = len(captured)  # the next request empties the log
    walls, cpus = [], []
    for number in range(times):
        wall, cpu = time.perf_counter(), time.process_time()
        search(number)
        walls.append((time.perf_counter() - wall) * 1000)
        cpus.append((time.process_time() - cpu) * 1000)
    return queries, walls, cpus


def show(name: str, queries: int, walls: list[float], cpus: list[float]) -> None:
    p95 = statistics.quantiles(walls, n=20)[-1] if len(walls) > 1 else walls[0]
    print(
        f"{name:<28}{queries:>8}{statistics.median(walls):>9.1f}{p95:>9.1f}{statistics.median(cpus):>9.1f}", flush=True
    )


def explain() -> None:
    """Print the plan of each statement."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    for name, search in searches().items():
        with CaptureQueriesContext(connection) as captured:
            search(0)
        for statement in statements(captured):
            print(f"\n--- {name}\n{statement}")
            with connection.cursor() as cursor:
                cursor.execute(f"{'EXPLAIN QUERY PLAN' if connection.vendor == 'sqlite' else 'EXPLAIN'} {statement}")
                for row in cursor.fetchall():
                    print("   ", *row)


def statements(captured: Any) -> Iterator[str]:
    for query in captured.captured_queries:
        if query["sql"].lstrip().upper().startswith("SELECT"):
            yield query["sql"]


if __name__ == "__main__":
    sys.exit(main())

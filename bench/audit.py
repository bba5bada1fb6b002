"""What the audit log costs: one event, its share of a page, an insert beside millions of rows, the check.

    python bench/audit.py --database sqlite:////tmp/emr-audit-bench.sqlite3 --sizes 0,1000000
    python bench/audit.py --database mysql://root@127.0.0.1:3306/emr_audit_bench --sizes 0,1000000,10000000

Uses a database of its own, whose name must contain "bench". Times are medians in
microseconds; `cpu` is this process alone, `wall` includes the database's work and its commit. Synthetic rows carry no valid
digests, so the check is measured before they are loaded.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
BATCHES = 7
ACTIONS = 40
ACTORS = 60
PATIENTS = 200_000

COLUMNS = (
    "at, action, actor_id, actor_name, actor_roles, patient_id, target_type, target_id, detail, request_id, address_hash, "
    "result, browser, origin, format, mac"
)
FIXED = """'ok', 'Chrome 142 · Windows', '', 2"""


def synthetic(vendor: str, first: int, last: int) -> str:
    """Return the statement that loads made-up events with the numbers `first` to `last`."""
    if vendor == "sqlite":
        return f"""
            INSERT INTO audit_auditevent ({COLUMNS})
            WITH RECURSIVE n(i) AS (SELECT {first} UNION ALL SELECT i + 1 FROM n WHERE i < {last})
            SELECT '2024-01-01 00:00:00', 'bench.noun.verb' || (i % {ACTIONS}), printf('0198c0de00007000%016x', i % {ACTORS}),
                'Rina Hartati', 'doctor', printf('0198c0de00007001%016x', (i * 7919) % {PATIENTS}), 'patients.patient',
                printf('0198c0de-0000-7001-0000-%012x', i % {PATIENTS}), '{{"what": "chart"}}', printf('%016x', i),
                printf('%039x', i % 500), {FIXED}, printf('%064x', i) FROM n"""

    def key(kind: int, number: str) -> str:
        return f"CONCAT('0198c0de-0000-700{kind}-0000-', LPAD(HEX({number}), 12, '0'))"

    return f"""
        INSERT INTO audit_auditevent ({COLUMNS})
        SELECT '2024-01-01 00:00:00', CONCAT('bench.noun.verb', seq MOD {ACTIONS}), {key(0, f"seq MOD {ACTORS}")},
            'Rina Hartati', 'doctor', {key(1, f"(seq * 7919) MOD {PATIENTS}")}, 'patients.patient',
            {key(1, f"seq MOD {PATIENTS}")}, '{{"what": "chart"}}', LPAD(HEX(seq), 16, '0'),
            LPAD(HEX(seq MOD 500), 39, '0'), {FIXED}, LPAD(HEX(seq), 64, '0')
        FROM seq_1_to_20000000 WHERE seq BETWEEN {first} AND {last}"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--database", required=True)
    parser.add_argument("--sizes", default="0,1000000", help="Table sizes at which an insert is measured.")
    parser.add_argument("--events", type=int, default=60_000, help="Genuine events for the measure of the check.")
    options = parser.parse_args()
    if "bench" not in options.database:
        parser.error("the name of the database must contain 'bench'")
    os.environ["DATABASE_URL"] = options.database
    os.environ["DJANGO_SETTINGS_MODULE"] = "emr.settings.test"
    import django

    django.setup()
    prepare()
    share_of_a_page(one_event())
    rate_of_the_check(options.events)
    for size in (int(part) for part in options.sizes.split(",")):
        insert_beside(size)
    return 0


def prepare() -> None:
    """Make the database, a doctor and a patient with eight visits, once."""
    from django.conf import settings
    from django.core.management import call_command
    from django.db import connection

    from patients.models import Patient
    from tests.factories.accounts import DoctorFactory
    from tests.factories.consultations import SignedNoteFactory, VitalsFactory
    from tests.factories.patients import PatientFactory
    from tests.factories.scheduling import VisitFactory

    settings.ALLOWED_HOSTS = ["*"]
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    if connection.vendor == "mysql":
        import MySQLdb

        values = connection.settings_dict
        server = MySQLdb.connect(
            host=values["HOST"], port=int(values["PORT"] or 3306), user=values["USER"], password=values["PASSWORD"]
        )
        server.cursor().execute(f"CREATE DATABASE IF NOT EXISTS {values['NAME']} CHARACTER SET utf8mb4")
        server.close()
    call_command("migrate", verbosity=0)
    if not Patient.objects.exists():
        doctor = DoctorFactory(username="dr.bench", full_name="Rina Hartati")
        patient = PatientFactory(full_name="Halimah Tusadiah", care_team=[doctor])
        for _visit in range(8):
            visit = VisitFactory(doctor=doctor, patient=patient, status="finished")
            SignedNoteFactory(visit=visit)
            VitalsFactory(visit=visit)


def measure(act: Callable[[], Any], times: int) -> tuple[float, float]:
    """Return median (wall, cpu) microseconds of one call, over batches."""
    walls, cpus = [], []
    for _batch in range(BATCHES):
        wall, cpu = time.perf_counter(), time.process_time()
        for _turn in range(times):
            act()
        walls.append((time.perf_counter() - wall) / times * 1e6)
        cpus.append((time.process_time() - cpu) / times * 1e6)
    return statistics.median(walls), statistics.median(cpus)


def show(name: str, wall: float, cpu: float) -> None:
    print(f"{name:<58} wall {wall:>9,.0f} us   cpu {cpu:>8,.0f} us", flush=True)


def one_event() -> tuple[float, float]:
    """An event in a transaction that is there anyway, and one that opens its own, which is returned (wall, cpu)."""
    from django.db import transaction

    import audit
    from accounts.models import User
    from patients.models import Patient

    actor = User.objects.filter(roles__role="doctor").first()
    patient = Patient.objects.first()
    actor.role_names, actor.full_name  # noqa: B018 - read once, as in a request

    def write() -> None:
        audit.record("bench.chart.read", actor=actor, patient=patient.pk, target=patient, detail={"what": "chart"})

    def own() -> None:
        with transaction.atomic():
            write()

    with transaction.atomic():
        measure(write, 50)
        show("one event, inside a transaction", *measure(write, 300))
    alone = measure(own, 300)
    show("one event, in a transaction of its own", *alone)
    return alone


def share_of_a_page(event: tuple[float, float]) -> None:
    """The chart page with and without its event; on a busy machine the difference drowns, so the share is of one event."""
    from django.test import Client
    from django.urls import reverse

    import audit.services
    from accounts.models import User
    from patients.models import Patient
    from tests.conftest import sign_in

    doctor = User.objects.get(username="dr.bench")
    patient = Patient.objects.visible_to(doctor).first()
    client = sign_in(Client(), doctor)
    page = reverse("workspace:patient-chart", args=[patient.pk])

    def read() -> None:
        assert client.get(page).status_code == 200

    measure(read, 5)
    real = audit.services.record
    with_event, without = [], []
    for _turn in range(3):
        with_event.append(measure(read, 15))
        audit.services.record = lambda *args, **kwargs: None  # type: ignore[assignment]
        without.append(measure(read, 15))
        audit.services.record = real
    audited = tuple(statistics.median(pair[part] for pair in with_event) for part in (0, 1))
    bare = tuple(statistics.median(pair[part] for pair in without) for part in (0, 1))
    shares = [event[part] / audited[part] for part in (0, 1)]
    show("chart page with its event", *audited)
    show("chart page without", *bare)
    print(f"{'share of the event':<58} wall {shares[0]:>9.1%}      cpu {shares[1]:>8.1%}")


def rate_of_the_check(events: int) -> None:
    """Genuine events, sealed, then checked."""
    from django.db import transaction

    import audit
    from accounts.models import User
    from audit.models import AuditEvent
    from audit.sealing import seal_all
    from audit.verifying import Check

    actor = User.objects.filter(roles__role="doctor").first()
    if AuditEvent.objects.filter(pk__gt=2 * events).exists():
        print("The table holds synthetic rows; the check is measured in an empty database.")
        return
    missing = events - AuditEvent.objects.count()
    for start in range(0, max(0, missing), 1000):
        with transaction.atomic():
            for turn in range(1000):
                number = (start + turn) % PATIENTS
                audit.record(
                    f"bench.noun.verb{turn % ACTIONS}", actor=actor, patient=UUID(int=0x0198C0DE << 96 | number),
                    detail={"what": "chart", "n": turn},
                )  # fmt: skip
    began = time.perf_counter()
    seal_all(seconds=3600)
    sealing = time.perf_counter() - began
    report = Check().run()
    total = report.events
    if missing > 0:
        print(f"{'sealing':<58} {total / sealing:>12,.0f} events/s")
    if report.first:
        print(f"the check was skipped: {report.first.text}")
        return
    rates = [report.rate, *(Check().run().rate for _turn in range(2))]
    print(
        f"{'verify_audit, ' + format(total, ',') + ' events':<58} {statistics.median(rates):>12,.0f} events/s",
        flush=True,
    )


def load(held: int, size: int) -> None:
    """Fill the table up to `size` rows; on a server without the indexes, which are built once at the end."""
    from django.db import connection, transaction

    from audit.models import AuditEvent

    rebuilds = connection.vendor == "mysql"
    if rebuilds:
        with connection.schema_editor() as editor:
            for index in AuditEvent._meta.indexes:
                editor.remove_index(AuditEvent, index)
    step = 500_000
    while held < size:
        last = min(held + step, size)
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(synthetic(connection.vendor, held + 1, last))
        held = last
    if rebuilds:
        with connection.schema_editor() as editor:
            for index in AuditEvent._meta.indexes:
                editor.add_index(AuditEvent, index)


def insert_beside(size: int) -> None:
    """An insert with its commit while the table holds `size` rows."""
    from django.db import connection, transaction

    import audit
    from audit import triggers
    from audit.models import AuditEvent

    held = AuditEvent.objects.count()
    if held < size:
        load(held, size)
        held = AuditEvent.objects.count()
    numbers = iter(range(10_000_000))

    def write() -> None:
        with transaction.atomic():
            audit.record(
                f"bench.noun.verb{next(numbers) % ACTIONS}",
                actor=None,
                patient=UUID(int=(0x0198C0DE00007001 << 64) | (next(numbers) * 7919) % PATIENTS),
                detail={"what": "chart"},
            )

    measure(write, 100)
    show(f"insert and commit beside {held:,} rows", *measure(write, 400))
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()")
        else:
            cursor.execute(
                "SELECT data_length + index_length FROM information_schema.tables "
                "WHERE table_schema = DATABASE() AND table_name = %s",
                [triggers.TABLE],
            )
        print(f"{'  size on disk':<58} {cursor.fetchone()[0] / 1e6:>12,.0f} MB", flush=True)


if __name__ == "__main__":
    raise SystemExit(main())

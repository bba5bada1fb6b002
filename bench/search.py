"""How fast patients are found: every kind of query beside any number of generated patients.

    python bench/search.py load --database sqlite:////tmp/emr-bench-search.sqlite3 --patients 100000
    python bench/search.py load --database mysql://root@127.0.0.1:3306/emr_bench_1m --patients 1000000
    python bench/search.py measure --database mysql://root@127.0.0.1:3306/emr_bench_1m --times 60

Uses a database of its own, whose name must contain "bench", with the public keys of the tests. Nobody in it exists: names
are drawn by Zipf's law from common words, known words and made-up ones, and everything about patient number n follows
from n. `load` may be killed and repeated: it goes on with the patients that are missing and writes the index anew when it
is not complete. Times are of `find_patients` alone (statements, decryption, ranking) in milliseconds; `cpu` is this process
without the wait for the database server and for other programs. What the index
holds of each patient comes from `patients.search.index_terms`, as in the product. The people: `tests/factories/names.py`.
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

BATCH = 2000
PARTS = 64  # the index is sorted part by part, so that it fits into memory
ROWS_SHOWN = 21
SAMPLE = 6000


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("act", choices=("load", "measure"))
    parser.add_argument("--database", required=True)
    parser.add_argument("--patients", type=int, default=100_000)
    parser.add_argument("--times", type=int, default=60, help="different queries of each kind (%(default)s)")
    parser.add_argument("--rows-only", action="store_true", help="load the patients and leave the index for later")
    options = parser.parse_args()
    if "bench" not in options.database:
        parser.error("the name of the database must contain 'bench'")
    os.environ["DATABASE_URL"] = options.database
    os.environ["DJANGO_SETTINGS_MODULE"] = "emr.settings.test"
    import django

    django.setup()
    if options.act == "load":
        prepare()
        load_patients(options.patients)
        if not options.rows_only:
            load_index()
    else:
        measure(options.times)
    return 0


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
        values.setdefault("OPTIONS", {})["local_infile"] = 1
    call_command("migrate", verbosity=0)


def load_patients(wanted: int) -> None:
    """Insert the patients that are missing, with their blind columns and old numbers."""
    from django.db import transaction

    from core import keys_index
    from patients.models import Patient, PatientIdentifier
    from patients.search import fill_blind_columns
    from tests.factories.names import FIRST_INSTANT_MS, person

    held = Patient.objects.count()
    index = keys_index.writing()
    began = time.perf_counter()
    for first in range(held + 1, wanted + 1, BATCH):
        people = [person(number) for number in range(first, min(first + BATCH, wanted + 1))]
        rows, identifiers = [], []
        for one in people:
            made = datetime.fromtimestamp(FIRST_INSTANT_MS / 1000 + one.number / 10, UTC)
            row = Patient(
                id=one.id, record_number=one.record_number, full_name=one.full_name, birth_date=one.birth_date,
                nik=one.nik, phone=one.phone, bpjs_number=one.bpjs_number, sex="female" if one.number % 2 else "male",
                status="merged" if one.is_merged else "active", created_at=made,
                merged_into_id=person(one.number - 1).id if one.is_merged else None,
            )  # fmt: skip
            fill_blind_columns(row, index=index)
            rows.append(row)
            if one.old_number:
                identifiers.append(
                    PatientIdentifier(patient_id=one.id, kind="old_record", value=one.old_number, created_at=made)
                )
        with transaction.atomic():
            Patient.objects.bulk_create(rows)
            PatientIdentifier.objects.bulk_create(identifiers)
        if (first - 1) % (BATCH * 25) == 0:
            done = first - 1 + len(people) - held
            say(f"{first - 1 + len(people):,} patients, {done / (time.perf_counter() - began):,.0f} a second")


def load_index() -> None:
    """Write the tokens of all patients, sorted, from what is stored about them; what the index held before goes."""
    from django.db import connection

    from core import keys_index
    from core.search import blind
    from patients.models import PatientToken

    key = keys_index.writing().current.key
    began = time.perf_counter()
    number = count = 0
    with tempfile.TemporaryDirectory(prefix="emr-bench-") as folder:
        parts = [open(Path(folder) / f"{part:02d}", "w") for part in range(PARTS)]  # noqa: SIM115 - closed below
        for number, (pk, terms) in enumerate(stored_terms(), start=1):
            for token in blind.tokens(terms, key=key):
                parts[token >> 57].write(f"{token}\t{pk}\n")
                count += 1
            if number % 100_000 == 0:
                say(
                    f"{number:,} patients, {count:,} tokens, {number / (time.perf_counter() - began):,.0f} patients a second"
                )
        for part in parts:
            part.close()
        say("emptying the index")
        with connection.cursor() as cursor:
            cursor.execute(f"DROP TABLE IF EXISTS {PatientToken._meta.db_table}")
        with connection.schema_editor() as editor:
            editor.create_model(PatientToken)
        say("writing the index")
        began = time.perf_counter()
        for at, part in enumerate(parts):
            write_part(Path(part.name))
            if at % 8 == 7:
                say(f"{at + 1}/{PARTS} of the index, {time.perf_counter() - began:,.0f} s")
    keys_index.note_folding()
    with connection.cursor() as cursor:
        cursor.execute(
            "ANALYZE" if connection.vendor == "sqlite" else "ANALYZE TABLE patients_patienttoken, patients_patient"
        )
        cursor.fetchall()
    say(f"{count:,} tokens, {count / number:.1f} a patient; {size_of_index() / 1e6:,.0f} MB")


def stored_terms() -> Iterator[tuple[UUID, set[Any]]]:
    """Every patient's id and index terms, by keyset batches."""
    from patients.models import Patient, PatientIdentifier
    from patients.search import terms_of

    last: UUID | None = None
    while True:
        rows = Patient.objects.order_by("pk") if last is None else Patient.objects.order_by("pk").filter(pk__gt=last)
        batch = list(rows.values_list("pk", "full_name", "birth_date", "bpjs_number", "status")[:BATCH])
        if not batch:
            return
        last = batch[-1][0]
        numbers: dict[UUID, list[str]] = {}
        owned = PatientIdentifier.objects.filter(patient_id__gte=batch[0][0], patient_id__lte=last)
        for pk, value in owned.values_list("patient_id", "value"):
            numbers.setdefault(pk, []).append(value)
        for pk, full_name, birth_date, bpjs_number, status in batch:
            all_numbers = [*numbers.get(pk, ()), *([bpjs_number] if bpjs_number else [])]
            yield (
                pk,
                terms_of(full_name=full_name, birth_date=birth_date, numbers=all_numbers, is_merged=status == "merged"),
            )


def write_part(path: Path) -> None:
    from django.db import connection, transaction

    lines = path.read_text().splitlines()
    lines.sort(key=lambda line: (int(line[: line.index("\t")]), line))
    with transaction.atomic(), connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            rows = ((int(token), UUID(patient).hex) for token, patient in (line.split("\t") for line in lines))
            cursor.executemany("INSERT INTO patients_patienttoken (token, patient_id) VALUES (%s, %s)", rows)
            return
        path.write_text("\n".join(lines) + "\n")
        cursor.execute(f"LOAD DATA LOCAL INFILE '{path}' INTO TABLE patients_patienttoken (token, patient_id)")


def size_of_index() -> int:
    from django.db import connection

    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute(
                "SELECT SUM(pgsize) FROM dbstat WHERE name LIKE '%%patienttoken%%' OR name LIKE '%%token_%%'"
            )
        else:
            cursor.execute(
                "SELECT data_length + index_length FROM information_schema.tables "
                "WHERE table_schema = DATABASE() AND table_name = 'patients_patienttoken'"
            )
        return int(cursor.fetchone()[0] or 0)


# --- Measuring ------------------------------------------------------------------------------------------------------


def people(total: int) -> list[Any]:
    """A few thousand stored patients, drawn evenly: the same ones each time."""
    from patients.models import Patient

    rng = random.Random(2026)
    numbers = sorted({f"{rng.randrange(1, total + 1):06d}" for _draw in range(SAMPLE)})
    fields = ("record_number", "full_name", "birth_date", "nik", "phone", "bpjs_number")
    rows = Patient.objects.filter(record_number__in=numbers, status="active").prefetch_related("identifiers")
    found = list(rows.only(*fields))
    rng.shuffle(found)
    return found


def queries(total: int, times: int) -> dict[str, list[tuple[str, int | None]]]:
    """Return for each kind of query `times` texts, each with the number of the patient who should be on the page."""
    from tests.factories.names import COMMON, MERGED_EVERY, OLD_SPELLINGS, words

    rng = random.Random(2026)
    common = {word.lower() for word in COMMON}
    sample = people(total)

    def of(make: Any, accept: Any = lambda one: True) -> list[tuple[str, int | None]]:
        found = [one for one in sample if accept(one)][:times]
        rng.shuffle(sample)
        return [(make(one), int(one.record_number)) for one in found]

    def old_number(one: Any) -> str:
        return next((row.value for row in one.identifiers.all()), "")

    def plain(one: Any) -> list[str]:
        return one.full_name.replace(".", "").lower().split()

    def rare(one: Any) -> list[str]:
        return [word for word in plain(one) if word not in common and len(word) > 3]

    def two_words(one: Any) -> bool:
        return len(plain(one)) == 2 and len(rare(one)) >= 1

    def two_common(one: Any) -> bool:
        return len(plain(one)) == 2 and all(word in common for word in plain(one))

    def typo(one: Any) -> str:
        parts = plain(one)
        at = max(range(len(parts)), key=lambda place: (parts[place] in rare(one), len(parts[place])))
        cut = rng.randrange(1, len(parts[at]) - 1)
        word = parts[at]
        parts[at] = word[:cut] + word[cut + 1] + word[cut] + word[cut + 2 :]
        return " ".join(parts)

    def old(one: Any) -> str:
        text = " ".join(plain(one))
        for new, former in OLD_SPELLINGS:
            text = text.replace(new, former)
        return text

    nobody = [(f"{''.join(rng.choice('xqzwk') + rng.choice('aeiou') for _part in range(4))} {word}", None) for word in
              (words()[rng.randrange(50, 3000)] for _time in range(times))]  # fmt: skip
    return {
        "full name": of(lambda one: " ".join(plain(one)), lambda one: len(plain(one)) >= 2),
        "one rare word": of(lambda one: rare(one)[0], lambda one: bool(rare(one))),
        "two common words": of(lambda one: " ".join(plain(one)), two_common),
        "one common word alone": [(word.lower(), None) for word in (list(COMMON) * 10)[:times]],
        "initial and common word": [(f"m {word.lower()}", None) for word in (list(COMMON[7:]) * 10)[:times]],
        "prefix while typing": of(lambda one: rare(one)[0][: rng.choice((3, 4, 5))], lambda one: bool(rare(one))),
        "two beginnings": of(lambda one: " ".join(word[:3] for word in plain(one)), lambda one: len(plain(one)) >= 2),
        "one slip": of(typo, two_words),
        "old spelling": of(old, two_words),
        "words joined": of(lambda one: "".join(plain(one)), two_words),
        "one word too many": of(lambda one: f"{' '.join(plain(one))} hardjo", two_words),
        "record number": of(lambda one: one.record_number),
        "old record number": of(old_number, lambda one: bool(old_number(one))),
        "number of a merged record": [
            (f"{number:06d}", number - 1)
            for number in (MERGED_EVERY * rng.randrange(1, max(2, total // MERGED_EVERY)) for _time in range(times))
        ],
        "NIK": of(lambda one: one.nik, lambda one: bool(one.nik)),
        "BPJS number": of(lambda one: one.bpjs_number, lambda one: bool(one.bpjs_number)),
        "telephone": of(lambda one: "0" + one.phone[3:], lambda one: bool(one.phone)),
        "birth date": of(lambda one: f"{one.birth_date:%d-%m-%Y}"),
        "1 January": [(f"01-01-{year}", None) for year in (list(range(1931, 2020)) * 3)[:times]],
        "name and birth date": of(lambda one: f"{plain(one)[-1]} {one.birth_date:%d/%m/%Y}"),
        "nobody": nobody,
    }


def measure(times: int) -> None:
    """Ask everything as a receptionist who sees all, and as a doctor who cares for 300 of them; print the times."""
    from django.db import connection

    from accounts.models import User
    from patients.models import Patient
    from patients.search import find_patients
    from tests.factories.accounts import UserFactory

    total = int(Patient.objects.order_by("-pk").values_list("record_number", flat=True)[0])
    desk = User.objects.filter(username="meja.bench").first() or UserFactory(
        username="meja.bench", full_name="Meja Depan", roles=["receptionist"]
    )
    desk.capabilities  # noqa: B018 - read once, as in a request
    for _warm in range(20):
        find_patients(user=desk, query="siti rahma", limit=ROWS_SHOWN)
    say(f"{connection.vendor}, {total:,} patients, {times} queries of each kind")
    print(f"{'ms':<28}{'p50':>8}{'p95':>8}{'p99':>8}{'most':>8}{'cpu p95':>9}{'rows':>7}{'found':>8}")
    slowest = 0.0
    for kind, asked in queries(total, times).items():
        spent, own, rows, hits = [], [], [], 0
        for text, number in asked:
            began, cpu = time.perf_counter(), time.process_time()
            found = find_patients(user=desk, query=text, limit=ROWS_SHOWN)
            spent.append((time.perf_counter() - began) * 1000)
            own.append((time.process_time() - cpu) * 1000)
            rows.append(len(found))
            hits += number is not None and f"{number:06d}" in {row.record_number for row in found[: ROWS_SHOWN - 1]}
        parts = statistics.quantiles(spent, n=100, method="inclusive")
        slowest = max(slowest, parts[94])
        share = f"{hits / len(asked):.0%}" if asked[0][1] is not None else "-"
        print(
            f"{kind:<28}{parts[49]:>8.1f}{parts[94]:>8.1f}{parts[98]:>8.1f}{max(spent):>8.1f}"
            f"{statistics.quantiles(own, n=100, method='inclusive')[94]:>9.1f}"
            f"{statistics.mean(rows):>7.1f}{share:>8}",
            flush=True,
        )
    print(f"slowest p95: {slowest:.1f} ms")


if __name__ == "__main__":
    raise SystemExit(main())

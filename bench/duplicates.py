"""How long the nightly look for records that look alike takes, and how much memory, beside any number of patients.

    python bench/search.py load --database mysql://root@127.0.0.1:3306/emr_bench_1m --patients 1000000
    python bench/duplicates.py --database mysql://root@127.0.0.1:3306/emr_bench_1m

Works on the database of `bench/search.py`, whose name must contain "bench". The pairs it finds are deleted first and stay
afterwards, so that they can be looked at. `cpu` is this process without the database server.
"""

from __future__ import annotations

import argparse
import os
import resource
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--database", required=True)
    parser.add_argument("--parts", type=int, default=0, help="only so many parts, the last ones (0: all)")
    options = parser.parse_args()
    if "bench" not in options.database:
        parser.error("the name of the database must contain 'bench'")
    os.environ["DATABASE_URL"] = options.database
    os.environ["DJANGO_SETTINGS_MODULE"] = "emr.settings.test"
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    measure(options.parts)
    return 0


def measure(wanted: int) -> None:
    """Run the parts one after the other and print what each cost."""
    from django.db.models import Count

    from patients.models import DuplicatePair, Patient
    from patients.services import duplicate_scan

    DuplicatePair.objects.all().delete()
    parts = range(duplicate_scan.part_count())
    parts = parts[-wanted:] if wanted else parts
    print(f"{Patient.objects.count():,} records, {len(parts)} parts of {duplicate_scan.PART:,}", flush=True)
    began, cpu_began = time.perf_counter(), time.process_time()
    for number in parts:
        start, cpu = time.perf_counter(), time.process_time()
        found = duplicate_scan.scan_part(number)
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        print(
            f"part {number:3d}: {time.perf_counter() - start:6.1f} s, cpu {time.process_time() - cpu:6.1f} s, "
            f"{found:6d} pairs, {memory} MB at most",
            flush=True,
        )
    start = time.perf_counter()
    duplicate_scan.tidy()
    print(f"tidy: {time.perf_counter() - start:.1f} s")
    print(f"all: {time.perf_counter() - began:.1f} s, cpu {time.process_time() - cpu_began:.1f} s")
    for row in DuplicatePair.objects.values("score").annotate(number=Count("pk")).order_by("-score"):
        print(f"score {row['score']:3d}: {row['number']} pairs")


if __name__ == "__main__":
    sys.exit(main())

"""What signing in costs: the password step, the code, and the first page, through the whole stack but the network.

    python bench/sign_in.py [--times 30]

Runs on a new SQLite database, or beside DATABASE_URL (mysql://...) on a test database there, with the hasher of
production. Prints medians in milliseconds and the number of SQL statements. Cores are shared: read ratios.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
os.environ["DJANGO_SETTINGS_MODULE"] = "emr.settings.test"

import django

django.setup()

from django.conf import settings  # noqa: E402
from django.contrib.auth.hashers import check_password  # noqa: E402
from django.db import connection  # noqa: E402
from django.test import Client  # noqa: E402
from django.test.utils import CaptureQueriesContext, setup_test_environment, teardown_test_environment  # noqa: E402
from django.urls import reverse  # noqa: E402

PASSWORD = "Ukur-Kecepatan-2026"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=30, help="sign-ins to measure (%(default)s)")
    times = parser.parse_args().times
    settings.PASSWORD_HASHERS = ["accounts.hashers.Argon2idHasher"]
    settings.DEBUG = False
    setup_test_environment()
    name = connection.creation.create_test_db(verbosity=0, autoclobber=True)
    try:
        measure(times)
    finally:
        connection.creation.destroy_test_db(name, verbosity=0)
        teardown_test_environment()
    return 0


def measure(times: int) -> None:
    from accounts.access import Role
    from accounts.models import RoleAssignment, TotpDevice, User

    user = User(username="ukur", email="ukur@klinik.example", full_name="Orang Ukur")
    user.set_password(PASSWORD)
    user.save()
    RoleAssignment.objects.create(user=user, role=Role.NURSE)
    device = TotpDevice.objects.create(user=user, name="Telepon", confirmed=True)
    login, verify = reverse("accounts:login"), reverse("accounts:factor-verify")
    spent: dict[str, list[float]] = {"password": [], "code": [], "first page": [], "password check alone": []}
    statements: dict[str, int] = {}
    for _time in range(times):
        client = Client()
        TotpDevice.objects.filter(pk=device.pk).update(last_t=-1)  # the same half minute again
        steps = (
            ("password", lambda client=client: client.post(login, {"login": "ukur", "password": PASSWORD})),
            ("code", lambda client=client: client.post(verify, {"code": device.code_at(time.time())})),
            ("first page", lambda client=client: client.get(reverse("reports:dashboard"))),
        )
        for step, act in steps:
            with CaptureQueriesContext(connection) as queries:
                began = time.perf_counter()
                answer = act()
                spent[step].append((time.perf_counter() - began) * 1000)
            statements[step] = len(queries)
            expected = 200 if step == "first page" else 302
            assert answer.status_code == expected, f"{step}: {answer.status_code}"
        began = time.perf_counter()
        check_password(PASSWORD, user.password)
        spent["password check alone"].append((time.perf_counter() - began) * 1000)
    print(f"{connection.vendor}, {times} sign-ins, medians")
    for step, values in spent.items():
        middle = statistics.median(values)
        print(f"{step:24} {middle:7.1f} ms {statements.get(step, 0):4d} statements")
    whole = sum(statistics.median(spent[step]) for step in ("password", "code"))
    print(f"{'sign-in (both steps)':24} {whole:7.1f} ms")


if __name__ == "__main__":
    sys.exit(main())

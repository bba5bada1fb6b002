"""A day of the clinic under load: people of every role open their pages, think, and open the next.

Prints p50, p95 and p99 in ms, errors, requests per second, and database statements per page.

    python bench/load.py --users 50 --seconds 60                       embedded server on SQLite
    DATABASE_URL=mysql://root@127.0.0.1:3306/emr_bench REDIS_URL=redis://127.0.0.1:6379/5 \
        python bench/load.py --users 50 --seconds 60 --server gunicorn  pages under gunicorn

The database must be empty or hold the demo clinic; `make bench` gives it one of its own. Loopback only.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import random
import re
import signal
import statistics
import subprocess
import sys
import time
from collections import defaultdict
from pathlib import Path

import httpx

ROOT = Path(__file__).resolve().parent.parent
TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')
DEMO_CODE = re.compile(r'data-demo-code="([0-9]{6})"')
WEIGHTS = {
    "doctor": 3, "nurse": 2, "receptionist": 3, "pharmacist": 2, "cashier": 2, "admin": 1, "patient": 7,
}  # fmt: skip
# Page name -> how often beside the others of that role. POST searches carry their text.
PAGES: dict[str, list[tuple[str, int]]] = {
    "doctor": [
        ("dashboard", 1), ("doctor-today", 4), ("chart", 3), ("code-search", 2), ("medicine-search", 2), ("session-list", 1),
    ],
    "nurse": [("dashboard", 1), ("vitals-list", 4), ("queue", 3)],
    "receptionist": [
        ("dashboard", 1), ("queue", 4), ("patient-search", 5), ("appointment-list", 2), ("calendar", 1), ("register", 1),
    ],
    "pharmacist": [("dashboard", 1), ("pharmacy-queue", 5), ("prescription", 3), ("stock", 1)],
    "cashier": [("dashboard", 1), ("cashier", 5), ("bill", 3), ("invoice-pdf", 1)],
    "admin": [("dashboard", 3), ("consultation-all", 2), ("registration-list", 1), ("user-list", 1), ("appointment-list", 2)],
    "patient": [("portal-home", 4), ("portal-book", 3), ("portal-times", 2), ("portal-visits", 2), ("portal-bills", 2)],
}  # fmt: skip
ROLE_OF_WORD = {
    "dokter": "doctor", "perawat": "nurse", "resepsionis": "receptionist", "apoteker": "pharmacist", "kasir": "cashier",
    "admin": "admin", "pasien": "patient",
}  # fmt: skip
SEARCHES = ("siti", "tan mei", "000012", "muhammad", "rosman", "abd", "nurha", "wijaya")


def addresses(environment: dict[str, str]) -> dict[str, list[str]]:
    """Return the addresses behind each page name, from the demo database."""
    code = """
import json, django
django.setup()
from django.urls import reverse
from billing.models import Invoice
from core import clock
from patients.models import CareTeamMember
from pharmacy.models import Prescription
from accounts.models import User
from scheduling.models import Slot
doctor = User.objects.get(username="dr.rina")
mine = CareTeamMember.objects.filter(member=CareTeamMember.of_user(doctor.pk)).values_list("patient_id", flat=True)[:60]
bills = list(Invoice.objects.exclude(status="draft").order_by("-pk").values_list("pk", flat=True)[:60])
scripts = list(Prescription.objects.order_by("-pk").values_list("pk", flat=True)[:60])
free = Slot.objects.bookable(clock.now()).filter(session__doctor=doctor).order_by("starts_at").values_list("pk", flat=True)[:1]
plain = {
    "dashboard": "reports:dashboard", "doctor-today": "workspace:consultation-list", "session-list": "scheduling:session-list",
    "vitals-list": "consultations:vitals-list", "queue": "scheduling:queue", "appointment-list": "scheduling:appointment-list",
    "calendar": "scheduling:calendar", "register": "patients:register", "pharmacy-queue": "pharmacy:queue",
    "stock": "pharmacy:stock", "cashier": "workspace:cashier", "consultation-all": "workspace:consultation-all",
    "registration-list": "patients:registration-list",
    "user-list": "accounts:user-list", "portal-home": "workspace:portal-home", "portal-book": "scheduling:portal-book",
    "portal-visits": "workspace:portal-visits", "portal-bills": "billing:portal-bills", "patient-search": "patients:search",
}
found = {name: [reverse(route)] for name, route in plain.items()}
found["portal-times"] = [reverse("scheduling:portal-book-times") + f"?slot={slot}" for slot in free]
found["code-search"] = [reverse("consultations:code-search") + "?q=" + q for q in ("demam", "ispa", "j06", "hiper")]
found["medicine-search"] = [reverse("pharmacy:medicine-search") + "?q=" + q for q in ("para", "amoks", "setir", "ome")]
found["chart"] = [reverse("workspace:patient-chart", args=[pk]) for pk in mine]
found["bill"] = [reverse("workspace:bill-detail", args=[pk]) for pk in bills]
found["invoice-pdf"] = [reverse("billing:invoice-pdf", args=[pk]) for pk in bills]
found["prescription"] = [reverse("pharmacy:prescription-detail", args=[pk]) for pk in scripts]
print(json.dumps(found))
"""
    output = subprocess.run(
        [sys.executable, "-c", code], env=environment, cwd=ROOT, check=True, capture_output=True, text=True
    )
    return json.loads(output.stdout.splitlines()[-1])


def statements(environment: dict[str, str], found: dict[str, list[str]]) -> dict[str, int]:
    """Return database statements of each page, counted in this process by Django's test client."""
    code = """
import json, sys, django
django.setup()
from django.conf import settings
settings.ALLOWED_HOSTS = ["*"]
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django_otp import DEVICE_ID_SESSION_KEY
from accounts import binding, idle
from accounts.models import TotpDevice, User
who, found = json.loads(sys.stdin.read())
names = {"doctor": "dr.rina", "nurse": "ns.dewi", "receptionist": "resepsionis", "pharmacist": "apt.asep", "cashier": "kasir",
         "admin": "admin", "patient": "pasien"}
counts = {}
for page, role in who.items():
    client = Client()
    user = User.objects.get(username=names[role])
    client.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
    session = client.session
    row_id = binding.guard_of(session).row_id
    client.cookies[settings.SESSION_BINDING_COOKIE_NAME] = binding.bind(session, row_id=row_id, user_agent="")
    if role != "patient":
        session[DEVICE_ID_SESSION_KEY] = TotpDevice.objects.filter(user=user, confirmed=True)[0].persistent_id
    session.save()
    idle.begin(row_id)
    url = found[page][0]
    for _warm in range(2):
        with CaptureQueriesContext(connection) as captured:
            answer = client.post(url, {"q": "siti"}) if page == "patient-search" else client.get(url)
    control = ("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE", "ROLLBACK")
    real = [query for query in captured if not query["sql"].startswith(control)]
    counts[page] = len(real) if answer.status_code == 200 else -answer.status_code
print(json.dumps(counts))
"""
    who = {page: role for role, pages in PAGES.items() for page, _weight in pages}
    output = subprocess.run(
        [sys.executable, "-c", code], env=environment, cwd=ROOT, check=True, capture_output=True, text=True,
        input=json.dumps([who, found]),
    )  # fmt: skip
    return json.loads(output.stdout.splitlines()[-1])


class Figures:
    """What was measured, by page."""

    def __init__(self) -> None:
        self.times: dict[str, list[float]] = defaultdict(list)
        self.errors: dict[str, int] = defaultdict(int)

    def add(self, page: str, seconds: float, status: int) -> None:
        self.times[page].append(seconds * 1000)
        if status != 200:
            self.errors[f"{page} {status}"] += 1


def percentile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


async def sign_in(client: httpx.AsyncClient, account: dict[str, str]) -> None:
    door = "/portal/masuk/" if account["door"] == "patient" else "/masuk/"
    page = await client.get(door)
    token = TOKEN.search(page.text)
    assert token, f"no form at {door}: {page.status_code}"
    answer = await client.post(
        door, data={"csrfmiddlewaretoken": token[1], "login": account["username"], "password": account["password"]},
        headers={"Referer": str(client.base_url)},
    )  # fmt: skip
    assert answer.status_code == 302, f"sign-in of {account['username']}: {answer.status_code}"
    if account["door"] == "staff":
        page = await client.get(answer.headers["Location"])
        token, code = TOKEN.search(page.text), DEMO_CODE.search(page.text)
        assert token, f"no second step for {account['username']}: {page.status_code}"
        assert code, f"no demo code for {account['username']}"
        answer = await client.post(
            page.url.path,
            data={"csrfmiddlewaretoken": token[1], "code": code[1]},
            headers={"Referer": str(client.base_url)},
        )
        assert answer.status_code == 302, f"second step of {account['username']}: {answer.status_code}"


async def person(
    role: str,
    cookies: httpx.Cookies,
    base: str,
    found: dict[str, list[str]],
    until: float,
    think: tuple[float, float],
    figures: Figures,
    seed: int,
) -> None:
    chance = random.Random(seed)
    async with httpx.AsyncClient(base_url=base, timeout=30, cookies=cookies) as client:
        await asyncio.sleep(chance.uniform(0, think[1]))
        pages, weights = zip(*PAGES[role], strict=True)
        token = ""
        while time.monotonic() < until:
            page = chance.choices(pages, weights=weights)[0]
            url = chance.choice(found[page])
            if page == "patient-search" and not token:
                match = TOKEN.search((await client.get(url)).text)
                token = match[1] if match else ""
            started = time.perf_counter()
            try:
                if page == "patient-search":
                    answer = await client.post(
                        url,
                        data={"q": chance.choice(SEARCHES), "csrfmiddlewaretoken": token},
                        headers={"Referer": base},
                    )
                else:
                    answer = await client.get(url)
                figures.add(page, time.perf_counter() - started, answer.status_code)
            except httpx.HTTPError as error:
                figures.add(page, time.perf_counter() - started, 0)
                figures.errors[f"{page} {type(error).__name__}"] += 1
            await asyncio.sleep(chance.uniform(*think))


async def drive(
    base: str,
    accounts: list[dict[str, str]],
    found: dict[str, list[str]],
    users: int,
    seconds: int,
    think: tuple[float, float],
) -> tuple[Figures, float]:
    """Run `users` people for `seconds`. Each account signs in once, since sign-ins of one address are limited."""
    by_role: dict[str, list[httpx.Cookies]] = defaultdict(list)
    for account in accounts:
        role = ROLE_OF_WORD.get(account["role"].split(",")[0].strip().lower())
        if role and (role != "doctor" or account["username"] == "dr.rina"):
            async with httpx.AsyncClient(base_url=base, timeout=30) as client:
                await sign_in(client, account)
                by_role[role].append(client.cookies)
    roles = random.Random(1).choices(list(WEIGHTS), weights=list(WEIGHTS.values()), k=users)
    figures = Figures()
    started = time.monotonic()
    await asyncio.gather(
        *(
            person(
                role, by_role[role][number % len(by_role[role])], base, found, started + seconds, think, figures, number
            )
            for number, role in enumerate(roles)
        )
    )
    return figures, time.monotonic() - started


@contextlib.contextmanager
def server(kind: str, port: int, environment: dict[str, str]):
    commands = {
        "embedded": [sys.executable, "manage.py", "serve", "--port", str(port)],
        "gunicorn": [
            sys.executable, "-m", "gunicorn", "emr.wsgi:application", "--worker-class", "gthread", "--workers", "2",
            "--threads", "4", "--bind", f"127.0.0.1:{port}", "--log-level", "warning",
        ],
    }  # fmt: skip
    log = (Path(environment["VAR_DIR"]) / "bench-server.log").open("w")
    process = subprocess.Popen(commands[kind], cwd=ROOT, env=environment, stdout=log, stderr=subprocess.STDOUT)
    try:
        for _wait in range(120):
            with contextlib.suppress(httpx.HTTPError):
                if httpx.get(f"http://127.0.0.1:{port}/masuk/", timeout=5).status_code == 200:
                    break
            if process.poll() is not None:
                raise SystemExit(f"the server stopped at once; see {log.name}")
            time.sleep(0.5)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.send_signal(signal.SIGINT if kind == "embedded" else signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(15)
        process.kill()


def report(figures: Figures, elapsed: float, counts: dict[str, int]) -> None:
    every = [value for values in figures.times.values() for value in values]
    print(f"{'page':<20}{'requests':>9}{'p50 ms':>9}{'p95 ms':>9}{'p99 ms':>9}{'statements':>12}")
    for page in sorted(figures.times):
        values = figures.times[page]
        print(
            f"{page:<20}{len(values):>9}{statistics.median(values):>9.0f}{percentile(values, 0.95):>9.0f}"
            f"{percentile(values, 0.99):>9.0f}{counts.get(page, 0):>12}"
        )
    print(
        f"{'all':<20}{len(every):>9}{statistics.median(every):>9.0f}{percentile(every, 0.95):>9.0f}"
        f"{percentile(every, 0.99):>9.0f}{max(counts.values()):>12} at most"
    )
    print(
        f"{len(every) / elapsed:.1f} requests per second, {sum(figures.errors.values())} errors {dict(figures.errors) or ''}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--users", type=int, default=50)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--think", default="5-10", help="seconds between pages, as LOW-HIGH")
    parser.add_argument("--server", choices=["embedded", "gunicorn"], default="embedded")
    parser.add_argument("--port", type=int, default=8765)
    parser.add_argument(
        "--var", default=str(ROOT / "var" / "bench"), help="folder of the benchmark's own database and keys"
    )
    options = parser.parse_args()
    low, _dash, high = options.think.partition("-")
    Path(options.var).mkdir(parents=True, exist_ok=True)
    environment = {
        **os.environ, "DJANGO_SETTINGS_MODULE": "emr.settings.development", "VAR_DIR": options.var,
        "EMBEDDED": "1", "DEMO_MODE": "1",
        "CONN_MAX_AGE": "60" if options.server == "gunicorn" else "0",
    }  # fmt: skip
    for command in (["migrate", "-v0"], ["load_demo"]):
        subprocess.run([sys.executable, "manage.py", *command], cwd=ROOT, env=environment, check=True)
    accounts = json.loads((Path(options.var) / "demo-sign-ins.json").read_text())
    found = addresses(environment)
    counts = statements(environment, found)
    with server(options.server, options.port, environment) as base:
        figures, elapsed = asyncio.run(
            drive(base, accounts, found, options.users, options.seconds, (float(low), float(high or low)))
        )
    report(figures, elapsed, counts)
    raise SystemExit(1 if figures.errors else 0)


if __name__ == "__main__":
    main()

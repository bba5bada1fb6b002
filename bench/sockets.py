"""A thousand open pages on the one process of live connections: what they cost, and how soon the last one is told.

    DATABASE_URL=mysql://root@127.0.0.1:3306/emr_bench REDIS_URL=redis://127.0.0.1:6379/6 \
        python bench/sockets.py [--sockets 1000] [--rounds 20] [--idle 30]

Starts uvicorn as in production (docs/running.md) on a test database beside DATABASE_URL, with the Redis layer, and opens
the sockets from this process: pages of 20 people, each with a session of its own, and 20 waiting-room boards. Prints the
time to connect all, memory a socket, CPU while nothing happens, and the milliseconds from the commit to the socket that
is told last. Loopback only. Cores are shared with this script: both sides are in the numbers.
Give it a Redis server of its own: messages of the live layer reach every database of a server.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import resource
import signal
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
os.environ["DJANGO_SETTINGS_MODULE"] = "emr.settings.test"

import django  # noqa: E402

django.setup()

from asgiref.sync import sync_to_async  # noqa: E402
from django.conf import settings  # noqa: E402
from django.db import connection, connections, transaction  # noqa: E402
from django.test import Client  # noqa: E402
from django.test.utils import setup_test_environment, teardown_test_environment  # noqa: E402
from websockets.asyncio.client import ClientConnection, connect  # noqa: E402
from websockets.typing import Origin, Subprotocol  # noqa: E402

PEOPLE, BOARDS = 20, 20
AT_ONCE = 25  # sockets that connect side by side, as after a restart behind nginx
PAUSE = 0.5
ANSWER_SECONDS = 40
PORT = 8196


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sockets", type=int, default=1000, help="open connections (%(default)s)")
    parser.add_argument("--rounds", type=int, default=20, help="changes to tell (%(default)s)")
    parser.add_argument("--idle", type=int, default=30, help="seconds in which nothing happens (%(default)s)")
    options = parser.parse_args()
    if not settings.REDIS_URL:
        raise SystemExit("REDIS_URL is missing: without Redis the server would not hear of changes made here.")
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(4096, 4 * options.sockets)), hard))
    setup_test_environment()
    name = connection.creation.create_test_db(verbosity=0, autoclobber=True)
    try:
        cookies, tokens = people(), boards()
        with server(name) as pid:
            asyncio.run(measure(pid, options, cookies, tokens))
    finally:
        connections.close_all()
        connection.creation.destroy_test_db(name, verbosity=0)
        teardown_test_environment()
    return 0


def people() -> list[str]:
    """Return the cookies of nurses who are signed in."""
    from accounts.access import Role
    from tests.conftest import sign_in
    from tests.factories.accounts import UserFactory

    found = []
    for number in range(PEOPLE):
        client = sign_in(Client(), UserFactory(username=f"ukur{number}", roles=[Role.NURSE]))
        found.append("; ".join(f"{name}={client.cookies[name].value}" for name in ("emr_session", "emr_bind")))
    return found


def boards() -> list[str]:
    """Return the secrets of boards."""
    from scheduling.services import devices
    from tests.factories.accounts import UserFactory

    actor = UserFactory(username="pembuat")
    return [devices.make_device(kind="board", name=f"Papan {number}", actor=actor)[1] for number in range(BOARDS)]


@contextlib.contextmanager
def server(database: str) -> Iterator[int]:
    """Run the process of live connections against the test database; gives its id."""
    url = os.environ["DATABASE_URL"].rpartition("/")[0] + f"/{database}"
    command = [
        sys.executable, "-m", "uvicorn", "emr.asgi:application", "--host", "127.0.0.1", "--port", str(PORT), "--lifespan", "on",
        "--ws", "websockets-sansio", "--ws-max-size", "4096", "--no-access-log", "--log-level", "warning",
    ]  # fmt: skip
    process = subprocess.Popen(command, cwd=ROOT, env={**os.environ, "DATABASE_URL": url, "CONN_MAX_AGE": "0"})
    try:
        for _try in range(300):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", PORT), timeout=1):
                break
            time.sleep(0.2)
        yield process.pid
    finally:
        process.send_signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(30)
        process.kill()


def resident_kib(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmRSS")).split()[1])


def cpu_seconds(pid: int) -> float:
    parts = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(parts[11]) + int(parts[12])) / os.sysconf("SC_CLK_TCK")


async def measure(pid: int, options: argparse.Namespace, cookies: list[str], tokens: list[str]) -> None:
    own = asyncio.Semaphore(AT_ONCE)

    origin = Origin(f"http://127.0.0.1:{PORT}")

    async def page(number: int) -> ClientConnection:
        async with own:
            if number < BOARDS:
                return await connect(
                    f"ws://127.0.0.1:{PORT}/ws/board/", origin=origin, ping_interval=None, max_queue=None,
                    subprotocols=[Subprotocol("board"), Subprotocol(tokens[number])], open_timeout=120,
                )  # fmt: skip
            headers = {"Cookie": cookies[number % PEOPLE], "User-Agent": ""}
            return await connect(
                f"ws://127.0.0.1:{PORT}/ws/live/", origin=origin, ping_interval=None, max_queue=None,
                additional_headers=headers, user_agent_header=None, open_timeout=120,
            )  # fmt: skip

    first = await page(BOARDS)  # imports and connections of the first one are not counted
    before, began = resident_kib(pid), time.perf_counter()
    pages = await asyncio.gather(*(page(number) for number in range(options.sockets)))
    took = time.perf_counter() - began
    after = resident_kib(pid)
    print(f"{options.sockets} sockets open after {took:.1f} s ({1000 * took / options.sockets:.1f} ms each)")
    each = (after - before) / options.sockets
    print(f"memory: {before / 1024:.0f} MiB before, {after / 1024:.0f} MiB after, {each:.1f} KiB a socket")

    used, at = cpu_seconds(pid), time.perf_counter()
    await asyncio.sleep(options.idle)
    share = (cpu_seconds(pid) - used) / (time.perf_counter() - at)
    print(f"idle for {options.idle} s: {100 * share:.1f} % of one core, with the looks for lost messages")

    await tell_rounds("staff pages (queue)", "queue", pages[BOARDS:], options.rounds)
    await tell_rounds("boards (call)", "board", pages[:BOARDS], options.rounds)
    threads = len(list(Path(f"/proc/{pid}/task").iterdir()))
    print(f"threads {threads}, load of the machine {os.getloadavg()[0]:.1f}")
    await asyncio.gather(*(one.close() for one in [first, *pages]))


async def tell_rounds(what: str, topic: str, pages: list[ClientConnection], rounds: int) -> None:
    """Commit one change after the other and wait for every page each time."""
    lasts, all_of_them, silent = [], [], 0
    for _round in range(rounds):
        waits = [asyncio.create_task(told(one, topic)) for one in pages]
        await asyncio.sleep(0)
        committed = await sync_to_async(commit)(topic)
        answers = await asyncio.gather(*waits)
        times = [1000 * (at - committed) for at in answers if at is not None]
        silent += len(answers) - len(times)
        lasts.append(max(times))
        all_of_them += times
        await asyncio.sleep(PAUSE)
    print(
        f"{what}: commit to the last of {len(pages)}: p50 {statistics.median(lasts):.0f} ms, "
        f"p95 {statistics.quantiles(lasts, n=20)[-1]:.0f} ms; to any of them: p50 {statistics.median(all_of_them):.0f} ms, "
        f"p95 {statistics.quantiles(all_of_them, n=20)[-1]:.0f} ms; {silent} not told within {ANSWER_SECONDS} s"
    )


async def told(page: ClientConnection, topic: str) -> float | None:
    """Return when a page heard of a change, or None when it did not within `ANSWER_SECONDS`."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(ANSWER_SECONDS):
            while f'"{topic}"' not in str(await page.recv()):
                pass
            return time.perf_counter()
    return None


def commit(topic: str) -> float:
    """Change nothing, commit, tell; returns when the commit was done."""
    from core import live

    with transaction.atomic():
        live.changed(topic)
        began: list[float] = []
        transaction.on_commit(lambda: began.append(time.perf_counter()))
    return began[0]


if __name__ == "__main__":
    sys.exit(main())

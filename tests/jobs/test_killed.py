"""A worker killed with SIGKILL in the middle of a job, and another process that goes on: nothing twice, nothing missing.

Real processes on a real database: SQLite in a file, or the server of DATABASE_URL.
"""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator

import pytest

from tests.core.installation import Installation

pytestmark = pytest.mark.processes

TOTAL = 120
START = """
import django; django.setup()
import json, sys, time
from datetime import timedelta
import jobs
from accounts.access import Role
from accounts.models import RoleAssignment, User
from core.db import retry_transaction
from core.models import Counter
from jobs import runner, services, steps
from jobs.models import Job

@retry_transaction
def batch(step, number, total):
    step.progress(number, total, cursor={"number": number})
    Counter.objects.create(name=f"killed:{number}", value=step.turn)  # a second time breaks its key

def run(step):
    number = (step.cursor or {"number": 0})["number"]
    while number < step.parameters["total"]:
        number += 1
        batch(step, number, step.parameters["total"])
        print(number, flush=True)
        time.sleep(step.parameters["pace"])
        step.rest()
    return jobs.JobResult(data=b"x" * 2_000_000, name="hasil.bin", outcome={"rows": number})

jobs.register("tests.killed", run=run, label="Killed", lease=timedelta(minutes=5))
"""
ASK = """
user = User.objects.create(username=sys.argv[1], email=f"{sys.argv[1]}@klinik.example", full_name="Fitri Handayani")
RoleAssignment.objects.create(user=user, role=Role.RECEPTIONIST)
job = services.request(kind="tests.killed", actor=user, parameters={"total": int(sys.argv[2]), "pace": 0.02})
print(job.pk)
"""
WORK = """
state = runner.work(sys.argv[1])
print("left", state)
"""
SWEEP = """
print(json.dumps([str(pk) for pk in runner.sweep()]))
"""
LAPSE = """
from core import clock
print(Job.objects.filter(state="running").update(lease_until=clock.now()))
"""
LOOK = """
job = Job.objects.get(pk=sys.argv[1])
turns = list(Counter.objects.filter(name__startswith="killed:").values_list("name", "value"))
print(json.dumps({
    "state": job.state, "done": job.done, "turn": job.turn, "attempts": job.attempts, "size": getattr(job.result, "size", 0),
    "numbers": sorted(int(name.split(":")[1]) for name, _turn in turns), "turns": sorted({turn for _name, turn in turns}),
}))
"""


@pytest.fixture(scope="module")
def installation(django_db_blocker, tmp_path_factory) -> Iterator[Installation]:
    with django_db_blocker.unblock():
        made = Installation.migrated(tmp_path_factory.mktemp("installation"))
        try:
            yield made
        finally:
            made.drop()


def say(installation: Installation, script: str, *arguments: str) -> str:
    return installation.run("-c", START + script, *arguments).strip().splitlines()[-1]


def test_killed_twice_and_finished(installation):
    job = say(installation, ASK, "fitri", str(TOTAL))
    look = lambda: json.loads(say(installation, LOOK, job))  # noqa: E731
    for turn, reached in ((1, 30), (2, 70)):
        assert json.loads(say(installation, SWEEP)) == [job]
        worker = installation.start("-c", START + WORK, job)
        for line in worker.stdout:
            if int(line) >= reached:
                worker.send_signal(signal.SIGKILL)
                break
        assert worker.wait(60) == -signal.SIGKILL
        worker.stdout.close()
        worker.stderr.close()
        found = look()
        assert (found["state"], found["turn"], found["attempts"]) == ("running", turn, 0)
        assert found["done"] >= reached
        assert found["numbers"] == list(range(1, found["done"] + 1)), "the place is saved with its batch"
        assert json.loads(say(installation, SWEEP)) == []
        assert say(installation, WORK, job) == "left None", "nobody takes it while the lease holds"
        assert say(installation, LAPSE) == "1"

    workers = [installation.start("-c", START + WORK, job) for _worker in range(3)]
    left = []
    for worker in workers:
        out, err = worker.communicate(timeout=120)
        assert worker.returncode == 0, err
        left.append(out.strip().splitlines()[-1])
    assert sorted(left) == ["left None", "left None", "left done"], "of three workers one goes on"
    found = look()
    assert (found["state"], found["done"], found["turn"], found["size"]) == ("done", TOTAL, 3, 2_000_000)
    assert found["numbers"] == list(range(1, TOTAL + 1))
    assert found["turns"] == [1, 2, 3]
    assert json.loads(say(installation, SWEEP)) == []

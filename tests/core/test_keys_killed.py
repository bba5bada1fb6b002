"""Rotations killed with SIGKILL at about 30 % and taken up again, while other processes read, search and write.

Real processes on a real database: SQLite in a file, or the server of DATABASE_URL.
"""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.conf import settings

from tests.core.installation import Installation, wait_for

pytestmark = pytest.mark.processes

PATIENTS = 200
SEED = """
import django; django.setup()
import sys
from datetime import date, timedelta
from accounts.access import Role
from accounts.models import RoleAssignment, User
from core import clock
from core.keys_index import writing
from core.models import Counter
from patients.models import Allergy, Patient
from patients.search import fill_blind_columns, write_tokens_of
user = User.objects.create(username="fitri", email="fitri@klinik.example", full_name="Fitri Handayani")
RoleAssignment.objects.create(user=user, role=Role.RECEPTIONIST)
first = ("Tambunan", "Sitorus", "Kusumawardhani", "Siti Aminah", "Budi Santoso", "Soerjadi")
rows = []
for at in range(int(sys.argv[1])):
    word = "".join(chr(97 + int(digit)) for digit in f"{at:04}")
    rows.append(Patient(
        record_number=f"{at + 1:06}", full_name=f"{first[at % 6]} Mar{word}", nik=f"21710152038{at:04}1",
        birth_date=date(1950, 1, 1) + timedelta(days=31 * at), phone=f"+62812345{at:05}", created_at=clock.now(),
        address="Jl. Merdeka 1",
    ))
for row in rows:
    fill_blind_columns(row, index=writing())
Patient.objects.bulk_create(rows)
Counter.objects.create(name="patients.record_number", value=len(rows))
write_tokens_of(rows)
Allergy.objects.bulk_create([
    Allergy(patient=row, substance="Amoksisilin", recorded_at=clock.now(), recorded_by=user) for row in rows[:60]
])
"""
# Reads and searches round after round, and registers somebody in each; prints one line of answers a round.
READER = """
import django; django.setup()
import json, pathlib, sys
from datetime import date
from accounts.models import User
from patients.models import Allergy, Patient, Sex
from patients.search import find_patients
from patients.services import register_patient
stop = pathlib.Path(sys.argv[1]); writes = sys.argv[2] == "write"
user = User.objects.get(username="fitri")
queries = ("tambunan maraaab", "2171015203800421", "+6281234500007", "000123", "siti aminah maraaad", "suryadi maraaaf",
           "01-01-1950", "kusumawardani maraaac")
number = 0
while True:
    found = {query: [row.record_number for row in find_patients(user=user, query=query)][:1] for query in queries}
    rows = list(Patient.objects.filter(record_number__lte="000200").order_by("record_number"))
    found["read"] = [len(rows), rows[0].full_name, rows[-1].nik, rows[-1].address]
    found["allergies"] = len({row.substance for row in Allergy.objects.all()})
    if writes:
        word = "".join(chr(97 + int(digit)) for digit in f"{number:04}")
        register_patient(actor=user, full_name=f"Zubaidah {word}", birth_date=date(1960 + number % 50, 1 + number // 50 % 12, 5),
                         sex=Sex.FEMALE, nik=f"32710152039{number:04}1", duplicate_reason="kembar")
        found["new"] = [row.full_name == f"Zubaidah {word}" for row in find_patients(user=user, query=f"32710152039{number:04}1")]
        number += 1
    print(json.dumps(found), flush=True)
    if stop.exists():
        break
"""


@pytest.fixture(scope="module")
def installation(django_db_blocker, tmp_path_factory) -> Iterator[Installation]:
    with django_db_blocker.unblock():
        made = Installation.migrated(tmp_path_factory.mktemp("installation"))
        try:
            made.run("-c", SEED, str(PATIENTS))
            yield made
        finally:
            made.drop()


class Reader:
    """A second process that looks people up all the time."""

    def __init__(self, installation: Installation, directory: Path, *, writes: bool) -> None:
        self.stop, self.log, self.errors = directory / "stop", directory / "reader.log", directory / "reader.err"
        with self.log.open("w") as out, self.errors.open("w") as errors:
            self.process = subprocess.Popen(
                [sys.executable, "-c", READER, str(self.stop), "write" if writes else "read"],
                cwd=settings.BASE_DIR, env=installation.environ, stdout=out, stderr=errors,
            )  # fmt: skip

    def rounds(self) -> list[dict]:
        return [json.loads(line) for line in self.log.read_text().splitlines() if line.endswith("}")]

    def more(self, count: int = 2) -> None:
        """Wait for further rounds."""
        before = len(self.rounds())
        wait_for(lambda: self.process.poll() is not None or len(self.rounds()) >= before + count, what="the reader")
        assert self.process.poll() is None, self.errors.read_text()

    def end(self) -> list[dict]:
        self.stop.touch()
        self.process.wait(120)
        assert self.process.returncode == 0, self.errors.read_text()
        return self.rounds()


@pytest.fixture
def reader(installation: Installation, tmp_path: Path) -> Iterator[Callable[..., Reader]]:
    """Return a function that starts a reader; none outlives its test."""
    started: list[Reader] = []

    def start(*, writes: bool) -> Reader:
        directory = tmp_path / str(len(started))
        directory.mkdir()
        started.append(Reader(installation, directory, writes=writes))
        return started[-1]

    yield start
    for one in started:
        one.process.kill()
        one.process.wait(60)


def kill_at(installation: Installation, pattern: str, percent: int, *arguments: str) -> int:
    """Start a command and kill it when its progress has come so far; return how far it was."""
    process = installation.start("manage.py", *arguments)
    written = ""
    for line in process.stdout:
        written += line
        found = re.search(pattern + r".* (\d+) %", line)
        if found and int(found[1]) >= percent:
            process.send_signal(signal.SIGKILL)
            break
    assert process.wait(60) == -signal.SIGKILL, written + process.stderr.read()
    process.stdout.close()
    process.stderr.close()
    assert found is not None
    return int(found[1])


def check_rounds(rounds: list[dict], *, writes: bool) -> None:
    assert len(rounds) >= 6
    assert all(answer == ["000002"] or answer for answer in rounds[0].values())
    for one in rounds:
        assert not writes or one.pop("new") == [True]
        assert one == rounds[0]
    assert all(len(rounds[0][query]) == 1 for query in list(rounds[0])[:8])
    assert rounds[0]["read"] == [PATIENTS, "Tambunan Maraaaa", "2171015203801991", "Jl. Merdeka 1"]


def test_data_key(installation, reader):
    old = installation.health()["keys"][0]["ids"][0]
    installation.manage("init_keys", "--add-data-key")
    new = installation.health()["keys"][0]["ids"][0]
    looking = reader(writes=False)
    looking.more()
    reached = kill_at(installation, r"patients\.Patient", 30, "rotate_data_key", "--batch-size", "10", "--rest", "0.05")
    assert 30 <= reached < 60
    tables = installation.health()["tables"]
    assert 0 < tables["patients.Patient"][old] < PATIENTS
    assert tables["patients.Patient"][old] + tables["patients.Patient"][new] == PATIENTS
    assert tables["patients.Allergy"] == {new: 60}
    looking.more(3)

    text = installation.manage("rotate_data_key", "--batch-size", "50")
    assert f"No row needs {old} any more." in text
    assert "patients.Allergy: done, 0 row(s) written" in text
    looking.more()
    check_rounds(looking.end(), writes=False)
    tables = installation.health()["tables"]
    assert {key for rows in tables.values() for key in rows} == {new}

    path = installation.key_dir / "field_encryption_keys"
    path.write_text(path.read_text().split()[0] + "\n")  # the old key is needed no more
    assert installation.health()["problems"] == []
    assert reader(writes=False).end()[0]["read"][0] == PATIENTS


def test_index_key(installation, reader):
    old = installation.health()["index"]["key"]
    installation.manage("init_keys", "--add-index-key")
    new = next(key for key in installation.health()["keys"] if key["name"] == "SEARCH_MASTER_KEY")["ids"][0]
    looking = reader(writes=True)
    looking.more()
    pace = ("--batch-size", "10", "--rest", "0.05", "--grace", "1")
    reached = kill_at(installation, "Building", 30, "rotate_index_key", *pace)
    assert 30 <= reached < 60
    index = installation.health()["index"]
    assert (index["phase"], index["key"], index["other_key"]) == ("building", old, new)
    assert 0.3 * PATIENTS <= index["rows_done"] < 0.7 * PATIENTS
    looking.more(3)

    kill_at(installation, "Clearing", 30, "rotate_index_key", *pace)
    index = installation.health()["index"]
    assert (index["phase"], index["key"], index["other_key"]) == ("clearing", new, old)
    looking.more(3)

    text = installation.manage("rotate_index_key", "--grace", "0")
    assert f"The search index is under key {new} alone." in text
    assert f"Take {old} out" in text
    looking.more()
    check_rounds(looking.end(), writes=True)

    path = installation.key_dir / "search_master_key"
    path.write_text(path.read_text().split()[0] + "\n")
    assert installation.health()["problems"] == []
    assert "0 index row(s) changed" in installation.manage("reindex_patients").splitlines()[-2]


def test_one_command_does_it_all(installation):
    for command, option, name in (
        ("rotate_data_key", (), "field_encryption_keys"),
        ("rotate_index_key", ("--grace", "0"), "search_master_key"),
    ):
        path = installation.key_dir / name
        before = path.read_text().split()
        text = installation.manage(command, "--new-key", *option)
        assert "Back up" in text
        after = path.read_text().split()
        assert len(after) == 1
        assert after != before
        assert (path.parent / f"{name}.retired").read_text().split()[: len(before)] == before
        assert path.stat().st_mode & 0o777 == 0o600
    found = installation.health()
    assert found["problems"] == []
    assert len({key for rows in found["tables"].values() for key in rows}) == 1
    assert found["index"]["phase"] == "ready"


def test_a_key_of_the_environment_is_not_made_here(installation):
    text = (installation.key_dir / "search_master_key").read_text().strip()
    words = installation.manage("rotate_index_key", "--new-key", code=1, SEARCH_MASTER_KEY=text)
    assert "comes from the variable SEARCH_MASTER_KEY" in words
    assert (installation.key_dir / "search_master_key").read_text().strip() == text

"""An import killed with SIGKILL at about 30 % and taken up again: exactly as many patients as rows, nobody twice.

Real processes on a real database: SQLite in a file, or the server of DATABASE_URL.
"""

from __future__ import annotations

import json
import re
import signal
from collections.abc import Iterator

import pytest

from tests.core.installation import Installation
from tests.patients.importing.lists import csv_bytes, people

pytestmark = pytest.mark.processes

TOTAL = 600
ADMIN = """
import django; django.setup()
from accounts.access import Role
from accounts.models import RoleAssignment, User
user = User.objects.create(username="ayu", email="ayu@klinik.example", full_name="Ayu Lestari", language="en")
RoleAssignment.objects.create(user=user, role=Role.ADMIN)
"""
SLOW = """
import django; django.setup()
import sys, time
from django.core.management import call_command
from patients.importing import kinds, running
import jobs
running.IMPORT_BATCH = 20
running.jobs.JobStep.rest = lambda step: (print("done", step.job_id, flush=True), time.sleep(0.1))
call_command("import_patients", sys.argv[1], actor="ayu", **({"resume": True} if len(sys.argv) > 2 else {}))
"""
SOON = """
import django; django.setup()
from core import clock
from jobs.models import Job
Job.objects.filter(state="running").update(lease_until=clock.now())
"""
LOOK = """
import django; django.setup()
import json
from audit.models import AuditEvent
from patients.models import Patient, PatientImport, PatientImportRow, PatientToken
source = PatientImport.objects.get()
print(json.dumps({
    "patients": Patient.objects.count(), "niks": len(set(Patient.objects.values_list("nik_bidx", flat=True))),
    "numbers": len(set(Patient.objects.values_list("record_number", flat=True))),
    "rows": PatientImportRow.objects.filter(outcome="created").count(), "state": source.state, "counts": source.counts,
    "events": AuditEvent.objects.filter(action="patients.patient.registered").count(),
    "indexed": PatientToken.objects.values("patient_id").distinct().count(),
}))
"""


@pytest.fixture(scope="module")
def installation(django_db_blocker, tmp_path_factory) -> Iterator[Installation]:
    with django_db_blocker.unblock():
        made = Installation.migrated(tmp_path_factory.mktemp("installation"))
        try:
            made.run("-c", ADMIN)
            yield made
        finally:
            made.drop()


def test_killed_and_resumed(installation):
    path = installation.directory / "pasien.csv"
    path.write_bytes(csv_bytes(people(TOTAL)))
    process = installation.start("-c", SLOW, str(path))
    batches = 0
    for line in process.stdout:
        batches += line.startswith("done")
        if batches * 20 >= 0.3 * TOTAL:
            process.send_signal(signal.SIGKILL)
            break
    assert process.wait(60) == -signal.SIGKILL, process.stderr.read()
    process.stdout.close()
    process.stderr.close()
    before = json.loads(installation.run("-c", LOOK).strip().splitlines()[-1])
    assert 0.3 * TOTAL <= before["patients"] < 0.7 * TOTAL
    assert before["patients"] == before["rows"] == before["events"] == before["indexed"]

    installation.run("-c", SOON)  # as if the lease of ten minutes had ended
    text = installation.run("-c", SLOW, str(path), "--resume")
    assert f"{TOTAL} imported" in text
    assert not re.search(r"2171\d{12}", text)
    after = json.loads(installation.run("-c", LOOK).strip().splitlines()[-1])
    assert after["state"] == "imported"
    assert {after[name] for name in ("patients", "niks", "numbers", "rows", "events", "indexed")} == {TOTAL}
    assert after["counts"]["created"] == TOTAL

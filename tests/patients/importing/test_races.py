"""Desks and admins at the same moment."""

from __future__ import annotations

from datetime import date

import pytest

from accounts.access import Role
from jobs import runner
from jobs.models import Job
from patients.errors import DuplicateNik
from patients.import_errors import ImportNotPossible
from patients.models import Patient
from patients.services import imports, register_patient
from tests.factories.accounts import UserFactory
from tests.patients.importing.lists import csv_bytes, people

pytestmark = pytest.mark.django_db(transaction=True)


def ready(admin, rows):
    source = imports.upload(data=csv_bytes(rows), name="x.csv", actor=admin)
    mapping = {int(at): code for at, code in source.mapping.items()}
    source = imports.set_mapping(import_id=source.pk, actor=admin, mapping=mapping, has_heading=True)
    assert runner.run_to_end(source.check_job_id).state == "done"
    return source


@pytest.fixture
def admins(transactional_db):
    return [UserFactory(username=f"admin{at}", roles=[Role.ADMIN]) for at in range(2)]


def test_a_desk_and_an_import_make_one_record(admins, race):
    rows = people(12)
    source = imports.start(import_id=ready(admins[0], rows).pk, actor=admins[0])

    def act(what):
        if what == "import":
            return runner.run_to_end(source.import_job_id).state
        row = rows[what]
        return register_patient(
            actor=admins[1], full_name=row["nm_pasien"], birth_date=date.fromisoformat(row["tgl_lahir"]), sex="male",
            nik=row["no_ktp"], duplicate_reason="sama",
        )  # fmt: skip

    results = race(act, [("import",), *((at,) for at in range(0, 12, 2))])
    assert results[0] == "done"
    assert all(isinstance(result, Patient | DuplicateNik) for result in results[1:]), results
    assert Patient.objects.count() == 12
    by_desk = sum(isinstance(result, Patient) for result in results[1:])
    source.refresh_from_db()
    assert source.counts.get("skipped", 0) == by_desk
    assert source.counts.get("created", 0) == 12 - by_desk
    assert len(set(Patient.objects.values_list("record_number", flat=True))) == 12


def test_two_admins_start_one_import_once(admins, race):
    source = ready(admins[0], people(3))
    results = race(lambda actor: imports.start(import_id=source.pk, actor=actor), [(actor,) for actor in admins * 3])
    assert sum(isinstance(result, ImportNotPossible) for result in results) == 5, results
    assert Job.objects.filter(kind=imports.RUN).count() == 1


def test_two_imports_of_one_list_at_once_register_everybody_once(admins, race):
    rows = [{**row, "no_ktp": "", "no_rkm_medis": ""} for row in people(30)]  # nothing that is unique in the database
    sources = [imports.start(import_id=ready(actor, rows).pk, actor=actor) for actor in admins]
    states = race(lambda source: runner.run_to_end(source.import_job_id).state, [(source,) for source in sources])
    assert states == ["done", "done"]
    assert Patient.objects.count() == 30
    assert sum(source.rows.filter(outcome="created").count() for source in sources) == 30

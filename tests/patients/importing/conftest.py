from __future__ import annotations

import pytest
from django.utils import translation

from jobs import runner
from patients.models import PatientImport
from patients.services import imports
from tests.patients.importing import lists


@pytest.fixture(autouse=True)
def _in_english():
    with translation.override("en"):
        yield


@pytest.fixture
def admin(cast):
    cast.admin.language = "en"
    cast.admin.save(update_fields=["language"])
    return cast.admin


@pytest.fixture
def checked(admin):
    """Return a function that uploads rows and has them checked; gives the import."""

    def check(rows, *, mapping=None, has_heading=True, on_value="reject") -> PatientImport:
        data = rows if isinstance(rows, bytes) else lists.csv_bytes(rows)
        source = imports.upload(data=data, name="pasien.csv", actor=admin)
        if source.read_job_id:
            runner.run_to_end(source.read_job_id)
            source.refresh_from_db()
        chosen = mapping if mapping is not None else {int(at): code for at, code in source.mapping.items()}
        source = imports.set_mapping(
            import_id=source.pk, actor=admin, mapping=chosen, has_heading=has_heading, on_value=on_value
        )
        assert runner.run_to_end(source.check_job_id).state == "done"
        source.refresh_from_db()
        return source

    return check


@pytest.fixture
def imported(checked, admin):
    """Return a function that takes rows all the way; gives the import and its job."""

    def run(rows, *, reason="", mapping=None, has_heading=True, on_value="reject", **decisions):
        source = checked(rows, mapping=mapping, has_heading=has_heading, on_value=on_value)
        source = imports.start(import_id=source.pk, actor=admin, reason=reason, **decisions)
        job = runner.run_to_end(source.import_job_id)
        assert job.state == "done", job.error
        source.refresh_from_db()
        return source, job

    return run

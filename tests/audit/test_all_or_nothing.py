"""If the event cannot be written, the act does not happen; and nothing changes without an event.

Every address of the access matrix is called while the log takes no row.
"""

from __future__ import annotations

import contextlib

import pytest
from django.apps import apps
from django.core.exceptions import ValidationError
from django.db import DatabaseError, OperationalError, connection, transaction
from django.urls import reverse

import audit
from audit import triggers
from audit.errors import AuditUnavailable
from audit.models import AuditEvent
from core.errors import DomainError
from patients.models import Patient
from patients.services import register_patient
from tests.audit.test_coverage import READS
from tests.matrix import Row, all_rows, person
from tests.test_registry import OURS

ROWS = [row for row in all_rows() if not row.public]

# What a request may write although nothing is recorded: not about people, or a note to oneself.
NOT_OURS = {"audit.RefusalCount", "accounts.AccountSession"}
# Changes without an event, each with the reason.
SILENT = {
    "accounts:device-add-app": "a key of an app is no factor before its code was typed, which is an event",
    "accounts:preferences": "language and theme of one's own pages",
    "notifications:notice-open": "marks one's own notice as read",
    "notifications:notice-read": "marks one's own notice as read",
    "notifications:notice-read-all": "marks one's own notices as read",
    "patients:registration-draft": "what one is typing oneself, gone after a day; registering is an event",
    "patients:registration-draft-discard": "throws away what one typed oneself",
}


class Blocked:
    """The log takes no row, for whatever reason the database has."""

    def __init__(self, error: Exception) -> None:
        self.error, self.tries = error, 0

    def __call__(self, execute, sql, params, many, context):
        if sql.lstrip().upper().startswith("INSERT") and triggers.TABLE in sql:
            self.tries += 1
            raise self.error
        return execute(sql, params, many, context)


def snapshot() -> dict[str, list]:
    """Return every row of our tables as the database holds it."""
    found = {}
    with connection.cursor() as cursor:
        for model in apps.get_models():
            if model._meta.app_label not in OURS or model._meta.label in NOT_OURS:
                continue
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(model._meta.db_table)}")
            found[model._meta.label] = sorted(map(repr, cursor.fetchall()))
    return found


def differences(before, after) -> list[str]:
    return sorted(label for label in before if before[label] != after[label])


class AsOutside:
    """The connection as a service sees it in production: the transaction around a test is not there."""

    def __init__(self) -> None:
        self.base = len(connection.savepoint_ids)

    @property
    def in_atomic_block(self) -> bool:
        return len(connection.savepoint_ids) > self.base


@pytest.fixture
def _services_begin_transactions(db, monkeypatch):
    """Each test is fast in one transaction, and every service still has a savepoint of its own to go back to."""
    monkeypatch.setattr("core.db.connection", AsOutside())


@pytest.mark.usefixtures("_services_begin_transactions")
@pytest.mark.parametrize("row", ROWS, ids=str)
def test_without_its_event_nothing_happens(row: Row, cast, client_for):
    kwargs = row.build(cast) if row.build else {}
    url = reverse(row.name, kwargs=kwargs)
    data = row.data(cast) if row.data else {}
    client = client_for(person(cast, row.holder))
    names = [patient.full_name for patient in Patient.objects.all()]
    before = snapshot()
    with connection.execute_wrapper(blocked := Blocked(DatabaseError("disk full"))):
        answer = client.post(url, data) if row.method == "POST" else client.get(url)
    changed = differences(before, snapshot())
    if blocked.tries:
        assert answer.status_code == 503, f"{answer.status_code}, changed {changed}"
        assert changed == []
        assert answer["Cache-Control"] == "no-store, private"
        body = answer.content.decode()
        assert not [name for name in names if name and name in body]
        return
    assert row.name not in READS or (row.method == "GET" and "search" in row.name), "it should have written an event"
    assert changed == [] or row.name in SILENT, f"{row.name} changed {changed} without an event"


@pytest.mark.usefixtures("_services_begin_transactions")
def test_the_page_says_so_and_comes_back(cast, client_for):
    client = client_for(cast.doctor)
    from tests.factories.patients import PatientFactory

    patient = PatientFactory(care_team=[cast.doctor], full_name="Halimah Tusadiah")
    page = reverse("workspace:patient-chart", args=[patient.pk])
    with connection.execute_wrapper(Blocked(DatabaseError("disk full"))):
        answer = client.get(page, headers={"accept-language": "en"})
    assert answer.status_code == 503
    assert answer["Retry-After"] == "60"
    assert "Halimah" not in answer.content.decode()
    assert client.get(page).status_code == 200


@pytest.mark.usefixtures("_services_begin_transactions")
def test_a_refusal_that_cannot_be_written_stays_a_refusal(cast, client_for):
    client = client_for(cast.cashier)
    with connection.execute_wrapper(Blocked(DatabaseError("disk full"))):
        assert client.get(reverse("accounts:user-list")).status_code == 503


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("broken", ["trigger", "table"])
def test_a_database_that_refuses_the_row_refuses_the_act(cast, broken):
    """Not a simulated fault: the table itself takes nothing."""
    admin = cast.admin
    with connection.cursor() as cursor:
        if broken == "trigger":
            body = (
                f"BEFORE INSERT ON {triggers.TABLE} BEGIN SELECT RAISE(ABORT, 'full'); END"
                if connection.vendor == "sqlite"
                else f"BEFORE INSERT ON {triggers.TABLE} FOR EACH ROW SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'full'"
            )
            cursor.execute(f"CREATE TRIGGER audit_broken {body}")
        else:
            cursor.execute(f"ALTER TABLE {triggers.TABLE} RENAME TO audit_elsewhere")
    try:
        with pytest.raises(AuditUnavailable), transaction.atomic():
            register(admin)
    finally:
        with connection.cursor() as cursor:
            if broken == "trigger":
                cursor.execute("DROP TRIGGER audit_broken")
            else:
                cursor.execute(f"ALTER TABLE audit_elsewhere RENAME TO {triggers.TABLE}")
                triggers.drop()
        triggers.install()
    assert not Patient.objects.exists()
    register(admin)
    assert Patient.objects.count() == 1


def register(actor):
    from datetime import date

    return register_patient(
        actor=actor,
        full_name="Halimah Tusadiah",
        birth_date=date(1990, 5, 1),
        sex="female",
        phone="081234567890",
        nik=None,
    )


@pytest.mark.django_db
def test_no_view_turns_it_into_a_message():
    assert not issubclass(AuditUnavailable, DomainError | ValidationError | DatabaseError)


@pytest.mark.django_db
def test_a_deadlock_is_still_a_deadlock_and_runs_again(cast):
    """`retry_transaction` must recognise it."""
    error = OperationalError(1213, "Deadlock found")
    with (
        connection.execute_wrapper(Blocked(error)),
        pytest.raises(OperationalError),
        transaction.atomic(),
    ):
        audit.record("tests.thing.done", actor=None)


@pytest.mark.usefixtures("_services_begin_transactions")
def test_a_job_whose_start_cannot_be_written_does_not_begin():
    done = []
    with (
        connection.execute_wrapper(Blocked(DatabaseError("disk full"))),
        contextlib.suppress(AuditUnavailable),
        audit.job("nightly"),
    ):
        done.append(1)
    assert done == []
    assert not AuditEvent.objects.exists()

import pytest
from django.db import DatabaseError, IntegrityError, OperationalError, connection, transaction

import audit
from audit import triggers
from audit.checks import audit_triggers_exist
from audit.errors import AuditIsAppendOnly
from audit.models import AuditEvent
from audit.services import compute_mac
from tests.factories.accounts import UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def event(cast):
    return audit.record("tests.thing.done", actor=cast.admin, detail={"n": 1})


def test_only_auditors_read_the_log(cast, event):
    for outsider in (cast.doctor, cast.cashier, cast.patient_user, UserFactory(is_superuser=True)):
        assert not AuditEvent.objects.visible_to(outsider).exists()
    assert AuditEvent.objects.visible_to(cast.owner).exists()


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE audit_auditevent SET action = 'x' WHERE id = %s",
        "DELETE FROM audit_auditevent WHERE id = %s",
        "REPLACE INTO audit_auditevent SELECT * FROM audit_auditevent WHERE id = %s",
    ],
)
def test_the_database_refuses_change(event, sql):
    with (
        pytest.raises((IntegrityError, OperationalError, DatabaseError)),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(sql, [event.pk])
    assert AuditEvent.objects.get(pk=event.pk).action == "tests.thing.done"


def test_the_model_refuses_change(event):
    event.action = "changed"
    for attempt in (event.save, event.delete, AuditEvent.objects.all().delete):
        with pytest.raises(AuditIsAppendOnly):
            attempt()
    with pytest.raises(AuditIsAppendOnly):
        AuditEvent.objects.update(action="x")


def test_missing_triggers_are_reported(db):
    assert audit_triggers_exist(databases=["default"]) == []


@pytest.mark.django_db(transaction=True)
def test_dropped_triggers_are_found_and_put_back():
    triggers.drop()
    assert [error.id for error in audit_triggers_exist(databases=["default"])] == ["audit.E001"]
    triggers.install()
    assert audit_triggers_exist(databases=["default"]) == []


@pytest.mark.django_db(transaction=True)
def test_a_trigger_that_does_nothing_is_found_and_replaced():
    with connection.cursor() as cursor:
        cursor.execute("DROP TRIGGER audit_no_update")
        cursor.execute(
            f"CREATE TRIGGER audit_no_update BEFORE UPDATE ON {triggers.TABLE} "
            + ("BEGIN SELECT 1; END" if connection.vendor == "sqlite" else "FOR EACH ROW SET @nothing = 1")
        )
    assert [error.id for error in audit_triggers_exist(databases=["default"])] == ["audit.E001"]
    triggers.install()
    assert audit_triggers_exist(databases=["default"]) == []


def test_an_account_that_may_not_read_triggers_sees_that_they_are_there(db, monkeypatch):
    monkeypatch.setattr(triggers, "_stored", lambda using: dict.fromkeys(triggers.wanted(connection.vendor)))
    assert audit_triggers_exist(databases=["default"]) == []


def test_record_needs_a_transaction_and_carries_a_digest(cast, event):
    stored = AuditEvent.objects.get(pk=event.pk)
    assert stored.mac == compute_mac(stored)
    stored.detail = {"n": 2}
    assert stored.mac != compute_mac(stored)
    assert stored.actor_name == "Ayu Lestari"


def test_patients_are_not_named_in_the_log(cast):
    event = audit.record("tests.thing.done", actor=cast.patient_user)
    assert event.actor_name == ""
    assert event.actor_roles == "patient"


@pytest.mark.django_db(transaction=True)
def test_no_event_outside_a_transaction():
    with pytest.raises(RuntimeError):
        audit.record("tests.thing.done", actor=None)

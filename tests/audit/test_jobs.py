from __future__ import annotations

import pytest
from django.db import transaction

import audit
from audit import context
from audit.models import AuditEvent

pytestmark = pytest.mark.django_db


def act(name="tests.thing.done"):
    with transaction.atomic():
        audit.record(name, actor=None)


def told():
    return list(AuditEvent.objects.order_by("id").values_list("action", "origin", "result"))


def test_a_job_names_itself_in_every_event():
    with audit.job("nightly"):
        act()
    assert told() == [
        ("audit.job.started", "nightly", "ok"),
        ("tests.thing.done", "nightly", "ok"),
        ("audit.job.finished", "nightly", "ok"),
    ]
    assert len(set(AuditEvent.objects.values_list("request_id", flat=True))) == 1
    assert AuditEvent.objects.latest("id").detail["events"] == 1
    assert AuditEvent.objects.latest("id").actor_roles == "system"
    act()
    assert told()[-1] == ("tests.thing.done", "", "ok")


def test_a_quiet_job_that_did_nothing_leaves_nothing():
    with audit.job("sweep", quiet=True):
        pass
    assert told() == []
    with audit.job("sweep", quiet=True):
        act()
    assert [action for action, _origin, _result in told()] == ["tests.thing.done", "audit.job.finished"]


@pytest.mark.parametrize("quiet", [True, False])
def test_a_failed_job_says_so_without_its_text(quiet):
    with pytest.raises(ValueError, match="Siti"), audit.job("sweep", quiet=quiet):
        raise ValueError("Siti Aminah")
    assert told()[-1] == ("audit.job.failed", "sweep", "failed")
    assert AuditEvent.objects.latest("id").detail == {"error": "ValueError"}
    assert context.current.get().origin == ""


def test_a_job_inside_a_job_is_part_of_it():
    with audit.job("outer"), audit.job("inner"):
        act()
    assert {origin for _action, origin, _result in told()} == {"outer"}
    assert len(told()) == 3


@pytest.mark.django_db(transaction=True)
def test_the_end_of_a_failed_job_outlives_its_work():
    def fail():
        audit.record("tests.thing.done", actor=None)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), audit.job("sweep"), transaction.atomic():
        fail()
    assert [action for action, _origin, _result in told()] == ["audit.job.started", "audit.job.failed"]

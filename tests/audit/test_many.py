"""Events of many patients written at once, and numbers taken at once."""

from __future__ import annotations

from uuid import uuid4

import pytest
from django.db import transaction

import audit
from audit import context
from audit.macs import compute_mac
from audit.models import AuditEvent
from audit.sealing import seal_all
from audit.verifying import Check
from core.db import next_number, next_numbers, raise_number


@pytest.mark.django_db
def test_many_events_are_as_genuine_as_one(cast, django_assert_max_num_queries):
    admin, patients = cast.admin, [uuid4() for _number in range(40)]
    admin.role_names
    before = context.current.get().trace.events
    with django_assert_max_num_queries(4):
        written = audit.record_many("tests.thing.done", actor=admin, acts=[(pk, None, {"n": 1}) for pk in patients])
    assert (written, context.current.get().trace.events - before) == (40, 40)
    events = list(AuditEvent.objects.filter(action="tests.thing.done").order_by("id"))
    assert [event.patient_id for event in events] == patients
    assert all(event.mac == compute_mac(event) for event in events)
    assert {(event.actor_id, event.actor_roles) for event in events} == {(admin.pk, "admin")}
    assert seal_all() >= 1
    assert Check().run().findings == []


@pytest.mark.django_db(transaction=True)
def test_many_events_need_a_transaction():
    with pytest.raises(RuntimeError):
        audit.record_many("tests.thing.done", actor=None, acts=[(None, None, {})])


@pytest.mark.django_db
def test_numbers_taken_at_once_have_no_gap_and_may_be_raised():
    with transaction.atomic():
        assert list(next_numbers("tests", 3)) == [1, 2, 3]
        assert list(next_numbers("tests", 0)) == []
        assert next_number("tests") == 4
        raise_number("tests", 10)
        raise_number("tests", 7)
        assert list(next_numbers("tests", 2)) == [11, 12]

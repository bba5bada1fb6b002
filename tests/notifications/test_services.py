from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from django.utils import translation

from accounts.access import Capability
from core import live, workers
from notifications import kinds, services
from notifications.models import Email, Notice


@pytest.fixture
def ticks(monkeypatch, django_capture_on_commit_callbacks):
    sent = []
    monkeypatch.setattr(live, "_send", lambda groups, message: sent.append((groups, message)))
    return sent


def test_a_notice_reaches_active_recipients_once_and_nobody_else(cast, ticks, django_capture_on_commit_callbacks):
    cast.doctor.is_active = False
    cast.doctor.save(update_fields=["is_active"])
    with django_capture_on_commit_callbacks(execute=True):
        count = services.notify(
            recipients=[cast.nurse, cast.nurse, cast.doctor], kind="patient_arrived", params={"queue": "A012"}
        )
    assert count == 1
    assert Notice.objects.get().recipient == cast.nurse
    assert ticks == [([live.group_of_user(cast.nurse.pk)], {"type": "changed", "topic": "notices"})]
    assert list(Notice.objects.visible_to(cast.patient_user)) == []


def test_a_capability_reaches_its_holders_only(cast):
    holders = {cast.admin, cast.receptionist}
    _others = [cast.doctor, cast.patient_user, cast.cashier]
    services.notify_capability(Capability.BOOK_APPOINTMENTS, kind="support_message")
    assert {notice.recipient for notice in Notice.objects.all()} == holders
    services.notify_capability(Capability.BOOK_APPOINTMENTS, kind="support_message", unless_unread=True)
    assert Notice.objects.count() == 2


@pytest.mark.parametrize(
    ("kind", "params"),
    [("no_such_kind", {}), ("patient_arrived", {}), ("patient_arrived", {"queue": "A1", "name": "Siti"})],
)
def test_an_unknown_kind_or_other_parameters_are_refused(cast, kind, params):
    with pytest.raises(ValueError, match="notice"):
        services.notify(recipients=[cast.nurse], kind=kind, params=params)
    assert Notice.objects.count() == 0


def test_no_sentence_has_a_parameter_for_a_person():
    people = {"name", "patient", "full_name", "patient_name", "nik", "phone"}
    assert {kind for kind, known in kinds.KINDS.items() if known.param_names & people} == set()


def test_parameters_are_written_in_the_readers_language(cast):
    services.notify(
        recipients=[cast.nurse],
        kind="appointment_reminder",
        params={"doctor": "dr. Rina", "starts_at": datetime(2026, 3, 5, 1, 30, tzinfo=UTC)},
    )
    row = Notice.objects.get()
    with translation.override("id"):
        assert "05-03-2026, 08.30 WIB" in kinds.text_of(row.kind, row.params)
    with translation.override("en"):
        assert "08:30 WIB" in kinds.text_of(row.kind, row.params)
        assert kinds.text_of("session_approved", {"practice_on": "2026-03-05"}).count("March") == 1
        assert "Rp150.000" in kinds.text_of("refund_due", {"amount_idr": 150000, "invoice_number": "INV/1"})
        assert kinds.checked_params("session_approved", {"practice_on": date(2026, 3, 5)}) == {
            "practice_on": "2026-03-05"
        }


def test_a_kind_of_an_older_version_is_left_out(cast, client_for):
    services.notify(recipients=[cast.nurse], kind="support_message")
    Notice.objects.update(kind="gone")
    assert kinds.text_of("gone", {}) == ""
    assert client_for(cast.nurse).get("/notices/").status_code == 200


def test_a_mail_is_ordered_once_per_key(db, order):
    assert order(key="same") is not None
    assert order(key="same") is None
    assert order(key="", to="") is None
    assert Email.objects.count() == 1


def test_of_many_orders_with_one_key_one_stays(race, order):
    results = race(lambda: order(key="same") is not None, [()] * 8)
    assert sorted(results) == [False] * 7 + [True]
    assert Email.objects.count() == 1


def test_the_worker_is_told_after_commit_and_a_dead_broker_does_no_harm(
    cast, order, monkeypatch, django_capture_on_commit_callbacks
):
    told = []
    monkeypatch.setattr(workers.current_app, "send_task", lambda name, args, retry: told.append((name, args)))
    with django_capture_on_commit_callbacks(execute=True):
        email = order()
        assert told == []
    assert told == [("notifications.tasks.send_email", [str(email.pk)])]

    def dead(*args, **kwargs):
        raise ConnectionError

    monkeypatch.setattr(workers.current_app, "send_task", dead)
    with django_capture_on_commit_callbacks(execute=True):
        assert order(key="mail:2").status == Email.Status.QUEUED


def test_reading_marks_own_notices_only(cast):
    services.notify(recipients=[cast.nurse, cast.doctor], kind="support_message")
    services.notify(recipients=[cast.nurse], kind="support_message")
    foreign = Notice.objects.get(recipient=cast.doctor)
    assert services.mark_read(user=cast.nurse, notice_id=foreign.pk) == 0
    assert services.unread_count(cast.nurse) == 2
    assert services.mark_read(user=cast.nurse) == 2
    assert services.mark_read(user=cast.nurse) == 0
    assert services.unread_count(cast.doctor) == 1

"""The outbox against a real SMTP server on this machine."""

from __future__ import annotations

import smtplib
from datetime import timedelta
from email import message_from_bytes, policy
from uuid import uuid4

import pytest
from django.core.mail.backends.smtp import EmailBackend
from django.db import connection

from audit.models import AuditEvent
from core import clock
from notifications import delivery, erasing, tasks
from notifications.attachments import Attachment
from notifications.errors import MailNotResendable
from notifications.models import Email, EmailQuerySet, Notice
from notifications.services import resend_email


def state(email: Email) -> tuple[str, int]:
    email.refresh_from_db()
    return email.status, email.attempts


def make_due(email: Email) -> None:
    past = clock.now() - timedelta(seconds=1)
    Email.objects.filter(pk=email.pk).update(next_attempt_at=past)
    Email.objects.filter(pk=email.pk, claimed_until__isnull=False).update(claimed_until=past)


def test_a_mail_is_sent_once_in_two_parts_with_the_row_id_as_message_id(db, sink, order, settings):
    settings.SITE_URL = "https://rekam.batamsehat.example"
    email = order()
    assert delivery.deliver(email.pk)
    assert not delivery.deliver(email.pk)
    assert state(email) == (Email.Status.SENT, 1)
    [(recipients, raw)] = sink.mails
    message = message_from_bytes(raw, policy=policy.default)
    assert recipients == ["siti@surat.example"]
    assert message["Message-ID"] == f"<{email.pk.hex}@rekam.batamsehat.example>"
    assert message["Auto-Submitted"] == "auto-generated"
    assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]
    assert "https://rekam.batamsehat.example/" in message.get_body(("plain",)).get_content()


def test_of_two_workers_on_one_mail_exactly_one_sends(race, sink, order):
    emails = [order(key=f"mail:{number}") for number in range(5)]
    results = race(delivery.deliver, [(email.pk,) for email in emails for _worker in range(4)])
    assert sorted(results) == [False] * 15 + [True] * 5
    assert len(sink.mails) == 5
    assert set(Email.objects.values_list("status", "attempts")) == {(Email.Status.SENT, 1)}


def test_a_mail_that_is_no_longer_true_is_withdrawn_and_never_sent(db, sink, order, monkeypatch):
    email, other = order(key="a"), order(key="b")
    asked = []
    monkeypatch.setitem(delivery._checks, "account_activated", lambda row: asked.append(row.pk) or row.pk == other.pk)
    assert not delivery.deliver(email.pk)
    assert delivery.deliver(other.pk)
    assert asked == [email.pk, other.pk]
    assert state(email) == (Email.Status.WITHDRAWN, 1)
    assert state(other) == (Email.Status.SENT, 1)
    assert len(sink.mails) == 1
    assert not delivery.sweep()
    assert not email.is_resendable
    assert Notice.objects.count() == 0, "nobody has to look at it"


def test_a_check_that_fails_keeps_the_mail_for_later(db, sink, order, monkeypatch):
    email = order()

    def broken(row):
        raise ConnectionError

    monkeypatch.setitem(delivery._checks, "account_activated", broken)
    assert not delivery.deliver(email.pk)
    assert state(email) == (Email.Status.QUEUED, 1)
    assert sink.mails == []
    monkeypatch.delitem(delivery._checks, "account_activated")
    make_due(email)
    assert delivery.deliver(email.pk)


def test_a_calendar_file_goes_with_the_mail_and_lies_encrypted_until_then(db, sink, order):
    text = "BEGIN:VCALENDAR\r\nSUMMARY:Kunjungan 🌸\r\nEND:VCALENDAR\r\n"
    email = order(attachment=Attachment("calendar_request", text))
    with connection.cursor() as cursor:
        cursor.execute("SELECT attachment FROM notifications_email")
        assert "VCALENDAR" not in cursor.fetchone()[0]
    assert delivery.deliver(email.pk)
    message = message_from_bytes(sink.mails[0][1], policy=policy.default)
    assert message.get_body(("plain",)) is not None
    [part] = message.iter_attachments()
    assert part.get_content_type() == "text/calendar"
    assert part.get_param("method") == "REQUEST"
    assert part.get_filename() == "kunjungan.ics"
    assert part.get_payload(decode=True).decode() == text


@pytest.mark.parametrize("wrong", [Attachment("photo", "x"), Attachment("calendar_cancel", ""),
                                   Attachment("calendar_cancel", "x" * 20_001)])  # fmt: skip
def test_other_attachments_are_refused(db, order, wrong):
    with pytest.raises(ValueError, match="attachment"):
        order(attachment=wrong)
    assert not Email.objects.exists()


@pytest.mark.parametrize("at", ["open", "_message"])
def test_a_mail_withdrawn_while_a_worker_has_it_is_not_sent(db, sink, order, monkeypatch, at):
    email = order()
    patient_id = uuid4()
    Email.objects.filter(pk=email.pk).update(patient_id=patient_id)
    place = EmailBackend if at == "open" else delivery
    before = getattr(place, at)

    def withdrawn(*args):
        assert erasing.withdraw(patient_id=patient_id) == 1
        return before(*args)

    monkeypatch.setattr(place, at, withdrawn)
    assert not delivery.deliver(email.pk)
    assert not sink.mails
    assert not Email.objects.exists()


def test_a_mail_withdrawn_between_claim_and_reading_is_no_fault(db, sink, order, monkeypatch):
    email = order()
    claim = EmailQuerySet.update

    def claimed_and_withdrawn(rows, **fields):
        count = claim(rows, **fields)
        Email.objects.filter(pk=email.pk).delete()
        return count

    monkeypatch.setattr(EmailQuerySet, "update", claimed_and_withdrawn)
    assert not delivery.deliver(email.pk)
    assert not sink.mails


def test_server_down_then_up(db, start_sink, order, time_machine):
    email = order()
    start = clock.now()
    assert not delivery.deliver(email.pk)
    assert state(email) == (Email.Status.QUEUED, 1)
    assert email.last_error == "ConnectionRefusedError"
    assert timedelta(0) <= email.next_attempt_at - start - timedelta(minutes=1) < timedelta(seconds=30)
    assert not delivery.deliver(email.pk), "not before its time"
    assert state(email) == (Email.Status.QUEUED, 1)

    sink = start_sink()
    make_due(email)
    assert delivery.deliver(email.pk)
    assert state(email) == (Email.Status.SENT, 2)
    assert email.last_error == ""
    assert len(sink.mails) == 1


def test_the_tries_wait_1_5_15_60_60_minutes_and_the_sixth_is_the_last(db, smtp_settings, order, cast):
    admin = cast.admin
    email = order()
    waits = []
    for _try in range(5):
        make_due(email)
        before = clock.now()
        delivery.deliver(email.pk)
        email.refresh_from_db()
        waits.append(round((email.next_attempt_at - before).total_seconds() / 60))
    assert waits == [1, 5, 15, 60, 60]
    make_due(email)
    delivery.deliver(email.pk)
    assert state(email) == (Email.Status.FAILED, 6)
    make_due(email)
    assert not delivery.deliver(email.pk)
    assert Notice.objects.get().recipient == admin
    assert AuditEvent.objects.filter(action="notifications.email.failed").count() == 1


@pytest.mark.parametrize(
    ("answer", "status"), [("550 no such person", Email.Status.FAILED), ("451 come back later", Email.Status.QUEUED)]
)
def test_a_refused_recipient_fails_for_good_only_with_5xx(db, sink, order, answer, status):
    sink.refuse_recipient = answer
    email = order()
    assert not delivery.deliver(email.pk)
    assert state(email) == (status, 1)
    assert email.last_error == f"recipient refused ({answer[:3]})"
    assert "surat.example" not in email.last_error


@pytest.mark.parametrize(
    ("answer", "status"), [("554 not wanted", Email.Status.FAILED), ("452 disk full", Email.Status.QUEUED)]
)
def test_a_refused_text(db, sink, order, answer, status):
    sink.refuse_data = answer
    email = order()
    assert not delivery.deliver(email.pk)
    assert state(email) == (status, 1)


def test_silence_after_the_text_is_uncertain_and_never_repeated(db, sink, order, cast):
    admin = cast.admin
    sink.drop_after_data = True
    email = order()
    assert not delivery.deliver(email.pk)
    assert state(email) == (Email.Status.UNCERTAIN, 1)
    assert Notice.objects.get().recipient == admin
    make_due(email)
    assert delivery.sweep() == []
    assert not delivery.deliver(email.pk)
    assert len(sink.mails) == 1


def test_a_worker_killed_before_sending_is_taken_over(db, sink, order, monkeypatch):
    email = order()
    monkeypatch.setattr(EmailBackend, "open", lambda self: (_ for _ in ()).throw(SystemExit))
    with pytest.raises(SystemExit):
        delivery.deliver(email.pk)
    monkeypatch.undo()
    assert state(email) == (Email.Status.CLAIMED, 1)
    assert delivery.sweep() == [], "its lease still runs"
    assert not delivery.deliver(email.pk)
    make_due(email)
    assert delivery.sweep() == [email.pk]
    assert delivery.deliver(email.pk)
    assert state(email) == (Email.Status.SENT, 2)
    assert len(sink.mails) == 1


def test_a_worker_that_wakes_up_late_lets_the_mail_go(db, sink, order):
    email = order()
    late = delivery._claim(email.pk)
    make_due(email)
    assert delivery.deliver(email.pk)
    with delivery.get_connection() as connection:
        assert not delivery._hand_over(late, connection)
    assert state(email) == (Email.Status.SENT, 2)
    assert len(sink.mails) == 1


def test_a_worker_killed_while_sending_leaves_an_uncertain_mail_for_an_admin(db, sink, order, cast, monkeypatch):
    admin = cast.admin
    email = order()
    monkeypatch.setattr(smtplib.SMTP, "sendmail", lambda *args, **kwargs: (_ for _ in ()).throw(SystemExit))
    with pytest.raises(SystemExit):
        delivery.deliver(email.pk)
    monkeypatch.undo()
    assert state(email) == (Email.Status.SENDING, 1)
    assert delivery.sweep() == []
    make_due(email)
    assert delivery.sweep() == []
    assert state(email) == (Email.Status.UNCERTAIN, 1)
    assert Notice.objects.get().recipient == admin
    assert sink.mails == []

    resend_email(email_id=email.pk, actor=admin)
    assert delivery.deliver(email.pk)
    assert state(email) == (Email.Status.SENT, 2)
    event = AuditEvent.objects.get(action="notifications.email.resent")
    assert event.actor_id == admin.pk
    assert event.detail == {"was": "uncertain"}
    with pytest.raises(MailNotResendable):
        resend_email(email_id=email.pk, actor=admin)


def test_an_ordered_try_is_one_try(db, smtp_settings, order, cast):
    email = order()
    Email.objects.filter(pk=email.pk).update(status=Email.Status.FAILED, attempts=6)
    resend_email(email_id=email.pk, actor=cast.admin)
    assert not delivery.deliver(email.pk)
    assert state(email) == (Email.Status.FAILED, 7)


def test_a_mail_that_kills_every_worker_is_given_up(db, order, cast):
    email = order()
    Email.objects.filter(pk=email.pk).update(
        status=Email.Status.CLAIMED, attempts=6, claimed_until=clock.now() - timedelta(minutes=1)
    )
    assert delivery.sweep() == []
    assert state(email) == (Email.Status.FAILED, 6)


def test_no_transaction_is_open_while_the_server_talks(transactional_db, sink, order, monkeypatch):
    from django.db import connection

    seen = []
    for name in ("open", "send_messages"):
        real = getattr(EmailBackend, name)
        monkeypatch.setattr(
            EmailBackend,
            name,
            lambda *args, real=real: seen.append(connection.in_atomic_block) or real(*args),
        )
    assert delivery.deliver(order().pk)
    assert seen
    assert not any(seen)


def test_header_injection_is_refused_before_the_server_hears_of_it(db, sink, order):
    email = order(to="siti@surat.example\nBcc: all@surat.example")
    assert not delivery.deliver(email.pk)
    assert state(email)[0] == Email.Status.FAILED
    assert sink.mails == []


def test_the_task_takes_an_id_and_the_sweep_publishes_what_is_due(db, sink, order, monkeypatch):
    email, later = order(key="a"), order(key="b")
    Email.objects.filter(pk=later.pk).update(next_attempt_at=clock.now() + timedelta(hours=1))
    published = []
    monkeypatch.setattr(tasks.send_email, "apply_async", lambda args: published.append(args))
    assert tasks.sweep_outbox() == 1
    assert published == [[str(email.pk)]]
    assert tasks.send_email(str(email.pk)) is True

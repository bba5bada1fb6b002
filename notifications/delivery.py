"""Sending mails from the outbox: at most once without a person's order, with no transaction open while the server talks."""

from __future__ import annotations

import logging
import smtplib
from collections.abc import Callable
from datetime import timedelta
from urllib.parse import urlsplit
from uuid import UUID

from django.conf import settings
from django.core.mail import EmailMultiAlternatives, get_connection
from django.db import transaction
from django.db.models import F
from django.urls import reverse

import audit
from accounts.access import Capability
from core import clock
from notifications.attachments import part_of
from notifications.models import Email
from notifications.services import notify_capability

logger = logging.getLogger(__name__)

BACKOFF = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 60))  # the last one repeats
CLAIM_LEASE = timedelta(minutes=2)  # opening the connection ends after EMAIL_TIMEOUT (20 s)
SENDING_LEASE = timedelta(minutes=10)  # longer than the hard time limit of a task
SWEEP_LIMIT = 200


_checks: dict[str, Callable[[Email], bool]] = {}


def check_before_sending(template: str, is_still_true: Callable[[Email], bool]) -> None:
    """Ask before each mail of `template` is sent whether what it says is still true. Called when the apps are loaded.

    A mail may wait for days: the server was away, or no worker ran. One that would now mislead is withdrawn instead.
    """
    _checks[template] = is_still_true


class _Lost(Exception):
    """The claim lapsed and another worker has the mail."""


def deliver(email_id: UUID) -> bool:
    """Send one mail, unless it is sent, waits for a later try, is another worker's or no longer true; True when it went out.

    The claim is one conditional UPDATE, so of two workers exactly one goes on. Until the server was spoken to, any
    failure puts the mail back. From then on only a clear answer of the server counts: a plain refusal fails the mail, a
    passing one puts it back, and silence makes it UNCERTAIN.
    """
    email = _claim(email_id)
    if email is None:
        return False
    try:
        is_wanted = _checks.get(email.template, _always)(email)
    except Exception as error:
        _put_back(email, Email.Status.CLAIMED, _described(error))
        return False
    if not is_wanted:
        _end(email, Email.Status.CLAIMED, Email.Status.WITHDRAWN, "")
        return False
    connection = get_connection(fail_silently=False)
    try:
        connection.open()
    except Exception as error:
        _put_back(email, Email.Status.CLAIMED, _described(error))
        return False
    try:
        return _hand_over(email, connection)
    finally:
        _close(connection)


def _always(email: Email) -> bool:
    return True


def _claim(email_id: UUID) -> Email | None:
    """Take the mail: QUEUED and due, or CLAIMED by a worker whose lease ended."""
    now = clock.now()
    due = Email.objects.due(now).filter(pk=email_id)
    if not due.update(status=Email.Status.CLAIMED, claimed_until=now + CLAIM_LEASE, attempts=F("attempts") + 1):
        return None
    return Email.objects.filter(pk=email_id).first()  # None: withdrawn at this moment


def _hand_over(email: Email, connection: object) -> bool:
    try:
        message = _message(email, connection)
    except Exception as error:
        _fail(email, Email.Status.CLAIMED, _described(error))
        return False
    try:
        _move(email, Email.Status.CLAIMED, status=Email.Status.SENDING, claimed_until=clock.now() + SENDING_LEASE)
    except _Lost:
        return False
    try:
        sent = message.send(fail_silently=False)
    except Exception as error:
        _after_refusal(email, error)
        return False
    if not sent:
        _uncertain(email, "the mail backend sent nothing")
        return False
    # Also when the sweep gave this worker up meanwhile: it knows better.
    Email.objects.filter(
        pk=email.pk, attempts=email.attempts, status__in=(Email.Status.SENDING, Email.Status.UNCERTAIN)
    ).update(status=Email.Status.SENT, sent_at=clock.now(), claimed_until=None, last_error="")
    return True


def _after_refusal(email: Email, error: Exception) -> None:
    code = _answer_code(error)
    if code is None:
        _uncertain(email, _described(error))
    elif 500 <= code < 600:
        _fail(email, Email.Status.SENDING, _described(error))
    else:
        _put_back(email, Email.Status.SENDING, _described(error))


def _answer_code(error: Exception) -> int | None:
    """Return the code with which the server refused; None when the mail may have been taken all the same."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return max((answer[0] for answer in error.recipients.values()), default=None)
    if isinstance(error, smtplib.SMTPResponseException) and error.smtp_code >= 400:
        return error.smtp_code
    if isinstance(error, smtplib.SMTPNotSupportedError | UnicodeError | ValueError):
        return 550  # refused on our side, before a word of it was sent
    return None


def _put_back(email: Email, was: Email.Status, error: str) -> None:
    if email.attempts >= email.max_attempts:
        _fail(email, was, error)
        return
    wait = BACKOFF[min(email.attempts, len(BACKOFF)) - 1]
    _end(email, was, Email.Status.QUEUED, error, next_attempt_at=clock.now() + wait)


def _fail(email: Email, was: Email.Status, error: str) -> None:
    _end(email, was, Email.Status.FAILED, error)


def _uncertain(email: Email, error: str) -> None:
    _end(email, Email.Status.SENDING, Email.Status.UNCERTAIN, error)


def _end(email: Email, was: Email.Status, status: Email.Status, error: str, **fields: object) -> None:
    """Write how the try ended; admins are told about a mail that needs them."""
    with transaction.atomic():
        try:
            _move(email, was, status=status, claimed_until=None, last_error=error, **fields)
        except _Lost:
            return
        if status in (Email.Status.FAILED, Email.Status.UNCERTAIN):
            _tell_admins(email, status)


def _move(email: Email, was: Email.Status, **fields: object) -> None:
    """Change the row if it is still in the state and the try this worker left it in."""
    if not Email.objects.filter(pk=email.pk, status=was, attempts=email.attempts).update(**fields):
        raise _Lost


def _tell_admins(email: Email, status: Email.Status) -> None:
    audit.record(
        f"notifications.email.{'failed' if status == Email.Status.FAILED else 'lost_track'}",
        actor=None,
        patient=email.patient_id,
        target=email,
        detail={"template": email.template, "attempts": email.attempts},
    )
    kind = "email_failed" if status == Email.Status.FAILED else "email_uncertain"
    board = reverse("notifications:email-list")
    notify_capability(Capability.MANAGE_USERS, kind=kind, path=board, unless_unread=True)


def sweep() -> list[UUID]:
    """Mark mails whose worker died while sending as UNCERTAIN; return the ids of mails that are due (oldest first)."""
    now = clock.now()
    for email in (
        Email.objects.stuck(now)
        .defer("to_address", "body_text", "body_html", "attachment")
        .order_by("pk")[:SWEEP_LIMIT]
    ):
        if email.status == Email.Status.SENDING:
            _uncertain(email, "the worker stopped while sending")
        else:
            _fail(email, Email.Status.CLAIMED, "the worker stopped before sending, too often")
    return list(Email.objects.due(now).order_by("next_attempt_at").values_list("pk", flat=True)[:SWEEP_LIMIT])


def _message(email: Email, connection: object) -> EmailMultiAlternatives:
    host = urlsplit(settings.SITE_URL).hostname or "localhost"
    message = EmailMultiAlternatives(
        subject=email.subject,
        body=email.body_text,
        to=[email.to_address],
        connection=connection,  # type: ignore[arg-type]
        headers={
            "Message-ID": f"<{email.pk.hex}@{host}>",
            "Content-Language": email.language,
            "Auto-Submitted": "auto-generated",
            "X-Auto-Response-Suppress": "All",
        },
    )
    message.attach_alternative(email.body_html, "text/html")
    if email.attachment_kind:
        message.attach(part_of(email.attachment_kind, email.attachment))
    message.message()  # refuses header injection here, before the server is spoken to
    return message


def _close(connection: object) -> None:
    try:
        connection.close()  # type: ignore[attr-defined]
    except Exception:
        logger.warning("closing the mail connection failed")


def _described(error: Exception) -> str:
    """Return what went wrong without the server's words: they may repeat the address."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return f"recipient refused ({_answer_code(error)})"
    code = getattr(error, "smtp_code", None)
    return f"{type(error).__name__} {code}" if code else type(error).__name__

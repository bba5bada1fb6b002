"""Sessions of an account: begun, in use, locked, ended. One row for each; its owner sees and ends them."""

from __future__ import annotations

from contextvars import ContextVar
from datetime import timedelta
from typing import Any
from uuid import UUID

from allauth.account.internal.flows.login import get_authentication_records
from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.contrib.sessions.models import Session
from django.db import transaction
from django.db.models import F
from django.http import HttpRequest
from django.utils.module_loading import import_string
from django_otp_webauthn.models import WebAuthnCredential

import audit
from accounts import idle
from accounts.models import AccountSession, BackupCodeDevice, TotpDevice, User
from core import clock, live, outbound
from core.db import retry_transaction

KEEP_DAYS = 90  # rows of ended sessions; the audit log keeps what happened for longer

# The row of the session that the present request belongs to; ending "all" sessions of its owner leaves it out.
current: ContextVar[UUID | None] = ContextVar("account_session", default=None)


@transaction.atomic
def begin(
    *, user: User, session_key: str, browser: str, address_hash: str, method: str = AccountSession.Method.PASSWORD
) -> AccountSession:
    """Note a sign-in. A session of the same browser that it replaces ends."""
    replaced = current.get()
    if replaced is not None:
        _end(AccountSession.objects.filter(pk=replaced, ended_at__isnull=True), AccountSession.End.SIGNED_OUT)
    row = AccountSession.objects.create(
        user=user, session_key=session_key, browser=browser[:80], address_hash=address_hash, method=method
    )
    transaction.on_commit(lambda: idle.begin(row.pk))
    return row


def method_of(request: HttpRequest, user: User) -> str:
    """Return how `user` has just signed in: by which factor, and whether a password was asked for."""
    device: Any = getattr(user, "otp_device", None)
    if isinstance(device, TotpDevice):
        return AccountSession.Method.PASSWORD_TOTP
    if isinstance(device, BackupCodeDevice):
        return AccountSession.Method.PASSWORD_BACKUP
    if isinstance(device, WebAuthnCredential):
        has_password = any(step["method"] == "password" for step in get_authentication_records(request, user))
        return AccountSession.Method.PASSWORD_PASSKEY if has_password else AccountSession.Method.PASSKEY
    return AccountSession.Method.PASSWORD


def standing(row_id: UUID, user: Any) -> idle.Standing:
    """Return how a session stands. One that was idle for too long is locked now, which is audited once."""
    found = idle.standing(row_id)
    if not found.is_idle:
        return found
    lock(row_id=row_id, actor=user, why="idle")
    return idle.Standing(idle.Status.LOCKED)


def touch(row_id: UUID) -> bool:
    """Note in the row that the session is in use; False when it has ended."""
    return bool(AccountSession.objects.filter(pk=row_id, ended_at__isnull=True).update(last_seen_at=clock.now()))


def move(row_id: UUID, session_key: str) -> bool:
    """Note that the session goes on under a new key; False when it has ended."""
    return bool(AccountSession.objects.filter(pk=row_id, ended_at__isnull=True).update(session_key=session_key))


@retry_transaction
def lock(*, row_id: UUID, actor: User, why: str) -> bool:
    """Lock a session until its owner gives the password; live connections close. False when it was locked or has ended."""
    rows = AccountSession.objects.filter(pk=row_id, ended_at__isnull=True, locked_at__isnull=True)
    if not rows.update(locked_at=clock.now()):
        return False
    audit.record("accounts.session.locked", actor=actor, target=actor, detail={"why": why})
    transaction.on_commit(lambda: idle.shut(row_id, idle.Status.LOCKED))
    live.disconnect((actor.pk,))
    return True


@retry_transaction
def unlock(*, row_id: UUID, actor: User) -> bool:
    """Open a locked session again; the caller has checked the password. False when it has ended meanwhile."""
    now = clock.now()
    rows = AccountSession.objects.filter(pk=row_id, ended_at__isnull=True)
    if not rows.update(locked_at=None, last_seen_at=now):
        return False
    audit.record("accounts.session.unlocked", actor=actor, target=actor)
    transaction.on_commit(lambda: idle.begin(row_id))
    return True


@retry_transaction
def end_one(*, row_id: UUID, actor: User) -> bool:
    """End one session of `actor` on another device, at once. False when it had ended already."""
    ended = _end(AccountSession.objects.visible_to(actor).filter(pk=row_id).open(), AccountSession.End.REVOKED)
    if ended:
        audit.record("accounts.session.revoked", actor=actor, target=actor, detail={"sessions": ended})
        live.disconnect((actor.pk,))
    return bool(ended)


@retry_transaction
def end_others(*, actor: User, keep: UUID | None) -> int:
    """End every session of `actor` but one, at once; the number of those that ended."""
    ended = _end(AccountSession.objects.visible_to(actor).open().exclude(pk=keep), AccountSession.End.REVOKED)
    if ended:
        audit.record("accounts.session.revoked", actor=actor, target=actor, detail={"sessions": ended})
        live.disconnect((actor.pk,))
    return ended


def end_all(user: User, *, end: str = AccountSession.End.CHANGED) -> None:
    """End every session of `user` at its next request; call it in the transaction of what changed, with the row locked.

    The caller's own session is kept by `django.contrib.auth.update_session_auth_hash` afterwards; without that it ends too.
    """
    User.objects.filter(pk=user.pk).update(session_epoch=F("session_epoch") + 1)
    user.refresh_from_db(fields=["session_epoch"])
    _end(AccountSession.objects.filter(user=user, ended_at__isnull=True).exclude(pk=current.get()), end)
    live.disconnect((user.pk,))


@transaction.atomic
def close(row_id: UUID, end: str) -> bool:
    """Note that a session is over, and why. False when that was known."""
    return bool(_end(AccountSession.objects.filter(pk=row_id, ended_at__isnull=True), end))


@transaction.atomic
def refuse_foreign(row_id: UUID, user: User | None) -> None:
    """End a session whose id came from another browser; its owner is told. Once, however often it is tried."""
    if not _end(AccountSession.objects.filter(pk=row_id, ended_at__isnull=True), AccountSession.End.UNBOUND):
        return
    audit.record("accounts.session.unbound", actor=AnonymousUser(), target=user, result="refused")
    if user is not None:
        outbound.notify(recipients=[user], kind="session_unbound")
        live.disconnect((user.pk,))


def tidy() -> int:
    """Remove what expired: sessions, and rows of sessions that ended long ago. Safe to repeat."""
    now = clock.now()
    import_string(f"{settings.SESSION_ENGINE}.SessionStore").clear_expired()
    oldest = now - timedelta(seconds=settings.SESSION_COOKIE_AGE)
    overdue = AccountSession.objects.filter(ended_at__isnull=True, started_at__lt=oldest)
    count = overdue.update(ended_at=now, end=AccountSession.End.EXPIRED)
    AccountSession.objects.filter(ended_at__lt=now - timedelta(days=KEEP_DAYS)).delete()
    return count


def _end(rows: Any, end: str) -> int:
    """Mark open rows as ended and remove their sessions, now in the table and after the commit in the cache."""
    found = list(rows.values_list("pk", "session_key"))
    ended = [
        (pk, key)
        for pk, key in found
        if AccountSession.objects.filter(pk=pk, ended_at__isnull=True).update(ended_at=clock.now(), end=end)
    ]
    if ended:
        Session.objects.filter(pk__in=[key for _pk, key in ended]).delete()
        transaction.on_commit(lambda: _forget(ended), robust=True)
    return len(ended)


def _forget(ended: list[tuple[UUID, str]]) -> None:
    store = import_string(f"{settings.SESSION_ENGINE}.SessionStore")
    for pk, key in ended:
        idle.shut(pk, idle.Status.ENDED)
        store().delete(key)

"""Passwords: chosen by their owners only, at sign-in, on the own page or behind a mailed link. Never in the log."""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.contrib.auth.models import AnonymousUser
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.urls import reverse
from django.utils.translation import gettext as _

import audit
from accounts import sessions
from accounts.access import Capability
from accounts.errors import AccountClosed, NotAccepted, OwnAccount, TooManyLinks, WeakPassword
from accounts.models import AccountLink, User
from accounts.names import account_named
from accounts.services import links
from accounts.services.rows import locked_user
from core import clock, live, outbound
from core.db import retry_transaction

Kind = AccountLink.Kind
# Without letters and digits that look alike on paper (0 O, 1 l I).
CLEAR_LOWER = "abcdefghjkmnpqrstuvwxyz"
CLEAR_UPPER = "ABCDEFGHJKLMNPQRSTUVWXYZ"
CLEAR_DIGITS = "23456789"
ASKED_LIMIT, ASKED_WITHIN = 3, timedelta(minutes=30)
SENT_LIMIT, SENT_WITHIN = 5, timedelta(hours=1)


def one_time_password() -> str:
    """Return a password to hand over once: 15 letters and digits in groups of five, about 86 bits."""
    kinds = (CLEAR_LOWER, CLEAR_UPPER, CLEAR_DIGITS)
    while True:
        text = "".join(secrets.choice("".join(kinds)) for _index in range(15))
        if all(any(sign in kind for sign in text) for kind in kinds):
            return "-".join((text[:5], text[5:10], text[10:]))


@retry_transaction
def change_own_password(*, user_id: UUID, new_password: str) -> User:
    """Set a person's own new password; ends the wait of a one-time password, all sessions and all mailed links.

    The caller has checked the present password, and keeps the session of the person.

    Raises:
        WeakPassword: it breaks a rule, or is the present one.
    """
    user = locked_user(user_id)
    _check_strength(new_password, user)
    if user.check_password(new_password):
        raise WeakPassword([_("Choose a password that differs from the present one.")])
    _set_password(user, new_password)
    audit.record("accounts.password.changed", actor=user, target=user)
    return user


@retry_transaction
def request_password_link(*, door: str, name: str) -> None:
    """Mail a link for a new password to the account that `name` means at this door ("staff" or "patient").

    Says nothing: whoever asks must not learn whether there is such an account. Nothing is mailed for unknown names, the
    other door, closed accounts, and after three requests within 30 minutes. Invited staff get their invitation again
    while it is valid, with its end unchanged; after that a mail that sends them to an admin.
    """
    found = account_named(name)
    user = locked_user(found.pk) if found is not None else None
    why = ""
    if user is None:
        why = "unknown"
    elif user.kind != door:
        why = "other_door"
    elif not user.is_active:
        why = "closed"
    else:
        kind = Kind.INVITATION if user.is_invited else Kind.PASSWORD
        try:
            links.refuse_many(user, kind, limit=ASKED_LIMIT, within=ASKED_WITHIN, by_person=True)
        except TooManyLinks:
            why = "too_often"
    audit.record(
        "accounts.password.link_requested",
        actor=AnonymousUser(),
        target=user,
        detail={"door": door, **({"why": why} if why else {})},
        result="refused" if why else "ok",
    )
    if user is None or why:
        return
    if user.is_invited:
        _repeat_invitation(user)
    else:
        _mail_password_link(user, actor=None)


@retry_transaction
def send_password_link(*, user_id: UUID, actor: User) -> User:
    """Mail somebody a link for a new password, by an admin, who never sees it. The present password stays until then.

    Raises:
        OwnAccount: it is the actor's own.
        AccountClosed: the account is not active.
        NotAccepted: the person was invited and has no password yet.
        TooManyLinks: five links were sent within the hour.
    """
    if user_id == actor.pk:
        raise OwnAccount(_("Change your own password on the password page."))
    user = locked_user(user_id)
    if not user.is_active:
        raise AccountClosed(_("This account is not active. Open it first."))
    if user.is_invited:
        raise NotAccepted(_("This person has not accepted the invitation yet. Send the invitation again."))
    links.refuse_many(user, Kind.PASSWORD, limit=SENT_LIMIT, within=SENT_WITHIN)
    _mail_password_link(user, actor=actor)
    audit.record("accounts.password.link_sent", actor=actor, target=user)
    return user


@retry_transaction
def set_password_by_link(*, link_id: UUID, new_password: str) -> User:
    """Set the password of the account of an open link, once. Nobody is signed in; all sessions and links end.

    Raises:
        LinkEnded: the link cannot be used (any more).
        WeakPassword: the password breaks a rule.
    """
    user, link = links.lock_link(link_id, Kind.INVITATION, Kind.PASSWORD)
    _check_strength(new_password, user)
    links.use_link(link)
    _set_password(user, new_password, is_first=link.kind == Kind.INVITATION)
    if link.kind == Kind.PASSWORD:
        audit.record("accounts.password.reset", actor=user, target=user)
        return user
    audit.record("accounts.invitation.accepted", actor=user, target=user)
    outbound.notify_capability(
        Capability.MANAGE_USERS, kind="invitation_accepted", path=reverse("accounts:user-edit", args=[user.pk])
    )
    live.changed(live.ACCOUNTS)
    return user


def mail_invitation(user: User, *, actor: User | None, ends_at: Any = None) -> None:
    """Mail a link by which an invited member of staff chooses a password. The caller holds the account's lock."""
    link, path = links.new_link(user, Kind.INVITATION, actor=actor, ends_at=ends_at)
    outbound.mail(
        template="staff_invitation",
        to=user.email,
        language=user.language,
        context={"name": user.full_name, "username": user.username, "ends_at": link.expires_at, "path": path},
        dedupe_key=f"account-link:{link.pk}",
        recipient_user=user,
    )


def _repeat_invitation(user: User) -> None:
    """Mail the invitation again with the end it had; one that has ended is renewed by an admin only."""
    running = (
        AccountLink.objects.filter(user=user, kind=Kind.INVITATION, revoked_at__isnull=True, expires_at__gt=clock.now())
        .order_by("-created_at")
        .first()
    )
    if running is not None:
        mail_invitation(user, actor=None, ends_at=running.expires_at)
        return
    outbound.mail(
        template="invitation_ended",
        to=user.email,
        language=user.language,
        context={"name": user.full_name},
        dedupe_key=f"invitation-ended:{user.pk}:{clock.today().isoformat()}",
        recipient_user=user,
    )


def _mail_password_link(user: User, *, actor: User | None) -> None:
    link, path = links.new_link(user, Kind.PASSWORD, actor=actor)
    outbound.mail(
        template="password_link",
        to=user.email,
        language=user.language,
        context={"name": user.full_name, "ends_at": link.expires_at, "path": path},
        dedupe_key=f"account-link:{link.pk}",
        recipient_user=user,
    )


def _check_strength(password: str, user: User) -> None:
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise WeakPassword(list(error.messages)) from error


def _set_password(user: User, password: str, *, is_first: bool = False) -> None:
    user.set_password(password)
    user.must_change_password = False
    user.save(update_fields=["password", "must_change_password"])
    user.forget_roles()
    links.end_links(user)
    sessions.end_all(user)
    if is_first:
        return
    now = clock.now()
    outbound.mail(
        template="password_changed",
        to=user.email,
        language=user.language,
        context={
            "name": user.full_name,
            "changed_at": now,
            "path": reverse("accounts:password-reset" if user.is_staff_member else "accounts:portal-password-reset"),
        },
        dedupe_key=f"password-changed:{user.pk}:{now.isoformat()}",
        recipient_user=user,
    )

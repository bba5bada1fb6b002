"""Mailed links: made, found, ended. What using one does stands with what it changes (`passwords`, `emails`)."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts.errors import LinkEnded, TooManyLinks
from accounts.models import AccountLink, User
from accounts.services.rows import locked_user
from core import clock
from core.digests import keyed_digest

Kind = AccountLink.Kind
TOKEN_BYTES = 32
LIFETIME = {
    Kind.INVITATION: timedelta(hours=72),
    Kind.PASSWORD: timedelta(minutes=30),
    Kind.EMAIL: timedelta(minutes=30),
}


def digest_of(token: str) -> str:
    """Return what is stored of a link's secret."""
    return keyed_digest(settings.KEYS.session_hash_key, "accounts/link/v1", token)


def find_link(token: str) -> AccountLink | None:
    """Return the open link of a secret, or None: never made, used, replaced, ended, or its account is closed."""
    return _open().filter(digest=digest_of(token)).select_related("user").first()


def open_link(link_id: UUID | None) -> AccountLink | None:
    """Return the link while it is open, with its account."""
    return _open().filter(pk=link_id).select_related("user").first() if link_id is not None else None


def new_link(
    user: User, kind: AccountLink.Kind, *, actor: Any, new_email: str = "", ends_at: datetime | None = None
) -> tuple[AccountLink, str]:
    """Make a link and return it with its path; earlier ones of this kind end. The caller holds the account's lock.

    The secret is in the path only. `actor` is None when the person asked without being signed in.
    """
    end_links(user, kind)
    token = secrets.token_urlsafe(TOKEN_BYTES)
    now = clock.now()
    link = AccountLink.objects.create(
        user=user,
        kind=kind,
        digest=digest_of(token),
        new_email=new_email,
        created_at=now,
        created_by=actor,
        expires_at=ends_at or now + LIFETIME[kind],
    )
    return link, reverse("accounts:link-open", args=[token])


def end_links(user: User, *kinds: AccountLink.Kind) -> None:
    """End the open links of an account: of these kinds, or all. The caller holds the account's lock."""
    rows = AccountLink.objects.filter(user=user, used_at__isnull=True, revoked_at__isnull=True)
    (rows.filter(kind__in=kinds) if kinds else rows).update(revoked_at=clock.now())


def lock_link(link_id: UUID, *kinds: AccountLink.Kind) -> tuple[User, AccountLink]:
    """Return account and link, locked in this order, while the link is open.

    Raises:
        LinkEnded: it was used, replaced, is too old, is for something else, or its account is closed.
    """
    user_id = AccountLink.objects.filter(pk=link_id, kind__in=kinds).values_list("user_id", flat=True).first()
    if user_id is not None:
        user = locked_user(user_id)
        link = AccountLink.objects.select_for_update().get(pk=link_id)
        if user.is_active and link.used_at is None and link.revoked_at is None and link.expires_at > clock.now():
            return user, link
    raise LinkEnded(
        _("This link does not work any more: it was used, replaced by a newer one, or is too old. Ask for a new one.")
    )


def use_link(link: AccountLink) -> None:
    """Mark a locked link as used."""
    link.used_at = clock.now()
    link.save(update_fields=["used_at"])


def refuse_many(user: User, kind: AccountLink.Kind, *, limit: int, within: timedelta, by_person: bool = False) -> None:
    """Refuse one more link of a kind. The caller holds the account's lock, so the count is exact.

    `by_person` counts only those asked for by somebody who was not signed in.

    Raises:
        TooManyLinks: `limit` links were made within this time.
    """
    rows = AccountLink.objects.filter(user=user, kind=kind, created_at__gt=clock.now() - within)
    if by_person:
        rows = rows.filter(created_by__isnull=True)
    if rows.count() >= limit:
        raise TooManyLinks(
            _("Several mails of this kind were sent just now. Wait a while, and look into the spam folder too."),
            retry_after_seconds=int(within.total_seconds()),
        )


def _open() -> Any:
    return AccountLink.objects.filter(
        Q(user__is_active=True), used_at__isnull=True, revoked_at__isnull=True, expires_at__gt=clock.now()
    )

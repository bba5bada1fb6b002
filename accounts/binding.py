"""What ties a session to one browser: a second cookie with a random token, and the family of the browser.

A stolen session id alone opens nothing, nor do both cookies in another kind of browser. The address is left out: telephones
change theirs all day.
"""

from __future__ import annotations

import hmac
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.conf import settings

from accounts.models import User
from audit import browsers
from core import clock
from core.digests import keyed_digest

GUARD = "guard"  # session: [digest of the binding, id of the AccountSession row, second it began]
TOKEN_BYTES = 32


@dataclass(frozen=True)
class Guard:
    """What a session knows about itself."""

    digest: str
    row_id: UUID
    started_at: int


def bind(session: Any, *, row_id: UUID, user_agent: str) -> str:
    """Tie a session to a new token, which is returned for the cookie and kept nowhere."""
    token = secrets.token_urlsafe(TOKEN_BYTES)
    session[GUARD] = [_digest(token, user_agent), str(row_id), int(clock.now().timestamp())]
    return token


def guard_of(session: Any) -> Guard | None:
    """Return what a session knows about itself; None for one that was never bound."""
    found = session.get(GUARD)
    try:
        digest, row_id, started_at = found
        return Guard(str(digest), UUID(row_id), int(started_at))
    except (TypeError, ValueError, AttributeError):
        return None


def fits(guard: Guard, *, token: str, user_agent: str) -> bool:
    """True when this browser is the one the session was begun in."""
    return hmac.compare_digest(guard.digest, _digest(token, user_agent))


def fits_request(guard: Guard, cookies: Mapping[str, str], user_agent: str) -> bool:
    """The same for cookies and User-Agent of a request or of a live connection."""
    return fits(guard, token=cookies.get(settings.SESSION_BINDING_COOKIE_NAME, ""), user_agent=user_agent)


def person_mark(user: User) -> str:
    """Return what pages know a person by, to notice that somebody else signed in beside them. Says nothing about them."""
    return keyed_digest(settings.KEYS.session_hash_key, "accounts/person-mark/v1", user.pk.bytes)[:16]


def _digest(token: str, user_agent: str) -> str:
    text = f"{token}|{_kind(user_agent)}"
    return keyed_digest(settings.KEYS.session_hash_key, "accounts/session-binding/v1", text)


def _kind(user_agent: str) -> str:
    """Browser and system without version, since browsers update themselves during the day; others by their full text."""
    family = browsers.family(user_agent)
    return user_agent if family == browsers.OTHER else re.sub(r" \d+", "", family)

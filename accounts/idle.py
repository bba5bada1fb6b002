"""How a session stands right now: open, locked, ended. Asked on every request, so it is answered by the cache.

The truth is in the row of `AccountSession`; what the cache lost is read from there. Two keys belong to a session: one says
when something was last done, the other that the session is shut. Being shut wins, so that a request on its way cannot undo it.
"""

from __future__ import annotations

import enum
import logging
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.cache import cache

from accounts.models import AccountSession
from core import clock

logger = logging.getLogger(__name__)

GRAIN_SECONDS = 5  # activity is noted at most this often
TOUCH_SECONDS = 300  # the row learns of activity at most this often
SKEW_SECONDS = 60  # clocks of two servers differ a little; a stamp further in the future means the clock was set back


class Status(enum.Enum):
    OPEN = "open"
    LOCKED = "locked"
    ENDED = "ended"


@dataclass(frozen=True)
class Standing:
    """One session at one instant. `is_idle`: open so far, but nothing was done for too long."""

    status: Status
    active_at: float = 0.0
    touched_at: float = 0.0
    is_idle: bool = False

    @property
    def is_open(self) -> bool:
        return self.status is Status.OPEN and not self.is_idle

    @property
    def seconds_left(self) -> int | None:
        """Seconds until the session locks when nothing is done; None when it never does."""
        if not limit_seconds():
            return None
        return max(0, int(self.active_at + limit_seconds() - _now()))


def limit_seconds() -> int:
    return int(settings.IDLE_LOCK_MINUTES) * 60


def warning_seconds() -> int:
    """How long before the lock a page warns: a minute, or a third of a short limit.

    Source: WCAG 2.2, success criterion 2.2.1: at least 20 seconds to extend a time limit by one simple act.
    """
    return max(20, min(60, limit_seconds() // 3))


def standing(row_id: UUID) -> Standing:
    """Return how a session stands. One look into the cache; one statement when the cache knows nothing."""
    found = _get(row_id)
    shut, active = found.get(_shut(row_id)), found.get(_active(row_id))
    if shut in (Status.LOCKED.value, Status.ENDED.value):
        return Standing(Status(shut))
    if not isinstance(active, tuple):
        row = AccountSession.objects.filter(pk=row_id).values("last_seen_at", "locked_at", "ended_at").first()
        if row is None or row["ended_at"] is not None:
            return Standing(Status.ENDED)
        if row["locked_at"] is not None:
            return Standing(Status.LOCKED)
        seen = row["last_seen_at"].timestamp()
        active = (seen, seen)
        _set(_active(row_id), active)
    active_at, touched_at = active
    limit, idle_for = limit_seconds(), _now() - active_at
    is_idle = bool(limit) and (idle_for >= limit or idle_for < -SKEW_SECONDS)
    return Standing(Status.OPEN, active_at, touched_at, is_idle)


def needs_touch(now: Standing) -> bool:
    """True when the row should learn that the session is in use."""
    return not 0 <= _now() - now.touched_at < TOUCH_SECONDS


def note_active(row_id: UUID, before: Standing, *, was_touched: bool = False, seconds_ago: int = 0) -> None:
    """Note that the person did something just now, or a few seconds ago. Never moves backwards."""
    at = max(before.active_at, _now() - max(0, seconds_ago))
    if was_touched or at - before.active_at >= GRAIN_SECONDS:
        _set(_active(row_id), (at, _now() if was_touched else before.touched_at))


def begin(row_id: UUID) -> None:
    """Note a new session, or one just unlocked."""
    _change(row_id, active=(_now(), _now()))


def shut(row_id: UUID, status: Status) -> None:
    """Note that a session is locked or ended."""
    _change(row_id, shut=status.value)


def _now() -> float:
    return clock.now().timestamp()


def _active(row_id: UUID) -> str:
    return f"session:{row_id.hex}:active"


def _shut(row_id: UUID) -> str:
    return f"session:{row_id.hex}:shut"


# Without its cache the product gets slower, not wrong: every answer can be had from the row.


def _get(row_id: UUID) -> dict[str, Any]:
    try:
        return cache.get_many((_active(row_id), _shut(row_id)))
    except Exception:
        logger.exception("the cache did not answer about a session")
        return {}


def _set(key: str, value: Any) -> None:
    try:
        cache.set(key, value, settings.SESSION_COOKIE_AGE)
    except Exception:
        logger.exception("the cache took no note of a session")


def _change(row_id: UUID, *, active: tuple[float, float] | None = None, shut: str = "") -> None:
    try:
        if shut:
            cache.set(_shut(row_id), shut, settings.SESSION_COOKIE_AGE)
            cache.delete(_active(row_id))
        else:
            cache.delete(_shut(row_id))
            cache.set(_active(row_id), active, settings.SESSION_COOKIE_AGE)
    except Exception:
        logger.exception("the cache took no note of a session")

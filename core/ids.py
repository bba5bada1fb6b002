"""Row ids."""

import os
import secrets
import threading
import time
from uuid import UUID

COUNTER_BITS, RANDOM_BITS = 12, 62
_VERSION_AND_VARIANT = (7 << 76) | (0b10 << RANDOM_BITS)
_lock = threading.Lock()
_last_ms = 0
_counter = 0


def uuid7() -> UUID:
    """Return a new time-ordered UUID (version 7); the primary key of every row that people or systems refer to.

    Ids of one process rise strictly. Those made in the same millisecond are told apart by a counter, so that somebody who
    makes thousands at once (an import) does not run ahead of the clock: lists by id would show its rows as the newest for
    minutes, before rows that others write later.

    Source: RFC 9562, sections 5.7 and 6.2, method 1 (counter of 12 bits that begins below its half).
    """
    global _last_ms, _counter
    with _lock:
        now_ms = time.time_ns() // 1_000_000
        if now_ms > _last_ms:
            _last_ms, _counter = now_ms, secrets.randbits(COUNTER_BITS - 1)
        else:  # the same millisecond, or a clock that was set back
            _counter += 1
            if _counter >> COUNTER_BITS:
                _last_ms, _counter = _last_ms + 1, secrets.randbits(COUNTER_BITS - 1)
        high = (_last_ms & 0xFFFF_FFFF_FFFF) << 80 | _counter << 64
    return UUID(int=high | _VERSION_AND_VARIANT | secrets.randbits(RANDOM_BITS))


def _after_fork() -> None:
    """Give a forked worker a lock of its own; a thread that held it stayed in the parent."""
    global _lock
    _lock = threading.Lock()


os.register_at_fork(after_in_child=_after_fork)


def uuid_or_none(text: str | None) -> UUID | None:
    """Return the id that a parameter from outside names, or None when it is missing or no id."""
    try:
        return UUID(text) if text else None
    except ValueError:
        return None

"""How often one address or account may ask for something that costs others time, mails or secrets; and how fast."""

from __future__ import annotations

import time

from django.core.cache import cache
from django.http import HttpRequest

from accounts.lockout import address_hash

ANSWER_SECONDS = 0.4  # several times what the longest of these answers needs


def even_out(began: float) -> None:
    """Wait until `ANSWER_SECONDS` after `began` (of `time.monotonic`), so that an answer does not tell by its time."""
    time.sleep(max(0.0, ANSWER_SECONDS - (time.monotonic() - began)))


def is_too_often(request: HttpRequest, what: str, *, limit: int, seconds: int, by: str = "") -> bool:
    """Count one request of this address, or of whom `by` names; True after `limit` within `seconds` of the first."""
    key = f"accounts:{what}:{by or address_hash(request)}"
    cache.add(key, 0, seconds)
    try:
        return cache.incr(key) > limit
    except ValueError:  # it ran out between the two calls
        return False

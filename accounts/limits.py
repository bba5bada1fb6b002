"""How often one address or account may ask for something that costs others time, mails or secrets."""

from __future__ import annotations

from django.core.cache import cache
from django.http import HttpRequest

from accounts.lockout import address_hash


def is_too_often(request: HttpRequest, what: str, *, limit: int, seconds: int, by: str = "") -> bool:
    """Count one request of this address, or of whom `by` names; True after `limit` within `seconds` of the first."""
    key = f"accounts:{what}:{by or address_hash(request)}"
    cache.add(key, 0, seconds)
    try:
        return cache.incr(key) > limit
    except ValueError:  # it ran out between the two calls
        return False

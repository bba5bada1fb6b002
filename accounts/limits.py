"""How often one address may ask for something that costs others time or mails."""

from __future__ import annotations

from django.core.cache import cache
from django.http import HttpRequest

from accounts.lockout import address_hash


def is_too_often(request: HttpRequest, what: str, *, limit: int, seconds: int) -> bool:
    """Count one request of this address; True when there were more than `limit` within `seconds` of the first."""
    key = f"accounts:{what}:{address_hash(request)}"
    cache.add(key, 0, seconds)
    try:
        return cache.incr(key) > limit
    except ValueError:  # it ran out between the two calls
        return False

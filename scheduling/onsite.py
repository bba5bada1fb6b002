"""That somebody's phone is in the clinic: what scanning a kiosk's code leaves in the session, and how long it counts."""

from __future__ import annotations

import hashlib
from typing import Any

from django.core.cache import cache

from core import clock
from core.ids import uuid_or_none
from scheduling.models import DeviceLink
from scheduling.services import devices

KEY = "on_site"
COUNTS_SECONDS = 15 * 60  # enough to sign in; who goes home with it is not home yet
MOST_PHONES = 6  # that one code lets in: who stand at a kiosk for half a minute, not who got a picture of it


def let_in(session: Any, proof: str) -> bool:
    """Take the code that a phone has scanned into its session; False when it counts no more, or for enough phones already.

    The same phone may open it again.
    """
    screen = devices.device_of_proof(proof)
    if screen is None:
        return False
    code = hashlib.sha256(proof.encode()).hexdigest()[:32]
    note = session.get(KEY)
    if not (isinstance(note, dict) and note.get("code") == code) and _phones_of(code) > MOST_PHONES:
        return False
    remember(session, screen, code=code)
    return True


def remember(session: Any, screen: DeviceLink, *, code: str = "") -> None:
    """Note in the session that the code of this kiosk was scanned now."""
    session[KEY] = {"screen": screen.pk.hex, "at": int(clock.now().timestamp()), "code": code}


def _phones_of(code: str) -> int:
    name = f"scheduling:onsite:{code}"
    cache.add(name, 0, devices.PROOF_SECONDS + 1)
    try:
        return cache.incr(name)
    except ValueError:  # it ran out between the two calls, and so did the code
        return MOST_PHONES + 1


def is_here(session: Any) -> bool:
    """True while the scan of a kiosk that is still open counts; what is not of our making counts as none."""
    note = session.get(KEY)
    if not isinstance(note, dict):
        return False
    at, screen_id = note.get("at"), note.get("screen")
    if not isinstance(at, int) or not isinstance(screen_id, str):
        return False
    if not 0 <= clock.now().timestamp() - at <= COUNTS_SECONDS:
        return False
    screen = devices.open_device(uuid_or_none(screen_id))
    return screen is not None and screen.kind == DeviceLink.Kind.KIOSK

"""That somebody's phone is in the clinic: what scanning a kiosk's code leaves in the session, and how long it counts."""

from __future__ import annotations

from typing import Any

from core import clock
from core.ids import uuid_or_none
from scheduling.models import DeviceLink
from scheduling.services import devices

KEY = "on_site"
COUNTS_SECONDS = 15 * 60  # enough to sign in; who goes home with it is not home yet


def remember(session: Any, screen: DeviceLink) -> None:
    """Note in the session that the code of this kiosk was scanned now."""
    session[KEY] = {"screen": screen.pk.hex, "at": int(clock.now().timestamp())}


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

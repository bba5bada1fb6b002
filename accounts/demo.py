"""The sign-ins of the demo clinic, shown on the sign-in pages in demo mode only."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import Any

from django.conf import settings

from accounts.models import TotpDevice, User
from accounts.models.factors import TOTP_STEP_SECONDS, TOTP_TOLERANCE, step_at

DOORS = ("staff", "patient")


def demo_sign_ins(door: str) -> list[dict[str, str]]:
    """Return the demo people of one door ("staff" or "patient"); empty outside demo mode or before the demo is loaded.

    They come from `settings.DEMO_SIGN_INS`, else from the file that the demo loader writes, a list of
    `{"door": "staff", "username": ..., "password": ..., "name": ..., "role": ...}`.
    """
    if not settings.DEMO_MODE:
        return []
    entries: Any = getattr(settings, "DEMO_SIGN_INS", None)
    if entries is None:
        try:
            entries = json.loads((settings.VAR_DIR / "demo-sign-ins.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return []
    if not isinstance(entries, list):
        return []
    keys = ("username", "password", "name", "role")
    return [
        {key: str(entry.get(key, "")) for key in keys}
        for entry in entries
        if isinstance(entry, dict) and entry.get("door") == door and entry.get("username") and entry.get("password")
    ]


@dataclass(frozen=True)
class DemoCode:
    """The code that a demo account's app would show; "" with the seconds until there is one that was not used yet."""

    code: str
    seconds: int = 0

    @property
    def spaced(self) -> str:
        return f"{self.code[:3]} {self.code[3:]}"


def demo_code(user: User) -> DemoCode | None:
    """Return the next code that works for a demo account; None outside demo mode and for every other account."""
    if not settings.DEMO_MODE:
        return None
    names = {entry["username"] for door in DOORS for entry in demo_sign_ins(door)}
    device = TotpDevice.objects.filter(user=user, confirmed=True).first() if user.username in names else None
    if device is None:
        return None
    now = time.time()
    step = max(step_at(now), device.last_t + 1)
    if step <= step_at(now) + TOTP_TOLERANCE:
        return DemoCode(device.code_of_step(step))
    return DemoCode("", seconds=(step - TOTP_TOLERANCE) * TOTP_STEP_SECONDS - int(now))

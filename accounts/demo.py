"""The sign-ins of the demo clinic, shown on the sign-in pages in demo mode only."""

from __future__ import annotations

import json
from typing import Any

from django.conf import settings

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

"""The one question about rights that apps below `accounts` may ask as well."""

from __future__ import annotations

from typing import Any


def holds(user: Any, capability: str) -> bool:
    """True when the user is signed in, active, and one of their roles gives `capability`; being a superuser gives nothing."""
    if user is None or not getattr(user, "is_authenticated", False) or not user.is_active:
        return False
    return capability in user.capabilities

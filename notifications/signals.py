"""Live connections end with the session."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.signals import user_logged_out
from django.dispatch import receiver
from django.http import HttpRequest

from core import live


@receiver(user_logged_out)
def close_live_connections(sender: Any, request: HttpRequest, user: Any, **kwargs: Any) -> None:
    """Close all sockets of the person; pages of their other sessions connect again."""
    if user is not None:
        live.disconnect((user.pk,))

"""Proof of presence before a dangerous act: the second factor, again, in the last five minutes."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, resolve_url
from django.utils.http import urlencode
from django_otp.models import Device

from accounts.second_factor import FACTOR_AT, mark_proven
from core.http import own_path

FRESH_SECONDS = 300


def is_fresh(request: HttpRequest) -> bool:
    """True when a second factor was proven in this session in the last five minutes."""
    proven_at = request.session.get(FACTOR_AT)
    return isinstance(proven_at, int) and 0 <= time.time() - proven_at < FRESH_SECONDS


def prove(request: HttpRequest, device: Device | None) -> None:
    """Note a factor (None: the password of somebody without a factor) proven by the signed-in person; the key is renewed."""
    request.session.cycle_key()
    mark_proven(request, device)


def challenge(request: HttpRequest, *, back_to: str = "") -> HttpResponse:
    """Send the person to the page that asks for the factor; it leads back to `back_to`, or to the present page.

    What was posted is not kept: ask before the form, not after.
    """
    referring = own_path(request, request.headers.get("Referer", "")) or "/"
    target = back_to or (request.get_full_path() if request.method == "GET" else referring)
    address = f"{resolve_url('accounts:factor-confirm')}?{urlencode({'next': target})}"
    if getattr(request, "htmx", False):
        response = HttpResponse(status=204)
        response["HX-Redirect"] = address
        return response
    return redirect(address)


def fresh_factor(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Let a view run only with a fresh factor. Stands below the access marker."""

    @functools.wraps(view)
    def asked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return view(request, *args, **kwargs) if is_fresh(request) else challenge(request)

    return asked

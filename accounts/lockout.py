"""Lockout by user name and address: what axes counts, and the page a locked-out person sees."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import math
from typing import Any

from axes.models import AccessAttempt
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.translation import ngettext

from core import clock
from core.http import error_response


def raw_client_ip(request: HttpRequest) -> str:
    """Return the client's address; with trusted proxies, the one the outermost trusted proxy saw."""
    if settings.TRUSTED_PROXY_COUNT:
        forwarded = [part.strip() for part in request.META.get("HTTP_X_FORWARDED_FOR", "").split(",") if part.strip()]
        if len(forwarded) >= settings.TRUSTED_PROXY_COUNT:
            return forwarded[-settings.TRUSTED_PROXY_COUNT]
    return request.META.get("REMOTE_ADDR") or "0.0.0.0"  # noqa: S104 - "unknown", nothing is bound


def address_hash(request: HttpRequest) -> str:
    """Return a keyed digest of the client's address, shaped as an IPv6 address so that axes' column takes it."""
    digest = hmac.new(settings.KEYS.session_hash_key, raw_client_ip(request).encode(), hashlib.sha256).digest()
    return str(ipaddress.IPv6Address(b"\xfd" + digest[:15]))


def client_ip(request: HttpRequest) -> str:
    return address_hash(request)


def username(request: HttpRequest | None, credentials: dict[str, Any] | None = None) -> str:
    """Return the sign-in name that axes counts, in lower case."""
    credentials = credentials or {}
    name = credentials.get("username") or credentials.get("email") or ""
    if not name and request is not None:
        name = request.POST.get("login", "")
    return str(name).strip().lower()[:255]


def minutes_left(request: HttpRequest, name: str) -> int:
    """Return the whole minutes until this name may try again from this address, at least 1."""
    attempt = (
        AccessAttempt.objects.filter(username=name, ip_address=client_ip(request)).order_by("-attempt_time").first()
    )
    if attempt is None:
        return math.ceil(settings.AXES_COOLOFF_TIME.total_seconds() / 60)
    left = attempt.attempt_time + settings.AXES_COOLOFF_TIME - clock.now()
    return max(1, math.ceil(left.total_seconds() / 60))


def locked_out(
    request: HttpRequest, original_response: Any = None, credentials: dict[str, Any] | None = None
) -> HttpResponse:
    """Answer someone who tried too often: how long to wait, and who can help."""
    minutes = minutes_left(request, username(request, credentials))
    sentence = ngettext(
        "Too many wrong tries. Wait %(minutes)d minute and try again, or call the clinic at %(phone)s.",
        "Too many wrong tries. Wait %(minutes)d minutes and try again, or call the clinic at %(phone)s.",
        minutes,
    )
    response = error_response(request, 429, sentence % {"minutes": minutes, "phone": settings.CLINIC_PHONE})
    response["Retry-After"] = str(minutes * 60)
    return response

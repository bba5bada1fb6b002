"""Lockout by user name and address: what axes counts, and the page a locked-out person sees."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

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


def locked_out(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
    response = error_response(
        request,
        429,
        _("Too many wrong tries. Wait 15 minutes and try again, or ask the clinic to reset your password."),
    )
    response["Retry-After"] = "900"
    return response

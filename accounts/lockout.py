"""Five wrong tries in 15 minutes: who is counted, where, and what a locked-out person is told.

One counter covers passwords, one-time codes and every other check of a secret. It is kept per account and place. The place
is the address, or the browser itself once the account has signed in with it: a stranger behind the same address cannot
lock out the people who work there. Names and addresses are stored as keyed digests only.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import math
import secrets
from collections.abc import Callable
from typing import Any, TypeVar

from allauth.account.adapter import get_adapter
from axes.handlers.proxy import AxesProxyHandler
from axes.models import AccessAttempt
from django.conf import settings
from django.contrib.auth.signals import user_login_failed
from django.core.exceptions import ValidationError
from django.db.models import Max
from django.http import HttpRequest, HttpResponse
from django.utils.translation import ngettext

from accounts import names
from accounts.models import User
from core import clock
from core.digests import keyed_digest
from core.errors import TooManyRequests
from core.http import refusal

KNOWN_SECONDS = 180 * 86400
KNOWN_LIMIT = 12  # people who share one computer
DIGEST_LENGTH = 32

Answer = TypeVar("Answer")


class TooManyTries(TooManyRequests):
    """Five wrong answers within 15 minutes for this account from this place."""

    code = "accounts.too_many_tries"


def attempt(request: HttpRequest, user: User, check: Callable[[], Answer]) -> Answer:
    """Run one check of a secret of `user` (a code, a password, a passkey) under the common counter.

    `check` returns something true for a right answer. Of parallel tries exactly five are checked. A right answer is not
    counted; it forgets the wrong ones before it only when it completes a sign-in, or comes from the signed-in person.

    Raises:
        TooManyTries: the limit is reached, by tries before (then `check` is not run) or by this one.
    """
    credentials = {"username": user.username}
    request.lockout_name = user.username  # type: ignore[attr-defined]  # axes asks for the place before it has the name
    adapter = get_adapter(request)
    if not AxesProxyHandler.is_allowed(request, credentials):
        raise too_many_tries(request, credentials)
    try:
        adapter.pre_authenticate(request, **credentials)
    except ValidationError as error:
        raise too_many_tries(request, credentials) from error
    answer = check()
    if answer:
        adapter._rollback_login_failed_rl_usage()
        if request.user.is_authenticated and request.user.pk == user.pk:
            forget_failures(request, user)
        return answer
    user_login_failed.send(sender=__name__, credentials=credentials, request=request)
    if not AxesProxyHandler.is_allowed(request, credentials):
        raise too_many_tries(request, credentials)
    return answer


def forget_failures(request: HttpRequest, user: User) -> None:
    """Forget the wrong tries of `user` from this place."""
    AccessAttempt.objects.filter(username=name_digest(user), ip_address=place_of(request, user)).delete()
    get_adapter(request).forget_failures(request, user)


def lift_locks(user: User) -> int:
    """Let `user` try again everywhere; return from how many places the account was locked."""
    rows = AccessAttempt.objects.filter(username=name_digest(user))
    places = set(
        rows.filter(failures_since_start__gte=settings.AXES_FAILURE_LIMIT).values_list("ip_address", flat=True)
    )
    adapter = get_adapter()
    for place in set(rows.values_list("ip_address", flat=True)):
        adapter.clear_limit(user, place)
    rows.delete()
    return len(places)


def locked_places(user: User) -> int:
    """Return from how many places the account is locked now."""
    return (
        AccessAttempt.objects.filter(
            username=name_digest(user),
            failures_since_start__gte=settings.AXES_FAILURE_LIMIT,
            attempt_time__gt=clock.now() - settings.AXES_COOLOFF_TIME,
        )
        .values("ip_address")
        .distinct()
        .count()
    )


# --- who and where --------------------------------------------------------------------------------------------------


def raw_client_ip(request: HttpRequest) -> str:
    """Return the client's address; with trusted proxies, the one the outermost trusted proxy saw.

    Of IPv6 the network of 64 bits: one subscriber has all of its addresses, and could take a new one for each try.
    """
    text = _seen_address(request)
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return text
    if isinstance(address, ipaddress.IPv4Address):
        return text
    return str(address.ipv4_mapped or ipaddress.ip_network((int(address), 64), strict=False).network_address)


def _seen_address(request: HttpRequest) -> str:
    if settings.TRUSTED_PROXY_COUNT:
        forwarded = [part.strip() for part in request.META.get("HTTP_X_FORWARDED_FOR", "").split(",") if part.strip()]
        if len(forwarded) >= settings.TRUSTED_PROXY_COUNT:
            return forwarded[-settings.TRUSTED_PROXY_COUNT]
    return request.META.get("REMOTE_ADDR") or "0.0.0.0"  # noqa: S104 - "unknown", nothing is bound


def address_hash(request: HttpRequest) -> str:
    """Return a keyed digest of the client's address, shaped as an IPv6 address so that axes' column takes it."""
    return _shaped(0xFD, raw_client_ip(request))


def name_digest(user: User | None, typed: str = "") -> str:
    """Return what an account is counted as, or, for a name that nobody has, what was typed; never readable."""
    subject = f"account:{user.pk}" if user is not None else f"typed:{typed.strip().lower()[:255]}"
    return keyed_digest(settings.KEYS.session_hash_key, "accounts/lockout/name/v1", subject)[:DIGEST_LENGTH]


def username(request: HttpRequest | None, credentials: dict[str, Any] | None = None) -> str:
    """Return the name that axes counts: one per account, however the person wrote it."""
    typed = _typed(request, credentials)
    return name_digest(_account(request, typed), typed)


def client_ip(request: HttpRequest) -> str:
    """Return the place that axes counts: the address, or the browser when the account has signed in with it before."""
    return place_of(request, _account(request, getattr(request, "lockout_name", "") or _typed(request, None)))


def place_of(request: HttpRequest, user: User | None) -> str:
    nonce = _known_nonce(request, user) if user is not None else ""
    return _shaped(0xFE, nonce) if nonce else address_hash(request)


def _typed(request: HttpRequest | None, credentials: dict[str, Any] | None) -> str:
    """Return the name of this try; a name given in `credentials` is remembered, since axes asks for the place without."""
    credentials = credentials or {}
    name = str(credentials.get("username") or credentials.get("email") or "")
    if request is None:
        return name
    if name:
        request.lockout_name = name  # type: ignore[attr-defined]
    return name or getattr(request, "lockout_name", "") or request.POST.get("login", "")


def _account(request: HttpRequest | None, typed: str) -> User | None:
    return names.account_of_request(request, typed) if request is not None else names.account_named(typed)


def _shaped(first_byte: int, text: str) -> str:
    digest = hmac.new(settings.KEYS.session_hash_key, text.encode(), hashlib.sha256).digest()
    return str(ipaddress.IPv6Address(bytes([first_byte]) + digest[:15]))


# --- browsers an account has signed in with -------------------------------------------------------------------------


def remember_browser(request: HttpRequest, response: HttpResponse, user: User) -> None:
    """Note in a cookie that `user` signed in with this browser. It gives no access, only a counter of its own."""
    account = name_digest(user)
    nonce = _known_nonce(request, user) or secrets.token_hex(8)
    others = [entry for entry in _entries(request) if entry.split(".")[0] != account]
    entries = [f"{account}.{nonce}.{_entry_mac(account, nonce)}", *others][:KNOWN_LIMIT]
    response.set_cookie(
        settings.KNOWN_BROWSER_COOKIE_NAME,
        "~".join(entries),
        max_age=KNOWN_SECONDS,
        httponly=True,
        secure=settings.SESSION_COOKIE_SECURE,
        samesite="Lax",
    )


def _entries(request: HttpRequest) -> list[str]:
    return [
        entry
        for entry in request.COOKIES.get(settings.KNOWN_BROWSER_COOKIE_NAME, "")[:2000].split("~")
        if entry.count(".") == 2
    ]


def _known_nonce(request: HttpRequest, user: User) -> str:
    account = name_digest(user)
    for entry in _entries(request):
        name, nonce, mac = entry.split(".")
        if name == account and hmac.compare_digest(mac.encode(), _entry_mac(name, nonce).encode()):
            return nonce
    return ""


def _entry_mac(account: str, nonce: str) -> str:
    text = f"{account}.{nonce}"
    return keyed_digest(settings.KEYS.session_hash_key, "accounts/known-browser/v1", text)[:DIGEST_LENGTH]


# --- answers --------------------------------------------------------------------------------------------------------


def minutes_left(request: HttpRequest, credentials: dict[str, Any] | None = None) -> int:
    """Return the whole minutes until this name may try again from this place, at least 1."""
    rows = AccessAttempt.objects.filter(username=username(request, credentials), ip_address=client_ip(request))
    latest = rows.aggregate(at=Max("attempt_time"))["at"]
    ends_at = (latest or clock.now()) + settings.AXES_COOLOFF_TIME
    return max(1, math.ceil((ends_at - clock.now()).total_seconds() / 60))


def too_many_tries(request: HttpRequest, credentials: dict[str, Any] | None = None) -> TooManyTries:
    """Return the refusal with its sentence: how long to wait, and who can help."""
    minutes = minutes_left(request, credentials)
    sentence = ngettext(
        "Too many wrong tries. Wait %(minutes)d minute and try again, or call the clinic at %(phone)s.",
        "Too many wrong tries. Wait %(minutes)d minutes and try again, or call the clinic at %(phone)s.",
        minutes,
    )
    return TooManyTries(
        sentence % {"minutes": minutes, "phone": settings.CLINIC_PHONE}, retry_after_seconds=minutes * 60
    )


def locked_out(
    request: HttpRequest, original_response: Any = None, credentials: dict[str, Any] | None = None
) -> HttpResponse:
    """Answer someone who tried too often (called by axes)."""
    return refusal(request, too_many_tries(request, credentials))

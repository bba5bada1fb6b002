"""Middleware around the signed-in person."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from django.conf import settings
from django.contrib.auth import logout as end_session
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import translation
from django.utils.functional import SimpleLazyObject
from django_otp import DEVICE_ID_SESSION_KEY
from django_otp.models import Device

from accounts.guards import _to_login
from accounts.lockout import address_hash, remember_browser
from accounts.second_factor import is_complete
from audit import context

GetResponse = Callable[[HttpRequest], HttpResponse]

# Views of other packages carry no marker of ours; each name here is guarded by that package or by Django's admin site.
FOREIGN_NAMESPACES = {"admin"}
FOREIGN_MODULES = ("django.contrib.staticfiles", "django.views.static")
ALLOWED_BEFORE_OWN_PASSWORD = {
    "accounts:password-change",
    "accounts:logout",
    "accounts:preferences",
    "accounts:factor-confirm",
    "accounts:backup-codes",
    "accounts:backup-codes-kept",
}


class LocaleMiddleware:
    """Language of the page: the signed-in person's choice, else the cookie, else Indonesian.

    The browser's Accept-Language is not asked: clinic computers are often set up in English, and Indonesian is the
    language of the house.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        code = request.COOKIES.get(settings.LANGUAGE_COOKIE_NAME, settings.LANGUAGE_CODE)
        if code not in dict(settings.LANGUAGES):
            code = settings.LANGUAGE_CODE
        translation.activate(code)
        request.LANGUAGE_CODE = code  # type: ignore[attr-defined]
        context.current.set(
            context.RequestInfo(
                getattr(request, "request_id", ""), address_hash(request), request.headers.get("User-Agent", "")
            )
        )
        try:
            response = self.get_response(request)
            response.headers.setdefault("Content-Language", translation.get_language() or code)
            return response
        finally:
            context.current.set(context.RequestInfo())
            translation.deactivate()


class UserPreferencesMiddleware:
    """Uses the saved language of the account."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.user.is_authenticated:
            translation.activate(request.user.language)
            request.LANGUAGE_CODE = request.user.language  # type: ignore[attr-defined]
        return self.get_response(request)


class VerifiedSessionMiddleware:
    """Gives the user django-otp's `is_verified()` and `otp_device`, without a query on every page.

    django-otp reads the device each time, to notice that it was removed. Here removing or adding a factor raises the
    account's session epoch, which ends the sessions themselves; so what the session says can be believed.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        user = request.user
        request.user = cast(Any, SimpleLazyObject(lambda: self._with_factor(request, user)))
        return self.get_response(request)

    @staticmethod
    def _with_factor(request: HttpRequest, user: Any) -> Any:
        device_id = request.session.get(DEVICE_ID_SESSION_KEY) if user.is_authenticated else None
        user.is_verified = lambda: device_id is not None
        user.otp_device = SimpleLazyObject(lambda: Device.from_persistent_id(device_id)) if device_id else None
        return user


class KnownBrowserMiddleware:
    """After a sign-in, notes in a cookie which account signed in with this browser; see `accounts.lockout`."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if getattr(request, "remember_browser", False) and request.user.is_authenticated:
            remember_browser(request, response, request.user)
        return response


class ClosedByDefaultMiddleware:
    """Refuses a view that carries no access marker.

    Ends staff sessions that proved no second factor, and holds people with a one-time password at its replacement.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> HttpResponse | None:
        match = request.resolver_match
        foreign = match is not None and (
            (match.namespaces[:1] and match.namespaces[0] in FOREIGN_NAMESPACES)
            or view.__module__.startswith(FOREIGN_MODULES)
        )
        if not foreign and not hasattr(view, "access"):
            raise PermissionDenied
        user = request.user
        if user.is_authenticated and not is_complete(user):
            end_session(request)
            return _to_login(request, "accounts:login")
        view_name = match.view_name if match is not None else ""
        if user.is_authenticated and user.must_change_password and view_name not in ALLOWED_BEFORE_OWN_PASSWORD:
            return redirect("accounts:password-change")
        return None

"""Middleware without domain knowledge."""

from __future__ import annotations

import secrets
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from core.errors import DomainError
from core.http import error_response, refusal

GetResponse = Callable[[HttpRequest], HttpResponse]
NO_DEVICES = "camera=(), microphone=(), geolocation=(), display-capture=(), payment=(), usb=(), serial=()"


class RequestIdMiddleware:
    """Gives each request an id of our own making; audit rows and error pages carry it."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.request_id = secrets.token_hex(8)  # type: ignore[attr-defined]
        response = self.get_response(request)
        response["X-Request-Id"] = request.request_id  # type: ignore[attr-defined]
        return response


class DomainErrorMiddleware:
    """Turns a broken rule that no view caught into its sentence and status, never into a 500."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        return refusal(request, exception) if isinstance(exception, DomainError) else None


class DevicesMiddleware:
    """Closes camera, microphone and the like to every page; a page that needs one says so itself (`core.http`)."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response.setdefault("Permissions-Policy", NO_DEVICES)
        return response


class BodyLimitMiddleware:
    """Refuses a form that is bigger than nginx would let through, before it is read: with a sentence, and not into /tmp.

    A single file that is too big is refused by its field; this is for everything that cannot be a form of ours.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        length = request.META.get("CONTENT_LENGTH") or "0"
        if length.isdecimal() and int(length) > settings.MAX_BODY_BYTES:
            megabytes = settings.MAX_BODY_BYTES // (1024 * 1024)
            return error_response(
                request,
                413,
                _(
                    "This is too much at once: %(limit)s MB are the most. Send fewer or smaller files, one after another."
                )
                % {"limit": megabytes},
            )
        return self.get_response(request)

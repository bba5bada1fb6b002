"""What views share: one mapping from broken rules to HTTP, and the product's own error pages."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.http import url_has_allowed_host_and_scheme

from core.errors import DomainError, InvalidInput, NotPermitted, TooManyRequests


def status_of(error: DomainError) -> int:
    """Return the HTTP status of a broken rule: 422 bad value, 403 not allowed, 429 too often, 409 everything else."""
    if isinstance(error, InvalidInput):
        return 422
    if isinstance(error, NotPermitted):
        return 403
    if isinstance(error, TooManyRequests):
        return 429
    return 409


LONGEST_PATH = 2000


def own_path(request: HttpRequest, target: str) -> str:
    """Return the path that an address from outside leads to when it is one of this site, else "".

    Never another host, a name of a route, or text that no address can hold.
    """
    path = target.removeprefix(f"{request.scheme}://{request.get_host()}")
    is_ours = (
        path.startswith("/")
        and path.isprintable()
        and len(path) <= LONGEST_PATH
        and url_has_allowed_host_and_scheme(path, allowed_hosts={request.get_host()}, require_https=request.is_secure())
    )
    return path if is_ours else ""


@dataclass
class Outcome:
    """What became of one service call inside `domain_errors`."""

    error: DomainError | None = None

    @property
    def ok(self) -> bool:
        return self.error is None

    @property
    def status(self) -> int:
        return 200 if self.error is None else status_of(self.error)


@contextmanager
def domain_errors(request: HttpRequest, *, form: Any = None) -> Iterator[Outcome]:
    """Catch a broken rule of the enclosed service call and show its sentence, at the form or as a message."""
    outcome = Outcome()
    try:
        yield outcome
    except DomainError as error:
        outcome.error = error
        if form is not None:
            form.add_error(None, str(error))
        else:
            messages.error(request, str(error))


def refusal(request: HttpRequest, error: DomainError) -> HttpResponse:
    """Return the page of a broken rule that no form can show."""
    status = status_of(error)
    response = error_response(request, status if status in (403, 409, 429) else 400, str(error))
    if isinstance(error, TooManyRequests):
        response["Retry-After"] = str(error.retry_after_seconds)
    return response


def with_camera(response: HttpResponse) -> HttpResponse:
    """Let this page, and no frame in it, ask for the camera."""
    response["Permissions-Policy"] = "camera=(self), microphone=(), geolocation=()"
    return response


def error_response(request: HttpRequest, status: int, message: str = "") -> HttpResponse:
    """Return the product's own page for an error status, or JSON when that is what was asked for."""
    if request.headers.get("Accept", "").startswith("application/json"):
        return JsonResponse({"error": message, "status": status}, status=status)
    return render(request, f"{status}.html", {"message": message}, status=status)

"""What the pages behind a screen's secret link share: the door, and the headers."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.debug import sensitive_variables

from accounts.guards import public
from accounts.limits import is_too_often
from core.errors import TooManyRequests
from scheduling.models import DeviceLink
from scheduling.services import devices

WRONG_LINKS = 60  # from one address within `WRONG_SECONDS`
WRONG_SECONDS = 300
ASKED_PER_MINUTE = 240  # of one screen; a board asks 12 times, and once more for each call
THEMES = ("light", "dark")


class ScreenRequest(HttpRequest):
    """A request behind `for_screen`. For annotations."""

    screen: DeviceLink


def for_screen(kind: str) -> Callable[..., Any]:
    """Mark a view that the secret link of a board or kiosk opens, without signing in and without a cookie.

    A link that was never made, was revoked or is of another kind gets the same page: it is not here. The answer is stored
    nowhere, and tells its address to nobody.
    """

    def decorate(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
        @sensitive_variables("token")
        @functools.wraps(view)
        def guarded(request: HttpRequest, token: str, **kwargs: Any) -> HttpResponse:
            screen = devices.find_device(token, kind)
            if screen is None:
                if is_too_often(request, "screen-link", limit=WRONG_LINKS, seconds=WRONG_SECONDS):
                    raise TooManyRequests(too_often(), retry_after_seconds=WRONG_SECONDS)
                raise Http404
            if is_too_often(request, "screen", limit=ASKED_PER_MINUTE, seconds=60, by=screen.pk.hex):
                raise TooManyRequests(too_often(), retry_after_seconds=60)
            devices.mark_seen(screen)
            request.screen = screen  # type: ignore[attr-defined]
            return sealed(view(request, token, **kwargs))

        # Other sites cannot know the secret in the address, so it proves more than a cookie; and a kiosk whose cookie ran
        # out would be stuck on an error page with nobody to help it.
        return csrf_exempt(public(guarded))

    return decorate


def sealed(response: HttpResponse) -> HttpResponse:
    """Keep an answer out of caches and search engines, and its address out of other sites' logs."""
    response["Cache-Control"] = "no-store, private"
    response["Referrer-Policy"] = "no-referrer"
    response["X-Robots-Tag"] = "noindex, nofollow"
    return response


def theme_of(request: HttpRequest) -> str:
    """Return light or dark as the address says, else as the device is set."""
    theme = request.GET.get("theme", "")
    return theme if theme in THEMES else "auto"


def too_often() -> str:
    return _("Too many requests came from here. Wait a few minutes.")

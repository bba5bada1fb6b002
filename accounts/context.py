"""What every page needs to draw its frame.

All of it is lazy: a fragment or an error page that draws no frame costs no query, and an anonymous page costs none at all.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.db import DatabaseError
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject
from django.utils.translation import get_language

from accounts import binding, idle, navigation
from accounts.access import Capability, Role

LIVE_PATH = "/ws/live/"
THEMES = ("auto", "light", "dark")


def _person(request: HttpRequest) -> Any:
    """Return the signed-in user, or None; also when the database cannot be asked (the page of a fault needs a frame)."""
    try:
        user = getattr(request, "user", None)
        return user if user is not None and user.is_authenticated else None
    except DatabaseError:
        return None


def _held(request: HttpRequest) -> frozenset[Capability]:
    user = _person(request)
    return user.capabilities if user is not None and user.is_active else frozenset()


def _theme(request: HttpRequest) -> str:
    user = _person(request)
    theme = user.theme if user is not None else request.COOKIES.get(settings.THEME_COOKIE_NAME, "auto")
    return theme if theme in THEMES else "auto"


def _notice_count(request: HttpRequest) -> int:
    user = _person(request)
    return user.notices.filter(read_at__isnull=True).count() if user is not None else 0


def _search_url(request: HttpRequest) -> str:
    may_search = _held(request) & {Capability.SEARCH_PATIENTS, Capability.SEARCH_OWN_PATIENTS}
    return navigation.url_of("patients:search") if may_search else ""


def _role_label(request: HttpRequest) -> str:
    user = _person(request)
    return ", ".join(str(Role(name).label) for name in sorted(user.role_names)) if user is not None else ""


def _session_page(request: HttpRequest) -> dict[str, Any] | None:
    """What the page's script needs to lock it in time; None for strangers and for pages that show the lock itself."""
    user, standing = _person(request), getattr(request, "session_standing", None)
    if user is None or standing is None or standing.status is not idle.Status.OPEN:
        return None
    door = "accounts:login" if user.is_staff_member else "accounts:portal-login"
    return {
        "left": standing.seconds_left,
        "warn": idle.warning_seconds(),
        "person": binding.person_mark(user),
        "door": navigation.url_of(door),
    }


def ui(request: HttpRequest) -> dict[str, Any]:
    """Return the frame's variables; see `templates/base*.html` for who uses which."""

    def lazy(function: Callable[[HttpRequest], Any]) -> SimpleLazyObject:
        return SimpleLazyObject(lambda: function(request))

    return {
        "clinic": {
            "name": settings.CLINIC_NAME,
            "address": settings.CLINIC_ADDRESS,
            "city": settings.CLINIC_CITY,
            "phone": settings.CLINIC_PHONE,
            "email": settings.CLINIC_EMAIL,
            "licence": settings.CLINIC_LICENSE,
        },
        "demo_mode": settings.DEMO_MODE,
        "current_language": get_language() or settings.LANGUAGE_CODE,
        "ui_theme": lazy(_theme),
        "ui_shortcut_ctrl_d": lazy(lambda r: bool(getattr(_person(r), "uses_ctrl_d", False))),
        "nav": lazy(lambda r: navigation.staff_menu(_held(r), r.path)),
        "portal": getattr(request, "portal", None),
        "portal_nav": lazy(lambda r: navigation.portal_menu(_held(r), r.path)),
        "notice_count": lazy(_notice_count),
        "nav_search_url": lazy(_search_url),
        "live_url": lazy(lambda r: LIVE_PATH if _held(r) else ""),
        "session_page": lazy(_session_page),
        "user_role_label": lazy(_role_label),
    }

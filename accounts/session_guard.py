"""The gate every signed-in request passes: is this the browser it belongs to, is the session still going on, is it locked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.http import HttpRequest, HttpResponse

from accounts import binding, idle, sessions
from accounts.models import AccountSession, User
from accounts.session_views import locked_answer
from core import clock

GetResponse = Callable[[HttpRequest], HttpResponse]

# What a locked session may still do: unlock, leave, ask how it stands, and choose a language on the lock screen.
OPEN_WHILE_LOCKED = {
    "accounts:session-unlock",
    "accounts:session-lock",
    "accounts:session-state",
    "accounts:session-active",
    "accounts:logout",
    "accounts:preferences",
    "accounts:csp-report",
}
PASSIVE_HEADER = "X-Passive"


def is_activity(request: HttpRequest) -> bool:
    """True for what a person does: opening a page, sending a form. Parts of pages that fetch themselves do not count.

    What people do inside a page without sending it (typing, moving) the page tells by `accounts:session-active`.
    """
    if request.headers.get(PASSIVE_HEADER):
        return False
    if request.headers.get("HX-Request"):
        return request.method not in ("GET", "HEAD")
    return request.headers.get("Sec-Fetch-Mode", "navigate") == "navigate"


class SessionGuardMiddleware:
    """Ends sessions that are used elsewhere, ended or too old, and shows locked ones the lock instead of the page.

    Stands between the session and everything that asks who is signed in.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        row_id = self._admitted(request) if SESSION_KEY in request.session else None
        key = request.session.session_key
        before = sessions.current.set(row_id)
        try:
            response = self.get_response(request)
            if is_locked(request) and not hasattr(request, "lock_was_asked"):
                response = locked_answer(request)  # no view was reached: an unknown address, a refused form
        finally:
            sessions.current.reset(before)
        if row_id is not None:
            self._follow(request, row_id, key)
        self._set_cookie(request, response)
        return response

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> HttpResponse | None:
        request.lock_was_asked = True  # type: ignore[attr-defined]
        match = request.resolver_match
        if is_locked(request) and (match is None or match.view_name not in OPEN_WHILE_LOCKED):
            return locked_answer(request)
        return None

    def _admitted(self, request: HttpRequest) -> UUID | None:
        """Return the row of the session, or None after ending a session that may not be used."""
        session = request.session
        guard = binding.guard_of(session)
        if guard is None:
            session.flush()  # from before sessions were bound
            return None
        if not binding.fits_request(guard, request.COOKIES, request.META.get("HTTP_USER_AGENT", "")):
            sessions.refuse_foreign(guard.row_id, User.objects.filter(pk=session[SESSION_KEY]).first())
            session.flush()
            return None
        age = clock.now().timestamp() - guard.started_at
        standing = idle.standing(guard.row_id)
        if not -idle.SKEW_SECONDS <= age < settings.SESSION_COOKIE_AGE:
            sessions.close(guard.row_id, AccountSession.End.EXPIRED)
        elif standing.status is not idle.Status.ENDED:
            return self._of_person(request, guard.row_id, standing)
        session.flush()
        return None

    @staticmethod
    def _of_person(request: HttpRequest, row_id: UUID, standing: idle.Standing) -> UUID | None:
        """The session is this browser's and goes on; its person must still be the one it was begun for."""
        user: Any = request.user
        if not user.is_authenticated:  # closed, or password, roles or factors changed
            sessions.close(row_id, AccountSession.End.CHANGED)
            request.session.flush()
            return None
        if standing.is_idle:
            standing = sessions.standing(row_id, user)
        elif standing.is_open and is_activity(request):
            due = idle.needs_touch(standing)
            if due and not sessions.touch(row_id):
                request.session.flush()
                request.user = _nobody()
                return None
            idle.note_active(row_id, standing, was_touched=due)
        request.session_row_id = row_id  # type: ignore[attr-defined]
        request.session_standing = standing  # type: ignore[attr-defined]
        return row_id

    @staticmethod
    def _follow(request: HttpRequest, row_id: UUID, key: str | None) -> None:
        """Keep the row on a session whose key was renewed; one that was ended meanwhile stays ended."""
        guard = binding.guard_of(request.session)
        if guard is None or guard.row_id != row_id or request.session.session_key == key:
            return
        if request.session.session_key is None:
            request.session.save()
        if not sessions.move(row_id, str(request.session.session_key)):
            request.session.flush()

    @staticmethod
    def _set_cookie(request: HttpRequest, response: HttpResponse) -> None:
        name, token = settings.SESSION_BINDING_COOKIE_NAME, getattr(request, "binding_token", "")
        if token and SESSION_KEY in request.session:
            response.set_cookie(
                name, token, path="/", secure=settings.SESSION_COOKIE_SECURE, httponly=True, samesite="Lax"
            )
        elif name in request.COOKIES and SESSION_KEY not in request.session:
            response.delete_cookie(name, path="/", samesite="Lax")


def is_locked(request: HttpRequest) -> bool:
    standing = getattr(request, "session_standing", None)
    return standing is not None and standing.status is idle.Status.LOCKED and request.user.is_authenticated


def _nobody() -> Any:
    from django.contrib.auth.models import AnonymousUser

    return AnonymousUser()

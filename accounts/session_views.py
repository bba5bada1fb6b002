"""The lock screen, and the page where people see and end their sessions."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout as end_session
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.middleware.csrf import get_token
from django.shortcuts import get_object_or_404, redirect, render, resolve_url
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_POST

from accounts import binding, held, idle, lockout, sessions
from accounts.guards import SignedInRequest, public, signed_in
from accounts.models import AccountSession, User
from accounts.session_forms import UnlockForm
from core.http import own_path

LOCKED = 423  # RFC 4918, section 11.3
PORTAL = "/portal/"


# --- Answers of a locked session ------------------------------------------------------------------------------------


def locked_answer(request: HttpRequest) -> HttpResponse:
    """Answer anything asked of a locked session: a page gets the lock screen, everything else an empty 423.

    The lock screen of a sent form carries the form, and sends it on after the password.
    """
    if not _wants_page(request):
        error = _("This page is locked. Enter your password to go on; nothing you typed is lost.")
        response: HttpResponse = JsonResponse({**_state(request), "error": error}, status=LOCKED)
    else:
        is_form = request.method == "POST"
        # A form that came from elsewhere is not carried: the password would give it the proof that it lacked.
        is_foreign = getattr(request, "refusal", "") == "csrf"
        text = held.hold(request) if is_form and not is_foreign else ""
        target = request.get_full_path() if request.method == "GET" else _referring_page(request)
        response = _lock_screen(request, UnlockForm(), target=target, form_held=text, lost=is_form and not text)
    return _never_stored(response)


def _wants_page(request: HttpRequest) -> bool:
    if request.headers.get("HX-Request") or request.headers.get("Accept", "").startswith("application/json"):
        return False
    return request.headers.get("Sec-Fetch-Mode", "navigate") == "navigate"


def _lock_screen(
    request: HttpRequest, form: UnlockForm, *, target: str, form_held: str = "", lost: bool = False
) -> HttpResponse:
    waiting = held.release(form_held, _person(request)) if form_held else None
    context = {
        "form": form,
        "target": target,
        "form_held": form_held,
        "waiting": waiting,
        "is_lost": lost,
        # The frame of a locked page shows nothing of what the page was about, and listens to nothing.
        "messages": [],
        "live_url": "",
        "session_page": None,
    }
    return render(request, "accounts/locked_screen.html", context, status=LOCKED)


def _person(request: HttpRequest) -> User:
    user = request.user
    assert isinstance(user, User)
    return user


def _state(request: HttpRequest) -> dict[str, Any]:
    """What a page's script is told: no more than how long it stays open, and whose it is."""
    standing = getattr(request, "session_standing", None)
    if standing is None or not request.user.is_authenticated:
        return {"state": "ended", "left": None, "person": "", "csrf": get_token(request)}
    return {
        "state": "locked" if standing.status is idle.Status.LOCKED else "open",
        "left": standing.seconds_left if standing.is_open else 0,
        "person": binding.person_mark(_person(request)),
        "csrf": get_token(request),
    }


def _never_stored(response: HttpResponse) -> HttpResponse:
    response["Cache-Control"] = "no-store, private"
    return response


def _referring_page(request: HttpRequest) -> str:
    return _safe(request, request.headers.get("Referer", ""))


def _safe(request: HttpRequest, target: str) -> str:
    """Return an address of this site as a path, or that of the start page."""
    return own_path(request, target) or reverse("accounts:home")


def sign_in_address(target: str) -> str:
    """Return the door that leads back to `target`."""
    door = "accounts:portal-login" if target.startswith(PORTAL) else "accounts:login"
    return f"{resolve_url(door)}?{urlencode({'next': target})}"


# --- Locking and unlocking ------------------------------------------------------------------------------------------


@public
@require_GET
def session_state(request: HttpRequest) -> HttpResponse:
    """Tell a page how its session stands. Asking is no activity."""
    return _never_stored(JsonResponse(_state(request)))


@public
@require_POST
def session_active(request: HttpRequest) -> HttpResponse:
    """Note that the person typed or moved in a page, `ago` seconds before."""
    standing = getattr(request, "session_standing", None)
    if standing is not None and standing.is_open:
        text = request.POST.get("ago", "")
        ago = min(int(text), 60) if text.isascii() and text.isdecimal() and len(text) < 4 else 0
        row_id = request.session_row_id  # type: ignore[attr-defined]
        due = idle.needs_touch(standing)
        idle.note_active(row_id, standing, was_touched=due and sessions.touch(row_id), seconds_ago=ago)
        request.session_standing = idle.standing(row_id)  # type: ignore[attr-defined]
    state = _state(request)
    return _never_stored(JsonResponse(state, status=LOCKED if state["state"] == "locked" else 200))


@signed_in
@require_POST
def session_lock(request: SignedInRequest) -> HttpResponse:
    """Lock this session now, as when leaving a shared computer."""
    sessions.lock(row_id=request.session_row_id, actor=request.user, why="asked")  # type: ignore[attr-defined]
    if not _wants_page(request):
        return HttpResponse(status=204)
    return redirect(_safe(request, request.POST.get("next", "")))


@sensitive_post_parameters("password")
@public
@require_POST
def session_unlock(request: HttpRequest) -> HttpResponse:
    """Open the locked session with the password, and go on where the person was."""
    target, form_held = _safe(request, request.POST.get("next", "")), request.POST.get("held", "")
    standing = getattr(request, "session_standing", None)
    if standing is None or not request.user.is_authenticated:
        return _ended(request, target)
    form = UnlockForm(request.POST)
    if not standing.is_open:
        try:
            is_right = form.is_valid() and _is_right(request, form.cleaned_data["password"])
        except lockout.TooManyTries:
            sessions.close(request.session_row_id, AccountSession.End.SIGNED_OUT)  # type: ignore[attr-defined]
            end_session(request)
            # The door answers, not the page of a lock-out.
            request.axes_locked_out = False  # type: ignore[attr-defined]
            return _ended(request, target)
        if not is_right:
            return _still_locked(request, form, target, form_held)
        if not sessions.unlock(row_id=request.session_row_id, actor=_person(request)):  # type: ignore[attr-defined]
            end_session(request)
            return _ended(request, target)
    return _opened(request, target, held.release(form_held, _person(request)))


def _is_right(request: HttpRequest, password: str) -> bool:
    user = _person(request)
    return lockout.attempt(request, user, lambda: user.check_password(password))


def _opened(request: HttpRequest, target: str, waiting: held.Held | None) -> HttpResponse:
    request.session_standing = idle.standing(request.session_row_id)  # type: ignore[attr-defined]
    if not _wants_page(request):
        return _never_stored(JsonResponse(_state(request)))
    if waiting is None:
        return redirect(target)
    return _never_stored(render(request, "accounts/locked_form_screen.html", {"waiting": waiting, "target": target}))


def _still_locked(request: HttpRequest, form: UnlockForm, target: str, form_held: str) -> HttpResponse:
    if form.is_valid():
        form.add_error(
            "password", _("This is not the password. Type it again; after five wrong tries you sign in anew.")
        )
    if not _wants_page(request):
        error = " ".join(str(text) for texts in form.errors.values() for text in texts)
        return _never_stored(JsonResponse({**_state(request), "error": error}, status=422))
    response = _lock_screen(request, form, target=target, form_held=form_held)
    response.status_code = 422
    return _never_stored(response)


def _ended(request: HttpRequest, target: str) -> HttpResponse:
    """The session is over: sign in, then the same address opens."""
    address = sign_in_address(target)
    if _wants_page(request):
        return redirect(address)
    return _never_stored(JsonResponse({"state": "ended", "left": None, "person": "", "address": address}))


# --- My sessions ----------------------------------------------------------------------------------------------------


@signed_in
@require_GET
def session_list(request: SignedInRequest) -> HttpResponse:
    """Where this person is signed in now."""
    rows = AccountSession.objects.visible_to(request.user).open().order_by("-last_seen_at", "-pk")
    here = request.session_row_id  # type: ignore[attr-defined]
    found = list(rows[:100])
    context = {
        "sessions": sorted(found, key=lambda row: row.pk != here),
        "here": here,
        "others": sum(row.pk != here for row in found),
        "base": "base_staff.html" if request.user.is_staff_member else "base_portal.html",
        "hours": settings.SESSION_COOKIE_AGE // 3600,
    }
    return render(request, "accounts/session_list_screen.html", context)


@signed_in
@require_POST
def session_end(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """End one of the own sessions; the present one is ended like a log-out."""
    row = get_object_or_404(AccountSession.objects.visible_to(request.user), pk=pk)
    if row.pk == request.session_row_id:  # type: ignore[attr-defined]
        door = "accounts:login" if request.user.is_staff_member else "accounts:portal-login"
        end_session(request)
        return redirect(door)
    sessions.end_one(row_id=row.pk, actor=request.user)
    messages.success(request, _("That session has ended."))
    return redirect("accounts:session-list")


@signed_in
@require_POST
def session_end_others(request: SignedInRequest) -> HttpResponse:
    """End all of the own sessions but this one."""
    count = sessions.end_others(actor=request.user, keep=request.session_row_id)  # type: ignore[attr-defined]
    text = ngettext("%(count)d other session has ended.", "%(count)d other sessions have ended.", count)
    messages.success(request, text % {"count": count} if count else _("You are signed in only here."))
    return redirect("accounts:session-list")

"""The ceremonies with passkeys: a question, kept in the session, and the one answer to it.

Each ceremony is two addresses that take and give JSON: `begin` answers {"options": ...} for the browser's API, the other one
{"redirect": ...} or {"error": sentence}. A question is good for one answer, for five minutes, for its purpose and for the
person it was asked of.
"""

from __future__ import annotations

import functools
import hashlib
import json
import time
from collections.abc import Callable
from typing import Any

from allauth.account.internal.flows.login import perform_login
from allauth.account.models import Login
from django.contrib import messages
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import resolve_url
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST
from django_otp_webauthn.models import WebAuthnCredential

from accounts import factors, lockout, passkeys, second_factor, step_up
from accounts.errors import FactorNeeded, PasskeyExpired
from accounts.guards import SignedInRequest, public, signed_in
from accounts.models import User
from accounts.passkeys import Purpose
from accounts.second_factor import SecondFactorStage
from core.errors import DomainError, TooManyRequests
from core.http import status_of

ASKED = "passkeys_asked"  # session: the open questions, newest last
ASKED_SECONDS = 300
ASKED_AT_ONCE = 5  # one for each of a few tabs
BODY_LIMIT = 128 * 1024

View = Callable[..., HttpResponse]


class PasskeyRequest(HttpRequest):
    """A request behind `_speaks_json`. For annotations."""

    data: dict[str, Any]


def _speaks_json(view: View) -> View:
    """Give the view the JSON object it was sent, as `request.data`, and say broken rules in JSON."""

    @functools.wraps(view)
    def spoken(request: Any) -> HttpResponse:
        try:
            request.data = _object_in(request)
            response = view(request)
        except DomainError as error:
            response = JsonResponse({"error": str(error)}, status=status_of(error))
            if isinstance(error, TooManyRequests):
                response["Retry-After"] = str(error.retry_after_seconds)
        response["Cache-Control"] = "no-store, private"
        return response

    return spoken


def _object_in(request: HttpRequest) -> dict[str, Any]:
    try:
        length = int(request.META.get("CONTENT_LENGTH") or 0)
        found = json.loads(request.body or b"{}") if length <= BODY_LIMIT else {}
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _sign_in_first(request: HttpRequest) -> HttpResponse:
    return _to(resolve_url("accounts:login"))


# --- Sign-in without a password -------------------------------------------------------------------------------------


@public
@require_POST
@_speaks_json
def sign_in_begin(request: PasskeyRequest) -> HttpResponse:
    """Ask any passkey of this house who is there. `door` says which kind of account may come in."""
    door = request.data.get("door")
    if request.user.is_authenticated:
        return _to(resolve_url("accounts:home"))
    if door not in User.Kind.values:
        raise passkeys.refused()
    return _ask(request, Purpose.SIGN_IN, *passkeys.ask_to_prove(Purpose.SIGN_IN, None), door=str(door))


@public
@require_POST
@_speaks_json
def sign_in(request: PasskeyRequest) -> HttpResponse:
    """Sign the owner of the passkey in, through every other stage of a sign-in."""
    answer = request.data.get("credential")
    asked = _asked(request, Purpose.SIGN_IN, answer)

    def check() -> WebAuthnCredential | None:
        return passkeys.prove(purpose=Purpose.SIGN_IN, answer=answer, challenge=asked["challenge"], kind=asked["door"])

    owner = passkeys.owner_of(answer)
    credential = lockout.attempt(request, owner, check) if owner is not None else check()
    if credential is None:
        raise passkeys.refused()
    login = Login(
        user=credential.user,
        redirect_url=_page_behind(request, asked["door"]),
        state={"stages": {second_factor.STAGE: {"data": {"device": credential.persistent_id}}}},
    )
    response = perform_login(request, login)
    if not request.user.is_authenticated or "Location" not in response:
        raise passkeys.refused()
    second_factor.mark_proven(request, credential)
    return _to(response["Location"])


# --- Inside the sign-in ---------------------------------------------------------------------------------------------


@public
@require_POST
@_speaks_json
@second_factor.in_sign_in(otherwise=_sign_in_first)
def verify_begin(request: PasskeyRequest, stage: SecondFactorStage) -> HttpResponse:
    """Ask for a passkey of the person whose sign-in waits."""
    user = stage.login.user
    return _ask(request, Purpose.VERIFY, *passkeys.ask_to_prove(Purpose.VERIFY, user), user=user)


@public
@require_POST
@_speaks_json
@second_factor.in_sign_in(otherwise=_sign_in_first)
def verify(request: PasskeyRequest, stage: SecondFactorStage) -> HttpResponse:
    """Take the passkey as second factor."""
    try:
        credential = _proof(request, Purpose.VERIFY, stage.login.user)
    except lockout.TooManyTries:
        stage.abort()
        raise
    return _to(second_factor.finish(stage, credential)["Location"])


@public
@require_POST
@_speaks_json
@second_factor.in_sign_in(otherwise=_sign_in_first)
def enrol_begin(request: PasskeyRequest, stage: SecondFactorStage) -> HttpResponse:
    """Ask for a new passkey of a person whose sign-in waits and who must have a factor."""
    user = stage.login.user
    _must_be_without_factor(user)
    return _ask(request, Purpose.ENROL, *passkeys.ask_to_register(user), user=user)


@public
@require_POST
@_speaks_json
@second_factor.in_sign_in(otherwise=_sign_in_first)
def enrol(request: PasskeyRequest, stage: SecondFactorStage) -> HttpResponse:
    """Keep the first factor of the person whose sign-in waits, and go on to the backup codes."""
    _must_be_without_factor(stage.login.user)
    credential = _new_passkey(request, Purpose.ENROL, stage.login.user)
    return _to(second_factor.finish_enrolment(stage, credential)["Location"])


# --- Signed in ------------------------------------------------------------------------------------------------------


@signed_in
@require_POST
@_speaks_json
def confirm_begin(request: SignedInRequest) -> HttpResponse:
    """Ask for a passkey of the person who is signed in."""
    return _ask(request, Purpose.CONFIRM, *passkeys.ask_to_prove(Purpose.CONFIRM, request.user), user=request.user)


@signed_in
@require_POST
@_speaks_json
def confirm(request: SignedInRequest) -> HttpResponse:
    """Note that the person is there, and go back to the page that asked."""
    credential = _proof(request, Purpose.CONFIRM, request.user)
    step_up.prove(request, credential)
    return _to(_next(request))


@signed_in
@require_POST
@_speaks_json
def add_begin(request: SignedInRequest) -> HttpResponse:
    """Ask for a further passkey of a person who has just proven a factor."""
    if not _may_add(request):
        return _to(step_up.challenge(request, back_to=resolve_url("accounts:device-list"))["Location"])
    return _ask(request, Purpose.ADD, *passkeys.ask_to_register(request.user), user=request.user)


@signed_in
@require_POST
@_speaks_json
def add(request: SignedInRequest) -> HttpResponse:
    """Keep a further passkey; other devices are signed out. People without backup codes go on to these."""
    devices = resolve_url("accounts:device-list")
    if not _may_add(request):
        return _to(step_up.challenge(request, back_to=devices)["Location"])
    credential = _new_passkey(request, Purpose.ADD, request.user)
    second_factor.keep_session(request, None if second_factor.is_verified(request.user) else credential)
    messages.success(request, _("The passkey is added. Other devices have been signed out."))
    has_codes = factors.methods_of(request.user).backup_codes_left > 0
    return _to(devices if has_codes else second_factor.backup_codes_address(devices))


# --- Questions and answers ------------------------------------------------------------------------------------------


def _ask(
    request: HttpRequest,
    purpose: Purpose,
    options: dict[str, Any],
    challenge: str,
    *,
    user: Any = None,
    door: str = "",
) -> HttpResponse:
    question = {
        "challenge": challenge,
        "purpose": purpose.value,
        "user": str(user.pk) if user is not None else "",
        "door": door,
        "at": int(time.time()),
    }
    request.session[ASKED] = [*request.session.get(ASKED, ())[1 - ASKED_AT_ONCE :], question]
    return JsonResponse({"options": options})


def _asked(request: HttpRequest, purpose: Purpose, answer: Any, *, user: Any = None) -> dict[str, Any]:
    """Take the question of an answer out of the session, before anything is made of the answer.

    The session alone does not stop two requests at once, which both read it: the cache lets one of them pass.

    Raises:
        PasskeyExpired: there is no such question, it is too old, was answered, or was asked of somebody or for something else.
    """
    challenge = passkeys.challenge_in(answer)
    questions = request.session.get(ASKED, [])
    question = next((one for one in questions if one["challenge"] == challenge), None)
    if question is not None:
        request.session[ASKED] = [one for one in questions if one is not question]
        digest = hashlib.sha256(challenge.encode()).hexdigest()
        is_first = cache.add(f"passkey-answered:{digest}", 1, 2 * ASKED_SECONDS)
        is_ours = question["purpose"] == purpose and question["user"] == (str(user.pk) if user is not None else "")
        if is_first and is_ours and 0 <= time.time() - question["at"] < ASKED_SECONDS:
            return question
    raise PasskeyExpired(_("This took too long or was answered before. Try again."))


def _proof(request: Any, purpose: Purpose, user: Any) -> WebAuthnCredential:
    """Return the passkey with which `user` answered; a wrong answer is counted like a wrong code."""
    answer = request.data.get("credential")
    asked = _asked(request, purpose, answer, user=user)
    credential = lockout.attempt(
        request,
        user,
        lambda: passkeys.prove(purpose=purpose, answer=answer, challenge=asked["challenge"], user_id=user.pk),
    )
    if credential is None:
        raise passkeys.refused()
    return credential


def _new_passkey(request: Any, purpose: Purpose, user: Any) -> WebAuthnCredential:
    answer = request.data.get("credential")
    asked = _asked(request, purpose, answer, user=user)
    return passkeys.register_passkey(
        purpose=purpose,
        user_id=user.pk,
        answer=answer,
        challenge=asked["challenge"],
        user_agent=request.headers.get("User-Agent", ""),
    )


def _must_be_without_factor(user: Any) -> None:
    if second_factor.has_factor(user) or not second_factor.must_have_factor(user):
        raise FactorNeeded(_("This account has a second factor by now. Sign in again and use it."))


def _may_add(request: SignedInRequest) -> bool:
    """True with a factor proven just now. A session that proved none never adds one beside a factor that is there."""
    user = request.user
    return step_up.is_fresh(request) and (second_factor.is_verified(user) or not second_factor.has_factor(user))


def _next(request: Any) -> str:
    target = request.data.get("next")
    return second_factor.safe_target(request, target if isinstance(target, str) else "")


def _page_behind(request: Any, door: str) -> str:
    """Return the page asked for, when it lies behind this door."""
    target = _next(request)
    is_behind = target.startswith("/portal/") == (door == User.Kind.PATIENT)
    return target if is_behind else resolve_url("accounts:home")


def _to(address: str) -> HttpResponse:
    return JsonResponse({"redirect": address})

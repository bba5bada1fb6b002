"""The second factor inside the sign-in: who needs one, and the stage between the password and the session.

One store: django-otp devices. The password alone signs nobody in who has a factor or must have one; until the factor is
proven the session names no user at all (allauth keeps the waiting sign-in apart).
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from typing import Any, cast

from allauth.account.internal import flows  # noqa: F401 - before stages, which import each other with it
from allauth.account.stages import LoginStage, LoginStageController
from django.contrib.auth import update_session_auth_hash
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.crypto import constant_time_compare
from django.utils.http import urlencode
from django_otp import DEVICE_ID_SESSION_KEY
from django_otp.models import Device
from django_otp_webauthn.models import WebAuthnCredential

from accounts.models import TotpDevice, User
from core.http import own_path

STAGE = "second_factor"
FACTOR_AT = "factor_at"  # session: when a factor was last proven, seconds since 1970


def must_have_factor(user: User) -> bool:
    """True for everybody on the staff side; patients may have one."""
    return user.is_staff_member


def has_factor(user: User) -> bool:
    """True when the account has an authenticator app or a passkey. Backup codes alone are none. Two statements at most."""
    return (
        TotpDevice.objects.filter(user=user, confirmed=True).exists()
        or WebAuthnCredential.objects.filter(user=user, confirmed=True).exists()
    )


def is_verified(user: Any) -> bool:
    """True when this session proved a second factor."""
    check = getattr(user, "is_verified", None)
    return bool(check and check())


def is_complete(user: User) -> bool:
    """True when the session of `user` may be used: the factor is proven, or the account may go without."""
    return is_verified(user) or not must_have_factor(user)


class SecondFactorStage(LoginStage):
    """Holds the sign-in until a factor is proven, or enrolled by staff who have none yet."""

    key = STAGE
    urlname = "accounts:factor-verify"

    def handle(self) -> tuple[HttpResponse | None, bool]:
        user = cast(User, self.login.user)
        self.state.setdefault("auth_hash", user.get_session_auth_hash())
        device_id = self.state.get("device")
        if device_id:
            device = Device.from_persistent_id(device_id)
            if device is not None and device.user_id == user.pk and device.confirmed:
                cast(Any, user).otp_device = device
                return None, True
        if has_factor(user):
            return redirect("accounts:factor-verify"), True
        if must_have_factor(user):
            return redirect("accounts:factor-enrol"), True
        return None, True

    def abort(self) -> HttpResponse:
        """Forget the waiting sign-in and go back to the door it came through."""
        from allauth.account.internal.stagekit import clear_login

        clear_login(self.request)
        user = cast(User, self.login.user)
        return redirect("accounts:login" if user.is_staff_member else "accounts:portal-login")


def waiting_stage(request: HttpRequest) -> SecondFactorStage | None:
    """Return the stage of the sign-in that waits in this session, or None.

    None as well when the account was closed, or its password, roles or factors changed, since the password was right.
    """
    if request.user.is_authenticated:
        return None
    stage = cast("SecondFactorStage | None", LoginStageController.enter(request, STAGE))
    if stage is None or stage.login.user is None:
        return None
    user = cast(User, stage.login.user)
    if user.is_active and constant_time_compare(stage.state.get("auth_hash", ""), user.get_session_auth_hash()):
        return stage
    stage.abort()
    return None


def in_sign_in(otherwise: Callable[[Any], HttpResponse]) -> Callable[[Callable[..., HttpResponse]], Any]:
    """Give the view the stage of the sign-in that waits in this session, as `stage`; without one, `otherwise` answers."""

    def decorate(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
        @functools.wraps(view)
        def checked(request: HttpRequest) -> HttpResponse:
            stage = waiting_stage(request)
            return otherwise(request) if stage is None else view(request, stage)

        return checked

    return decorate


def finish(stage: SecondFactorStage, device: Device) -> HttpResponse:
    """Sign the waiting person in with the factor just proven; the answer leads to the page asked for.

    The session is made for the account as it was when the password was right: what ended all sessions meanwhile (other
    roles, a reset of the factors) ends this one too.
    """
    user = cast(User, stage.login.user)
    user.refresh_from_db(fields=["is_active"])
    if not user.is_active:
        return stage.abort()
    stage.state["device"] = device.persistent_id
    cast(Any, user).otp_device = device
    response = stage.exit()
    if stage.request.user.is_authenticated:
        mark_proven(stage.request, device)
    return response


def finish_enrolment(stage: SecondFactorStage, device: Device) -> HttpResponse:
    """Sign the waiting person in with the factor just enrolled; the answer leads over the backup codes."""
    # Enrolling has just ended all sessions; not the one that begins here.
    cast(User, stage.login.user).session_epoch = device.user.session_epoch
    return redirect(backup_codes_address(finish(stage, device).get("Location", "")))


def backup_codes_address(then: str) -> str:
    """Return the address of the page that makes backup codes and leads on to `then`."""
    return f"{reverse('accounts:backup-codes')}?{urlencode({'next': then})}"


def mark_proven(request: HttpRequest, device: Device | None = None) -> None:
    """Note that a factor was proven just now in this session, and which one."""
    request.session[FACTOR_AT] = int(time.time())
    if device is not None:
        request.session[DEVICE_ID_SESSION_KEY] = device.persistent_id


def keep_session(request: HttpRequest, device: Device | None = None) -> None:
    """Let this session go on after the person's factors changed and all of their sessions were ended.

    With `device`, a factor just added and proven, the session counts as verified by it.
    """
    user = cast(User, request.user)
    user.refresh_from_db(fields=["session_epoch"])
    update_session_auth_hash(request, user)
    if device is not None:
        mark_proven(request, device)


def safe_target(request: HttpRequest, target: str, otherwise: str = "") -> str:
    """Return `target` when it is an address of this site, else `otherwise` (the start page)."""
    return own_path(request, target) or otherwise or reverse("accounts:home")


def name_hint(user: User) -> str:
    """Return enough of the user name to know one's own, and too little to learn somebody else's."""
    name = user.username
    return f"{name[:2]}•••{name[-1]}" if len(name) > 5 else f"{name[:1]}•••"

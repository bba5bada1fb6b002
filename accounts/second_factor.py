"""The second factor inside the sign-in: who needs one, and the stage between the password and the session.

One store: django-otp devices. The password alone signs nobody in who has a factor or must have one; until the factor is
proven the session names no user at all (allauth keeps the waiting sign-in apart).
"""

from __future__ import annotations

import time
from typing import Any, cast

from allauth.account.internal import flows  # noqa: F401 - before stages, which import each other with it
from allauth.account.stages import LoginStage, LoginStageController
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django_otp import DEVICE_ID_SESSION_KEY
from django_otp.models import Device
from django_otp_webauthn.models import WebAuthnCredential

from accounts.models import TotpDevice, User

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
        from allauth.account.internal.stagekit import clear_login

        clear_login(self.request)
        return redirect("accounts:login")


def waiting_stage(request: HttpRequest) -> SecondFactorStage | None:
    """Return the stage of the sign-in that waits in this session, or None: none waits, or the account was closed."""
    stage = LoginStageController.enter(request, STAGE)
    if stage is None or stage.login.user is None or not stage.login.user.is_active:
        return None
    return cast(SecondFactorStage, stage)


def finish(stage: SecondFactorStage, device: Device) -> HttpResponse:
    """Sign the waiting person in with the factor just proven; the answer leads to the page asked for."""
    stage.state["device"] = device.persistent_id
    cast(Any, stage.login.user).otp_device = device
    return stage.exit()


def mark_proven(request: HttpRequest, device: Device | None = None) -> None:
    """Note that a factor was proven just now in this session, and which one."""
    request.session[FACTOR_AT] = int(time.time())
    if device is not None:
        request.session[DEVICE_ID_SESSION_KEY] = device.persistent_id

"""Changes of second factors. Each one is audited, told to the account's owner, and ends the account's other sessions.

Lock order: the account, then its devices. Keys and codes are in no log, no session and no mail.
"""

from __future__ import annotations

import math
import re
import time
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.contrib.auth.models import AnonymousUser
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django_otp.models import Device
from django_otp_webauthn.models import WebAuthnCredential

import audit
from accounts import sessions
from accounts.errors import FactorNeeded, LastFactor, NoFactor, NoSuchDevice, PendingDeviceGone, WrongCode
from accounts.models import BackupCodeDevice, TotpDevice, User
from accounts.models.factors import BACKUP_CODE_BYTES, TOTP_DIGITS
from accounts.second_factor import has_factor, must_have_factor
from core import clock, outbound
from core.db import retry_transaction
from core.errors import InvalidInput
from core.ids import uuid7
from core.text import clean_line

PENDING_FOR = timedelta(minutes=15)
# Waits double with each wrong code and stop growing here (2^10 s, about 17 minutes): somebody who knows the password and
# guesses codes from many addresses gets fewer than 300 in a million right in a year, and cannot lock the owner out for good.
MOST_FAILURES = 11
FEW_CODES = 2
NAME_LENGTH = 64
BACKUP_LENGTH = BACKUP_CODE_BYTES * 8 // 5


@dataclass(frozen=True)
class Methods:
    """How an account can prove a second factor."""

    app: bool
    passkey: bool
    backup_codes_left: int

    @property
    def any(self) -> bool:
        return self.app or self.passkey


@dataclass(frozen=True)
class Proof:
    """What became of one try: right, with the device that took the code (none for a password), or why not."""

    is_right: bool = False
    device: Device | None = None
    reason: str = ""

    def __bool__(self) -> bool:
        return self.is_right


def methods_of(user: User) -> Methods:
    """Return how `user` can prove a second factor. Three statements."""
    codes = BackupCodeDevice.objects.filter(user=user).first()
    return Methods(
        app=TotpDevice.objects.filter(user=user, confirmed=True).exists(),
        passkey=WebAuthnCredential.objects.filter(user=user, confirmed=True).exists(),
        backup_codes_left=codes.left if codes else 0,
    )


# --- Proving --------------------------------------------------------------------------------------------------------


def plain_code(typed: str) -> str:
    """Return a code without the spaces and hyphens that people put between its parts."""
    return re.sub(r"[\s-]", "", typed)


def wait_seconds(user: User, *, backup: bool = False) -> int:
    """Return for how many seconds no code of `user` is looked at, because the ones before were wrong; 0 for none."""
    model = BackupCodeDevice if backup else TotpDevice
    return max((_wait_of(device) for device in model.objects.filter(user=user, confirmed=True)), default=0)


def check_code(*, user_id: UUID, code: str, purpose: str) -> Proof:
    """Take a code of one of the account's authenticator apps, once. `purpose` is for the log: "sign_in" or "confirm".

    A wrong code makes the next one wait. Call it through `accounts.lockout.attempt`.
    """
    proof, why = _check_code(user_id, plain_code(code), purpose)
    if why:
        _refused(user_id, "app", why)
    return proof


@retry_transaction
def _check_code(user_id: UUID, code: str, purpose: str) -> tuple[Proof, str]:
    user = _locked_active(user_id)
    devices = list(
        TotpDevice.objects.select_for_update().filter(user_id=user_id, confirmed=True).order_by("pk") if user else ()
    )
    if user is None or not devices:
        return Proof(reason=_wrong()), "wrong"
    if seconds := max(_wait_of(device) for device in devices):
        return Proof(reason=wait_sentence(seconds)), "wait"
    was_used = False
    for device in devices:
        steps = device.matching_steps(code, time.time())
        fresh = [step for step in steps if step > device.last_t]
        if fresh:
            device.accept(fresh[0])
            _forget_failures([other for other in devices if other.throttling_failure_count])
            audit.record("accounts.factor.proven", actor=user, target=user, detail={"kind": "app", "purpose": purpose})
            return Proof(is_right=True, device=device), ""
        was_used = was_used or bool(steps)
    for device in devices:
        _count_failure(device)
    if was_used:
        return Proof(reason=_("This code was used already. Wait for the next one in your app.")), "used"
    return Proof(reason=_wrong()), "wrong"


def check_backup_code(*, user_id: UUID, code: str, purpose: str) -> Proof:
    """Take a backup code, once, and write to the account's owner. Call it through `accounts.lockout.attempt`."""
    proof, why = _check_backup_code(user_id, plain_code(code), purpose)
    if why:
        _refused(user_id, "backup_code", why)
    return proof


@retry_transaction
def _check_backup_code(user_id: UUID, code: str, purpose: str) -> tuple[Proof, str]:
    user = _locked_active(user_id)
    device = (
        BackupCodeDevice.objects.select_for_update().filter(user_id=user_id, confirmed=True).first() if user else None
    )
    wrong = Proof(reason=_("This is none of your unused backup codes. Check it, or use another one."))
    if user is None or device is None:
        return wrong, "wrong"
    if seconds := _wait_of(device):
        return Proof(reason=wait_sentence(seconds)), "wait"
    if not device.verify_token(code):
        _cap_failures(device)
        return wrong, "wrong"
    left = device.left
    audit.record(
        "accounts.factor.proven",
        actor=user,
        target=user,
        detail={"kind": "backup_code", "purpose": purpose, "left": left},
    )
    outbound.mail(
        template="backup_code_used",
        to=user.email,
        language=user.language,
        context={"name": user.full_name, "used_at": clock.now(), "left": left, "path": reverse("accounts:device-list")},
        dedupe_key=f"backup_code_used:{uuid7()}",
        recipient_user=user,
    )
    outbound.notify(
        recipients=[user],
        kind="backup_codes_few" if left <= FEW_CODES else "backup_code_used",
        params={"left": left},
        path=reverse("accounts:device-list"),
    )
    return Proof(is_right=True, device=device), ""


def wait_sentence(seconds: int) -> str:
    """Return the sentence that says how long no code is looked at."""
    if seconds < 60:
        return ngettext(
            "The code before was wrong. Wait %(seconds)d second, then enter a new one.",
            "The codes before were wrong. Wait %(seconds)d seconds, then enter a new one.",
            seconds,
        ) % {"seconds": seconds}
    minutes = math.ceil(seconds / 60)
    return ngettext(
        "Too many codes were wrong. Wait %(minutes)d minute, then enter a new one.",
        "Too many codes were wrong. Wait %(minutes)d minutes, then enter a new one.",
        minutes,
    ) % {"minutes": minutes}


# --- Adding ---------------------------------------------------------------------------------------------------------


@retry_transaction
def start_app(*, user_id: UUID, is_proven: bool) -> TotpDevice:
    """Make the row of an authenticator app that is still to prove its first code, and return it.

    Each session makes its own: a key that was shown to one is never shown to another. `is_proven`: this session has
    proven a factor of the account; without that nothing can be added beside a factor.

    Raises:
        FactorNeeded: the account has a factor and this session did not prove it.
    """
    user = _locked(user_id)
    _must_not_be_beside(user, is_proven=is_proven)
    TotpDevice.objects.filter(user=user, confirmed=False, created_at__lt=clock.now() - PENDING_FOR).delete()
    return TotpDevice.objects.create(user=user, name="", confirmed=False)


def pending_app(user: User, device_id: Any) -> TotpDevice | None:
    """Return the app that this session is setting up, or None when there is none, or it waited too long."""
    if not isinstance(device_id, int):
        return None
    return TotpDevice.objects.filter(
        pk=device_id, user=user, confirmed=False, created_at__gte=clock.now() - PENDING_FOR
    ).first()


@retry_transaction
def confirm_app(*, user_id: UUID, device_id: int, code: str, name: str, is_proven: bool) -> TotpDevice:
    """Make a new authenticator app a factor by its first code, which cannot be used again. Other sessions end.

    Raises:
        FactorNeeded: the account got a factor meanwhile, and this session did not prove it.
        PendingDeviceGone: the row is not there any more.
        WrongCode: it is not the present code of the app.
    """
    user = _locked(user_id)
    _must_not_be_beside(user, is_proven=is_proven)
    device = (
        TotpDevice.objects.select_for_update()
        .filter(pk=device_id, user=user, confirmed=False, created_at__gte=clock.now() - PENDING_FOR)
        .first()
    )
    if device is None or not user.is_active:
        raise PendingDeviceGone(_("Setting up took too long. Start again and scan the new picture."))
    steps = device.matching_steps(plain_code(code), time.time())
    if not steps:
        raise WrongCode(_wrong())
    device.name, device.confirmed = _device_name(name, _("Authenticator app")), True
    device.accept(steps[-1])
    device.user = user  # with the session epoch of this very change, for the sign-in that goes on
    TotpDevice.objects.filter(user=user, confirmed=False).delete()
    changed(user, "app_added", actor=user, target=device)
    return device


@retry_transaction
def make_backup_codes(*, user_id: UUID) -> list[str]:
    """Replace the account's backup codes and return the new ones, which cannot be shown again. Other sessions end.

    Raises:
        NoFactor: backup codes stand in for a factor; without one there is nothing to stand in for.
    """
    user = _locked(user_id)
    if not has_factor(user):
        raise NoFactor(_("Add an authenticator app or a passkey first."))
    device, _made = BackupCodeDevice.objects.select_for_update().get_or_create(
        user=user, defaults={"name": "backup codes"}
    )
    codes = device.make_codes()
    _forget_failures([device])
    changed(user, "codes_made", actor=user, target=device)
    return codes


# --- My devices -----------------------------------------------------------------------------------------------------


def app_of(user: User, pk: int) -> TotpDevice | None:
    """Return an authenticator app of `user`, or None: nobody else's is found."""
    return TotpDevice.objects.filter(user=user, confirmed=True, pk=pk).first()


def passkey_of(user: User, pk: int) -> WebAuthnCredential | None:
    """Return a passkey of `user`, or None: nobody else's is found."""
    return WebAuthnCredential.objects.filter(user=user, confirmed=True, pk=pk).first()


def apps_of(user: User) -> list[TotpDevice]:
    return list(TotpDevice.objects.filter(user=user, confirmed=True).order_by("pk"))


def passkeys_of(user: User) -> list[WebAuthnCredential]:
    return list(WebAuthnCredential.objects.filter(user=user, confirmed=True).order_by("pk"))


@retry_transaction
def rename_app(*, user_id: UUID, device_id: int, name: str) -> TotpDevice:
    """Give an authenticator app another name.

    Raises:
        NoSuchDevice: it was removed meanwhile.
        InvalidInput: the name is empty or too long.
    """
    user = _locked(user_id)
    device = _app_for_change(user, device_id)
    device.name = _device_name(name)
    device.save(update_fields=["name"])
    audit.record("accounts.factor.renamed", actor=user, target=device, detail={"kind": "app"})
    return device


@retry_transaction
def remove_app(*, user_id: UUID, device_id: int) -> None:
    """Remove an authenticator app. Other sessions end.

    Raises:
        NoSuchDevice: it was removed meanwhile.
        LastFactor: staff would be left without a factor.
    """
    user = _locked(user_id)
    device = _app_for_change(user, device_id)
    must_leave_a_factor(user, without=device)
    target = TotpDevice(pk=device.pk)
    device.delete()
    forget_backup_codes_without_factor(user)
    changed(user, "app_removed", actor=user, target=target)


def must_leave_a_factor(user: User, *, without: Device) -> None:
    """Refuse to take the last factor from somebody who must have one. Call it with the account locked.

    Raises:
        LastFactor: it is the last one of a member of staff.
    """
    if not must_have_factor(user):
        return
    left = [*apps_of(user), *passkeys_of(user)]
    if not [device for device in left if device.persistent_id != without.persistent_id]:
        raise LastFactor(_("This is your last device for signing in. Add the new one first, then remove this one."))


def forget_backup_codes_without_factor(user: User) -> None:
    """Delete the backup codes of an account that has no factor left. Call it with the account locked."""
    if not has_factor(user):
        BackupCodeDevice.objects.filter(user=user).delete()


def changed(user: User, change: str, *, actor: User | None, target: Any) -> None:
    """Write down a change of somebody's factors, tell them, and end their sessions; in its transaction, account locked.

    `change` is one of app_added, app_removed, passkey_added, passkey_removed, codes_made. The person's own session is kept
    by `second_factor.keep_session` afterwards.
    """
    audit.record(f"accounts.factor.{change}", actor=actor, target=target)
    sessions.end_all(user)
    outbound.mail(
        template="factor_changed",
        to=user.email,
        language=user.language,
        context={
            "name": user.full_name,
            "change": change,
            "changed_at": clock.now(),
            "path": reverse("accounts:device-list"),
        },
        dedupe_key=f"factor_changed:{uuid7()}",
        recipient_user=user,
    )
    outbound.notify(recipients=[user], kind=f"factor_{change}", path=reverse("accounts:device-list"))


# --- Parts ----------------------------------------------------------------------------------------------------------


def _locked(user_id: UUID) -> User:
    return User.objects.select_for_update().get(pk=user_id)


def _locked_active(user_id: UUID) -> User | None:
    """Lock the account; None when it was closed meanwhile."""
    return User.objects.select_for_update().filter(pk=user_id, is_active=True).first()


def _app_for_change(user: User, device_id: int) -> TotpDevice:
    device = TotpDevice.objects.select_for_update().filter(pk=device_id, user=user, confirmed=True).first()
    if device is None:
        raise NoSuchDevice(_("This device was removed meanwhile."))
    return device


def _must_not_be_beside(user: User, *, is_proven: bool) -> None:
    if not is_proven and has_factor(user):
        raise FactorNeeded(_("This account has a second step for signing in already. Use it."))


def _device_name(name: str, otherwise: str = "") -> str:
    text = clean_line(name) or otherwise
    if not text or len(text) > NAME_LENGTH:
        raise InvalidInput(_("Enter a name of 1 to 64 letters."))
    return text


def _wait_of(device: Any) -> int:
    is_allowed, why = device.verify_is_allowed()
    if is_allowed:
        return 0
    return max(1, math.ceil((why["locked_until"] - clock.now()).total_seconds()))


def _count_failure(device: Any) -> None:
    device.throttle_increment(commit=True)
    _cap_failures(device)


def _cap_failures(device: Any) -> None:
    if device.throttling_failure_count > MOST_FAILURES:
        device.throttling_failure_count = MOST_FAILURES
        device.save(update_fields=["throttling_failure_count"])


def _forget_failures(devices: list[Any]) -> None:
    for device in devices:
        device.throttle_reset(commit=True)


def _refused(user_id: UUID, kind: str, why: str) -> None:
    audit.record_refusal(
        "accounts.factor.refused", actor=AnonymousUser(), target=User(pk=user_id), detail={"kind": kind, "why": why}
    )


def _wrong() -> str:
    return _("This code is not right. Enter the %(digits)d digits your app shows now.") % {"digits": TOTP_DIGITS}

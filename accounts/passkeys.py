"""Passkeys: what is asked of an authenticator, whether its answer proves anything, and the rows of people's passkeys.

The rows, the options and the checks of signatures are those of django-otp-webauthn and webauthn. Their views are not used:
they sign people in past our doors (docs/adr/0017). The ceremonies themselves are in `accounts.passkey_views`.

An answer is text from a stranger. It is cut down to the known parts before a parser sees it, and whatever the parsers make
of it is a refusal, never a fault.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable
from enum import StrEnum
from typing import Any, TypeVar, cast
from uuid import UUID

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.db import IntegrityError, models, transaction
from django.urls import reverse
from django.utils import formats
from django.utils.translation import gettext as _
from django_otp_webauthn.helpers import WebAuthnHelper
from django_otp_webauthn.models import WebAuthnCredential, WebAuthnUserHandle
from webauthn import base64url_to_bytes, verify_authentication_response, verify_registration_response
from webauthn.authentication.verify_authentication_response import VerifiedAuthentication
from webauthn.helpers import parse_registration_credential_json
from webauthn.helpers.structs import AuthenticatorTransport, UserVerificationRequirement

import audit
from accounts import factors, second_factor
from accounts.errors import FactorNeeded, NoSuchDevice, PasskeyKnown, PasskeyRefused
from accounts.models import User
from audit.browsers import family
from core import clock, outbound
from core.db import locked, retry_transaction
from core.errors import InvalidInput
from core.text import clean_line

logger = logging.getLogger(__name__)

MAX_PASSKEYS = 20  # of one account; more than anybody has devices
NAME_LENGTH = 64  # the column's
LONGEST_PART = 32_768  # letters of one part of an answer; real ones stay below 2,000
BASE64URL = re.compile(r"[A-Za-z0-9_-]+={0,2}", re.ASCII)
TRANSPORTS = frozenset(transport.value for transport in AuthenticatorTransport)

T = TypeVar("T")


class Purpose(StrEnum):
    """What one question to an authenticator is for. The answer to one is good for nothing else."""

    SIGN_IN = "sign_in"  # without a password
    VERIFY = "verify"  # second factor of a sign-in
    ENROL = "enrol"  # first passkey, inside the sign-in
    CONFIRM = "confirm"  # proof of presence of a signed-in person
    ADD = "add"  # further passkey of a signed-in person


# A passkey that replaces the password must ask for finger, face or PIN. After a password it is one thing of two, and
# a plain security key is enough; a step-up asks when the authenticator can.
VERIFICATION = {
    Purpose.SIGN_IN: UserVerificationRequirement.REQUIRED,
    Purpose.VERIFY: UserVerificationRequirement.DISCOURAGED,
    Purpose.CONFIRM: UserVerificationRequirement.PREFERRED,
}


def own_passkeys(user: User) -> models.QuerySet[WebAuthnCredential]:
    """Return the passkeys of `user`, oldest first; of nobody else."""
    return WebAuthnCredential.objects.filter(user=user, confirmed=True).order_by("created_at", "pk")


def refused() -> PasskeyRefused:
    """Return the one refusal. It tells a stranger nothing about accounts, doors or passkeys."""
    return PasskeyRefused(_("This passkey was not accepted. Try again, or choose another way."))


# --- Questions ------------------------------------------------------------------------------------------------------


def ask_to_register(user: User) -> tuple[dict[str, Any], str]:
    """Return the options of `navigator.credentials.create` for a passkey of `user`, and their challenge.

    Raises:
        InvalidInput: the account has as many passkeys as it may have.
    """
    if own_passkeys(user).count() >= MAX_PASSKEYS:
        raise InvalidInput(_("You have %(count)d passkeys. Remove one first.") % {"count": MAX_PASSKEYS})
    options, _state = _helper().register_begin(user=user)
    return options, options["challenge"]


def ask_to_prove(purpose: Purpose, user: User | None) -> tuple[dict[str, Any], str]:
    """Return the options of `navigator.credentials.get`, and their challenge. Without `user` any passkey may answer."""
    wanted = VERIFICATION[purpose]
    options, _state = _helper().authenticate_begin(user=user, require_user_verification=user is None)
    options["userVerification"] = wanted.value
    return options, options["challenge"]


def challenge_in(answer: Any) -> str:
    """Return the challenge that an answer claims to answer, unchecked; "" when there is none, or another site asked."""
    try:
        found = json.loads(base64url_to_bytes(_parts(answer, "clientDataJSON")["response"]["clientDataJSON"]))
    except (PasskeyRefused, ValueError, RecursionError):
        return ""
    if not isinstance(found, dict) or found.get("crossOrigin"):
        return ""
    challenge = found.get("challenge")
    return challenge if isinstance(challenge, str) else ""


# --- Answers --------------------------------------------------------------------------------------------------------


def owner_of(answer: Any) -> User | None:
    """Return the account that the passkey of an answer belongs to. Nothing is proven yet."""
    try:
        credential = _find(_parts(answer))
    except PasskeyRefused:
        return None
    return credential.user if credential is not None else None


def prove(
    *, purpose: Purpose, answer: Any, challenge: str, user_id: UUID | None = None, kind: str = ""
) -> WebAuthnCredential | None:
    """Check the answer to a challenge; return the passkey that gave it, or None: refused, and in the audit log.

    With `user_id` only a passkey of that account counts, with `kind` only one of that kind of account. The caller has made
    sure that the challenge is asked and answered once, and counts the refusal (`accounts.lockout.attempt`).
    Of two answers with the same counter one is taken. Locks: account, passkey.
    """
    credential, reason = _checked(purpose, answer, challenge, user_id, kind)
    if reason:
        owner = credential.user if credential is not None else None
        audit.record_refusal(
            "accounts.factor.refused",
            actor=AnonymousUser(),  # whoever it was has proven nothing
            target=owner,
            detail={"kind": "passkey", "purpose": purpose.value, "why": reason},
        )
        return None
    return credential


def _checked(
    purpose: Purpose, answer: Any, challenge: str, user_id: UUID | None, kind: str
) -> tuple[WebAuthnCredential | None, str]:
    """Return the passkey and why it is refused, "" when it is not."""
    try:
        parts = _parts(answer, "clientDataJSON", "authenticatorData", "signature")
        credential = _find(parts)
    except PasskeyRefused:
        return None, "malformed"
    if credential is None:
        return None, "unknown"
    if user_id is not None and credential.user_id != user_id:
        return credential, "other_account"
    if kind and credential.user.kind != kind:
        return credential, "other_door"
    try:
        handle = parts["response"].get("userHandle")
        if handle is not None and base64url_to_bytes(handle) != WebAuthnUserHandle.get_handle_for_user(credential.user):
            return credential, "other_account"
        verified = _whatever_happens(
            lambda: verify_authentication_response(
                credential=parts,
                expected_challenge=base64url_to_bytes(challenge),
                expected_rp_id=settings.OTP_WEBAUTHN_RP_ID,
                expected_origin=settings.OTP_WEBAUTHN_ALLOWED_ORIGINS,
                credential_public_key=credential.public_key,
                credential_current_sign_count=0,  # compared below, with the row locked
                require_user_verification=VERIFICATION[purpose] == UserVerificationRequirement.REQUIRED,
            )
        )
    except (PasskeyRefused, ValueError):
        return credential, "not_proven"
    return credential, _use(purpose=purpose, credential_id=credential.pk, user_id=credential.user_id, verified=verified)


@retry_transaction
def _use(*, purpose: Purpose, credential_id: int, user_id: UUID, verified: VerifiedAuthentication) -> str:
    """Note one proven use, counter and time; return why it is refused, or ""."""
    user = User.objects.select_for_update().get(pk=user_id)
    credential = locked(WebAuthnCredential.objects.filter(pk=credential_id, confirmed=True)).first()
    if credential is None:
        return "removed"
    if not user.is_active:
        return "inactive"
    # WebAuthn 3, 7.2 step 22: a counter that does not grow is the mark of a copied authenticator. Those without one say 0.
    if (verified.new_sign_count or credential.sign_count) and verified.new_sign_count <= credential.sign_count:
        _tell_of_copy(user, credential)
        return "counter"
    credential.sign_count = verified.new_sign_count
    credential.backup_state = verified.credential_backed_up
    credential.set_last_used_timestamp(commit=False)
    credential.save(update_fields=["sign_count", "backup_state", "last_used_at"])
    audit.record(
        "accounts.factor.proven", actor=user, target=user, detail={"kind": "passkey", "purpose": purpose.value}
    )
    return ""


def _tell_of_copy(user: User, credential: WebAuthnCredential) -> None:
    """Write to the owner that a copy of a passkey may be in use, once a day for each passkey."""
    path = reverse("accounts:device-list")
    ordered = outbound.mail(
        template="passkey_copied",
        to=user.email,
        language=user.language,
        context={"name": user.full_name, "device": credential.name, "refused_at": clock.now(), "path": path},
        dedupe_key=f"passkey_copied:{credential.pk}:{clock.today().isoformat()}",
        recipient_user=user,
    )
    if ordered is not None:
        outbound.notify(recipients=[user], kind="passkey_copied", params={"device": credential.name}, path=path)


# --- Rows -----------------------------------------------------------------------------------------------------------


def register_passkey(
    *, purpose: Purpose, user_id: UUID, answer: Any, challenge: str, user_agent: str = ""
) -> WebAuthnCredential:
    """Check the answer of a new passkey and keep it. The owner is told and all sessions end.

    ENROL makes the first factor of an account, inside its sign-in. ADD makes a further one, for a person who has just
    proven a factor (or the password, when there is none yet). The caller keeps its own session with
    `second_factor.keep_session`.

    Raises:
        PasskeyRefused: the answer is not that of a new passkey to this challenge, or the account is closed.
        PasskeyKnown: this passkey is registered already.
        FactorNeeded: the account has a factor by now (ENROL).
        InvalidInput: the account has as many passkeys as it may have.
    """
    parts = _parts(answer, "clientDataJSON", "attestationObject")
    verified = _whatever_happens(
        lambda: verify_registration_response(
            credential=parts,
            expected_challenge=base64url_to_bytes(challenge),
            expected_rp_id=settings.OTP_WEBAUTHN_RP_ID,
            expected_origin=settings.OTP_WEBAUTHN_ALLOWED_ORIGINS,
        )
    )
    user = User(pk=user_id)
    parsed = parse_registration_credential_json(parts)
    credential = _helper().create_credential(user, verified, parsed, parts)
    return _keep(purpose=purpose, user_id=user_id, credential=credential, user_agent=user_agent)


@retry_transaction
def _keep(*, purpose: Purpose, user_id: UUID, credential: WebAuthnCredential, user_agent: str) -> WebAuthnCredential:
    user = User.objects.select_for_update().get(pk=user_id)
    if not user.is_active:
        raise refused()
    if purpose == Purpose.ENROL and second_factor.has_factor(user):
        raise FactorNeeded(_("This account has a second factor by now. Sign in again and use it."))
    names = set(own_passkeys(user).values_list("name", flat=True))
    if len(names) >= MAX_PASSKEYS:
        raise InvalidInput(_("You have %(count)d passkeys. Remove one first.") % {"count": MAX_PASSKEYS})
    credential.pk, credential.user, credential.confirmed = None, user, True
    credential.name = default_name(user_agent, taken=names)
    try:
        with transaction.atomic():
            credential.save(force_insert=True)
    except IntegrityError as error:
        raise PasskeyKnown(_("This passkey is registered already.")) from error
    factors.changed(user, "passkey_added", actor=user, target=credential)
    return credential


@retry_transaction
def rename_passkey(*, user_id: UUID, passkey_id: int, name: str) -> WebAuthnCredential:
    """Give one of a person's own passkeys another name.

    Raises:
        NoSuchDevice: it is not theirs, or was removed meanwhile.
        InvalidInput: no name, or a longer one than fits.
    """
    user = User.objects.select_for_update().get(pk=user_id)
    credential = _own_locked(user, passkey_id)
    chosen = clean_line(name)
    if not 1 <= len(chosen) <= NAME_LENGTH:
        raise InvalidInput(_("Enter a name of 1 to 64 letters."))
    credential.name = chosen
    credential.save(update_fields=["name"])
    audit.record("accounts.factor.renamed", actor=user, target=credential, detail={"kind": "passkey"})
    return credential


@retry_transaction
def remove_passkey(*, user_id: UUID, passkey_id: int) -> None:
    """Remove one of a person's own passkeys. The owner is told and all sessions end.

    The caller keeps its own session with `second_factor.keep_session`. Locks: account, passkey.

    Raises:
        NoSuchDevice: it is not theirs, or was removed meanwhile.
        LastFactor: a member of staff would be left without a second factor.
    """
    user = User.objects.select_for_update().get(pk=user_id)
    credential = _own_locked(user, passkey_id)
    factors.must_leave_a_factor(user, without=credential)
    target = WebAuthnCredential(pk=credential.pk)
    credential.delete()
    factors.forget_backup_codes_without_factor(user)
    factors.changed(user, "passkey_removed", actor=user, target=target)


def _own_locked(user: User, passkey_id: int) -> WebAuthnCredential:
    credential = locked(own_passkeys(user).filter(pk=passkey_id)).first()
    if credential is None:
        raise NoSuchDevice(_("This device was removed meanwhile."))
    return credential


def default_name(user_agent: str, *, taken: set[str]) -> str:
    """Return a name people recognise: browser, system and month, in the active language; unlike those `taken`."""
    browser = re.sub(r" \d+", "", family(user_agent))
    month = formats.date_format(clock.today(), "F Y")
    known = browser and browser[0].isupper()
    name = _("%(browser)s, %(month)s") % {"browser": browser if known else _("Passkey"), "month": month}
    name = name[: NAME_LENGTH - 5]
    return next(
        candidate
        for number in range(1, MAX_PASSKEYS + 2)
        if (candidate := name if number == 1 else f"{name} ({number})") not in taken
    )


# --- Inside ---------------------------------------------------------------------------------------------------------


def _helper() -> WebAuthnHelper:
    return WebAuthnHelper(request=cast(Any, None))  # asked only by settings that are not used


def _whatever_happens(check: Callable[[], T]) -> T:
    """Run a check of the library. Any error of it is a refusal: it parses CBOR, certificates and keys of a stranger."""
    try:
        return check()
    except Exception as error:
        logger.info("passkey not proven: %s", type(error).__name__)
        raise refused() from error


def _find(parts: dict[str, Any]) -> WebAuthnCredential | None:
    try:
        raw_id = base64url_to_bytes(parts["rawId"])
    except ValueError:
        return None
    digest = WebAuthnCredential.get_credential_id_sha256(raw_id)
    return WebAuthnCredential.objects.select_related("user").filter(credential_id_sha256=digest).first()


def _parts(answer: Any, *names: str) -> dict[str, Any]:
    """Return the known parts of a browser's answer, each of the right shape and of a possible length.

    Raises:
        PasskeyRefused: a part is missing, or is not what browsers send.
    """
    response = answer.get("response") if isinstance(answer, dict) else None
    if not isinstance(response, dict) or answer.get("type") != "public-key":
        raise refused()
    texts = {name: response.get(name) for name in names}
    if response.get("userHandle"):
        texts["userHandle"] = response["userHandle"]
    for text in (answer.get("id"), answer.get("rawId"), *texts.values()):
        if not isinstance(text, str) or len(text) > LONGEST_PART or not BASE64URL.fullmatch(text):
            raise refused()
    results = answer.get("clientExtensionResults")
    properties = results.get("credProps") if isinstance(results, dict) else None
    is_resident = properties.get("rk") if isinstance(properties, dict) else None
    return {
        "id": answer["id"],
        "rawId": answer["rawId"],
        "type": "public-key",
        "response": {**texts, "transports": _known_transports(response.get("transports"))},
        "clientExtensionResults": {"credProps": {"rk": is_resident}} if isinstance(is_resident, bool) else {},
    }


def _known_transports(value: Any) -> list[str]:
    texts = [text for text in value[:20] if isinstance(text, str)] if isinstance(value, list) else []
    return [text for text in dict.fromkeys(texts) if text in TRANSPORTS]

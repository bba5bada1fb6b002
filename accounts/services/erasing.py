"""Taking a person out of their account: what is left is a row that acts of the past can name, and nothing of the person."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django_otp_webauthn.models import WebAuthnCredential

import audit
from accounts import lockout, sessions
from accounts.models import (
    AccountLink,
    AccountSession,
    BackupCodeDevice,
    FactorResetRequest,
    RoleAssignment,
    TotpDevice,
    User,
)
from core import clock, live

ERASED_HOST = "erased.invalid"  # RFC 2606: no mail ever goes there


@transaction.atomic
def erase_account(user: User, *, actor: Any) -> None:
    """Close a patient's account for good: name, address, password, devices, sessions and links go; the bare row stays.

    Bookings and the audit log name the row, so it is not deleted. The caller holds the account's lock. Safe to repeat.

    Raises:
        ValueError: it is the account of a member of staff.
    """
    if user.is_staff_member:
        raise ValueError("accounts of staff are closed, not erased")
    sessions.end_all(user, end=AccountSession.End.DEACTIVATED)
    lockout.lift_locks(user)
    for model in (
        AccountSession, AccountLink, TotpDevice, BackupCodeDevice, WebAuthnCredential, FactorResetRequest, RoleAssignment,
    ):  # fmt: skip
        model._default_manager.filter(user=user).delete()
    user.username = user.full_name = f"erased-{user.pk.hex}"
    user.email = f"{user.pk.hex}@{ERASED_HOST}"
    user.set_unusable_password()
    user.is_active, user.deactivated_at = False, user.deactivated_at or clock.now()
    user.must_change_password = False
    user.save(
        update_fields=[
            "username", "full_name", "email", "password", "is_active", "deactivated_at", "must_change_password",
        ]
    )  # fmt: skip
    user.forget_roles()
    audit.record("accounts.user.erased", actor=actor, target=user)
    live.changed(live.ACCOUNTS)


def is_erased(user: User) -> bool:
    """True when nothing of the person is left in the account; such an account is never opened again."""
    return user.email.endswith(f"@{ERASED_HOST}")

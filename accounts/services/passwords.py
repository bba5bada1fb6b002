"""Passwords. They are never in the log."""

from __future__ import annotations

import secrets
from uuid import UUID

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

import audit
from accounts.errors import OwnAccount, WeakPassword
from accounts.models import User
from accounts.services.rows import locked_user
from core import live
from core.db import retry_transaction

# Without letters and digits that look alike on paper (0 O, 1 l I).
CLEAR_LETTERS = "abcdefghjkmnpqrstuvwxyz"
CLEAR_DIGITS = "23456789"


def one_time_password() -> str:
    """Return a password to hand over once: 15 letters and digits in groups of five, about 74 bits."""
    alphabet = CLEAR_LETTERS + CLEAR_DIGITS
    while True:
        text = "".join(secrets.choice(alphabet) for _index in range(15))
        if any(sign in CLEAR_DIGITS for sign in text) and any(sign in CLEAR_LETTERS for sign in text):
            return "-".join((text[:5], text[5:10], text[10:]))


@retry_transaction
def reset_password_to_one_time(*, user_id: UUID, actor: User | None) -> tuple[User, str]:
    """Replace a password by a one-time password, which is returned here and never again. All its sessions end.

    Raises:
        OwnAccount: it is the actor's own; that is changed on the password page.
    """
    if actor is not None and user_id == actor.pk:
        raise OwnAccount(_("Change your own password on the password page."))
    user = locked_user(user_id)
    password = one_time_password()
    user.set_password(password)
    user.must_change_password = True
    user.save(update_fields=["password", "must_change_password"])
    audit.record("accounts.password.reset", actor=actor, target=user)
    live.disconnect((user.pk,))
    return user, password


@retry_transaction
def change_own_password(*, user_id: UUID, new_password: str) -> User:
    """Set a person's own new password; ends the wait of a one-time password. Other sessions end.

    The caller has checked the present password.

    Raises:
        WeakPassword: it breaks a rule, or is the present one.
    """
    user = locked_user(user_id)
    try:
        validate_password(new_password, user)
    except ValidationError as error:
        raise WeakPassword(list(error.messages)) from error
    if user.check_password(new_password):
        raise WeakPassword([_("Choose a password that differs from the present one.")])
    user.set_password(new_password)
    user.must_change_password = False
    user.save(update_fields=["password", "must_change_password"])
    user.forget_roles()
    audit.record("accounts.password.changed", actor=user, target=user)
    return user

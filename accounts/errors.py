"""Broken rules of accounts."""

from __future__ import annotations

from core.errors import Conflict, DomainError, InvalidInput, NotPermitted, TooManyRequests


class UsernameTaken(InvalidInput):
    code = "accounts.username_taken"


class EmailTaken(InvalidInput):
    code = "accounts.email_taken"


class BadUsername(InvalidInput):
    code = "accounts.bad_username"


class WeakPassword(InvalidInput):
    """The new password breaks a rule; `messages` has one sentence for each."""

    code = "accounts.weak_password"

    def __init__(self, messages: list[str]) -> None:
        super().__init__(" ".join(messages))
        self.messages = messages


class BadRoles(InvalidInput):
    code = "accounts.bad_roles"


class OwnAccount(DomainError):
    """Nobody takes away their own access."""

    code = "accounts.own_account"


class LastAdmin(Conflict):
    """The clinic would be left without anyone who can manage accounts."""

    code = "accounts.last_admin"


class NotStaff(DomainError):
    code = "accounts.not_staff"


class AccountClosed(Conflict):
    code = "accounts.closed"


class NotAccepted(Conflict):
    """The person was invited and has not chosen a password yet."""

    code = "accounts.not_accepted"


class AlreadyAccepted(Conflict):
    """There is nothing to invite: the person has a password."""

    code = "accounts.already_accepted"


class LinkEnded(Conflict):
    """A mailed link that was used, replaced, or is too old."""

    code = "accounts.link_ended"


class TooManyLinks(TooManyRequests):
    code = "accounts.too_many_links"


class PasswordNeeded(InvalidInput):
    """A change that somebody else asked for needs the password of the account."""

    code = "accounts.password_needed"


class PasskeyRefused(InvalidInput):
    """An answer of an authenticator that proves nothing here."""

    code = "accounts.passkey_refused"


class PasskeyExpired(Conflict):
    """The question to the authenticator is too old, was answered before, or was asked for something else."""

    code = "accounts.passkey_expired"


class PasskeyKnown(Conflict):
    code = "accounts.passkey_known"


class FactorNeeded(NotPermitted):
    """A second factor may only be added with one that is there already."""

    code = "accounts.factor_needed"


class LastFactor(Conflict):
    """A member of staff would be left without a second factor."""

    code = "accounts.last_factor"


class NoFactor(Conflict):
    code = "accounts.no_factor"


class NoSuchDevice(Conflict):
    """The device was removed meanwhile."""

    code = "accounts.no_such_device"


class PendingDeviceGone(Conflict):
    """The device that was being set up waited too long, or was replaced."""

    code = "accounts.pending_device_gone"


class WrongCode(InvalidInput):
    code = "accounts.wrong_code"


class NotLocked(Conflict):
    code = "accounts.not_locked"


class ResetWaiting(Conflict):
    """The same was asked already, and waits for a second person."""

    code = "accounts.reset_waiting"


class ResetDecided(Conflict):
    """The request was decided, withdrawn, or is too old."""

    code = "accounts.reset_decided"


class SecondPersonNeeded(NotPermitted):
    """Whoever asked cannot decide as well."""

    code = "accounts.second_person_needed"

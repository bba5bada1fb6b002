"""The address of an account: it changes only when its new mailbox answers and the owner's password was given."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils.translation import gettext as _

import audit
from accounts import sessions
from accounts.errors import AccountClosed, EmailTaken, OwnAccount, PasswordNeeded
from accounts.models import AccountLink, User
from accounts.services import links
from accounts.services.passwords import mail_invitation
from accounts.services.rows import clean_email, free_email, locked_user, must_be_staff
from core import clock, live, outbound
from core.db import retry_transaction
from core.errors import InvalidInput

Kind = AccountLink.Kind
DOORS = {"staff": "accounts:login", "patient": "accounts:portal-login"}
RESETS = {"staff": "accounts:password-reset", "patient": "accounts:portal-password-reset"}
ASKED_LIMIT, ASKED_WITHIN = 5, timedelta(hours=1)


@retry_transaction
def request_email_change(*, user_id: UUID, new_email: str) -> User:
    """Mail a link to the new address of a person who gave the password; tell the present address.

    Whether the new address belongs to another account is not said here: only who reads its mails may learn that.

    Raises:
        InvalidInput: it is no address, or the present one.
        TooManyLinks: five links were sent within the hour.
    """
    user = locked_user(user_id)
    _ask(user, clean_email(new_email), actor=user)
    audit.record("accounts.email.change_requested", actor=user, target=user)
    return user


@retry_transaction
def change_staff_email(*, user_id: UUID, actor: User, new_email: str) -> bool:
    """Let an admin correct the address of a member of staff; True when it is changed, False when it waits.

    Somebody who was invited and has no password yet gets a new invitation at the new address at once. An account in use
    keeps its address until the new mailbox answers *and* the password of the account is given there: else an admin
    could take the account over by moving its mails.

    Raises:
        OwnAccount: it is the actor's own.
        NotStaff: the account is a patient's.
        AccountClosed: the account is not active.
        EmailTaken, InvalidInput: the address cannot be used.
        TooManyLinks: five links were sent within the hour.
    """
    if user_id == actor.pk:
        raise OwnAccount(_("Change your own address on the page of your account."))
    user = locked_user(user_id)
    must_be_staff(user)
    if not user.is_active:
        raise AccountClosed(_("This account is not active. Open it first."))
    address = free_email(new_email, but=user)
    if not user.is_invited:
        _ask(user, address, actor=actor)
        audit.record("accounts.email.change_requested", actor=actor, target=user)
        return False
    links.refuse_many(user, Kind.INVITATION, limit=ASKED_LIMIT, within=ASKED_WITHIN)
    _store(user, address)
    mail_invitation(user, actor=actor)
    audit.record("accounts.email.changed", actor=actor, target=user, detail={"while": "invited"})
    live.changed(live.ACCOUNTS)
    return True


def needs_password(link: AccountLink) -> bool:
    """True when confirming this change asks for the account's password: somebody else than its owner asked for it."""
    return link.created_by_id != link.user_id


@retry_transaction
def confirm_email(*, link_id: UUID, password_was_right: bool = False) -> User:
    """Make the new address of an open link that of the account, once. All sessions and links of the account end.

    Raises:
        LinkEnded: the link cannot be used (any more).
        PasswordNeeded: an admin asked for the change and the password of the account was not given.
        EmailTaken: another account was faster.
    """
    user, link = links.lock_link(link_id, Kind.EMAIL)
    if needs_password(link) and not password_was_right:
        raise PasswordNeeded(_("Enter the password of this account."))
    taken = _("This address belongs to another account by now. Ask for the change again with a different address.")
    if User.objects.filter(email__iexact=link.new_email).exclude(pk=user.pk).exists():
        raise EmailTaken(taken)
    links.use_link(link)
    old = user.email
    try:
        with transaction.atomic():
            _store(user, link.new_email)
    except IntegrityError as error:
        raise EmailTaken(taken) from error
    links.end_links(user)
    sessions.end_all(user)
    audit.record("accounts.email.changed", actor=user, target=user)
    now = clock.now()
    for address in (old, user.email):
        outbound.mail(
            template="email_changed",
            to=address,
            language=user.language,
            context={"name": user.full_name, "changed_at": now, "path": reverse(DOORS[user.kind])},
            dedupe_key=f"email-changed:{link.pk}:{'old' if address == old else 'new'}",
            recipient_user=user,
        )
    live.changed(live.ACCOUNTS)
    return user


def _ask(user: User, address: str, *, actor: User) -> None:
    if address == user.email.lower():
        raise InvalidInput(_("This is the present address. Enter a different one."))
    links.refuse_many(user, Kind.EMAIL, limit=ASKED_LIMIT, within=ASKED_WITHIN)
    link, path = links.new_link(user, Kind.EMAIL, actor=actor, new_email=address)
    outbound.mail(
        template="email_confirm",
        to=address,
        language=user.language,
        # The address may be mistyped: its reader does not learn whose account it is.
        context={"name": address, "ends_at": link.expires_at, "path": path},
        dedupe_key=f"account-link:{link.pk}",
        recipient_user=user,
    )
    outbound.mail(
        template="email_change_requested",
        to=user.email,
        language=user.language,
        context={"name": user.full_name, "asked_at": link.created_at, "path": reverse(RESETS[user.kind])},
        dedupe_key=f"email-change-requested:{link.pk}",
        recipient_user=user,
    )


def _store(user: User, address: str) -> None:
    user.email = address
    user.save(update_fields=["email"])

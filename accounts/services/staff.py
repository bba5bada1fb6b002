"""Members of staff: invited, changed, verified, closed. Every change is audited."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils.translation import gettext as _

import audit
from accounts import sessions
from accounts.access import Capability, Role
from accounts.errors import AccountClosed, AlreadyAccepted, NotStaff, OwnAccount, UsernameTaken
from accounts.models import AccountLink, AccountSession, RoleAssignment, StaffProfile, User
from accounts.services import links
from accounts.services.erasing import is_erased
from accounts.services.passwords import mail_invitation, one_time_password
from accounts.services.rows import (
    LICENCE_FIELDS,
    clean_username,
    free_email,
    locked_admins,
    locked_user,
    may_use_back_office,
    must_be_staff,
    must_leave_an_admin,
    person_name,
    profile_facts,
    staff_roles,
)
from core import clock, live, outbound
from core.db import retry_transaction
from core.errors import InvalidInput

INVITED_LIMIT, INVITED_WITHIN = 5, timedelta(hours=1)


@retry_transaction
def invite_staff(
    *, actor: User, username: str, email: str, full_name: str, roles: Iterable[str], **profile: Any
) -> User:
    """Create a member of staff without a password and mail the link by which they choose one.

    `profile` takes the fields of StaffProfile that a form may set.

    Raises:
        BadUsername, UsernameTaken, EmailTaken: the sign-in name or address cannot be used.
        BadRoles: no role, or the patient role.
        InvalidInput: the name is missing, or a fact cannot be.
    """
    user = _create(username=username, email=email, full_name=full_name, roles=roles, password=None, profile=profile)
    audit.record("accounts.user.invited", actor=actor, target=user, detail={"roles": sorted(user.role_names)})
    mail_invitation(user, actor=actor)
    live.changed(live.ACCOUNTS)
    return user


@retry_transaction
def create_first_admin(*, username: str, email: str, full_name: str) -> tuple[User, str]:
    """Create an admin with a one-time password, which is returned here and never again. For an operator's command.

    Raises: as `invite_staff`.
    """
    password = one_time_password()
    user = _create(
        username=username, email=email, full_name=full_name, roles=[Role.ADMIN], password=password, profile={}
    )
    audit.record("accounts.user.created", actor=None, target=user, detail={"roles": [str(Role.ADMIN)]})
    return user, password


@retry_transaction
def send_invitation(*, user_id: UUID, actor: User) -> User:
    """Mail an invited member of staff a new invitation; the one before stops working.

    Raises:
        AlreadyAccepted: the person has chosen a password, or is a patient.
        AccountClosed: the account is not active.
        TooManyLinks: five invitations were sent within the hour.
    """
    user = locked_user(user_id)
    if not user.is_invited:
        raise AlreadyAccepted(_("This person has a password already. Send a link for a new password instead."))
    if not user.is_active:
        raise AccountClosed(_("This account is not active. Open it first."))
    links.refuse_many(user, AccountLink.Kind.INVITATION, limit=INVITED_LIMIT, within=INVITED_WITHIN)
    mail_invitation(user, actor=actor)
    audit.record("accounts.invitation.sent_again", actor=actor, target=user)
    live.changed(live.ACCOUNTS)
    return user


@retry_transaction
def update_staff_user(*, user_id: UUID, actor: User, full_name: str, username: str, **profile: Any) -> User:
    """Change the names and professional facts of a member of staff.

    Changed licence facts (`LICENCE_FIELDS`) undo the check of the licences: a doctor cannot be booked until an admin has
    compared the new papers. A new user name is told to its owner.

    Raises:
        NotStaff: the account is a patient's; patients' facts are changed in their record.
        BadUsername, UsernameTaken: the user name cannot be used.
        InvalidInput: the name is missing, or a fact cannot be.
    """
    user = locked_user(user_id)
    must_be_staff(user)
    changes = {"full_name": person_name(full_name), "username": clean_username(username)}
    changed = {field for field, value in changes.items() if getattr(user, field) != value}
    if "username" in changed:
        _must_be_free(changes["username"])
    row, _made = StaffProfile.objects.select_for_update().get_or_create(user=user)
    facts = profile_facts(profile)
    changed |= {field for field, value in facts.items() if getattr(row, field) != value}
    if not changed:
        return user
    for field, value in changes.items():
        setattr(user, field, value)
    _save_named(user, update_fields=list(changes))
    for field, value in facts.items():
        setattr(row, field, value)
    row.save(update_fields=list(facts) or None)
    audit.record("accounts.user.updated", actor=actor, target=user, detail={"changed": sorted(changed)})
    if changed & set(LICENCE_FIELDS):
        _undo_check(row, actor=actor, why="licence_changed")
    if "username" in changed:
        _tell_of_change(user)
    live.changed(live.ACCOUNTS)
    return user


@retry_transaction
def set_roles(*, user_id: UUID, actor: User, roles: Iterable[str]) -> User:
    """Give a member of staff exactly these roles; their sessions end. Somebody who becomes a doctor is to be checked anew.

    Raises:
        BadRoles: no role, or the patient role.
        NotStaff: the account is a patient's.
        OwnAccount: nobody changes their own rights.
        LastAdmin: no other admin who can sign in would be left.
    """
    wanted = staff_roles(roles)
    admins = locked_admins()
    user = locked_user(user_id)
    must_be_staff(user)
    before = set(user.roles.values_list("role", flat=True))
    if before == wanted:
        return user
    if user.pk == actor.pk:
        raise OwnAccount(_("You cannot change your own roles. Ask another admin."))
    if Role.ADMIN in before - wanted and user in admins:
        must_leave_an_admin(admins, without=user)
    RoleAssignment.objects.filter(user=user).exclude(role__in=wanted).delete()
    RoleAssignment.objects.bulk_create(RoleAssignment(user=user, role=role) for role in sorted(wanted - before))
    user.is_staff = may_use_back_office(wanted)
    user.save(update_fields=["is_staff"])
    user.forget_roles()
    sessions.end_all(user)
    audit.record(
        "accounts.user.roles_changed",
        actor=actor,
        target=user,
        detail={"before": sorted(before), "after": sorted(wanted)},
    )
    if Role.DOCTOR in wanted - before:
        row, _made = StaffProfile.objects.select_for_update().get_or_create(user=user)
        _undo_check(row, actor=actor, why="became_doctor")
    _tell_of_change(user)
    live.changed(live.ACCOUNTS)
    return user


@retry_transaction
def deactivate_user(*, user_id: UUID, actor: User) -> User:
    """Close an account. Its sessions and mailed links end at once. Nothing happens when it is closed already.

    Raises:
        OwnAccount: it is the actor's own.
        LastAdmin: no other admin who can sign in would be left.
    """
    if user_id == actor.pk:
        raise OwnAccount(_("You cannot deactivate your own account. Ask another admin."))
    admins = locked_admins()
    user = locked_user(user_id)
    if not user.is_active:
        return user
    if user in admins:
        must_leave_an_admin(admins, without=user)
    user.is_active, user.deactivated_at = False, clock.now()
    user.save(update_fields=["is_active", "deactivated_at"])
    links.end_links(user)
    sessions.end_all(user, end=AccountSession.End.DEACTIVATED)
    audit.record("accounts.user.deactivated", actor=actor, target=user)
    _mail(user, "account_closed", f"account-closed:{user.pk}:{user.deactivated_at.isoformat()}")
    live.changed(live.ACCOUNTS)
    return user


@retry_transaction
def reactivate_user(*, user_id: UUID, actor: User) -> User:
    """Open a closed account again. Nothing happens when it is open.

    Raises:
        NotStaff: a patient's account that the clinic never activated; that is decided with the registration.
        AccountClosed: the person's data were erased; there is nobody left to sign in.
    """
    user = locked_user(user_id)
    if user.is_active:
        return user
    if is_erased(user):
        raise AccountClosed(_("The data of this account were erased. It cannot be opened again."))
    if not user.is_staff_member and user.deactivated_at is None:
        raise NotStaff(_("This portal registration still waits. Decide it on the list of portal registrations."))
    user.is_active, user.deactivated_at = True, None
    user.save(update_fields=["is_active", "deactivated_at"])
    audit.record("accounts.user.reactivated", actor=actor, target=user)
    if not user.is_invited:
        _mail(user, "account_reopened", f"account-reopened:{user.pk}:{clock.now().isoformat()}")
    live.changed(live.ACCOUNTS)
    return user


@retry_transaction
def verify_staff(*, user_id: UUID, actor: User) -> User:
    """Record that an admin checked the licences of a member of staff; only then a doctor can be booked.

    Raises:
        NotStaff: the account is a patient's.
        OwnAccount: nobody verifies themselves.
        InvalidInput: a doctor without specialty or practice licence number, or whose licence has ended.
    """
    if user_id == actor.pk:
        raise OwnAccount(_("Nobody can verify themselves. Ask another admin."))
    user = locked_user(user_id)
    must_be_staff(user)
    row, _made = StaffProfile.objects.select_for_update().get_or_create(user=user)
    if row.verified_at is not None:
        return user
    if Role.DOCTOR in user.role_names and not (row.sip_number and row.specialty):
        raise InvalidInput(_("Enter the practice licence number (SIP) and the specialty first."))
    if row.sip_state == "ended":
        raise InvalidInput(_("The practice licence (SIP) has ended. Enter the new one first."))
    row.verified_at, row.verified_by = clock.now(), actor
    row.save(update_fields=["verified_at", "verified_by"])
    audit.record("accounts.staff.verified", actor=actor, target=user)
    live.changed(live.ACCOUNTS)
    return user


@retry_transaction
def warn_about_licences() -> int:
    """Tell the admins how many practice licences have ended or end soon; safe to repeat. Returns that number."""
    count = User.objects.with_licence_to_renew().count()
    if count:
        outbound.notify_capability(
            Capability.MANAGE_USERS,
            kind="licences_ending",
            params={"count": count},
            path=f"{reverse('accounts:user-list')}?status=licence",
            unless_unread=True,
        )
    return count


def _create(
    *, username: str, email: str, full_name: str, roles: Iterable[str], password: str | None, profile: dict[str, Any]
) -> User:
    wanted = staff_roles(roles)
    user = User(
        username=clean_username(username),
        email=free_email(email),
        full_name=person_name(full_name),
        kind=User.Kind.STAFF,
        must_change_password=password is not None,
        is_staff=may_use_back_office(wanted),
    )
    facts = profile_facts(profile)
    user.set_password(password)
    _must_be_free(user.username)
    _save_named(user, force_insert=True)
    RoleAssignment.objects.bulk_create(RoleAssignment(user=user, role=role) for role in sorted(wanted))
    StaffProfile.objects.create(user=user, **facts)
    return user


def _must_be_free(username: str) -> None:
    if User.objects.filter(username__iexact=username).exists():
        raise UsernameTaken(_("This user name is taken. Choose another one."))


def _save_named(user: User, **options: Any) -> None:
    try:
        with transaction.atomic():
            user.save(**options)
    except IntegrityError as error:
        raise UsernameTaken(_("This user name or e-mail address was just taken. Choose another one.")) from error


def _undo_check(row: StaffProfile, *, actor: User, why: str) -> None:
    if row.verified_at is None:
        return
    row.verified_at, row.verified_by = None, None
    row.save(update_fields=["verified_at", "verified_by"])
    audit.record("accounts.staff.check_undone", actor=actor, target=row.user, detail={"why": why})


def _tell_of_change(user: User) -> None:
    """Mail the owner that an admin changed the user name or the roles; invited people learn it with their invitation."""
    if not user.is_invited and user.is_active:
        now = clock.now()
        _mail(user, "account_changed", f"account-changed:{user.pk}:{now.isoformat()}", changed_at=now)


def _mail(user: User, template: str, dedupe_key: str, **facts: Any) -> None:
    context: dict[str, Any] = {"name": user.full_name, "path": reverse(_door(user)), **facts}
    if template == "account_changed":
        context["username"] = user.username
    outbound.mail(
        template=template,
        to=user.email,
        language=user.language,
        context=context,
        dedupe_key=dedupe_key,
        recipient_user=user,
    )


def _door(user: User) -> str:
    return "accounts:login" if user.is_staff_member else "accounts:portal-login"

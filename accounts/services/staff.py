"""Members of staff: created, changed, verified, closed. Every change is audited."""

from __future__ import annotations

import re
from collections.abc import Iterable
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

import audit
from accounts.access import Role
from accounts.errors import BadUsername, NotStaff, OwnAccount, UsernameTaken
from accounts.models import RoleAssignment, StaffProfile, User
from accounts.services.passwords import one_time_password
from accounts.services.rows import (
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
from core import clock, live
from core.db import retry_transaction
from core.errors import InvalidInput

USERNAME = re.compile(r"[a-z0-9][a-z0-9._-]{2,39}", re.ASCII)


@retry_transaction
def create_staff_user(
    *, actor: User | None, username: str, email: str, full_name: str, roles: Iterable[str], **profile: str
) -> tuple[User, str]:
    """Create a member of staff with a one-time password, which is returned here and never again.

    `profile` takes the fields of StaffProfile that a form may set. `actor` is None for the first admin (a command).

    Raises:
        BadUsername, UsernameTaken, EmailTaken: the sign-in name or address cannot be used.
        BadRoles: no role, or the patient role.
        InvalidInput: the name is missing.
    """
    name = username.strip().lower()
    if not USERNAME.fullmatch(name):
        raise BadUsername(
            _("Use 3 to 40 small letters, digits, dots or hyphens for the user name, starting with a letter or digit.")
        )
    wanted = staff_roles(roles)
    person = person_name(full_name)
    password = one_time_password()
    user = User(
        username=name,
        email=free_email(email),
        full_name=person,
        kind=User.Kind.STAFF,
        must_change_password=True,
        is_staff=may_use_back_office(wanted),
    )
    user.set_password(password)
    if User.objects.filter(username__iexact=name).exists():
        raise UsernameTaken(_("This user name is taken. Choose another one."))
    try:
        with transaction.atomic():
            user.save(force_insert=True)
    except IntegrityError as error:
        raise UsernameTaken(_("This user name or e-mail address was just taken. Choose another one.")) from error
    RoleAssignment.objects.bulk_create(RoleAssignment(user=user, role=role) for role in sorted(wanted))
    StaffProfile.objects.create(user=user, **profile_facts(profile))
    audit.record("accounts.user.created", actor=actor, target=user, detail={"roles": sorted(wanted)})
    live.changed(live.ACCOUNTS)
    return user, password


@retry_transaction
def update_staff_user(*, user_id: UUID, actor: User, full_name: str, email: str, **profile: str) -> User:
    """Change the name, address and professional facts of a member of staff.

    Raises:
        NotStaff: the account is a patient's; patients' facts are changed in their record.
        EmailTaken, InvalidInput: the address or name cannot be used.
    """
    user = locked_user(user_id)
    must_be_staff(user)
    changes = {"full_name": person_name(full_name), "email": free_email(email, but=user)}
    changed = [field for field, value in changes.items() if getattr(user, field) != value]
    for field, value in changes.items():
        setattr(user, field, value)
    user.save(update_fields=list(changes))
    row, _made = StaffProfile.objects.select_for_update().get_or_create(user=user)
    facts = profile_facts(profile)
    changed += [field for field, value in facts.items() if getattr(row, field) != value]
    for field, value in facts.items():
        setattr(row, field, value)
    row.save(update_fields=list(facts) or None)
    audit.record("accounts.user.updated", actor=actor, target=user, detail={"changed": sorted(changed)})
    live.changed(live.ACCOUNTS)
    return user


@retry_transaction
def set_roles(*, user_id: UUID, actor: User, roles: Iterable[str]) -> User:
    """Give a member of staff exactly these roles.

    Raises:
        BadRoles: no role, or the patient role.
        NotStaff: the account is a patient's.
        OwnAccount: an admin would lose the own right to manage accounts.
        LastAdmin: no other active admin would be left.
    """
    wanted = staff_roles(roles)
    admins = locked_admins()
    user = locked_user(user_id)
    must_be_staff(user)
    before = set(user.roles.values_list("role", flat=True))
    if before == wanted:
        return user
    if Role.ADMIN in before and Role.ADMIN not in wanted:
        if user.pk == actor.pk:
            raise OwnAccount(_("You cannot take the admin role from yourself. Ask another admin."))
        must_leave_an_admin(admins, without=user)
    RoleAssignment.objects.filter(user=user).exclude(role__in=wanted).delete()
    RoleAssignment.objects.bulk_create(RoleAssignment(user=user, role=role) for role in sorted(wanted - before))
    user.is_staff = may_use_back_office(wanted)
    user.save(update_fields=["is_staff"])
    user.forget_roles()
    audit.record(
        "accounts.user.roles_changed",
        actor=actor,
        target=user,
        detail={"before": sorted(before), "after": sorted(wanted)},
    )
    live.changed(live.ACCOUNTS)
    live.disconnect((user.pk,))
    return user


@retry_transaction
def deactivate_user(*, user_id: UUID, actor: User) -> User:
    """Close an account. Its sessions end at their next request. Nothing happens when it is closed already.

    Raises:
        OwnAccount: it is the actor's own.
        LastAdmin: no other active admin would be left.
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
    audit.record("accounts.user.deactivated", actor=actor, target=user)
    live.changed(live.ACCOUNTS)
    live.disconnect((user.pk,))
    return user


@retry_transaction
def reactivate_user(*, user_id: UUID, actor: User) -> User:
    """Open a closed account again. Nothing happens when it is open.

    Raises:
        NotStaff: a patient's account that the clinic never activated; that is decided with the registration.
    """
    user = locked_user(user_id)
    if user.is_active:
        return user
    if not user.is_staff_member and user.deactivated_at is None:
        raise NotStaff(_("This portal registration still waits. Decide it on the list of portal registrations."))
    user.is_active, user.deactivated_at = True, None
    user.save(update_fields=["is_active", "deactivated_at"])
    audit.record("accounts.user.reactivated", actor=actor, target=user)
    live.changed(live.ACCOUNTS)
    return user


@retry_transaction
def verify_staff(*, user_id: UUID, actor: User) -> User:
    """Record that an admin checked the licences of a member of staff; only then a doctor can be booked.

    Raises:
        NotStaff: the account is a patient's.
        OwnAccount: nobody verifies themselves.
        InvalidInput: a doctor without practice licence number or specialty.
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
    row.verified_at, row.verified_by = clock.now(), actor
    row.save(update_fields=["verified_at", "verified_by"])
    audit.record("accounts.staff.verified", actor=actor, target=user)
    live.changed(live.ACCOUNTS)
    return user

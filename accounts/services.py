"""Changes of accounts. Every one is audited; passwords are never in the log."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils.translation import gettext as _

import audit
from accounts.access import ROLE_CAPABILITIES, Capability, Role
from accounts.errors import (
    BadRoles,
    BadUsername,
    EmailTaken,
    LastAdmin,
    NotStaff,
    OwnAccount,
    UsernameTaken,
    WeakPassword,
)
from accounts.models import RoleAssignment, StaffProfile, User
from core import clock, live
from core.db import retry_transaction
from core.errors import InvalidInput
from core.text import clean_line

USERNAME = re.compile(r"[a-z0-9][a-z0-9._-]{2,39}", re.ASCII)
# Without letters and digits that look alike on paper (0 O, 1 l I).
CLEAR_LETTERS = "abcdefghjkmnpqrstuvwxyz"
CLEAR_DIGITS = "23456789"
PROFILE_FIELDS = ("title_prefix", "title_suffix", "specialty", "sip_number", "str_number", "phone", "room")
STAFF_ROLES = frozenset(Role) - {Role.PATIENT}


def one_time_password() -> str:
    """Return a password to hand over once: 15 letters and digits in groups of five, about 74 bits."""
    alphabet = CLEAR_LETTERS + CLEAR_DIGITS
    while True:
        text = "".join(secrets.choice(alphabet) for _index in range(15))
        if any(sign in CLEAR_DIGITS for sign in text) and any(sign in CLEAR_LETTERS for sign in text):
            return "-".join((text[:5], text[5:10], text[10:]))


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
    wanted = _staff_roles(roles)
    person = _name(full_name)
    password = one_time_password()
    user = User(
        username=name,
        email=_free_email(email),
        full_name=person,
        kind=User.Kind.STAFF,
        must_change_password=True,
        is_staff=_may_use_back_office(wanted),
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
    StaffProfile.objects.create(user=user, **_profile(profile))
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
    user = _locked(user_id)
    _must_be_staff(user)
    changes = {"full_name": _name(full_name), "email": _free_email(email, but=user)}
    changed = [field for field, value in changes.items() if getattr(user, field) != value]
    for field, value in changes.items():
        setattr(user, field, value)
    user.save(update_fields=list(changes))
    row, _made = StaffProfile.objects.select_for_update().get_or_create(user=user)
    facts = _profile(profile)
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
    wanted = _staff_roles(roles)
    admins = _locked_admins()
    user = _locked(user_id)
    _must_be_staff(user)
    before = set(user.roles.values_list("role", flat=True))
    if before == wanted:
        return user
    if Role.ADMIN in before and Role.ADMIN not in wanted:
        if user.pk == actor.pk:
            raise OwnAccount(_("You cannot take the admin role from yourself. Ask another admin."))
        _must_leave_an_admin(admins, without=user)
    RoleAssignment.objects.filter(user=user).exclude(role__in=wanted).delete()
    RoleAssignment.objects.bulk_create(RoleAssignment(user=user, role=role) for role in sorted(wanted - before))
    user.is_staff = _may_use_back_office(wanted)
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
    admins = _locked_admins()
    user = _locked(user_id)
    if not user.is_active:
        return user
    if user in admins:
        _must_leave_an_admin(admins, without=user)
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
    user = _locked(user_id)
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
def reset_password_to_one_time(*, user_id: UUID, actor: User | None) -> tuple[User, str]:
    """Replace a password by a one-time password, which is returned here and never again. All its sessions end.

    Raises:
        OwnAccount: it is the actor's own; that is changed on the password page.
    """
    if actor is not None and user_id == actor.pk:
        raise OwnAccount(_("Change your own password on the password page."))
    user = _locked(user_id)
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
    user = _locked(user_id)
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
    user = _locked(user_id)
    _must_be_staff(user)
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


@retry_transaction
def save_preferences(*, user_id: UUID, **values: Any) -> None:
    """Keep language, theme and the Ctrl+D choice with the account. Only known fields, only known values.

    Raises:
        InvalidInput: a value that is not on offer.
    """
    offered: dict[str, set[Any]] = {
        "language": {code for code, _label in User._meta.get_field("language").flatchoices},
        "theme": set(User.Theme.values),
        "uses_ctrl_d": {True, False},
    }
    chosen = {field: value for field, value in values.items() if value is not None}
    if any(field not in offered or value not in offered[field] for field, value in chosen.items()):
        raise InvalidInput(_("Choose one of the offered languages and themes."))
    if chosen:
        User.objects.filter(pk=user_id).update(**chosen)


def _locked(user_id: UUID) -> User:
    return User.objects.select_for_update().get(pk=user_id)


def _locked_admins() -> set[User]:
    """Lock all active admins in the order of their ids, so that two of them cannot remove each other."""
    ids = RoleAssignment.objects.filter(role=Role.ADMIN).values_list("user_id", flat=True)
    return set(User.objects.select_for_update().filter(is_active=True, pk__in=list(ids)).order_by("pk"))


def _must_leave_an_admin(admins: set[User], *, without: User) -> None:
    if not admins - {without}:
        raise LastAdmin(_("This is the last active admin. Make another person admin first."))


def _must_be_staff(user: User) -> None:
    if not user.is_staff_member:
        raise NotStaff(_("This is a patient's account. Change it in the patient's record."))


def _staff_roles(roles: Iterable[str]) -> set[str]:
    wanted = {str(role) for role in roles}
    if not wanted or not wanted <= {str(role) for role in STAFF_ROLES}:
        raise BadRoles(_("Choose at least one role of the clinic's staff."))
    return wanted


def _may_use_back_office(roles: set[str]) -> bool:
    return any(Capability.USE_BACK_OFFICE in ROLE_CAPABILITIES[Role(role)] for role in roles)


def _name(full_name: str) -> str:
    name = clean_line(full_name)
    if not name or len(name) > 200:
        raise InvalidInput(_("Enter a name of 1 to 200 letters."))
    return name


def _free_email(email: str, *, but: User | None = None) -> str:
    address = clean_line(email).lower()
    if "@" not in address or len(address) > 254:
        raise InvalidInput(_("Enter an e-mail address such as name@clinic.example."))
    taken = User.objects.filter(Q(email__iexact=address))
    if (taken.exclude(pk=but.pk) if but else taken).exists():
        raise EmailTaken(_("This e-mail address belongs to another account. Enter a different one."))
    return address


def _profile(values: dict[str, str]) -> dict[str, str]:
    unknown = set(values) - set(PROFILE_FIELDS)
    if unknown:
        raise TypeError(f"unknown profile fields: {sorted(unknown)}")
    return {field: clean_line(value) for field, value in values.items()}

"""What the services of accounts share: locked rows and what a value may be. No other app imports from here."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from django.db.models import Q
from django.utils.translation import gettext as _

from accounts.access import ROLE_CAPABILITIES, Capability, Role
from accounts.errors import BadRoles, EmailTaken, LastAdmin, NotStaff
from accounts.models import RoleAssignment, User
from core.errors import InvalidInput
from core.text import clean_line

PROFILE_FIELDS = ("title_prefix", "title_suffix", "specialty", "sip_number", "str_number", "phone", "room")
STAFF_ROLES = frozenset(Role) - {Role.PATIENT}


def locked_user(user_id: UUID) -> User:
    return User.objects.select_for_update().get(pk=user_id)


def locked_admins() -> set[User]:
    """Lock all active admins in the order of their ids, so that two of them cannot remove each other."""
    ids = RoleAssignment.objects.filter(role=Role.ADMIN).values_list("user_id", flat=True)
    return set(User.objects.select_for_update().filter(is_active=True, pk__in=list(ids)).order_by("pk"))


def must_leave_an_admin(admins: set[User], *, without: User) -> None:
    if not admins - {without}:
        raise LastAdmin(_("This is the last active admin. Make another person admin first."))


def must_be_staff(user: User) -> None:
    if not user.is_staff_member:
        raise NotStaff(_("This is a patient's account. Change it in the patient's record."))


def staff_roles(roles: Iterable[str]) -> set[str]:
    wanted = {str(role) for role in roles}
    if not wanted or not wanted <= {str(role) for role in STAFF_ROLES}:
        raise BadRoles(_("Choose at least one role of the clinic's staff."))
    return wanted


def may_use_back_office(roles: set[str]) -> bool:
    return any(Capability.USE_BACK_OFFICE in ROLE_CAPABILITIES[Role(role)] for role in roles)


def person_name(full_name: str) -> str:
    name = clean_line(full_name)
    if not name or len(name) > 200:
        raise InvalidInput(_("Enter a name of 1 to 200 letters."))
    return name


def free_email(email: str, *, but: User | None = None) -> str:
    address = clean_line(email).lower()
    if "@" not in address or len(address) > 254:
        raise InvalidInput(_("Enter an e-mail address such as name@clinic.example."))
    taken = User.objects.filter(Q(email__iexact=address))
    if (taken.exclude(pk=but.pk) if but else taken).exists():
        raise EmailTaken(_("This e-mail address belongs to another account. Enter a different one."))
    return address


def profile_facts(values: dict[str, str]) -> dict[str, str]:
    unknown = set(values) - set(PROFILE_FIELDS)
    if unknown:
        raise TypeError(f"unknown profile fields: {sorted(unknown)}")
    return {field: clean_line(value) for field, value in values.items()}

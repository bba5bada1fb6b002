"""What the services of accounts share: locked rows and what a value may be. No other app imports from here."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils.translation import gettext as _

from accounts.access import ROLE_CAPABILITIES, Capability, Role
from accounts.errors import BadRoles, BadUsername, EmailTaken, LastAdmin, NotStaff
from accounts.models import RoleAssignment, Specialty, User
from core import indonesia
from core.errors import InvalidInput
from core.text import clean_line

USERNAME = re.compile(r"[a-z0-9][a-z0-9._-]{2,39}", re.ASCII)
# What an admin compares with the licence papers: a change of one of these undoes the check.
LICENCE_FIELDS = ("specialty", "sip_number", "sip_valid_until", "str_number")
PROFILE_FIELDS = ("title_prefix", "title_suffix", *LICENCE_FIELDS, "nik", "phone", "room")
STAFF_ROLES = frozenset(Role) - {Role.PATIENT}


def locked_user(user_id: UUID) -> User:
    return User.objects.select_for_update().get(pk=user_id)


def locked_admins() -> set[User]:
    """Lock all admins who can sign in, in the order of their ids, so that two of them cannot remove each other."""
    admins = RoleAssignment.objects.filter(role=Role.ADMIN).values_list("user_id", flat=True)
    found = list(User.objects.select_for_update().filter(is_active=True, pk__in=list(admins)).order_by("pk"))
    # The roles are read again: while this waited for the locks, another admin may have taken one away.
    still = set(admins.filter(user__in=found).all())
    return {user for user in found if user.pk in still and user.has_usable_password()}


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


def clean_username(username: str) -> str:
    name = username.strip().lower()
    if not USERNAME.fullmatch(name):
        raise BadUsername(
            _("Use 3 to 40 small letters, digits, dots or hyphens for the user name, starting with a letter or digit.")
        )
    return name


def person_name(full_name: str) -> str:
    name = clean_line(full_name)
    if not name or len(name) > 200:
        raise InvalidInput(_("Enter a name of 1 to 200 letters."))
    return name


def clean_email(email: str) -> str:
    address = clean_line(email).lower()
    try:
        validate_email(address)
    except ValidationError as error:
        raise InvalidInput(_("Enter an e-mail address such as name@clinic.example.")) from error
    if len(address) > 254:
        raise InvalidInput(_("Enter an e-mail address such as name@clinic.example."))
    return address


def free_email(email: str, *, but: User | None = None) -> str:
    address = clean_email(email)
    taken = User.objects.filter(email__iexact=address)
    if (taken.exclude(pk=but.pk) if but else taken).exists():
        raise EmailTaken(_("This e-mail address belongs to another account. Enter a different one."))
    return address


def profile_facts(values: dict[str, Any]) -> dict[str, Any]:
    """Return the facts of a profile as they are stored.

    Raises:
        InvalidInput: a specialty that is none, or an impossible NIK.
    """
    unknown = set(values) - set(PROFILE_FIELDS)
    if unknown:
        raise TypeError(f"unknown profile fields: {sorted(unknown)}")
    facts: dict[str, Any] = {name: clean_line(value) for name, value in values.items() if name != "sip_valid_until"}
    if "sip_valid_until" in values:
        until = values["sip_valid_until"]
        facts["sip_valid_until"] = until if isinstance(until, date) else None
    if facts.get("specialty") and facts["specialty"] not in Specialty.values:
        raise InvalidInput(_("Choose one of the options."))
    if facts.get("nik"):
        facts["nik"] = clean_nik(facts["nik"])
    return facts


def clean_nik(text: str) -> str:
    nik = re.sub(r"[\s.\-]+", "", text)
    try:
        indonesia.parse_nik(nik)
    except ValidationError as error:
        raise InvalidInput(" ".join(error.messages)) from error
    return nik

"""Every change of accounts. Import from here."""

from accounts.services.passwords import change_own_password, one_time_password, reset_password_to_one_time
from accounts.services.preferences import save_preferences
from accounts.services.rows import PROFILE_FIELDS, STAFF_ROLES
from accounts.services.staff import (
    create_staff_user,
    deactivate_user,
    reactivate_user,
    set_roles,
    update_staff_user,
    verify_staff,
)

__all__ = [
    "PROFILE_FIELDS",
    "STAFF_ROLES",
    "change_own_password",
    "create_staff_user",
    "deactivate_user",
    "one_time_password",
    "reactivate_user",
    "reset_password_to_one_time",
    "save_preferences",
    "set_roles",
    "update_staff_user",
    "verify_staff",
]

"""Every change of accounts. Import from here."""

from accounts.services.emails import change_staff_email, confirm_email, needs_password, request_email_change
from accounts.services.links import find_link, open_link
from accounts.services.locks import lift_lock
from accounts.services.passwords import (
    change_own_password,
    one_time_password,
    request_password_link,
    send_password_link,
    set_password_by_link,
)
from accounts.services.preferences import save_preferences
from accounts.services.rows import LICENCE_FIELDS, PROFILE_FIELDS, STAFF_ROLES
from accounts.services.staff import (
    create_first_admin,
    deactivate_user,
    invite_staff,
    reactivate_user,
    send_invitation,
    set_roles,
    update_staff_user,
    verify_staff,
    warn_about_licences,
)

__all__ = [
    "LICENCE_FIELDS",
    "PROFILE_FIELDS",
    "STAFF_ROLES",
    "change_own_password",
    "change_staff_email",
    "confirm_email",
    "create_first_admin",
    "deactivate_user",
    "find_link",
    "invite_staff",
    "lift_lock",
    "needs_password",
    "one_time_password",
    "open_link",
    "reactivate_user",
    "request_email_change",
    "request_password_link",
    "save_preferences",
    "send_invitation",
    "send_password_link",
    "set_password_by_link",
    "set_roles",
    "update_staff_user",
    "verify_staff",
    "warn_about_licences",
]

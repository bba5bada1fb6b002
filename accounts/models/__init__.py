"""Rows of accounts: people, their second factors, sessions and one-time links."""

from accounts.models.factors import BackupCode, BackupCodeDevice, FactorResetRequest, TotpDevice
from accounts.models.links import AccountLink
from accounts.models.sessions import AccountSession
from accounts.models.users import RoleAssignment, Specialty, StaffProfile, User, UserManager, UserQuerySet

__all__ = [
    "AccountLink",
    "AccountSession",
    "BackupCode",
    "BackupCodeDevice",
    "FactorResetRequest",
    "RoleAssignment",
    "Specialty",
    "StaffProfile",
    "TotpDevice",
    "User",
    "UserManager",
    "UserQuerySet",
]

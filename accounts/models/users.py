"""People who sign in, their roles and what the clinic knows about them as professionals."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.hashers import UNUSABLE_PASSWORD_PREFIX
from django.contrib.auth.models import PermissionsMixin
from django.db import models
from django.db.models.functions import Lower
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext_lazy as _

from accounts.access import ROLE_CAPABILITIES, Capability, Role, has_capability
from core import clock
from core.encryption import EncryptedCharField
from core.ids import uuid7

LICENCE_WARNING = timedelta(days=90)  # before a practice licence ends: renewing takes weeks


class UserQuerySet(models.QuerySet["User"]):
    def visible_to(self, user: Any) -> UserQuerySet:
        """Accounts `user` may administer; empty for anyone without the capability."""
        return self if has_capability(user, Capability.MANAGE_USERS) else self.none()

    def active(self) -> UserQuerySet:
        return self.filter(is_active=True)

    def with_role(self, role: Role) -> UserQuerySet:
        return self.filter(roles__role=role)

    def holding(self, capability: Capability) -> UserQuerySet:
        """Active members of staff one of whose roles has `capability`, also those with a one-time password; each once."""
        roles = [role for role, held in ROLE_CAPABILITIES.items() if capability in held]
        return self.active().filter(kind=User.Kind.STAFF, roles__role__in=roles).distinct()

    def for_list(self) -> UserQuerySet:
        """With what the list of users shows."""
        return self.select_related("staff_profile").prefetch_related("roles", "links")

    def matching(self, text: str) -> UserQuerySet:
        """Accounts whose user name or e-mail contains `text`; names are encrypted and cannot be searched here."""
        return self.filter(models.Q(username__icontains=text) | models.Q(email__icontains=text))

    def filtered(self, *, kind: str = "", role: str = "", status: str = "") -> UserQuerySet:
        """Narrowed by kind, role and status; empty or unknown words do not narrow."""
        rows: UserQuerySet = self
        if kind in User.Kind.values:
            rows = rows.filter(kind=kind)
        if role:
            rows = rows.filter(roles__role=role)
        if status in ("active", "inactive"):
            rows = rows.filter(is_active=status == "active")
        elif status == "invited":
            rows = rows.filter(kind=User.Kind.STAFF, password__startswith=UNUSABLE_PASSWORD_PREFIX)
        elif status == "licence":
            rows = rows.with_licence_to_renew()
        elif status == "unverified":
            rows = rows.filter(kind=User.Kind.STAFF, staff_profile__verified_at__isnull=True)
        return rows

    def with_licence_to_renew(self) -> UserQuerySet:
        """Active staff whose practice licence (SIP) has ended or ends within `LICENCE_WARNING`."""
        return self.active().filter(
            kind=User.Kind.STAFF, staff_profile__sip_valid_until__lte=clock.today() + LICENCE_WARNING
        )

    def doctors(self) -> UserQuerySet:
        """Active, verified doctors with their profile, by specialty and name."""
        return (
            self.active()
            .with_role(Role.DOCTOR)
            .filter(staff_profile__verified_at__isnull=False)
            .select_related("staff_profile")
            .order_by("staff_profile__specialty", "username")
        )


class UserManager(BaseUserManager.from_queryset(UserQuerySet)):  # type: ignore[misc]
    use_in_migrations = False

    def create_user(self, username: str, email: str, password: str | None = None, **fields: Any) -> User:
        user = self.model(username=username, email=self.normalize_email(email).lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, username: str, email: str, password: str | None = None, **fields: Any) -> User:
        """Refused: the first admin is made by `manage.py create_admin`, with a one-time password."""
        raise NotImplementedError("use manage.py create_admin")

    def get_by_natural_key(self, username: str | None) -> User:
        return self.get(username=username)


class User(AbstractBaseUser, PermissionsMixin):
    """One account: a member of staff or a patient who uses the portal.

    The e-mail address is the name a person signs in with and stays readable to the database; the address a clinic writes
    to about care is encrypted in the patient row (docs/adr/0005).
    """

    class Kind(models.TextChoices):
        STAFF = "staff", _("Staff")
        PATIENT = "patient", _("Patient")

    class Theme(models.TextChoices):
        AUTO = "auto", _("Follow the device")
        LIGHT = "light", _("Light")
        DARK = "dark", _("Dark")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    username = models.CharField(_("user name"), max_length=150, unique=True)
    email = models.EmailField(_("e-mail"), unique=True)
    full_name = EncryptedCharField(_("full name"), max_length=200)
    kind = models.CharField(max_length=10, choices=Kind, default=Kind.STAFF)
    is_active = models.BooleanField(_("active"), default=True)
    is_staff = models.BooleanField(_("may open the back office"), default=False)
    must_change_password = models.BooleanField(_("must change the password at the next sign-in"), default=False)
    language = models.CharField(
        _("language"), max_length=5, choices=[("id", "Bahasa Indonesia"), ("en", "English")], default="id"
    )
    theme = models.CharField(_("theme"), max_length=5, choices=Theme, default=Theme.AUTO)
    uses_ctrl_d = models.BooleanField(_("Ctrl+D switches the theme"), default=False)
    session_epoch = models.PositiveIntegerField(default=0, editable=False)  # raised to end every session at once
    created_at = models.DateTimeField(auto_now_add=True)
    deactivated_at = models.DateTimeField(null=True, blank=True)

    objects = UserManager()

    USERNAME_FIELD = "username"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: list[str] = []

    class Meta:
        verbose_name = _("user")
        verbose_name_plural = _("users")
        constraints = [models.UniqueConstraint(Lower("username"), name="user_username_ci_unique")]

    def __str__(self) -> str:
        return self.username

    def get_full_name(self) -> str:
        return self.full_name

    def get_short_name(self) -> str:
        return self.full_name.split(" ")[0] if self.full_name else self.username

    @cached_property
    def role_names(self) -> frozenset[str]:
        """The account's roles; one query, once per object."""
        return frozenset(self.roles.values_list("role", flat=True))

    @cached_property
    def capabilities(self) -> frozenset[Capability]:
        """Everything the roles give; nothing while a one-time password waits to be replaced."""
        if self.must_change_password:
            return frozenset()
        return frozenset().union(*(ROLE_CAPABILITIES.get(Role(name), frozenset()) for name in self.role_names))

    @property
    def is_staff_member(self) -> bool:
        return self.kind == self.Kind.STAFF

    @property
    def display_name(self) -> str:
        """The name with titles for doctors and other professionals: dr. Rina Hartati, Sp.A."""
        profile = getattr(self, "staff_profile", None) if self.is_staff_member else None
        if profile is None:
            return self.full_name
        name = f"{profile.title_prefix} {self.full_name}".strip()
        return f"{name}, {profile.title_suffix}" if profile.title_suffix else name

    @property
    def invited_until(self) -> datetime | None:
        """When the newest invitation ends, past or future; None when there is none. Query-free after `for_list()`."""
        ends = [link.expires_at for link in self.links.all() if link.kind == "invitation" and not link.revoked_at]
        return max(ends, default=None)

    @property
    def has_running_invitation(self) -> bool:
        until = self.invited_until
        return until is not None and until > clock.now()

    @property
    def is_invited(self) -> bool:
        """True for staff who have not yet chosen a password by the link of their invitation."""
        return self.is_staff_member and not self.has_usable_password()

    def _get_session_auth_hash(self, secret: str | None = None) -> str:
        # Django's own hash covers the password; the epoch adds roles, second factors and whatever else ends sessions.
        return salted_hmac(
            "accounts.User.session", f"{self.session_epoch}:{self.password}", secret=secret, algorithm="sha256"
        ).hexdigest()

    def forget_roles(self) -> None:
        """Drop the cached roles after a change."""
        self.__dict__.pop("role_names", None)
        self.__dict__.pop("capabilities", None)


class RoleAssignment(models.Model):
    """One role of one account; roles add up."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="roles")
    role = models.CharField(max_length=20, choices=Role)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "role"], name="role_once_per_user")]

    def __str__(self) -> str:
        return self.role


class Specialty(models.TextChoices):
    """Field of practice (poli)."""

    GENERAL = "umum", _("General practice")
    ENT = "tht", _("Ear, nose and throat")
    DENTAL = "gigi", _("Dentistry")
    PAEDIATRICS = "anak", _("Paediatrics")
    OBGYN = "kandungan", _("Obstetrics and gynaecology")
    INTERNAL = "penyakit_dalam", _("Internal medicine")


class StaffProfile(models.Model):
    """What the clinic knows about a member of staff as a professional. Licence numbers are printed on papers."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.OneToOneField(User, on_delete=models.CASCADE, related_name="staff_profile")
    title_prefix = models.CharField(_("title before the name"), max_length=40, blank=True)
    title_suffix = models.CharField(_("title after the name"), max_length=80, blank=True)
    specialty = models.CharField(_("specialty"), max_length=20, choices=Specialty, blank=True)
    sip_number = models.CharField(_("practice licence (SIP)"), max_length=60, blank=True)
    sip_valid_until = models.DateField(_("practice licence valid until"), null=True, blank=True)
    str_number = models.CharField(_("registration (STR)"), max_length=60, blank=True)
    nik = EncryptedCharField(_("NIK"), max_length=16, blank=True, default="")
    phone = models.CharField(_("phone"), max_length=20, blank=True)
    room = models.CharField(_("room"), max_length=40, blank=True)
    verified_at = models.DateTimeField(_("verified at"), null=True, blank=True)
    verified_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")

    def __str__(self) -> str:
        return self.user.username

    @property
    def sip_state(self) -> str:
        """Whether the practice licence is to be renewed: "ended", "ending" or "". It counts on its last day."""
        if self.sip_valid_until is None or self.sip_valid_until > clock.today() + LICENCE_WARNING:
            return ""
        return "ended" if self.sip_valid_until < clock.today() else "ending"

    @property
    def masked_nik(self) -> str:
        """The NIK as lists show it: 3171••••••••0001."""
        return f"{self.nik[:4]}••••••••{self.nik[-4:]}" if self.nik else ""

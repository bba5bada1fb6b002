"""Forms of accounts: parsing and shape; the rules are in `accounts.services`."""

from __future__ import annotations

from typing import Any, cast

from allauth.account.adapter import get_adapter
from allauth.account.forms import LoginForm
from django import forms
from django.contrib.auth.signals import user_login_failed
from django.utils.translation import gettext_lazy as _

from accounts.access import Role
from accounts.models import Specialty, User
from accounts.names import account_of_request
from accounts.services import STAFF_ROLES


class SignInForm(LoginForm):
    """One door's sign-in. The other kind of person gets the same answer as a wrong password."""

    kind: str = ""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["login"] = forms.CharField(
            label=_("User name or e-mail"),
            max_length=254,
            widget=forms.TextInput(
                attrs={
                    "autocomplete": "username",
                    "autocapitalize": "none",
                    "spellcheck": "false",
                    "autofocus": True,
                }
            ),
        )
        self.fields["password"] = forms.CharField(
            label=_("Password"),
            strip=False,
            max_length=200,
            widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
        )
        self.order_fields(["login", "password"])

    def user_credentials(self) -> dict[str, Any]:
        """The account's own user name, however the person wrote it: nothing typed reaches session or log."""
        user = account_of_request(self.request, self.cleaned_data["login"])
        name = user.username if user is not None else self.cleaned_data["login"]
        return {"username": name, "password": self.cleaned_data["password"]}

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if not self.errors and self.user is not None and self.user.kind != self.kind:
            # Counted like a wrong password: else a lock-out that never comes would tell the two apart.
            user_login_failed.send(sender=type(self), credentials={"username": cleaned["login"]}, request=self.request)
            raise get_adapter().validation_error("username_password_mismatch")
        return cleaned


class StaffSignInForm(SignInForm):
    kind = User.Kind.STAFF


class PatientSignInForm(SignInForm):
    kind = User.Kind.PATIENT


class PasswordChangeForm(forms.Form):
    """The present password and a new one. Typed once: the field can be shown, and managers fill it."""

    current_password = forms.CharField(
        label=_("Present password"),
        strip=False,
        max_length=200,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )
    new_password = forms.CharField(
        label=_("New password"),
        strip=False,
        max_length=200,
        help_text=_(
            "At least 12 signs, not only digits, and no word that is often used. Several words in a row work well."
        ),
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password", "minlength": 12}),
    )

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user

    def clean_current_password(self) -> str:
        password = self.cleaned_data["current_password"]
        if not get_adapter().reauthenticate(self.user, password):
            raise forms.ValidationError(_("This is not your present password. Type it again."))
        return password


class UserFilterForm(forms.Form):
    """What the list of users shows."""

    kind = forms.ChoiceField(
        label=_("Kind"),
        required=False,
        choices=[("staff", _("Staff")), ("patient", _("Patients")), ("all", _("Everyone"))],
    )
    role = forms.ChoiceField(label=_("Role"), required=False)
    status = forms.ChoiceField(
        label=_("Status"),
        required=False,
        choices=[
            ("", _("All")),
            ("active", _("Active")),
            ("inactive", _("Not active")),
            ("unverified", _("Not verified")),
        ],
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        role = cast(forms.ChoiceField, self.fields["role"])
        role.choices = [("", _("All roles")), *((r.value, r.label) for r in Role if r in STAFF_ROLES)]


class StaffForm(forms.Form):
    """Facts of a member of staff."""

    full_name = forms.CharField(
        label=_("Full name"), max_length=200, help_text=_("As on the identity card, without titles.")
    )
    email = forms.EmailField(label=_("E-mail"), max_length=254, widget=forms.EmailInput(attrs={"autocomplete": "off"}))
    title_prefix = forms.CharField(label=_("Title before the name"), max_length=40, required=False)
    title_suffix = forms.CharField(label=_("Title after the name"), max_length=80, required=False)
    specialty = forms.ChoiceField(
        label=_("Specialty"), required=False, choices=[("", _("None")), *Specialty.choices], help_text=_("For doctors.")
    )
    sip_number = forms.CharField(label=_("Practice licence (SIP)"), max_length=60, required=False)
    str_number = forms.CharField(label=_("Registration (STR)"), max_length=60, required=False)
    phone = forms.CharField(label=_("Phone"), max_length=20, required=False)
    room = forms.CharField(label=_("Room"), max_length=40, required=False)

    def facts(self) -> dict[str, str]:
        """Return the cleaned values for a service call."""
        return {name: self.cleaned_data[name] for name in StaffForm.base_fields}


class RolesForm(forms.Form):
    """The roles of a member of staff."""

    roles = forms.MultipleChoiceField(
        label=_("Roles"),
        choices=[(role.value, role.label) for role in Role if role in STAFF_ROLES],
        widget=forms.CheckboxSelectMultiple,
        help_text=_("Roles add up."),
    )


class NewStaffForm(RolesForm, StaffForm):
    """A new member of staff."""

    username = forms.CharField(
        label=_("User name"),
        max_length=40,
        help_text=_("Small letters, digits, dots and hyphens; it cannot be changed later."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}),
    )

    field_order = ["username", "full_name", "email", "roles"]

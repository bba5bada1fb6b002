"""The sign-in of both doors."""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import get_adapter
from allauth.account.forms import LoginForm
from django import forms
from django.contrib.auth.signals import user_login_failed
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from accounts.names import account_of_request


class SignInForm(LoginForm):
    """One door's sign-in. The other kind of person gets the same answer as a wrong password."""

    kind: str = ""
    login_label: Any = _("User name or e-mail")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["login"] = forms.CharField(
            label=self.login_label,
            max_length=254,
            widget=forms.TextInput(
                attrs={
                    "autocomplete": "username webauthn",  # passkeys are offered in the field
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
    login_label = _("E-mail, phone number or NIK")

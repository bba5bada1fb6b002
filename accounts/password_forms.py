"""Forms about one's own password and address, and behind mailed links."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts import lockout
from accounts.models import User
from accounts.validators import NewPasswordField
from core.fields import CleanText


class PasswordProofForm(forms.Form):
    """The present password of an account. A wrong one counts like a wrong one at the door."""

    current_password = forms.CharField(
        label=_("Present password"),
        strip=False,
        max_length=200,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )

    def __init__(self, *args: Any, request: Any, account: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.request, self.account = request, account

    def clean_current_password(self) -> str:
        """Check the password.

        Raises:
            TooManyTries: the fifth wrong one within 15 minutes.
        """
        password = self.cleaned_data["current_password"]
        if not lockout.attempt(self.request, self.account, lambda: self.account.check_password(password)):
            raise forms.ValidationError(_("This is not your present password. Type it again."))
        return password


class PasswordChangeForm(PasswordProofForm):
    """The present password and a new one."""

    new_password = NewPasswordField()


class NewPasswordForm(forms.Form):
    """A new password, behind a mailed link."""

    new_password = NewPasswordField()


class PasswordResetForm(forms.Form):
    """Whose password is to be reset."""

    login = CleanText(
        max_length=254,
        widget=forms.TextInput(
            attrs={"autocomplete": "username", "autocapitalize": "none", "spellcheck": "false", "autofocus": True}
        ),
    )

    def __init__(self, *args: Any, door: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        is_staff = door == User.Kind.STAFF
        self.fields["login"].label = _("User name or e-mail") if is_staff else _("E-mail, phone number or NIK")


class EmailChangeForm(PasswordProofForm):
    """The new address of an account."""

    new_email = forms.EmailField(
        label=_("New e-mail address"), max_length=254, widget=forms.EmailInput(attrs={"autocomplete": "email"})
    )

    field_order = ["new_email", "current_password"]

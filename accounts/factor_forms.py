"""Forms of second factors."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.factors import BACKUP_LENGTH, NAME_LENGTH, plain_code
from accounts.models.factors import TOTP_DIGITS
from core.fields import CleanText


class _CodeBase(forms.Form):
    def refuse(self, reason: str) -> None:
        """Say why the code was not taken, and empty the field: it will not be taken later either."""
        self.add_error("code", reason)
        self.data = {**self.data, self.add_prefix("code"): ""}


class CodeForm(_CodeBase):
    """The present code of an authenticator app. Spaces do not count, so it can be pasted as apps show it."""

    code = forms.CharField(
        label=_("Code"),
        max_length=32,
        help_text=_("The 6 digits that your authenticator app shows for this clinic."),
        widget=forms.TextInput(
            attrs={
                "inputmode": "numeric",
                "autocomplete": "one-time-code",
                "autofocus": True,
                "spellcheck": "false",
                "class": "code-input",
            }
        ),
        error_messages={"required": _("Enter the 6 digits of the code.")},
    )

    def clean_code(self) -> str:
        code = plain_code(self.cleaned_data["code"])
        if len(code) != TOTP_DIGITS or not (code.isascii() and code.isdigit()):
            raise forms.ValidationError(_("Enter the 6 digits of the code."))
        return code


class BackupCodeForm(_CodeBase):
    """One of the codes a person has kept on paper."""

    code = forms.CharField(
        label=_("Backup code"),
        max_length=64,
        help_text=_("One of the codes you kept when you set up the second step. Each works once."),
        widget=forms.TextInput(
            attrs={
                "autocomplete": "off",
                "autocapitalize": "none",
                "autofocus": True,
                "spellcheck": "false",
                "class": "code-input",
            }
        ),
        error_messages={"required": _("Enter a backup code of 16 letters and digits.")},
    )

    def clean_code(self) -> str:
        code = plain_code(self.cleaned_data["code"])
        if len(code) != BACKUP_LENGTH or not (code.isascii() and code.isalnum()):
            raise forms.ValidationError(_("Enter a backup code of 16 letters and digits."))
        return code


class PasswordForm(forms.Form):
    """The present password, for people who have no second factor."""

    def refuse(self, reason: str) -> None:
        self.add_error("password", reason)

    password = forms.CharField(
        label=_("Password"),
        strip=False,
        max_length=200,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password", "autofocus": True}),
    )


class NewAppForm(CodeForm):
    """The first code of a new authenticator app, and what the person calls it."""

    name = CleanText(
        label=_("Name of this device"),
        max_length=NAME_LENGTH,
        required=False,
        help_text=_("So that you know it again in the list, for example “My phone”."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["code"].widget.attrs.pop("autofocus")  # the picture above it comes first
        self.fields["code"].help_text = _("Type the 6 digits that the app shows now. So we know that it works.")


class KeptForm(forms.Form):
    """The promise that the backup codes are in a safe place."""

    kept = forms.BooleanField(
        label=_("I have kept these codes in a safe place"),
        error_messages={"required": _("Keep the codes first, then tick this box.")},
    )


class DeviceNameForm(forms.Form):
    """Another name for a device."""

    name = CleanText(label=_("Name"), max_length=NAME_LENGTH, widget=forms.TextInput(attrs={"autocomplete": "off"}))


class ResetReasonForm(forms.Form):
    """Why somebody's second factors are to be removed."""

    reason = CleanText(
        lines=True,
        label=_("Reason"),
        min_length=10,
        max_length=500,
        help_text=_("What happened, and how you made sure that it is really this person who asks. No patient data."),
        widget=forms.Textarea(attrs={"rows": 4}),
    )

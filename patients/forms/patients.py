"""Forms about patients: they parse and check single values; rules over rows are in the services."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth import password_validation
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from accounts.validators import NewPasswordField
from core.text import clean_line, clean_text
from patients import identity
from patients.models import Sex

MAX_QUERY = 100


class IdentityField(forms.CharField):
    """Text that is checked and tidied by `patients.identity`, so forms and services agree."""

    def __init__(self, name: str, **options: Any) -> None:
        self.cleaner = identity.CLEANERS[name]
        super().__init__(strip=False, **options)

    def clean(self, value: Any) -> Any:
        return self.cleaner(super().clean(clean_text(value)))


class BirthDateField(forms.DateField):
    widget = forms.DateInput(format="%Y-%m-%d", attrs={"type": "date", "autocomplete": "bday"})

    def clean(self, value: Any) -> Any:
        found = super().clean(value)
        return identity.clean_birth_date(found) if found else found


class Line(forms.CharField):
    """One line of free text without control characters."""

    def clean(self, value: Any) -> str:
        return super().clean(clean_line(value))


class JoinedInput(forms.TextInput):
    """One text from several controls of the same name: reasons that were ticked, and words that were typed."""

    def value_from_datadict(self, data: Any, files: Any, name: str) -> Any:
        values = data.getlist(name) if hasattr(data, "getlist") else [data.get(name)]
        return "; ".join(dict.fromkeys(text.strip() for text in values if text and text.strip()))


def nik_field(**options: Any) -> IdentityField:
    return IdentityField(
        "nik",
        label=_("NIK"),
        required=False,
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off", "data-nik": "", "maxlength": 24}),
        **options,
    )


def full_name_field() -> IdentityField:
    return IdentityField(
        "full_name",
        label=_("Full name (as on the identity card)"),
        widget=forms.TextInput(attrs={"autocomplete": "name", "autocapitalize": "words", "spellcheck": "false"}),
        error_messages={"required": _("Enter the full name as on the identity card.")},
    )


def sex_field() -> forms.ChoiceField:
    return forms.ChoiceField(
        label=_("Sex"),
        choices=[(Sex.MALE.value, Sex.MALE.label), (Sex.FEMALE.value, Sex.FEMALE.label)],
        widget=forms.RadioSelect,
        error_messages={"required": _("Choose the sex as on the identity card.")},
    )


def phone_field(*, required: bool = False) -> IdentityField:
    return IdentityField(
        "phone",
        label=_("Phone (WhatsApp)"),
        required=required,
        widget=forms.TextInput(attrs={"type": "tel", "inputmode": "tel", "autocomplete": "tel"}),
        error_messages={"required": _("Enter a phone number where we can reach you.")},
    )


def email_field(*, required: bool = False) -> IdentityField:
    return IdentityField(
        "email",
        label=_("E-mail"),
        required=required,
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
        error_messages={"required": _("Enter an e-mail address such as nama@contoh.id.")},
    )


class SearchForm(forms.Form):
    """What somebody types to find a patient."""

    q = Line(required=False, label=_("Name, record number, NIK, phone or birth date"))

    def clean_q(self) -> str:
        return self.cleaned_data["q"][:MAX_QUERY]


class ReasonForm(forms.Form):
    """Why something is undone or refused."""

    reason = Line(label=_("Reason"), max_length=300, error_messages={"required": _("Write the reason.")})


class ActivateForm(forms.Form):
    """Which record a registration is connected with; empty makes a new one."""

    existing_patient_id = forms.UUIDField(required=False, widget=forms.HiddenInput)


class RebuildForm(forms.Form):
    """Who somebody without a record is, when nobody wrote it, and what to do about records that look alike."""

    full_name = full_name_field()
    birth_date = BirthDateField(label=_("Date of birth"), error_messages={"required": _("Enter the date of birth.")})
    sex = sex_field()
    phone = phone_field()
    nik = nik_field()
    duplicate_reason = Line(
        label=_("Why this is another person"),
        required=False,
        max_length=300,
        help_text=_("Only when a record below looks like this person and is not theirs."),
    )
    existing_patient_id = forms.UUIDField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, is_known: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("full_name", "birth_date", "sex", "phone", "nik"):
            if is_known:
                del self.fields[name]
            else:
                self.fields[name].widget.attrs["autocomplete"] = "off"

    def identity(self) -> dict[str, Any]:
        """Return who the person is, for `services.missing_records.Identity`."""
        return {name: self.cleaned_data[name] for name in ("full_name", "birth_date", "sex", "phone", "nik")}

    def choice(self) -> dict[str, Any]:
        """Return what was decided about records that look alike, for a service call."""
        return {name: self.cleaned_data[name] for name in ("existing_patient_id", "duplicate_reason")}


class SignUpForm(forms.Form):
    """A person who wants to use the portal."""

    full_name = full_name_field()
    birth_date = BirthDateField(label=_("Date of birth"), error_messages={"required": _("Enter the date of birth.")})
    sex = sex_field()
    phone = phone_field(required=True)
    nik = nik_field(help_text=_("16 digits on your identity card. It helps us to find your record."))
    email = email_field(required=True)
    password = NewPasswordField(label=_("Password"))
    consent = forms.BooleanField(
        label=_("I agree that the clinic stores these data to care for me and to contact me."),
        error_messages={"required": _("Tick this to continue; without it we may not keep your data.")},
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["email"].help_text = _("You sign in with it, and our confirmations go there.")

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        password = data.get("password")
        if password:
            person = User(email=data.get("email") or "", full_name=data.get("full_name") or "")
            try:
                password_validation.validate_password(password, person)
            except ValidationError as error:
                self.add_error("password", error)
        return data

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
from patients.models import Allergy, Patient, Sex
from patients.services import AllergyAnswer

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


class IdentityForm(forms.Form):
    """Identity in the order of the identity card."""

    nik = nik_field(help_text=_("16 digits. Leave it empty for babies and foreigners without one."))
    full_name = full_name_field()
    birth_place = IdentityField("birth_place", label=_("Place of birth"), required=False)
    birth_date = BirthDateField(label=_("Date of birth"), error_messages={"required": _("Enter the date of birth.")})
    sex = sex_field()
    blood_type = forms.ChoiceField(
        label=_("Blood type"), required=False, choices=[("", _("Not known")), *((t, t) for t in ("A", "B", "AB", "O"))]
    )
    address = IdentityField(
        "address", label=_("Address"), required=False, widget=forms.Textarea(attrs={"rows": 2, "autocomplete": "off"})
    )
    mother_name = IdentityField("mother_name", label=_("Mother's name"), required=False)
    phone = phone_field()
    email = email_field()
    guarantor = forms.ChoiceField(label=_("Guarantor"), choices=Patient.Guarantor, initial=Patient.Guarantor.SELF)
    bpjs_number = IdentityField(
        "bpjs_number",
        label=_("BPJS card number"),
        required=False,
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
    )
    language = forms.ChoiceField(
        label=_("Language of letters and mails"), choices=[("id", "Bahasa Indonesia"), ("en", "English")], initial="id"
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("full_name", "phone", "email", "birth_date"):
            # The browser would offer the data of the clerk.
            self.fields[name].widget.attrs["autocomplete"] = "off"

    def identity(self) -> dict[str, Any]:
        """Return the cleaned identity fields only."""
        return {name: value for name, value in self.cleaned_data.items() if name in identity.FIELDS}


class RegisterForm(IdentityForm):
    """A walk-in at the desk: identity, the question about allergies, consent."""

    ASKED = [("", _("Not asked yet")), ("none", _("Asked: none known")), ("known", _("Asked: has an allergy"))]

    allergy = forms.ChoiceField(
        label=_("Allergies"), required=False, choices=ASKED, widget=forms.RadioSelect, initial=""
    )
    allergy_substance = Line(label=_("Allergic to"), required=False, max_length=120)
    allergy_category = forms.ChoiceField(
        label=_("Kind"), required=False, choices=Allergy.Category, initial=Allergy.Category.MEDICATION
    )
    allergy_group = forms.ChoiceField(
        label=_("Medicine group"),
        required=False,
        choices=Allergy.Group,
        help_text=_("Prescriptions of this group will be stopped."),
    )
    allergy_reaction = Line(label=_("Reaction"), required=False, max_length=200)
    duplicate_reason = Line(label=_("Why this is another person"), required=False, max_length=300)
    consent = forms.BooleanField(
        label=_("The patient or guardian agrees to care and to the processing of personal data for care and billing."),
        error_messages={"required": _("Read the consent text to the patient and tick it, or do not register.")},
    )

    def __init__(self, *args: Any, may_ask_allergies: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not may_ask_allergies:
            for name in [name for name in self.fields if name.startswith("allergy")]:
                del self.fields[name]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if (
            data.get("allergy") == "known"
            and not data.get("allergy_substance")
            and "allergy_substance" not in self.errors
        ):
            self.add_error("allergy_substance", _("Enter what the patient is allergic to."))
        return data

    def allergy_answer(self) -> AllergyAnswer | None:
        """Return what the patient said, or None when they were not asked."""
        data = self.cleaned_data
        if data.get("allergy") == "none":
            return AllergyAnswer(denied=True)
        if data.get("allergy") == "known":
            return AllergyAnswer(
                substance=data["allergy_substance"],
                category=data["allergy_category"] or Allergy.Category.MEDICATION,
                group=data["allergy_group"],
                reaction=data["allergy_reaction"],
            )
        return None


class AllergyForm(forms.Form):
    """One allergy."""

    substance = Line(
        label=_("Allergic to"),
        max_length=120,
        error_messages={"required": _("Enter what the patient is allergic to.")},
    )
    category = forms.ChoiceField(label=_("Kind"), choices=Allergy.Category, initial=Allergy.Category.MEDICATION)
    group = forms.ChoiceField(
        label=_("Medicine group"),
        required=False,
        choices=Allergy.Group,
        help_text=_("Prescriptions of this group will be stopped."),
    )
    reaction = Line(label=_("Reaction"), required=False, max_length=200)
    severity = forms.ChoiceField(
        label=_("Severity"), required=False, choices=[("", _("Not known")), *Allergy.Severity.choices]
    )


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


class ProfileForm(forms.Form):
    """What patients keep up to date themselves."""

    nik = nik_field(help_text=_("16 digits on your identity card. You can enter it once."))
    birth_place = IdentityField("birth_place", label=_("Place of birth"), required=False)
    birth_date = BirthDateField(label=_("Date of birth"), help_text=_("You can correct it once."))
    phone = phone_field(required=True)
    address = IdentityField(
        "address",
        label=_("Address"),
        widget=forms.Textarea(attrs={"rows": 3, "autocomplete": "street-address"}),
        error_messages={"required": _("Enter your address.")},
    )
    mother_name = IdentityField("mother_name", label=_("Mother's name"), required=False)
    blood_type = forms.ChoiceField(
        label=_("Blood type"), required=False, choices=[("", _("Not known")), *((t, t) for t in ("A", "B", "AB", "O"))]
    )
    guarantor = forms.ChoiceField(label=_("Who pays"), choices=Patient.Guarantor)
    bpjs_number = IdentityField(
        "bpjs_number",
        label=_("BPJS card number"),
        required=False,
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
    )

    def __init__(self, *args: Any, may_set_nik: bool, may_set_birth_date: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not may_set_nik:
            del self.fields["nik"]
        if not may_set_birth_date:
            del self.fields["birth_date"]

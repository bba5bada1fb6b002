"""What patients keep up to date themselves."""

from __future__ import annotations

from typing import Any

from django import forms
from django.urls import reverse_lazy
from django.utils.translation import gettext_lazy as _

from patients.details import RegistrationDetails, address_columns
from patients.errors import InvalidPatientData
from patients.forms.patients import BirthDateField, IdentityField, nik_field, phone_field
from patients.forms.registration import address_fields, address_of_form, show_chosen_region
from patients.models import Patient


class ProfileForm(forms.Form):
    """The own data in the portal; NIK and birth date once, the address in its parts."""

    nik = nik_field(help_text=_("16 digits on your identity card. You can enter it once."))
    birth_place = IdentityField("birth_place", label=_("Place of birth"), required=False)
    birth_date = BirthDateField(label=_("Date of birth"), help_text=_("You can correct it once."))
    phone = phone_field(required=True)
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
        self.fields.update(address_fields("address", url=reverse_lazy("patients:region-list")))
        line = self.fields["address_line"]
        line.required, line.error_messages["required"] = True, _("Enter your address.")
        line.widget.attrs["autocomplete"] = "street-address"
        show_chosen_region(self, "address")

    @property
    def plain_fields(self) -> list[Any]:
        """The fields beside the address, in order."""
        return [self[name] for name in self.fields if not name.startswith("address_")]

    @property
    def words_open(self) -> bool:
        """True when the words beside the list of regions are to be seen at once."""
        names = [f"address_{part}" for part in ("village", "district", "regency", "province")]
        return any(self[name].value() or name in self.errors for name in names)

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        try:
            address_columns(address_of_form(data, "address"))
        except InvalidPatientData as error:
            self.add_error(error.field if error.field in self.fields else None, str(error))
        return data

    def identity(self) -> dict[str, Any]:
        """Return the identity columns, for `complete_profile`."""
        return {name: value for name, value in self.cleaned_data.items() if not name.startswith("address_")}

    def details(self) -> RegistrationDetails:
        """Return the address, for `complete_profile`."""
        return RegistrationDetails(identity_address=address_of_form(self.cleaned_data, "address"))

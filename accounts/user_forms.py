"""Forms of the administration of accounts."""

from __future__ import annotations

from typing import Any, cast

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.access import Role
from accounts.models import Specialty
from accounts.services import STAFF_ROLES


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
            ("invited", _("Invited")),
            ("unverified", _("Not verified")),
            ("licence", _("Licence to renew")),
        ],
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        role = cast(forms.ChoiceField, self.fields["role"])
        role.choices = [("", _("All roles")), *((r.value, r.label) for r in Role if r in STAFF_ROLES)]


class StaffForm(forms.Form):
    """Facts of a member of staff."""

    username = forms.CharField(
        label=_("User name"),
        max_length=40,
        help_text=_("Small letters, digits, dots and hyphens."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}),
    )
    full_name = forms.CharField(
        label=_("Full name"), max_length=200, help_text=_("As on the identity card, without titles.")
    )
    title_prefix = forms.CharField(label=_("Title before the name"), max_length=40, required=False)
    title_suffix = forms.CharField(label=_("Title after the name"), max_length=80, required=False)
    specialty = forms.ChoiceField(
        label=_("Specialty"), required=False, choices=[("", _("None")), *Specialty.choices], help_text=_("For doctors.")
    )
    sip_number = forms.CharField(label=_("Practice licence (SIP)"), max_length=60, required=False)
    sip_valid_until = forms.DateField(
        label=_("SIP valid until"),
        required=False,
        widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date", "autocomplete": "off"}),
    )
    str_number = forms.CharField(label=_("Registration (STR)"), max_length=60, required=False)
    nik = forms.CharField(
        label=_("NIK"),
        max_length=24,
        required=False,
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
    )
    phone = forms.CharField(label=_("Phone"), max_length=20, required=False)
    room = forms.CharField(label=_("Room"), max_length=40, required=False)

    def __init__(self, *args: Any, known_nik: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if known_nik:
            self.fields["nik"].help_text = _("Recorded: %(nik)s. Leave it empty to keep it.") % {"nik": known_nik}

    def facts(self) -> dict[str, Any]:
        """Return the cleaned values for a service call; an empty NIK leaves the recorded one."""
        facts = {name: self.cleaned_data[name] for name in StaffForm.base_fields}
        if not facts["nik"]:
            del facts["nik"]
        return facts


class RolesForm(forms.Form):
    """The roles of a member of staff."""

    roles = forms.MultipleChoiceField(
        label=_("Roles"),
        choices=[(role.value, role.label) for role in Role if role in STAFF_ROLES],
        widget=forms.CheckboxSelectMultiple,
        help_text=_("Roles add up."),
    )


class EmailForm(forms.Form):
    """The address of a member of staff."""

    email = forms.EmailField(
        label=_("New e-mail address"), max_length=254, widget=forms.EmailInput(attrs={"autocomplete": "off"})
    )


class InviteForm(RolesForm, EmailForm, StaffForm):
    """A new member of staff."""

    field_order = ["username", "full_name", "email", "roles"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["email"].label = _("E-mail")
        self.fields["email"].help_text = _("The invitation goes there.")

"""Forms about guardians: they parse; rules over rows are in the services."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from core.fields import CleanText
from patients.forms.patients import BirthDateField, Line, full_name_field
from patients.models import GuardianLink

Choices = list[tuple[str, Any]]


def _relationship(label: Any) -> forms.ChoiceField:
    choices: Choices = [("", _("Choose")), *GuardianLink.Relationship.choices]
    return forms.ChoiceField(label=label, choices=choices, error_messages={"required": _("Choose the relationship.")})


class AskForm(forms.Form):
    """What a portal user types about a person they want to act for."""

    full_name = full_name_field()
    birth_date = BirthDateField(label=_("Date of birth"), error_messages={"required": _("Enter the date of birth.")})
    relationship = _relationship(_("What are you to this person?"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("full_name", "birth_date"):
            self.fields[name].widget.attrs["autocomplete"] = "off"  # the browser would offer the reader's own


class FindForm(forms.Form):
    """One line that finds a record or an account."""

    look_for = Line(max_length=254, widget=forms.TextInput(attrs={"autocomplete": "off"}))

    def __init__(self, *args: Any, label: Any, help_text: Any = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["look_for"].label, self.fields["look_for"].help_text = label, help_text
        self.fields["look_for"].error_messages["required"] = _("Type something to look for.")


class ProofForm(forms.Form):
    """What staff have seen when they prove a link."""

    relationship = _relationship(_("What is the guardian to the patient?"))
    proof = forms.ChoiceField(
        label=_("Which document did you see?"), choices=GuardianLink.Proof, widget=forms.RadioSelect,
        error_messages={"required": _("Choose which document you have seen.")},
    )  # fmt: skip
    proof_note = CleanText(
        label=_("Note on the document"), required=False, max_length=500,
        help_text=_("For instance number, date and who signed."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )  # fmt: skip
    ends_on = forms.DateField(
        label=_("First day without access"), required=False,
        widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}),
        help_text=_("Only when the document names an end. A child's link ends at 18 by itself."),
    )  # fmt: skip

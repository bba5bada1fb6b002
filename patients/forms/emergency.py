"""Forms of emergency access."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from core.text import clean_line, clean_text
from patients.forms.patients import BirthDateField
from patients.models.emergency import EmergencyAccess

QUIET = {"autocomplete": "off", "spellcheck": "false"}


class Text(forms.CharField):
    """Free text without control characters."""

    widget = forms.Textarea(attrs={"rows": 3, "autocomplete": "off"})

    def clean(self, value: Any) -> str:
        return super().clean(clean_text(value))


class LookForm(forms.Form):
    """Whom the emergency is about: exact facts only."""

    number = forms.CharField(
        label=_("Record number or NIK"), required=False, max_length=30, widget=forms.TextInput(attrs=QUIET)
    )
    full_name = forms.CharField(
        label=_("or full name"), required=False, max_length=200, widget=forms.TextInput(attrs=QUIET)
    )
    birth_date = BirthDateField(label=_("and date of birth"), required=False)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        cleaned = {name: clean_line(value) if isinstance(value, str) else value for name, value in cleaned.items()}
        if (
            not self.errors
            and not cleaned.get("number")
            and not (cleaned.get("full_name") and cleaned.get("birth_date"))
        ):
            raise ValidationError(_("Enter the record number or the NIK, or the full name with the date of birth."))
        return cleaned


class ReasonOfEmergencyForm(forms.Form):
    """Why the record is opened."""

    reason_code = forms.ChoiceField(
        label=_("Reason"), choices=EmergencyAccess.Reason.choices, widget=forms.RadioSelect,
        error_messages={"required": _("Choose the reason.")},
    )  # fmt: skip
    reason_text = Text(
        label=_("What happened"), max_length=500,
        help_text=_("At least 10 letters, for the person who reviews it. Write no names and no findings."),
        error_messages={"required": _("Write what happened.")},
    )  # fmt: skip


class ReviewForm(forms.Form):
    """What the review found."""

    outcome = forms.ChoiceField(
        label=_("Outcome"), choices=EmergencyAccess.Outcome.choices, widget=forms.RadioSelect,
        error_messages={"required": _("Choose whether it was justified.")},
    )  # fmt: skip
    note = Text(
        label=_("Remark"), required=False, max_length=500,
        help_text=_("Needed when it was not justified. Write no names and no findings."),
    )  # fmt: skip

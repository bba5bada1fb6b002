"""Archiving, bringing back, and deleting a mistaken registration."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from patients.forms.patients import Line


class ArchiveForm(forms.Form):
    """Why a record is archived; a death is a reason by itself."""

    deceased_on = forms.DateField(
        label=_("Died on"),
        required=False,
        widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}),
        help_text=_("Only if the patient has died."),
    )
    reason = Line(label=_("Reason"), required=False, max_length=300)


class BackForm(forms.Form):
    """Why a record comes back."""

    reason = Line(label=_("Reason"), max_length=300, error_messages={"required": _("Write why it comes back.")})


class DeleteForm(forms.Form):
    """Why the registration was a mistake, and the number typed once more."""

    reason = Line(
        label=_("Why the registration was a mistake"),
        max_length=300,
        error_messages={"required": _("Write why the registration was a mistake.")},
    )
    record_number = Line(
        label=_("Type the record number to confirm"),
        max_length=20,
        error_messages={"required": _("Type the record number to confirm.")},
    )

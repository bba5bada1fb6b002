"""What of a record is wanted on paper, and what for."""

from __future__ import annotations

from typing import Any

from django import forms
from django.db import models
from django.utils.translation import gettext_lazy as _

from core import clock
from workspace.record_pdf import PARTS, RecordWish


class Purpose(models.TextChoices):
    """Why a record leaves the screen."""

    PATIENT = "patient", _("The patient asked for it")
    REFERRAL = "referral", _("Referral to another facility")
    INSURER = "insurer", _("Insurer or payer")
    LEGAL = "legal", _("Court or authority")
    INTERNAL = "internal", _("Care inside the clinic")


class WishForm(forms.Form):
    """Period and parts; empty dates mean everything."""

    since = forms.DateField(
        label=_("From"), required=False, widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"})
    )
    until = forms.DateField(
        label=_("Until"), required=False, widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"})
    )
    parts = forms.MultipleChoiceField(
        label=_("Parts"),
        required=False,
        choices=list(PARTS.items()),
        initial=list(PARTS),
        widget=forms.CheckboxSelectMultiple,
        help_text=_("Identity and allergies are always there."),
    )

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        since, until = data.get("since"), data.get("until")
        if since and since > clock.today():
            self.add_error("since", _("This day is in the future."))
        if since and until and since > until:
            self.add_error("until", _("The period ends before it begins."))
        return data

    def wish(self) -> RecordWish:
        """Return what was chosen, of a valid form."""
        data = self.cleaned_data
        return RecordWish(data["since"], data["until"], frozenset(data["parts"]))


class RecordForm(WishForm):
    """The same for staff, who say what it is for."""

    purpose = forms.ChoiceField(
        label=_("What for"),
        choices=[("", _("Choose")), *Purpose.choices],
        error_messages={"required": _("Choose what the record is for.")},
    )

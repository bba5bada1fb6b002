"""What to print for a patient."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from patients.papers import MOST_LABELS, LabelSheet, Wristband, places_on


class LabelsForm(forms.Form):
    """How many labels, on which paper, from which place of a sheet that was begun before."""

    sheet = forms.ChoiceField(label=_("Paper"), choices=LabelSheet, initial=LabelSheet.A4_24)
    count = forms.IntegerField(label=_("How many"), min_value=1, max_value=MOST_LABELS, initial=8)
    first = forms.IntegerField(
        label=_("First free place on the sheet"),
        min_value=1,
        max_value=max(places_on(sheet) for sheet in LabelSheet),
        initial=1,
        help_text=_("1 is the upper left label; for a sheet that was used before."),
    )

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        sheet, first = data.get("sheet"), data.get("first")
        if sheet and first and first > places_on(LabelSheet(sheet)):
            self.add_error("first", _("This paper has %(count)d places.") % {"count": places_on(LabelSheet(sheet))})
        return data


class WristbandForm(forms.Form):
    """Which band."""

    band = forms.ChoiceField(label=_("Band"), choices=Wristband, initial=Wristband.ADULT)

"""Forms about records that look alike."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from patients.duplicate_screens import Line as FactLine
from patients.forms.patients import Line
from patients.services.merging import MERGED, SURVIVOR

MAX_NUMBER = 40
FACT = "fact_"  # before the name of a fact, so that no fact takes the name of another field


class PairForm(forms.Form):
    """Two records by their numbers, for a merge by hand."""

    first_number = Line(
        label=_("Record number or NIK of the first record"), max_length=MAX_NUMBER,
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
        error_messages={"required": _("Enter a record number or a NIK.")},
    )  # fmt: skip
    second_number = Line(
        label=_("Record number or NIK of the second record"), max_length=MAX_NUMBER,
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
        error_messages={"required": _("Enter a record number or a NIK.")},
    )  # fmt: skip


class DistinctForm(forms.Form):
    """How somebody knows that two records are of two persons."""

    reason = Line(
        label=_("How do you know?"), max_length=300,
        help_text=_("For example: twins, other identity card, spoke to both."),
        error_messages={"required": _("Write how you know that these are two persons.")},
    )  # fmt: skip


class UndoForm(forms.Form):
    """Why a merge was wrong."""

    reason = Line(
        label=_("Why are these two persons after all?"), max_length=300,
        error_messages={"required": _("Write why these are two persons after all.")},
    )  # fmt: skip


class MergeForm(forms.Form):
    """Which value of each differing fact stays, and why the two are one person.

    Facts of which one is empty are not asked. Two NIKs must be decided; everything else begins with the value of the
    record that stays.
    """

    reason = Line(
        label=_("Why are these two records of one person?"), max_length=300,
        help_text=_("For example: same identity card, the person confirmed it."),
        error_messages={"required": _("Write why these two records are of one person.")},
    )  # fmt: skip
    compared = forms.BooleanField(
        label=_("I compared the identity papers or asked the person: both records are of this one person."),
        error_messages={"required": _("Tick this after you compared; do not merge on a guess.")},
    )
    survivor_version = forms.IntegerField(widget=forms.HiddenInput, required=False)
    merged_version = forms.IntegerField(widget=forms.HiddenInput, required=False)

    def __init__(self, *args: Any, facts: list[FactLine], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fact_names = [line.name for line in facts]
        for line in facts:
            is_nik = line.name == "nik"
            self.fields[FACT + line.name] = forms.ChoiceField(
                label=line.label,
                choices=[(SURVIVOR, line.first), (MERGED, line.second)],
                widget=forms.RadioSelect,
                initial=None if is_nik else SURVIVOR,
                error_messages={
                    "required": _("The NIKs differ. Choose the one on the identity card.")
                    if is_nik
                    else _("Choose the value that is right.")
                },
            )
        order = [FACT + name for name in self.fact_names]
        self.order_fields([*order, "reason", "compared", "survivor_version", "merged_version"])

    def fact_fields(self) -> list[Any]:
        """Return the fields of the facts, for the page."""
        return [self[FACT + name] for name in self.fact_names]

    def values(self) -> dict[str, str]:
        """Return the chosen side of each fact, for `services.merging`."""
        chosen = {name: self.cleaned_data.get(FACT + name) for name in self.fact_names}
        return {name: side for name, side in chosen.items() if side}

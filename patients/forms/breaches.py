"""The register of failures to protect data."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from core import clock
from core.fields import CleanText, validate_year
from patients.forms.patients import Line
from patients.models import Breach
from patients.services.breaches import MAX_TEXT, MAX_TITLE, DataKind, ToldHow


class MomentField(forms.DateTimeField):
    """A day and time in the clinic's zone."""

    widget = forms.DateTimeInput(format="%Y-%m-%dT%H:%M", attrs={"type": "datetime-local"})
    default_validators = [validate_year]

    def __init__(self, **options: Any) -> None:
        super().__init__(input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"], **options)


class BreachForm(forms.Form):
    """What happened, as article 46 wants it told."""

    title = Line(label=_("What happened, in short"), max_length=MAX_TITLE)
    discovered_at = MomentField(label=_("Discovered at"), help_text=_("The clock of 3 x 24 hours runs from here."))
    began_at = MomentField(label=_("Began at"), required=False)
    ended_at = MomentField(label=_("Ended at"), required=False)
    data_kinds = forms.MultipleChoiceField(
        label=_("Data exposed"), required=False, choices=DataKind, widget=forms.CheckboxSelectMultiple
    )
    course = CleanText(
        label=_("When and how it happened"), required=False, lines=True, max_length=MAX_TEXT,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text=_("These words go to the people concerned. Name nobody."),
    )  # fmt: skip
    measures = CleanText(
        label=_("What is done about it"), required=False, lines=True, max_length=MAX_TEXT,
        widget=forms.Textarea(attrs={"rows": 4}), help_text=_("These words go to the people concerned too."),
    )  # fmt: skip
    risk = forms.ChoiceField(label=_("Risk"), choices=Breach.Risk, initial=Breach.Risk.MEDIUM)


class NumbersForm(forms.Form):
    """Affected people by their record numbers."""

    numbers = CleanText(
        label=_("Record numbers"), lines=True, max_length=20_000, widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("Separated by blanks, commas or lines."),
    )  # fmt: skip


class OpenedByForm(forms.Form):
    """Affected people by what one account opened."""

    person = forms.ModelChoiceField(label=_("Account"), queryset=User.objects.none(), empty_label=_("Choose"))
    since = MomentField(label=_("From"))
    until = MomentField(label=_("Until"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["person"].queryset = User.objects.filter(kind=User.Kind.STAFF).order_by("full_name")  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if data.get("since") and data.get("until") and data["since"] >= data["until"]:
            self.add_error("until", _("The period ends before it begins."))
        return data


class ToldForm(forms.Form):
    """How everybody who was not told yet was told."""

    how = forms.ChoiceField(label=_("Told by"), choices=[c for c in ToldHow.choices if c[0] != ToldHow.EMAIL])


class NoticeForm(forms.Form):
    """When the agency or the public was told."""

    to = forms.ChoiceField(label=_("Who"), choices=[("agency", _("The agency")), ("public", _("The public"))])
    at = MomentField(label=_("When"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["at"].initial = clock.now()


class CloseForm(forms.Form):
    """Why an incomplete entry is closed."""

    reason = Line(label=_("Reason, if something is missing"), required=False, max_length=300)


class KeepForm(forms.Form):
    """Why and how long a record is kept beyond its time."""

    reason = Line(label=_("Reason"), max_length=300)
    keep_until = forms.DateField(
        label=_("Keep until"),
        validators=[validate_year],
        widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}),
    )


class MinutesForm(forms.Form):
    """Under which minutes a record may be destroyed."""

    reason = Line(label=_("Minutes (berita acara) of the committee"), max_length=300)

"""Forms of the queue, its stations and the board of where everybody is."""

from __future__ import annotations

from typing import Any, cast

from django import forms
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from scheduling.forms.fields import CleanTextField, DoctorField, FilterForm, ask_to_choose
from scheduling.models import Stage, Station

DAYS = ((7, _("last 7 days")), (30, _("last 30 days")), (90, _("last 90 days")))


class QueueFilterForm(FilterForm):
    doctor = DoctorField()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        cast(DoctorField, self.fields["doctor"]).queryset = User.objects.doctors()


class FlowFilterForm(QueueFilterForm):
    stage = forms.ChoiceField(choices=Stage, required=False, widget=forms.HiddenInput)


class PeriodForm(FilterForm):
    days = forms.TypedChoiceField(label=_("Period"), choices=DAYS, coerce=int, required=False, empty_value=None)


class StationForm(forms.ModelForm):
    """A room or counter: what is on the door, whose stage it is, and what the voice says."""

    spoken_number = forms.IntegerField(
        label=capfirst(_("number after it")), required=False, min_value=1, max_value=99,
        help_text=_("As the voice says it after the place: Ruang 3."),
    )  # fmt: skip
    order = forms.IntegerField(label=capfirst(_("order")), min_value=0, max_value=999, initial=0)

    class Meta:
        model = Station
        fields = ("name", "stage", "spoken", "spoken_number", "order", "is_active")
        field_classes = {"name": CleanTextField}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        ask_to_choose(self, "stage", "spoken")


class TransferForm(forms.Form):
    """Where a waiting patient goes instead, and why."""

    target = forms.ChoiceField(label=_("Send to"), widget=forms.RadioSelect)
    reason = CleanTextField(label=_("Reason"), max_length=300, widget=forms.Textarea(attrs={"rows": 3}))

    def __init__(self, *args: Any, targets: list[tuple[str, Any]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        cast(forms.ChoiceField, self.fields["target"]).choices = targets

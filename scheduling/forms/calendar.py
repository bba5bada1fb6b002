"""Forms of the calendar."""

from __future__ import annotations

from typing import Any, cast

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from scheduling.forms.fields import CleanTextField, DayField, DoctorField, FilterForm
from scheduling.models import Service, Stage, Station


class ServiceField(forms.ModelChoiceField):
    """One of the services, by its name in the reader's language."""

    def label_from_instance(self, obj: Service) -> str:
        return obj.name


class CalendarFilterForm(FilterForm):
    """What the calendar shows. It stands in the address, so that a view can be kept and sent on."""

    view = forms.CharField(required=False, widget=forms.HiddenInput)
    day = DayField(label=_("Date"), required=False, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"))
    doctor = DoctorField()
    station = forms.ModelChoiceField(
        label=_("Room"), required=False, queryset=Station.objects.none(), empty_label=_("All")
    )
    service = ServiceField(label=_("Service"), required=False, queryset=Service.objects.none(), empty_label=_("All"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        cast(DoctorField, self.fields["doctor"]).queryset = User.objects.doctors()
        rooms = Station.objects.filter(is_active=True, stage=Stage.DOCTOR)
        cast(forms.ModelChoiceField, self.fields["station"]).queryset = rooms
        cast(forms.ModelChoiceField, self.fields["service"]).queryset = Service.objects.filter(is_active=True)


class MoveFilterForm(FilterForm):
    """On which day, and with whom, a free time is looked for."""

    day = DayField(label=_("Date"), required=False, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"))
    doctor = DoctorField()

    def __init__(self, *args: Any, doctors: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        cast(DoctorField, self.fields["doctor"]).queryset = doctors


class MoveForm(forms.Form):
    """Where an appointment goes. `was` is the slot that the page showed, so that a move meanwhile is noticed."""

    slot = forms.UUIDField(widget=forms.HiddenInput, error_messages={"required": _("Choose a time.")})
    was = forms.UUIDField(widget=forms.HiddenInput)
    reason = CleanTextField(
        label=_("Reason"), required=False, max_length=300, widget=forms.Textarea(attrs={"rows": 2}),
        help_text=_("The patient reads this in the mail."),
    )  # fmt: skip

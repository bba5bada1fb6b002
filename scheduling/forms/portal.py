"""Forms of the patient's own screens."""

from __future__ import annotations

from typing import Any, cast

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from core import clock
from scheduling.forms.fields import DayField, DoctorField
from scheduling.models import Channel, Service, WaitlistEntry


class ServiceField(forms.ModelChoiceField):
    """One of the clinic's services, by its name in the language of the page. The rows are read when the form is made."""

    def __init__(self) -> None:
        super().__init__(label=_("Service"), queryset=Service.objects.none(), empty_label=_("Choose"))

    def label_from_instance(self, obj: Service) -> str:
        return obj.name


class WishForm(forms.Form):
    """A wish for the waiting list."""

    service = ServiceField()
    doctor = DoctorField()
    first_on = DayField(label=_("From"), widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"))
    last_on = DayField(label=_("Until"), widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"))
    part = forms.ChoiceField(label=_("Time of day"), choices=WaitlistEntry.Part.choices, widget=forms.RadioSelect)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        cast(ServiceField, self.fields["service"]).queryset = Service.objects.filter(is_active=True)
        doctor = cast(DoctorField, self.fields["doctor"])
        doctor.queryset, doctor.empty_label = User.objects.doctors(), _("Any doctor")
        for name in ("first_on", "last_on"):
            self.fields[name].widget.attrs["min"] = clock.today().isoformat()


class ReminderForm(forms.Form):
    """How somebody wants to be reminded."""

    FITTING = "fitting"

    channel = forms.ChoiceField(
        label=_("Remind me"),
        widget=forms.RadioSelect,
        choices=[
            (FITTING, _("In the way that fits: by e-mail, else by WhatsApp")),
            (Channel.EMAIL, _("By e-mail")),
            (Channel.WHATSAPP, _("By WhatsApp, written by the clinic's staff")),
            (Channel.NONE, _("Not at all")),
        ],
    )

    def clean_channel(self) -> str:
        """Return the channel, "" for the one that fits."""
        channel: str = self.cleaned_data["channel"]
        return "" if channel == self.FITTING else channel

"""Forms of time off, holidays and the clinic's hours."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Any, cast

from django import forms
from django.utils.dates import WEEKDAYS
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from core import clock
from scheduling.forms.fields import CleanTextField, DayField, DoctorField, FilterForm
from scheduling.forms.sessions import day_input, time_input
from scheduling.models import ClinicHours, Holiday, TimeOff
from scheduling.services import Absence, Feast


class _WithReason(forms.Form):
    reason = CleanTextField(
        label=_("Reason"), required=False, max_length=300, widget=forms.Textarea(attrs={"rows": 2}),
        help_text=_("Patients whose booking is moved or cancelled read this."),
    )  # fmt: skip


class TimeOffForm(_WithReason):
    """Leave or blocked hours: whole days, or from a time until a time."""

    doctor = DoctorField()
    kind = forms.ChoiceField(label=_("Kind"), choices=TimeOff.Kind.choices, widget=forms.RadioSelect)
    first_on = DayField(label=_("From"), widget=day_input())
    first_time = forms.TimeField(label=_("From time"), required=False, widget=time_input())
    last_on = DayField(label=_("Until"), widget=day_input())
    last_time = forms.TimeField(label=_("Until time"), required=False, widget=time_input())
    note = CleanTextField(
        label=_("Note"), required=False, max_length=200, help_text=_("Read by colleagues, never by patients.")
    )

    field_order = ("doctor", "kind", "first_on", "first_time", "last_on", "last_time", "note", "reason")

    def __init__(self, *args: Any, own: User | None = None, **kwargs: Any) -> None:
        """`own`: the doctor who enters their own; None when every doctor may be chosen."""
        super().__init__(*args, **kwargs)
        self.own = own
        if own is not None:
            del self.fields["doctor"]
        else:
            field = cast(forms.ModelChoiceField, self.fields["doctor"])
            field.queryset, field.required, field.empty_label = User.objects.doctors(), True, None

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        first, last = data.get("first_on"), data.get("last_on")
        if first and last and last < first:
            self.add_error("last_on", _("The last day must not be before the first."))
        return data

    def absence(self) -> Absence | None:
        """Return the time off, or None while something is missing or wrong."""
        if not self.is_valid():
            return None
        data = self.cleaned_data
        starts_at = clock.at(data["first_on"], data["first_time"] or time.min)
        ends_at = clock.at(data["last_on"], data["last_time"]) if data["last_time"] else _midnight(data["last_on"])
        doctor = self.own or data["doctor"]
        return Absence(doctor.pk, data["kind"], starts_at.astimezone(UTC), ends_at.astimezone(UTC), data["note"])


class TimeOffFilterForm(FilterForm):
    view = forms.CharField(required=False, widget=forms.HiddenInput)
    doctor = DoctorField()

    def __init__(self, *args: Any, only: User | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if only is not None:
            del self.fields["doctor"]
        else:
            cast(forms.ModelChoiceField, self.fields["doctor"]).queryset = User.objects.doctors()


class HolidayForm(_WithReason):
    """A holiday of the decree or of the clinic."""

    date = DayField(label=_("Date"), widget=day_input())
    name = CleanTextField(label=_("Name"), max_length=120)
    kind = forms.ChoiceField(label=_("Kind"), choices=Holiday.Kind.choices)
    closes_clinic = forms.BooleanField(
        label=_("The clinic is closed"), required=False, initial=True,
        help_text=_("Without this mark, sessions and bookings of the day stay as they are."),
    )  # fmt: skip

    field_order = ("date", "name", "kind", "closes_clinic", "reason")

    def feast(self) -> Feast | None:
        """Return the holiday, or None while something is missing or wrong."""
        if not self.is_valid():
            return None
        return Feast(**{name: self.cleaned_data[name] for name in ("date", "name", "kind", "closes_clinic")})


class HoursForm(forms.ModelForm):
    """A variant of the clinic's hours."""

    weekdays = forms.TypedMultipleChoiceField(
        label=_("Days of the week"), coerce=int, required=False, widget=forms.CheckboxSelectMultiple,
        choices=[(number + 1, name) for number, name in WEEKDAYS.items()], help_text=_("Nothing chosen: every day."),
    )  # fmt: skip
    first_on = DayField(label=_("From"), required=False, widget=day_input())
    last_on = DayField(
        label=_("Until"), required=False, widget=day_input(), help_text=_("Leave both dates empty for all year.")
    )

    class Meta:
        model = ClinicHours
        fields = (
            "name", "weekdays", "first_on", "last_on", "opens_at", "closes_at", "break_starts_at", "break_ends_at",
            "is_active",
        )  # fmt: skip
        widgets = {
            name: time_input() for name in ("opens_at", "closes_at", "break_starts_at", "break_ends_at")
        }  # fmt: skip


def _midnight(day: Any) -> datetime:
    return clock.at(day + timedelta(days=1), time.min)

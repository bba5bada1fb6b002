"""Forms of the clinic's day: shape only; the rules stand in the services."""

from __future__ import annotations

import re
from datetime import time
from typing import Any, cast
from uuid import UUID

from django import forms
from django.utils.functional import lazy
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from scheduling.models import Appointment, PracticeSession, Service
from scheduling.services import GAP_CHOICES, MAX_BREAKS, MAX_GAP_MINUTES, MAX_SLOTS, SLOT_LENGTHS

CUSTOM_GAP = "custom"
FIRST_YEAR, LAST_YEAR = 2000, 2200
# Everything below space except tab and line ends, and the characters that turn the direction of text.
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u202a-\u202e\u2066-\u2069]")


class CleanTextField(forms.CharField):
    """Text without control characters; markup, quotes and emoji stay as they are."""

    def to_python(self, value: Any) -> Any:
        return super().to_python(_CONTROL.sub("", value) if isinstance(value, str) else value)


class DayField(forms.DateField):
    """A day of the clinic; far away ones are no days here, and would run out of the calendar."""

    def clean(self, value: Any) -> Any:
        day = super().clean(value)
        if day is not None and not FIRST_YEAR <= day.year <= LAST_YEAR:
            raise forms.ValidationError(_("Choose a date within the next 12 months."), code="invalid")
        return day


def _minutes(value: int) -> Any:
    # Lazy to the end: the module is read once, its words are read in each person's language.
    return lazy(lambda: gettext("%(minutes)d minutes") % {"minutes": value} if value else gettext("None"), str)()


class SessionForm(forms.Form):
    """A practice session as a doctor proposes it."""

    service = forms.ModelChoiceField(label=_("Service"), queryset=Service.objects.none(), empty_label=None)
    practice_on = DayField(label=_("Date"), widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"))
    start_time = forms.TimeField(label=_("Start"), widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"))
    slot_minutes = forms.TypedChoiceField(
        label=_("Length of one consultation"), coerce=int, widget=forms.RadioSelect,
        choices=[(value, _minutes(value)) for value in SLOT_LENGTHS],
    )  # fmt: skip
    gap_minutes = forms.ChoiceField(
        label=_("Gap between two consultations"),
        choices=[*((str(value), _minutes(value)) for value in GAP_CHOICES), (CUSTOM_GAP, _("Other"))],
    )
    custom_gap_minutes = forms.IntegerField(
        label=_("Other gap"), required=False, min_value=0, max_value=MAX_GAP_MINUTES,
        widget=forms.NumberInput(attrs={"data-suffix": _("minutes"), "inputmode": "numeric"}),
        help_text=_("Only when you chose “Other”."),
    )  # fmt: skip
    slot_count = forms.IntegerField(
        label=_("Number of slots"), min_value=1, max_value=MAX_SLOTS,
        widget=forms.NumberInput(attrs={"inputmode": "numeric"}), help_text=_("At most 20."),
    )  # fmt: skip

    def __init__(self, *args: Any, doctor: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        profile = getattr(doctor, "staff_profile", None)
        service = cast(forms.ModelChoiceField, self.fields["service"])
        service.queryset = Service.objects.filter(
            is_active=True, specialty=profile.specialty if profile is not None else ""
        )
        for number in range(1, MAX_BREAKS + 1):
            for name, label in (("from", _("Break %(number)d from")), ("to", _("Break %(number)d to"))):
                self.fields[f"break{number}_{name}"] = forms.TimeField(
                    label=label % {"number": number}, required=False,
                    widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
                )  # fmt: skip

    @property
    def break_pairs(self) -> list[tuple[Any, Any]]:
        """The bound fields of the breaks, from and to."""
        return [(self[f"break{number}_from"], self[f"break{number}_to"]) for number in range(1, MAX_BREAKS + 1)]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if data.get("gap_minutes") == CUSTOM_GAP and data.get("custom_gap_minutes") is None:
            self.add_error("custom_gap_minutes", _("Enter the gap in minutes, up to 240."))
        for number in range(1, MAX_BREAKS + 1):
            start, end = data.get(f"break{number}_from"), data.get(f"break{number}_to")
            if (start is None) != (end is None):
                self.add_error(f"break{number}_to", _("Enter both times of the break, or none."))
            elif start is not None and start >= end:
                self.add_error(f"break{number}_to", _("A break must end after it starts."))
        return data

    def plan_values(self) -> dict[str, Any] | None:
        """Return the arguments of `plan_session` and `propose_session`, or None while something is missing or wrong."""
        self.is_valid()
        data = self.cleaned_data
        if any(name != "service" for name in self.errors):
            return None
        chosen = data["gap_minutes"]
        return {
            "practice_on": data["practice_on"],
            "start_time": data["start_time"],
            "slot_minutes": data["slot_minutes"],
            "gap_minutes": data["custom_gap_minutes"] if chosen == CUSTOM_GAP else int(chosen),
            "slot_count": data["slot_count"],
            "breaks": self._breaks(),
        }

    def _breaks(self) -> list[tuple[time, time]]:
        pairs = ((f"break{number}_from", f"break{number}_to") for number in range(1, MAX_BREAKS + 1))
        return [
            (self.cleaned_data[start], self.cleaned_data[end])
            for start, end in pairs
            if self.cleaned_data.get(start) is not None
        ]


class ReasonForm(forms.Form):
    """Why something was refused or cancelled."""

    reason = CleanTextField(label=_("Reason"), max_length=300, widget=forms.Textarea(attrs={"rows": 3}))

    def __init__(self, *args: Any, is_optional: bool = False, help_text: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["reason"].required = not is_optional
        self.fields["reason"].help_text = help_text


class ComplaintForm(forms.Form):
    """What a visit is about."""

    complaint = CleanTextField(
        label=_("Complaint"), max_length=1000, widget=forms.Textarea(attrs={"rows": 4, "autocomplete": "off"})
    )


class BookingForm(ComplaintForm):
    """A time and a complaint; the key makes a double click one booking. Everything else comes from the slot."""

    slot = forms.UUIDField(label=_("Time"), error_messages={"required": _("Choose a time.")}, widget=forms.HiddenInput)
    idempotency_key = forms.UUIDField(widget=forms.HiddenInput)


class WalkInForm(ComplaintForm):
    """A patient who is here without an appointment."""

    choice = forms.ChoiceField(label=_("Doctor and service"))
    is_priority = forms.BooleanField(
        label=_("Priority: elderly, pregnant or disabled"), required=False,
        help_text=_("Shown as a mark in the queue; the number stays in order."),
    )  # fmt: skip

    field_order = ["choice", "complaint", "is_priority"]

    def __init__(
        self, *args: Any, pairs: list[tuple[User, list[Service]]], waiting: dict[UUID, int], **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        cast(forms.ChoiceField, self.fields["choice"]).choices = [("", _("Choose"))] + [
            (
                doctor.display_name,
                [
                    (f"{doctor.pk}:{service.pk}", _label(doctor, service, waiting.get(doctor.pk, 0)))
                    for service in services
                ],
            )
            for doctor, services in pairs
        ]

    def ids(self) -> tuple[UUID, UUID]:
        """Return the ids of the chosen doctor and service."""
        doctor_id, service_id = self.cleaned_data["choice"].split(":")
        return UUID(doctor_id), UUID(service_id)


def _label(doctor: User, service: Service, waiting: int) -> str:
    return _("%(service)s – %(doctor)s (%(waiting)d waiting)") % {
        "service": service.name, "doctor": doctor.display_name, "waiting": waiting,
    }  # fmt: skip


class PatientSearchForm(forms.Form):
    """Words to find a patient by; sent by POST, so that they stay out of addresses."""

    q = CleanTextField(
        label=_("Find a patient"),
        min_length=2,
        max_length=100,
        widget=forms.TextInput(attrs={"type": "search", "autocomplete": "off"}),
    )


class _FilterForm(forms.Form):
    """Filters of a list; what cannot be read is ignored."""

    def value(self, name: str) -> Any:
        """Return the cleaned value of one filter, or None."""
        self.is_valid()
        return self.cleaned_data.get(name) or None


class SessionFilterForm(_FilterForm):
    view = forms.CharField(required=False, widget=forms.HiddenInput)  # the tab stays the same when filters are applied
    status = forms.ChoiceField(
        label=_("Status"), required=False, choices=[("", _("All")), *PracticeSession.Status.choices]
    )
    first = DayField(label=_("From"), required=False, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"))
    last = DayField(label=_("Until"), required=False, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"))


class DoctorField(forms.ModelChoiceField):
    """One of the clinic's doctors, by the name with titles. The rows are read when the form is made."""

    def __init__(self) -> None:
        super().__init__(label=_("Doctor"), required=False, queryset=User.objects.none(), empty_label=_("All"))

    def label_from_instance(self, obj: User) -> str:
        return obj.display_name


class AppointmentFilterForm(_FilterForm):
    view = forms.CharField(required=False, widget=forms.HiddenInput)  # the tab stays the same when filters are applied
    status = forms.ChoiceField(label=_("Status"), required=False, choices=[("", _("All")), *Appointment.Status.choices])
    day = DayField(label=_("Date"), required=False, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"))
    doctor = DoctorField()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        cast(DoctorField, self.fields["doctor"]).queryset = User.objects.doctors()


class QueueFilterForm(_FilterForm):
    doctor = DoctorField()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        cast(DoctorField, self.fields["doctor"]).queryset = User.objects.doctors()


class DayForm(_FilterForm):
    day = DayField(label=_("Date"), required=False, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"))

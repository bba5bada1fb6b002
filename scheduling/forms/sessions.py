"""Forms of practice sessions and weekly series."""

from __future__ import annotations

import hashlib
from datetime import date, time
from typing import Any, ClassVar, cast

from django import forms
from django.core.exceptions import NON_FIELD_ERRORS
from django.utils.dates import WEEKDAYS
from django.utils.functional import lazy
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from scheduling.forms.fields import CleanTextField, DayField, DoctorField, FilterForm
from scheduling.models import PracticeSession, Service, Station
from scheduling.services import (
    GAP_CHOICES,
    MAX_BREAKS,
    MAX_DELAY_MINUTES,
    MAX_GAP_MINUTES,
    MAX_SLOT_MINUTES,
    MAX_SLOTS,
    MIN_SLOT_MINUTES,
    SLOT_LENGTHS,
    NewTimes,
    Pattern,
)
from scheduling.services.catalogue import services_of
from scheduling.services.series import MAX_EVERY_WEEKS
from scheduling.services.sessions import read_breaks, rooms

CUSTOM = "custom"
CUSTOM_GAP = CUSTOM
MAX_EXCEPTIONS = 60


def _minutes(value: int) -> Any:
    # Lazy to the end: the module is read once, its words are read in each person's language.
    return lazy(lambda: gettext("%(minutes)d minutes") % {"minutes": value} if value else gettext("None"), str)()


def day_input() -> forms.DateInput:
    """Return the browser's own field for a date."""
    return forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")


def time_input() -> forms.TimeInput:
    """Return the browser's own field for a time of day."""
    return forms.TimeInput(attrs={"type": "time"}, format="%H:%M")


def minutes_input() -> forms.NumberInput:
    """Return a field for a number of minutes."""
    return forms.NumberInput(attrs={"data-suffix": _("minutes"), "inputmode": "numeric"})


class LayoutForm(forms.Form):
    """What every form that lays out slots asks: start, length, gap, number, breaks, room."""

    start_time = forms.TimeField(label=_("Start"), widget=time_input())
    slot_minutes = forms.ChoiceField(
        label=_("Length of one consultation"), widget=forms.RadioSelect,
        choices=[*((str(value), _minutes(value)) for value in SLOT_LENGTHS), (CUSTOM, _("Other"))],
    )  # fmt: skip
    custom_slot_minutes = forms.IntegerField(
        label=_("Other length"), required=False, min_value=MIN_SLOT_MINUTES, max_value=MAX_SLOT_MINUTES,
        widget=minutes_input(), help_text=_("Only when you chose “Other”."),
    )  # fmt: skip
    gap_minutes = forms.ChoiceField(
        label=_("Gap between two consultations"),
        choices=[*((str(value), _minutes(value)) for value in GAP_CHOICES), (CUSTOM, _("Other"))],
    )
    custom_gap_minutes = forms.IntegerField(
        label=_("Other gap"), required=False, min_value=0, max_value=MAX_GAP_MINUTES, widget=minutes_input(),
        help_text=_("Only when you chose “Other”."),
    )  # fmt: skip
    slot_count = forms.IntegerField(
        label=_("Number of slots"), min_value=1, max_value=MAX_SLOTS,
        widget=forms.NumberInput(attrs={"inputmode": "numeric"}), help_text=_("At most 20."),
    )  # fmt: skip
    station = forms.ModelChoiceField(
        label=_("Room"), queryset=Station.objects.none(), required=False, empty_label=_("Not decided yet")
    )

    not_of_the_plan: ClassVar[tuple[str, ...]] = ()  # fields whose mistakes do not hinder the preview

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        cast(forms.ModelChoiceField, self.fields["station"]).queryset = rooms()
        for number in range(1, MAX_BREAKS + 1):
            for name, label in (("from", _("Break %(number)d from")), ("to", _("Break %(number)d to"))):
                self.fields[f"break{number}_{name}"] = forms.TimeField(
                    label=label % {"number": number}, required=False, widget=time_input()
                )

    @property
    def break_pairs(self) -> list[tuple[Any, Any]]:
        """The bound fields of the breaks, from and to."""
        return [(self[f"break{number}_from"], self[f"break{number}_to"]) for number in range(1, MAX_BREAKS + 1)]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if data.get("gap_minutes") == CUSTOM and data.get("custom_gap_minutes") is None:
            self.add_error("custom_gap_minutes", _("Enter the gap in minutes, up to 240."))
        if data.get("slot_minutes") == CUSTOM and data.get("custom_slot_minutes") is None:
            self.add_error("custom_slot_minutes", _("Enter the length in minutes, from 5 to 240."))
        for number in range(1, MAX_BREAKS + 1):
            start, end = data.get(f"break{number}_from"), data.get(f"break{number}_to")
            if (start is None) != (end is None):
                self.add_error(f"break{number}_to", _("Enter both times of the break, or none."))
            elif start is not None and start >= end:
                self.add_error(f"break{number}_to", _("A break must end after it starts."))
        return data

    def layout_values(self) -> dict[str, Any] | None:
        """Return start, length, gap, number, breaks and room, or None while something is missing or wrong."""
        self.is_valid()
        data = self.cleaned_data
        # A rule that the services found broken stands at no field: the preview goes on.
        if set(self.errors) - {NON_FIELD_ERRORS, *self.not_of_the_plan}:
            return None
        length, gap = data["slot_minutes"], data["gap_minutes"]
        return {
            "start_time": data["start_time"],
            "slot_minutes": data["custom_slot_minutes"] if length == CUSTOM else int(length),
            "gap_minutes": data["custom_gap_minutes"] if gap == CUSTOM else int(gap),
            "slot_count": data["slot_count"],
            "breaks": self._breaks(),
            "station": data["station"],
        }

    def _breaks(self) -> list[tuple[time, time]]:
        pairs = ((f"break{number}_from", f"break{number}_to") for number in range(1, MAX_BREAKS + 1))
        return [
            (self.cleaned_data[start], self.cleaned_data[end])
            for start, end in pairs
            if self.cleaned_data.get(start) is not None
        ]


def shown_mark(values: Any, fingerprint: str) -> str:
    """Return what a form carries of its preview: which values it was of, and which slots it showed."""
    return f"{_digest(values)}.{fingerprint}"


def shown_fingerprint(mark: str, values: Any) -> str:
    """Return the fingerprint of the preview, or "" when nothing was shown for exactly these values."""
    of, _dot, fingerprint = mark.partition(".")
    return fingerprint if of == _digest(values) else ""


def _digest(values: Any) -> str:
    return hashlib.sha256(repr(values).encode()).hexdigest()[:16]


class _ForService(forms.Form):
    service = forms.ModelChoiceField(label=_("Service"), queryset=Service.objects.none(), empty_label=None)

    def __init__(self, *args: Any, doctor: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        cast(forms.ModelChoiceField, self.fields["service"]).queryset = services_of(doctor)


class SessionForm(_ForService, LayoutForm):
    """A practice session as a doctor proposes it."""

    not_of_the_plan = ("service",)
    practice_on = DayField(label=_("Date"), widget=day_input())

    def plan_values(self) -> dict[str, Any] | None:
        """Return the arguments of `plan_session` and `propose_session`, or None while something is missing or wrong."""
        values = self.layout_values()
        return values and {"practice_on": self.cleaned_data["practice_on"], **values}


class SessionChangeForm(LayoutForm):
    """New times of an approved session, and why."""

    not_of_the_plan = ("reason",)
    practice_on = DayField(label=_("Date"), widget=day_input())
    version = forms.IntegerField(widget=forms.HiddenInput, min_value=0)
    reason = CleanTextField(
        label=_("Reason"), required=False, max_length=300, widget=forms.Textarea(attrs={"rows": 2}),
        help_text=_("Patients whose booking is moved or cancelled read this."),
    )  # fmt: skip

    def new_times(self) -> NewTimes | None:
        """Return what the session is changed to, or None while something is missing or wrong."""
        values = self.layout_values()
        return NewTimes(practice_on=self.cleaned_data["practice_on"], **values) if values else None


def values_of(session: PracticeSession, start_time: time) -> dict[str, Any]:
    """Return the first values of a form about a session that exists."""
    values: dict[str, Any] = {
        "practice_on": session.practice_on, "start_time": start_time, "slot_count": session.slot_count,
        "station": session.station_id, "version": session.version,
        **_choice("slot_minutes", session.slot_minutes, SLOT_LENGTHS),
        **_choice("gap_minutes", session.gap_minutes, GAP_CHOICES),
    }  # fmt: skip
    for number, (first, last) in enumerate(read_breaks(session.breaks), start=1):
        values |= {f"break{number}_from": first, f"break{number}_to": last}
    return values


def _choice(name: str, value: int, usual: tuple[int, ...]) -> dict[str, Any]:
    return {name: str(value)} if value in usual else {name: CUSTOM, f"custom_{name}": value}


class SeriesForm(_ForService, LayoutForm):
    """A weekly series as a doctor proposes it."""

    not_of_the_plan = ("service",)
    weekdays = forms.TypedMultipleChoiceField(
        label=_("Days of the week"), coerce=int, widget=forms.CheckboxSelectMultiple,
        choices=[(number + 1, name) for number, name in WEEKDAYS.items()],
    )  # fmt: skip
    every_weeks = forms.IntegerField(
        label=_("Every how many weeks"), min_value=1, max_value=MAX_EVERY_WEEKS, initial=1,
        widget=forms.NumberInput(attrs={"data-suffix": _("weeks"), "inputmode": "numeric"}),
    )  # fmt: skip
    first_on = DayField(label=_("From"), widget=day_input())
    until = DayField(label=_("Until"), widget=day_input(), help_text=_("At most 12 months ahead."))
    except_on = CleanTextField(
        label=_("Except on"), required=False, max_length=1000, widget=forms.Textarea(attrs={"rows": 2}),
        help_text=_("Dates as DD/MM/YYYY, separated by commas. Holidays are left out by themselves."),
    )  # fmt: skip

    def clean_except_on(self) -> list[date]:
        field = DayField(input_formats=["%d/%m/%Y", "%Y-%m-%d"])
        parts = [part.strip() for part in self.cleaned_data["except_on"].replace("\n", ",").split(",")]
        dates = sorted({field.clean(part) for part in parts if part})
        if len(dates) > MAX_EXCEPTIONS:
            raise forms.ValidationError(_("Enter at most %(most)d dates.") % {"most": MAX_EXCEPTIONS})
        return dates

    def pattern(self) -> Pattern | None:
        """Return the pattern, or None while something is missing or wrong."""
        values = self.layout_values()
        if values is None:
            return None
        names = ("weekdays", "every_weeks", "first_on", "until", "except_on")
        return Pattern(**values, **{name: self.cleaned_data[name] for name in names})


class SeriesEndForm(forms.Form):
    """When a series ends, and why."""

    last_on = DayField(label=_("Last day"), widget=day_input(), help_text=_("Sessions after this day are cancelled."))
    reason = CleanTextField(label=_("Reason"), max_length=300, widget=forms.Textarea(attrs={"rows": 2}))


class DelayForm(forms.Form):
    """How late the doctor is."""

    minutes = forms.IntegerField(
        label=_("Delay"), min_value=0, max_value=MAX_DELAY_MINUTES, widget=minutes_input(),
        help_text=_("0 takes it back."),
    )  # fmt: skip


class SessionFilterForm(FilterForm):
    view = forms.CharField(required=False, widget=forms.HiddenInput)  # the tab stays the same when filters are applied
    status = forms.ChoiceField(
        label=_("Status"), required=False, choices=[("", _("All")), *PracticeSession.Status.choices]
    )
    doctor = DoctorField()
    first = DayField(label=_("From"), required=False, widget=day_input())
    last = DayField(label=_("Until"), required=False, widget=day_input())

    def __init__(self, *args: Any, only: User | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if only is not None:
            del self.fields["doctor"]
        else:
            cast(forms.ModelChoiceField, self.fields["doctor"]).queryset = User.objects.doctors()

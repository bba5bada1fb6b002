"""What the forms of the clinic's day share."""

from __future__ import annotations

from typing import Any, cast

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from core.text import INVISIBLE
from scheduling.models.absences import FIRST_YEAR, LAST_YEAR


class CleanTextField(forms.CharField):
    """Text without control characters; markup, quotes and emoji stay as they are."""

    def to_python(self, value: Any) -> Any:
        return super().to_python(INVISIBLE.sub("", value) if isinstance(value, str) else value)


class DayField(forms.DateField):
    """A day of the clinic; far away ones are no days here, and would run out of the calendar."""

    def clean(self, value: Any) -> Any:
        day = super().clean(value)
        if day is not None and not FIRST_YEAR <= day.year <= LAST_YEAR:
            raise forms.ValidationError(_("Choose a date within the next 12 months."), code="invalid")
        return day


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


def ask_to_choose(form: forms.BaseForm, *names: str) -> None:
    """Say in words what Django shows as dashes: that nothing is chosen yet."""
    for name in names:
        field = cast(Any, form.fields[name])
        field.choices = [("", _("Choose")), *(choice for choice in field.choices if choice[0] != "")]


class FilterForm(forms.Form):
    """Filters of a list; what cannot be read is ignored."""

    def value(self, name: str) -> Any:
        """Return the cleaned value of one filter, or None."""
        self.is_valid()
        return self.cleaned_data.get(name) or None


class DoctorField(forms.ModelChoiceField):
    """One of the clinic's doctors, by the name with titles. The rows are read when the form is made."""

    def __init__(self) -> None:
        super().__init__(label=_("Doctor"), required=False, queryset=User.objects.none(), empty_label=_("All"))

    def label_from_instance(self, obj: User) -> str:
        return obj.display_name


class DayForm(FilterForm):
    day = DayField(label=_("Date"), required=False, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"))

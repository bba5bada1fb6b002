"""Forms of reports."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from accounts.models import User
from audit.models import AuditEvent
from core import clock
from reports.audit_words import Sort
from reports.models import AccessAlert

FIRST_YEAR = 2000


class PersonField(forms.ModelChoiceField):
    """A choice among members of staff, by name."""

    def label_from_instance(self, user: Any) -> str:
        return str(user.display_name)


class AuditFilterForm(forms.Form):
    """What part of the audit log is shown. Patients are asked for by post, so that no number stands in an address."""

    since = forms.DateField(
        label=pgettext_lazy("first day", "From"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )
    until = forms.DateField(
        label=pgettext_lazy("last day", "To"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )
    actor = PersonField(label=_("Person"), required=False, queryset=User.objects.none(), empty_label=_("Everyone"))
    sort = forms.ChoiceField(label=_("Kind of act"), required=False)
    result = forms.ChoiceField(label=_("Result"), required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["actor"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = User.objects.filter(kind=User.Kind.STAFF).select_related("staff_profile").order_by("username")
        self._choices("sort", [("", _("All")), *Sort.choices])
        self._choices("result", [("", _("All")), *AuditEvent.Result.choices])

    def _choices(self, name: str, choices: list[Any]) -> None:
        field = self.fields[name]
        assert isinstance(field, forms.ChoiceField)
        field.choices = choices

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        since, until = cleaned.get("since"), cleaned.get("until")
        if since and until and until < since:
            self.add_error("until", _("This day is before the first one. Choose a later day."))
        for name in ("since", "until"):
            day = cleaned.get(name)
            if day and not FIRST_YEAR <= day.year <= clock.today().year + 1:
                self.add_error(name, _("Choose a day of the years in which the clinic kept a log."))
        return cleaned

    def filters(self) -> dict[str, Any]:
        """Return the arguments of `audit_browser.filtered`; none while the form is not filled in rightly."""
        if not self.is_bound or not self.is_valid():
            return {}
        values = self.cleaned_data
        actor = values["actor"]
        return {
            "since": values["since"],
            "until": values["until"],
            "actor_id": actor.pk if actor else None,
            "sort": values["sort"],
            "result": values["result"],
        }


class AlertReviewForm(forms.Form):
    """What became of an alert."""

    outcome = forms.ChoiceField(
        label=_("What was it?"),
        choices=[
            (value, label) for value, label in AccessAlert.Outcome.choices if value != AccessAlert.Outcome.WAITING
        ],
        widget=forms.RadioSelect,
    )
    note = forms.CharField(
        label=_("How do you know?"),
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("For instance: asked the person, compared with the day's list of visits."),
    )

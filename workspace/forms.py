"""The doctor's consultation as it is typed: note, diagnoses, prescription lines, fee."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

from django import forms
from django.core.validators import MaxLengthValidator
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from accounts.access import Role
from accounts.models import User
from consultations.models import Note
from consultations.services import MAX_DIAGNOSES, MAX_TEXT, SOAP_FIELDS
from core.fields import CleanText, RupiahField
from core.forms import ProductBoundField
from core.text import clean_line
from pharmacy.forms import LineRow, draft_of_post, rows_of_draft, rows_of_post, typed_lines
from scheduling.models import Appointment, Visit
from scheduling.services import first_price_idr


def _section(label: Any, hint: Any, rows: int, key: str) -> CleanText:
    # No maxlength in the browser: it would silently cut what is pasted. The server says what is too long.
    attrs = {"rows": rows, "data-shortcut": f"alt+shift+{key}", "aria-keyshortcuts": f"Alt+Shift+{key.upper()}"}
    section = CleanText(label=label, required=False, lines=True, widget=forms.Textarea(attrs=attrs), help_text=hint)
    section.max_length = MAX_TEXT
    section.validators.append(MaxLengthValidator(MAX_TEXT, _("Keep this within 10,000 characters.")))
    return section


class ConsultationForm(forms.Form):
    """The four parts of the note, the fee, and the version of the draft that the page was opened with."""

    version = forms.IntegerField(min_value=0, widget=forms.HiddenInput)
    copied = CleanText(required=False, max_length=60, widget=forms.HiddenInput)
    subjective = _section(_("S – Subjective"), _("Complaint and story of the patient"), 4, "s")
    objective = _section(_("O – Objective"), _("What you find on examination"), 4, "o")
    assessment = _section(_("A – Assessment"), _("What you think it is"), 3, "a")
    plan = _section(_("P – Plan"), _("Treatment and advice. The patient reads this part after the visit."), 4, "p")
    consultation_fee = RupiahField(label=_("Consultation fee"))

    if TYPE_CHECKING:

        def __getitem__(self, name: str) -> ProductBoundField:
            """Fields are bound by `ProductRenderer`."""

    def soap(self) -> dict[str, str]:
        """The four texts, for the services."""
        return {name: self.cleaned_data[name] for name in SOAP_FIELDS}

    def sections(self) -> list[forms.BoundField]:
        return [self[name] for name in SOAP_FIELDS]


@dataclass
class Typed:
    """What stands in the consultation page beside the form's own fields; kept as it is, also where it is wrong."""

    codes: list[str] = field(default_factory=list)
    draft_lines: str = ""
    copied: list[str] = field(default_factory=list)
    post: Mapping[str, Any] | None = None

    @cached_property
    def rows(self) -> list[LineRow]:
        """The prescription lines to draw; one query, once."""
        return rows_of_post(self.post) if self.post is not None else rows_of_draft(self.draft_lines)

    @property
    def line_fields(self) -> dict[str, str]:
        """The lines as fields of a form."""
        if self.post is not None:
            return {
                f"line-{number}-{name}": text
                for number, fields in typed_lines(self.post)
                for name, text in fields.items()
            }
        return {
            f"line-{row.number}-{name}": text
            for row in self.rows
            for name, text in (
                ("medicine", row.medicine_id),
                ("quantity", row.quantity),
                ("signa", row.signa),
                ("override", row.override),
            )
        }

    def as_draft(self) -> dict[str, str]:
        """What `save_draft` keeps."""
        others = {"codes": self.codes, "copied": self.copied}
        return {
            "draft_lines": draft_of_post(self.line_fields),
            "draft_diagnoses": json.dumps(others) if self.codes or self.copied else "",
        }


def typed_in(post: QueryDict) -> Typed:
    """Return codes, lines and copy marks of a posted form."""
    return Typed(
        codes=_codes(post.getlist("diagnosis")),
        copied=_sections_in(post.get("copied", "").split()),
        post=post,
    )


def typed_in_draft(note: Note | None) -> Typed:
    """Return codes, lines and copy marks of a kept draft."""
    if note is None:
        return Typed()
    others = json.loads(note.draft_diagnoses or "{}")
    return Typed(
        codes=_codes(others.get("codes", [])),
        copied=_sections_in(others.get("copied", [])),
        draft_lines=note.draft_lines,
    )


def initial_of(note: Note | None, visit: Visit) -> dict[str, Any]:
    """Return what a freshly opened page shows: the draft, or the patient's complaint and the price of the visit."""
    if note is None:
        return {"version": 0, "subjective": visit.complaint, "consultation_fee": first_price_idr(visit)}
    values = {name: getattr(note, name) for name in SOAP_FIELDS}
    copied = " ".join(typed_in_draft(note).copied)
    return {**values, "version": note.version, "consultation_fee": note.consultation_fee_idr, "copied": copied}


def _codes(values: Iterable[str]) -> list[str]:
    codes = [clean_line(str(value))[:20].upper() for value in values]
    return [code for code in codes if code][: MAX_DIAGNOSES + 1]


def _sections_in(values: Iterable[str]) -> list[str]:
    return [name for name in SOAP_FIELDS if name in values]


class DoctorField(forms.ModelChoiceField):
    """A choice of doctors by name with titles."""

    def label_from_instance(self, obj: User) -> str:
        return obj.display_name


class ConsultationFilterForm(forms.Form):
    """Filters of the admin's list; nothing of it is about a patient, so it may stand in the address."""

    BOOKING, VISIT = "bookings", "visits"

    status = forms.ChoiceField(label=_("Status"), required=False)
    doctor = DoctorField(
        label=_("Doctor"),
        required=False,
        empty_label=_("All doctors"),
        queryset=User.objects.with_role(Role.DOCTOR).select_related("staff_profile").order_by("username"),
    )
    date_from = forms.DateField(
        label=_("From"), required=False, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )
    date_to = forms.DateField(
        label=_("Until"), required=False, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )
    what = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, what: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = Appointment.Status.choices if what == self.BOOKING else Visit.Status.choices
        status = cast(forms.ChoiceField, self.fields["status"])
        status.choices = [("", _("All")), *choices]

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        start, end = values.get("date_from"), values.get("date_to")
        if start and end and end < start:
            self.add_error("date_to", _("The last day must not be before the first."))
        return values

"""Forms of imports and exports of patients."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from core.fields import CleanText, validate_year
from core.sheets import WRITERS
from patients.importing.columns import COLUMNS, masked
from patients.models import Patient, PatientImport
from patients.services import exports, imports

MAX_UPLOAD = 15 * 1024 * 1024  # below what a request may hold in memory; nothing of it is written to a disk in clear
PREVIEWED = 3
NOTHING = "-"


class UploadForm(forms.Form):
    """The list of another system."""

    file = forms.FileField(
        label=_("List of patients (CSV or XLSX)"),
        widget=forms.FileInput(attrs={"accept": ".csv,.tsv,.txt,.xlsx"}),
        error_messages={
            "required": _("Choose the file with the list of patients."),
            "empty": _("The file is empty. Save it again from your spreadsheet, then choose it once more."),
        },
        help_text=_("At most 15 MB and 200,000 rows. Nothing is written before you have seen what would happen."),
    )

    def clean_file(self) -> Any:
        file = self.cleaned_data["file"]
        if file.size > MAX_UPLOAD:
            problem = _("This file has more than 15 MB.")
            advice = _("Split it, save it as XLSX, or have it imported with the command import_patients.")
            raise forms.ValidationError(f"{problem} {advice}")
        return file


class MappingForm(forms.Form):
    """What each column is. One select a column, filled with what the headings say."""

    has_heading = forms.BooleanField(label=_("The first row holds the names of the columns"), required=False)
    on_value = forms.ChoiceField(
        label=_("When a value is wrong"),
        choices=[
            ("reject", _("Leave the whole row out, to be mended")),
            ("leave_out", _("Import the person without this value (never without name or birth date)")),
        ],
        widget=forms.RadioSelect,
    )

    def __init__(self, source: PatientImport, *args: Any, **kwargs: Any) -> None:
        self.source = source
        decisions = imports.decisions_of(source)
        initial = {"has_heading": decisions["has_heading"], "on_value": decisions["on_value"]}
        super().__init__(*args, initial=initial, **kwargs)
        choices = [(NOTHING, _("Not imported")), *((column.code, column.label) for column in COLUMNS)]
        first = source.sheet.get("first", [])
        for at in range(source.sheet.get("columns", 0)):
            heading = first[at] if decisions["has_heading"] and at < len(first) else ""
            self.fields[f"column_{at}"] = forms.ChoiceField(
                label=heading or _("Column %(number)d") % {"number": at + 1},
                choices=choices,
                initial=source.mapping.get(str(at), NOTHING),
                help_text=self._preview(at, has_heading=decisions["has_heading"]),
            )

    def _preview(self, at: int, *, has_heading: bool) -> str:
        """The first values of a column, masked."""
        rows = self.source.sheet.get("rows", [])
        shown = rows if has_heading else [self.source.sheet.get("first", []), *rows]
        values = [row[at] for row in shown if at < len(row) and row[at]]
        return " · ".join(masked(value[:40]) for value in values[:PREVIEWED])

    def columns(self) -> list[Any]:
        """The bound fields of the columns."""
        return [self[name] for name in self.fields if name.startswith("column_")]

    def mapping(self) -> dict[int, str]:
        """What was chosen, by the number of the column."""
        chosen = {
            name: code for name, code in self.cleaned_data.items() if name.startswith("column_") and code != NOTHING
        }
        return {int(name.removeprefix("column_")): code for name, code in chosen.items()}


SKIP, UPDATE, CREATE = (
    ("skip", _("Leave the row out")),
    ("update", _("Fill what is empty in the known record")),
    ("create", _("Import as another person")),
)


class StartForm(forms.Form):
    """What becomes of rows that look like known patients."""

    on_nik = forms.ChoiceField(label=_("Same NIK"), choices=[SKIP, UPDATE])
    on_bpjs = forms.ChoiceField(label=_("Same BPJS number"), choices=[SKIP, UPDATE, CREATE])
    on_old_number = forms.ChoiceField(label=_("Same old record number"), choices=[SKIP, UPDATE, CREATE])
    on_person = forms.ChoiceField(label=_("Similar name, same date of birth"), choices=[SKIP, UPDATE, CREATE])
    numbers = forms.ChoiceField(
        label=_("Record numbers"),
        choices=[
            ("new", _("Give new numbers; the old ones stay findable")),
            ("keep", _("Take over old numbers of up to six digits that are free")),
        ],
    )
    reason = CleanText(
        label=_("Why look-alikes are other people"),
        required=False,
        max_length=300,
        help_text=_("Needed only when you import look-alikes as other persons."),
    )


class ExportForm(forms.Form):
    """Whom, what, why."""

    columns = forms.MultipleChoiceField(
        label=_("Columns"), widget=forms.CheckboxSelectMultiple, error_messages={"required": _("Choose a column.")}
    )
    status = forms.ChoiceField(
        label=_("Records"),
        required=False,
        choices=[
            ("", _("Active and archived")),
            (Patient.Status.ACTIVE, _("Active only")),
            (Patient.Status.ARCHIVED, _("Archived only")),
        ],
    )
    guarantor = forms.ChoiceField(
        label=_("Payer"), required=False, choices=[("", _("Everybody")), *Patient.Guarantor.choices]
    )
    registered_from = forms.DateField(
        label=_("Registered from"),
        required=False,
        validators=[validate_year],
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )
    registered_until = forms.DateField(
        label=_("Registered until"),
        required=False,
        validators=[validate_year],
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )
    ending = forms.ChoiceField(label=_("File"), choices=[("xlsx", "XLSX (Excel)"), ("csv", "CSV")], initial="xlsx")
    reason = forms.ChoiceField(label=_("What it is for"), choices=exports.Reason)

    def __init__(self, *args: Any, with_nik: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        usual = [code for code, column in exports.COLUMNS.items() if column.is_usual]
        shown = [(code, column.label) for code, column in exports.COLUMNS.items() if with_nik or code != "nik"]
        field = self.fields["columns"]
        field.choices, field.initial = shown, [*usual, *(["nik"] if with_nik else [])]  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        first, last = data.get("registered_from"), data.get("registered_until")
        if first and last and first > last:
            self.add_error("registered_until", _("This day is before the first one."))
        return data

    def parameters(self) -> dict[str, Any]:
        """What was asked for, as parameters of the job."""
        return exports.parameters(**self.cleaned_data)


assert set(WRITERS) == {"xlsx", "csv"}

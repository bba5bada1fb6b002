"""Forms of the clinical basics: lists that also take own words, years, and what belongs to each section."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from django import forms
from django.utils.translation import gettext_lazy as _

from core.fields import validate_year
from core.text import clean_line
from patients import conditions, substances
from patients.forms.patients import Line
from patients.models import Allergy, BloodTyping, HistoryEntry, Patient, PregnancyStatus, Section

NOT_IN_LIST = _("Not in the list? Write it here.")


class Listed(Protocol):
    """An entry of a shipped list."""

    @property
    def code(self) -> str: ...
    @property
    def shown(self) -> str: ...
    @property
    def other_words(self) -> str: ...


class ListedWords(forms.Select):
    """A select over a shipped list whose search box also keeps words of no list (`data-create`).

    The second line of an option is what else the entry is called. A value of no list is shown as it was typed.
    """

    def __init__(self, groups: Iterable[tuple[Any, Iterable[Listed]]], attrs: dict[str, Any] | None = None) -> None:
        super().__init__(attrs={"data-combobox": "", "data-create": "", **(attrs or {})})
        self.groups = [(label, tuple(entries)) for label, entries in groups]
        self.by_code = {entry.code: entry for _label, entries in self.groups for entry in entries}

    def optgroups(self, name: str, value: list[str], attrs: dict[str, Any] | None = None) -> Any:
        typed = [(text, text) for text in value if text and text not in self.by_code]
        listed = [(str(label), [(entry.code, entry.shown) for entry in entries]) for label, entries in self.groups]
        self.choices = [("", ""), *typed, *(listed if len(listed) > 1 else listed[0][1])]
        return super().optgroups(name, value, attrs)

    def create_option(self, name: str, value: Any, *args: Any, **kwargs: Any) -> dict[str, Any]:
        option = super().create_option(name, value, *args, **kwargs)
        entry = self.by_code.get(str(value))
        if entry is not None:
            option["attrs"] |= {"data-hint": entry.other_words}
            if isinstance(entry, substances.Substance):
                option["attrs"] |= {"data-category": entry.category, "data-group": entry.group}
        return option


def _own_words(limit: int) -> Line:
    return Line(
        label=NOT_IN_LIST,
        required=False,
        max_length=limit,
        widget=forms.TextInput(attrs={"data-own-words": "", "autocomplete": "off"}),
    )


def _year(label: Any, **options: Any) -> forms.IntegerField:
    sentence = _("Enter a year of four digits, for example 2019.")
    return forms.IntegerField(
        label=label,
        required=False,
        min_value=1880,
        max_value=2200,
        widget=forms.TextInput(attrs={"inputmode": "numeric", "maxlength": 4, "autocomplete": "off", "size": 6}),
        error_messages={"invalid": sentence, "min_value": sentence, "max_value": sentence},
        **options,
    )


def _number(label: Any, most: int, **options: Any) -> forms.IntegerField:
    sentence = _("Enter a whole number.")
    return forms.IntegerField(
        label=label,
        required=False,
        min_value=0,
        max_value=most,
        widget=forms.TextInput(attrs={"inputmode": "numeric", "maxlength": 3, "autocomplete": "off", "size": 4}),
        error_messages={"invalid": sentence},
        **options,
    )


def _line(label: Any, limit: int, **options: Any) -> Line:
    return Line(
        label=label,
        required=False,
        max_length=limit,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        **options,
    )


class WordsForm(forms.Form):
    """A form with one field over a list (`listed`) and the same in own words; the words win."""

    listed = "what"
    missing: Any = _("Choose or write what it is.")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields[self.listed]
        field.error_messages["required"] = self.missing
        field.required = not (self.is_bound and clean_line(self.data.get(f"{self.listed}_words")))

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        data[self.listed] = data.pop(f"{self.listed}_words", "") or clean_line(data.get(self.listed))
        if not data[self.listed] and not self.errors:
            self.add_error(self.listed, self.missing)
        return data


# --- Allergies --------------------------------------------------------------------------------------------------------


def _of(category: str) -> tuple[substances.Substance, ...]:
    return tuple(entry for entry in substances.SUBSTANCES if entry.category == category)


def _reactions() -> list[tuple[str, str]]:
    return [(reaction.code, reaction.shown) for reaction in substances.REACTIONS]


class AllergyForm(WordsForm):
    """One allergy. What is chosen from the list brings its kind and medicine group; own words need them chosen."""

    listed = "substance"
    missing = _("Enter what the patient is allergic to.")

    substance = forms.CharField(
        label=_("Allergic to"),
        max_length=120,
        widget=ListedWords(
            [(kind.label, _of(kind)) for kind in Allergy.Category],
            attrs={"data-wide": "", "data-placeholder": _("Medicine, food or other, also in English")},
        ),
    )
    substance_words = _own_words(120)
    reaction_codes = forms.MultipleChoiceField(
        label=_("Reaction"), required=False, widget=forms.CheckboxSelectMultiple(attrs={"data-wide": ""})
    )
    reaction = _line(_("Reaction in own words"), 200)
    severity = forms.ChoiceField(
        label=_("Severity"),
        required=False,
        choices=[("", _("Not known")), *Allergy.Severity.choices],
        help_text=_(
            "Mild: goes away by itself. Moderate: needs treatment. "
            "Severe: trouble breathing, shock, blistering skin, or a stay in hospital."
        ),
    )
    category = forms.ChoiceField(
        label=_("Kind"), choices=Allergy.Category, initial=Allergy.Category.MEDICATION,
        help_text=_("Known by itself for what is in the list."),
    )  # fmt: skip
    group = forms.ChoiceField(
        label=_("Medicine group"),
        required=False,
        choices=Allergy.Group,
        help_text=_("Prescriptions of this group will be stopped."),
    )
    onset_year = _year(_("Since the year"))
    source = forms.ChoiceField(
        label=_("Known from"), required=False, choices=[("", _("Not written")), *Allergy.Source.choices]
    )
    is_confirmed = forms.BooleanField(label=_("Confirmed by me as a clinician"), required=False)

    MAIN = ("substance", "substance_words", "reaction_codes", "reaction", "severity")
    MORE = ("category", "group", "onset_year", "source", "is_confirmed")

    def __init__(self, *args: Any, may_confirm: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["reaction_codes"].choices = _reactions()  # type: ignore[attr-defined]
        if not may_confirm:
            del self.fields["is_confirmed"]

    def main_fields(self) -> list[forms.BoundField]:
        return [self[name] for name in self.MAIN]

    def more_fields(self) -> list[forms.BoundField]:
        return [self[name] for name in self.MORE if name in self.fields]

    @property
    def has_more_errors(self) -> bool:
        return bool(set(self.MORE) & set(self.errors))


def allergy_initial(allergy: Allergy) -> dict[str, Any]:
    """Return the form's values of a recorded allergy, so that it can be corrected."""
    entry = substances.BY_CODE.get(allergy.code)
    words = allergy.reaction
    chosen = substances.reaction_words(allergy.reaction_codes, "")
    if chosen and words.startswith(chosen):
        words = words[len(chosen) :].removeprefix("; ")
    is_listed = entry is not None and entry.label == allergy.substance
    return {
        "substance": entry.code if entry is not None and is_listed else allergy.substance,
        "category": allergy.category,
        "group": allergy.group,
        "reaction_codes": allergy.reaction_codes,
        "reaction": words,
        "severity": allergy.severity,
        "onset_year": allergy.onset_year,
        "source": allergy.source,
        "is_confirmed": allergy.is_confirmed,
    }


# --- Sections of the history ------------------------------------------------------------------------------------------


def _what(label: Any, widget: forms.Widget | None = None) -> forms.CharField:
    return forms.CharField(label=label, max_length=200, widget=widget or forms.TextInput(attrs={"autocomplete": "off"}))


def _note() -> Line:
    return _line(_("Note"), 300)


class ChronicForm(WordsForm):
    what = _what(
        _("Condition"), ListedWords([("", conditions.CONDITIONS)], {"data-placeholder": _("For example diabetes")})
    )
    what_words = _own_words(200)
    onset_year = _year(_("Since the year"))
    source = _line(_("From whom"), 120, help_text=_("For example: patient, letter of a hospital."))
    note = _note()


class MedicineForm(WordsForm):
    what = _what(
        _("Medicine"), ListedWords([("", substances.MEDICINES)], {"data-placeholder": _("Active substance or brand")})
    )
    what_words = _own_words(200)
    dose = _line(_("Dose and how often"), 120, help_text=_("For example: 5 mg, once a day in the morning."))
    onset_year = _year(_("Since the year"))
    source = _line(_("From whom"), 120, help_text=_("Who prescribed it, or that the patient buys it."))
    note = _note()


class PastForm(forms.Form):
    kind = forms.ChoiceField(label=_("Kind"), choices=HistoryEntry.PastKind, initial=HistoryEntry.PastKind.ILLNESS)
    what = Line(
        label=_("What"),
        max_length=200,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        error_messages={"required": _("Write what it was.")},
    )
    onset_year = _year(_("In the year"))
    source = _line(_("From whom"), 120)
    note = _note()


class FamilyForm(WordsForm):
    relation = forms.ChoiceField(label=_("Relative"), choices=HistoryEntry.Relation)
    what = _what(
        _("Condition"), ListedWords([("", conditions.CONDITIONS)], {"data-placeholder": _("For example diabetes")})
    )
    what_words = _own_words(200)
    onset_age = _number(_("At the age of"), 120)
    relation_died = forms.BooleanField(label=_("Died of it"), required=False)
    note = _note()


SECTION_FORMS: dict[str, type[forms.Form]] = {
    Section.CHRONIC: ChronicForm,
    Section.MEDICINES: MedicineForm,
    Section.PAST: PastForm,
    Section.FAMILY: FamilyForm,
}


def section_form(section: str, data: Mapping[str, Any] | None = None, **options: Any) -> forms.Form:
    """Return the form of a section; ids begin with the section, since several stand on one page."""
    return SECTION_FORMS[section](data, auto_id=f"{section}-%s", **options)


def entry_initial(entry: HistoryEntry) -> dict[str, Any]:
    """Return the form's values of a recorded entry, so that it can be corrected."""
    listed: Any = (substances.BY_CODE if entry.section == Section.MEDICINES else conditions.BY_CODE).get(entry.code)
    values = {name: getattr(entry, name) for name in SECTION_FORMS[entry.section].base_fields if hasattr(entry, name)}
    return {**values, "what": entry.code if listed is not None and listed.label == entry.what else entry.what}


class EndForm(forms.Form):
    """Since when something is over."""

    ended_year = _year(_("Until the year"))
    reason = _line(_("Reason"), 300)


# --- Pregnancy, blood type --------------------------------------------------------------------------------------------


def _date(label: Any, **options: Any) -> forms.DateField:
    return forms.DateField(
        label=label,
        required=False,
        validators=[validate_year],
        widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date", "autocomplete": "off"}),
        **options,
    )


class PregnancyForm(forms.Form):
    state = forms.ChoiceField(
        label=_("Pregnancy"),
        choices=PregnancyStatus.State,
        widget=forms.RadioSelect,
        error_messages={"required": _("Choose the answer.")},
    )
    last_period_on = _date(_("First day of the last period"))
    due_on = _date(
        _("Expected day of birth"), help_text=_("Only from an ultrasound; else it is counted from the last period.")
    )
    gravida = _number(_("Pregnancies (G)"), 25, help_text=_("With the present one."))
    para = _number(_("Births (P)"), 25)
    abortus = _number(_("Miscarriages (A)"), 25)
    note = _note()


class BloodTypeForm(forms.Form):
    blood_type = forms.ChoiceField(
        label=_("Blood type"),
        choices=[(letter, letter) for letter in ("A", "B", "AB", "O")],
        widget=forms.RadioSelect,
        error_messages={"required": _("Choose the blood type.")},
    )
    rhesus = forms.ChoiceField(label=_("Rhesus"), required=False, choices=Patient.Rhesus)
    source = forms.ChoiceField(
        label=_("Known from"),
        choices=BloodTyping.Source,
        widget=forms.RadioSelect,
        error_messages={"required": _("Choose where it is known from.")},
    )
    note = _line(_("Laboratory, number of the paper"), 300)

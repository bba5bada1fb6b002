"""Form fields that every app may use."""

from __future__ import annotations

from datetime import date
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from core.money import format_rupiah, parse_rupiah
from core.text import clean_line, clean_text

# Beyond these years is a typing error; at the edges of the calendar no time zone can be applied.
FIRST_YEAR, LAST_YEAR = 1900, 2200


def validate_year(value: date) -> None:
    """Refuse a day or moment that nobody can mean.

    Raises:
        ValidationError: its year is before 1900 or after 2200.
    """
    if not FIRST_YEAR <= value.year <= LAST_YEAR:
        raise ValidationError(_("Check the year of this date."), code="year")


class CleanText(forms.CharField):
    """Text without invisible characters; `lines` keeps line breaks.

    Characters are taken out before the validators look, so a control character is no reason to refuse a text.
    """

    def __init__(self, *, lines: bool = False, **kwargs: Any) -> None:
        self.lines = lines
        super().__init__(**kwargs)

    def to_python(self, value: Any) -> str:
        text = "" if value in self.empty_values else str(value)
        return clean_text(text) if self.lines else clean_line(text)


class RupiahField(forms.CharField):
    """Whole rupiah as people type them, "150.000" or "150000": an int, or None when an optional one is left empty."""

    widget = forms.TextInput(
        attrs={"data-money": "", "data-prefix": "Rp", "inputmode": "numeric", "autocomplete": "off"}
    )
    default_error_messages = dict.fromkeys(("required", "invalid"), _("Enter whole rupiah, for example 150.000."))

    def prepare_value(self, value: Any) -> Any:
        return format_rupiah(value).removeprefix("Rp") if isinstance(value, int) else value

    def to_python(self, value: Any) -> int | None:  # type: ignore[override]
        text = super().to_python(value)
        if not text:
            return None
        try:
            return parse_rupiah(text)
        except ValueError:
            raise forms.ValidationError(self.error_messages["invalid"], code="invalid") from None

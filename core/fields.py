"""Form fields that every app may use."""

from __future__ import annotations

from typing import Any

from django import forms

from core.text import clean_line, clean_text


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

"""The confirmation of an erasure."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from patients.forms.patients import Line


class ErasureForm(forms.Form):
    """The record number typed once more; and why, when nobody asked in writing."""

    request_id = forms.UUIDField(required=False, widget=forms.HiddenInput)
    reason = Line(
        label=_("Why the data are erased"),
        max_length=200,
        error_messages={"required": _("Write why the data are erased.")},
    )
    record_number = Line(
        label=_("Type the record number to confirm"),
        max_length=20,
        error_messages={"required": _("Type the record number to confirm.")},
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        asked = self.data.get("request_id") if self.is_bound else self.initial.get("request_id")
        self.fields["reason"].required = not asked
        self.fields["record_number"].widget.attrs |= {"autocomplete": "off", "inputmode": "numeric"}

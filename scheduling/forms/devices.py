"""Forms of the screens: making one, and what a patient does at a kiosk."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

from django import forms
from django.utils.translation import gettext_lazy as _

from scheduling.forms.fields import CleanTextField
from scheduling.models import DeviceLink, Station


class DeviceForm(forms.Form):
    """A new board or kiosk."""

    kind = forms.ChoiceField(label=_("Kind"), choices=DeviceLink.Kind, widget=forms.RadioSelect, initial="board")
    name = CleanTextField(label=_("Where it stands or hangs"), max_length=60)
    stations = forms.ModelMultipleChoiceField(
        label=_("Rooms and counters on the board"), queryset=Station.objects.none(), required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("None chosen: all. With up to four, the board also shows the next numbers of each."),
    )  # fmt: skip
    speaks = forms.BooleanField(label=_("Call the numbers with a voice"), required=False, initial=True)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["stations"].queryset = Station.objects.filter(is_active=True)  # type: ignore[attr-defined]


class BookingCodeForm(forms.Form):
    """The code of a booking as a scanner types it, or a finger."""

    code = CleanTextField(max_length=200)

    def clean_code(self) -> str:
        """Return the letters of the code; of an address its last part."""
        value = str(self.cleaned_data["code"])
        if "://" in value:
            value = urlsplit(value).path.rstrip("/").rpartition("/")[2]
        return re.sub(r"[\s-]", "", value).upper()[:20]

"""How a patient wants to be reminded."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from scheduling.models import Channel

AUTOMATIC = "automatic"


class ReminderPreferenceForm(forms.Form):
    """The way; no choice, as the service takes it, is "automatic" on the page."""

    channel = forms.ChoiceField(
        label=_("Remind by"),
        choices=[(AUTOMATIC, _("Whatever fits: e-mail if there is an address, else WhatsApp")), *Channel.choices],
    )

    def __init__(self, data: Any = None, *, channel: str = "", **kwargs: Any) -> None:
        super().__init__(data, initial={"channel": channel or AUTOMATIC}, **kwargs)

    def clean_channel(self) -> str:
        channel = str(self.cleaned_data["channel"])
        return "" if channel == AUTOMATIC else channel

"""Forms of a booking for several people at the desk."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, cast

from django import forms
from django.utils import formats
from django.utils.translation import gettext_lazy as _

from core import clock
from scheduling.forms.appointments import ExtraServicesField, SourceField
from scheduling.forms.fields import ComplaintForm
from scheduling.models import Service, Slot


class FamilyServicesForm(forms.Form):
    """What one person of the family needs besides the service of the session."""

    extra = ExtraServicesField()

    def __init__(self, *args: Any, services: Iterable[Service] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        cast(ExtraServicesField, self.fields["extra"]).offer(services)


class FamilySeatForm(ComplaintForm):
    """The time of one person, and what it is about. Whether the time is still free is for the service to say."""

    slot = forms.UUIDField(label=_("Time"), error_messages={"required": _("Choose a time.")}, widget=forms.Select)

    field_order = ["slot", "complaint"]

    def __init__(self, *args: Any, times: Iterable[Slot] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        words = ((str(slot.pk), formats.time_format(clock.local(slot.starts_at))) for slot in times)
        cast(forms.Select, self.fields["slot"].widget).choices = [("", _("Choose a time")), *words]


class FamilyForm(forms.Form):
    """What holds for everybody; the key makes a double click one act."""

    source = SourceField()
    idempotency_key = forms.UUIDField(widget=forms.HiddenInput)

"""The form of a service."""

from __future__ import annotations

from typing import Any, cast

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from core.fields import RupiahField
from scheduling.forms.fields import CleanTextField, ask_to_choose
from scheduling.models import Service

SHORTEST, LONGEST = 5, 240  # minutes; the lengths a slot may have


class DoctorsField(forms.ModelMultipleChoiceField):
    """Several of the clinic's doctors, by the name with titles."""

    def label_from_instance(self, obj: User) -> str:
        return obj.display_name


class ServiceForm(forms.ModelForm):
    """What the clinic offers; the service function saves it."""

    code = CleanTextField(label=_("Code"), max_length=20)
    name_id = CleanTextField(label=_("Name in Indonesian"), max_length=120)
    name_en = CleanTextField(label=_("Name in English"), max_length=120)
    duration_minutes = forms.IntegerField(label=_("Duration in minutes"), min_value=SHORTEST, max_value=LONGEST)
    price_idr = RupiahField(
        label=_("Price"), help_text=_("Counts for bookings from now on; what was booked keeps its price.")
    )
    queue_prefix = forms.RegexField(
        r"^[A-Za-z]{1,2}$",
        label=_("Queue letter"),
        error_messages={"invalid": _("Enter one or two letters from A to Z.")},
        help_text=_("Queue numbers of this service begin with it. R is for the registration desk."),
    )
    doctors = DoctorsField(
        label=_("Doctors"), required=False, queryset=User.objects.none(), widget=forms.CheckboxSelectMultiple,
        help_text=_("Nobody chosen: every doctor of the specialty."),
    )  # fmt: skip

    class Meta:
        model = Service
        fields = (
            "code", "name_id", "name_en", "specialty", "duration_minutes", "price_idr", "booking_mode", "queue_prefix",
            "doctors", "is_active",
        )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        cast(DoctorsField, self.fields["doctors"]).queryset = User.objects.doctors()
        ask_to_choose(self, "specialty")

    def clean_queue_prefix(self) -> str:
        prefix = self.cleaned_data["queue_prefix"].upper()
        if prefix == "R":
            raise forms.ValidationError(_("R is for the registration desk. Choose another letter."), code="taken")
        return prefix

"""Forms about insurance policies: they parse; rules over rows are in `services.coverage`."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from core.fields import validate_year
from patients.forms.patients import Line
from patients.models import Insurer, PolicyCoverage


def _day(label: Any, **options: Any) -> forms.DateField:
    return forms.DateField(
        label=label,
        required=False,
        validators=[validate_year],
        widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}),
        **options,
    )


class PolicyForm(forms.Form):
    """One policy as the card shows it."""

    insurer = forms.ModelChoiceField(
        label=_("Insurer"),
        queryset=Insurer.objects.none(),
        empty_label=_("Choose"),
        error_messages={"required": _("Choose an insurer from the list.")},
        help_text=_("Not in the list? The administrator adds insurers in the back office."),
    )
    number = Line(
        label=_("Policy or card number"),
        max_length=60,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        help_text=_("A BPJS number has 13 digits."),
        error_messages={"required": _("Enter the number on the card.")},
    )
    plan_class = Line(
        label=_("Class"), required=False, max_length=30, widget=forms.TextInput(attrs={"list": "plan-classes"})
    )
    plan_name = Line(label=_("Product"), required=False, max_length=80)
    holder = forms.ChoiceField(
        label=_("Whose policy is it?"), choices=PolicyCoverage.Holder, initial=PolicyCoverage.Holder.SELF
    )
    holder_name = Line(
        label=_("Name of the policy holder"),
        required=False,
        max_length=200,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        help_text=_("When it is not the patient."),
    )
    valid_from = _day(_("Valid from"))
    valid_until = _day(_("Valid until"), help_text=_("Last day. Empty when the card names none."))
    facility_name = Line(
        label=_("Registered first-level facility"),
        required=False,
        max_length=120,
        help_text=_("For BPJS: as the card or Mobile JKN shows it."),
    )
    note = Line(label=_("Note"), required=False, max_length=300)
    card = forms.FileField(
        label=_("Picture of the card"),
        required=False,
        widget=forms.FileInput(attrs={"accept": "image/jpeg,image/png,image/gif,application/pdf"}),
        help_text=_("JPG, PNG, GIF or PDF, up to 5 MB."),
    )
    is_primary = forms.BooleanField(label=_("This policy pays first"), required=False)

    def __init__(self, *args: Any, policy: PolicyCoverage | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if policy is None:
            self.fields["insurer"].queryset = Insurer.objects.filter(is_active=True).order_by("kind", "name")  # type: ignore[attr-defined]
        else:
            del self.fields["insurer"]
            del self.fields["is_primary"]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        is_others = data.get("holder") not in (None, "", PolicyCoverage.Holder.SELF)
        if is_others and not data.get("holder_name") and "holder_name" not in self.errors:
            self.add_error("holder_name", _("Enter the name of the policy holder."))
        return data

    def values(self) -> dict[str, Any]:
        """Return what `services.coverage` takes, without insurer, picture and the tick."""
        return {
            name: value for name, value in self.cleaned_data.items() if name not in ("insurer", "is_primary", "card")
        }

"""Forms of the nurse."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from consultations.vitals import MEASUREMENTS, Measurement
from core.fields import CleanText
from core.numbers import format_quantity, parse_decimal
from core.text import clean_line


class MeasurementField(forms.CharField):
    """One vital sign as it is typed, with a comma or a dot; gives a Decimal within the rule's limits, or None."""

    def __init__(self, rule: Measurement) -> None:
        self.rule = rule
        attrs = {
            "inputmode": "decimal" if rule.decimals else "numeric",
            "autocomplete": "off",
            "data-suffix": rule.unit,
            "maxlength": 8,
        }
        super().__init__(label=rule.label, required=False, widget=forms.TextInput(attrs=attrs))

    def clean(self, value: Any) -> Decimal | None:  # type: ignore[override]
        text = clean_line(value)
        if not text:
            return None
        rule = self.rule
        try:
            return parse_decimal(text, places=rule.decimals, minimum=rule.minimum, maximum=rule.maximum)
        except ValueError as error:
            raise forms.ValidationError(rule.limits_sentence(), code="implausible") from error

    def prepare_value(self, value: Any) -> Any:
        return format_quantity(value) if isinstance(value, Decimal) else value


class VitalsForm(forms.Form):
    """One set of vital signs; every field may stay empty, the service wants at least one."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for rule in MEASUREMENTS:
            self.fields[rule.field] = MeasurementField(rule)
        self.fields["remark"] = CleanText(
            label=_("Remark"), required=False, max_length=500, lines=True, widget=forms.Textarea(attrs={"rows": 2})
        )

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        systolic, diastolic = values.get("systolic_mmhg"), values.get("diastolic_mmhg")
        pressure_is_wrong = {"systolic_mmhg", "diastolic_mmhg"} & set(self.errors)
        if not pressure_is_wrong and (systolic is None) != (diastolic is None):
            empty = "systolic_mmhg" if systolic is None else "diastolic_mmhg"
            self.add_error(empty, _("Enter both blood pressure values, upper and lower."))
        elif systolic is not None and diastolic is not None and diastolic >= systolic:
            self.add_error("diastolic_mmhg", _("The lower blood pressure value must be below the upper one."))
        return values


class ReasonForm(forms.Form):
    """Why an entry is wrong."""

    reason = CleanText(label=_("Why is this entry wrong?"), max_length=300)

"""Forms of the pharmacy, and the doctor's prescription lines inside the consultation form."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from core import clock
from core.fields import RupiahField
from core.ids import uuid_or_none
from core.money import format_rupiah
from core.numbers import parse_decimal
from core.text import clean_line, clean_text
from pharmacy.models import Medicine, Prescription, PrescriptionItem
from pharmacy.services.prescribing import (
    LONGEST_OVERRIDE,
    LONGEST_SIGNA,
    MOST_LINES,
    MOST_UNITS_A_LINE,
    PrescriptionLine,
)
from pharmacy.services.stock import MOST_UNITS

LONGEST_SHELF_LIFE = timedelta(days=3660)
FIELDS = ("medicine", "quantity", "signa", "override")
_LINE_FIELD = re.compile(rf"line-(\d{{1,3}})-({'|'.join(FIELDS)})")
_NUMBERS = {"inputmode": "decimal", "autocomplete": "off"}


class QuantityField(forms.CharField):
    """A quantity with comma or dot as decimal sign, two decimals at most."""

    def __init__(self, *, maximum: Decimal = MOST_UNITS, **kwargs: Any) -> None:
        self.maximum = maximum
        super().__init__(max_length=15, widget=forms.TextInput(attrs=_NUMBERS), **kwargs)

    def clean(self, value: Any) -> Decimal:
        text = super().clean(value)
        try:
            number = parse_decimal(text, maximum=self.maximum)
        except ValueError:
            number = Decimal(0)
        if number <= 0:
            raise forms.ValidationError(
                _("Enter a number above 0, with at most two decimals, for example 10 or 0,5. Leave out thousand dots.")
            )
        return number


class ReasonField(forms.CharField):
    """Why something is done, on one line."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            **{"max_length": 200, "min_length": 5, "widget": forms.TextInput(attrs={"autocomplete": "off"}), **kwargs}
        )

    def to_python(self, value: Any) -> str:
        return clean_line(super().to_python(value))


# --- Prescription lines in the doctor's form -------------------------------------------------------------------------


@dataclass(frozen=True)
class LineError:
    """What is wrong with one line of the doctor's form: its number in the field names, the field, the sentence."""

    line: int
    field: str
    message: str


@dataclass(frozen=True)
class LineRow:
    """One line as it stands in the form, to draw it again with what was typed."""

    number: int
    medicine_id: str = ""
    medicine_text: str = ""
    unit: str = ""
    quantity: str = ""
    signa: str = ""
    override: str = ""


def typed_lines(post: Mapping[str, Any]) -> list[tuple[int, dict[str, str]]]:
    """Return the lines of the form that hold anything, by their number; at most three times what is allowed."""
    found: dict[int, dict[str, str]] = {}
    for key in post:
        match = _LINE_FIELD.fullmatch(key)
        if match:
            found.setdefault(int(match[1]), {})[match[2]] = str(post[key])[:1000].strip()
    return [(number, fields) for number, fields in sorted(found.items()) if any(fields.values())][: 3 * MOST_LINES]


def parse_lines(post: Mapping[str, Any]) -> tuple[list[PrescriptionLine], list[LineError]]:
    """Read `line-<n>-medicine`, `-quantity`, `-signa`, `-override` of a form; empty lines are passed over.

    Nothing else of a line is read: price, unit and label come from the medicine list when the prescription is written.
    """
    lines: list[PrescriptionLine] = []
    errors: list[LineError] = []
    typed = typed_lines(post)
    if len(typed) > MOST_LINES:
        errors.append(
            LineError(typed[MOST_LINES][0], "medicine", _("Write at most %(most)d lines.") % {"most": MOST_LINES})
        )
    for number, fields in typed[:MOST_LINES]:
        line, problems = _parse_line(number, fields)
        errors += problems
        if line is not None:
            lines.append(line)
    return lines, errors


def _parse_line(number: int, fields: dict[str, str]) -> tuple[PrescriptionLine | None, list[LineError]]:
    errors = []
    medicine_id = uuid_or_none(fields.get("medicine", ""))
    if medicine_id is None:
        errors.append(LineError(number, "medicine", _("Choose a medicine of the list.")))
    quantity = Decimal(0)
    try:
        quantity = parse_decimal(fields.get("quantity", ""), maximum=MOST_UNITS_A_LINE)
    except ValueError:
        quantity = Decimal(0)
    if quantity <= 0:
        errors.append(
            LineError(number, "quantity", _("Enter a quantity above 0 and up to 9999, for example 10 or 0,5."))
        )
    signa = clean_line(fields.get("signa", ""))
    if not signa or len(signa) > LONGEST_SIGNA:
        errors.append(LineError(number, "signa", _("Write directions of at most 200 characters.")))
    override = clean_text(fields.get("override", ""))
    if len(override) > LONGEST_OVERRIDE:
        errors.append(LineError(number, "override", _("Write a reason of at most 300 characters.")))
    if errors or medicine_id is None:
        return None, errors
    return PrescriptionLine(medicine_id, quantity, signa, override), []


def medicine_lines(post: Mapping[str, Any]) -> list[tuple[int, PrescriptionLine]]:
    """Return the lines that name a medicine, whatever else they still lack, with their numbers: for checks on the way."""
    found = []
    for number, fields in typed_lines(post)[:MOST_LINES]:
        medicine_id = uuid_or_none(fields.get("medicine", ""))
        if medicine_id is not None:
            found.append((number, PrescriptionLine(medicine_id, Decimal(1), "-", fields.get("override", ""))))
    return found


def rows_of_post(post: Mapping[str, Any]) -> list[LineRow]:
    """Return what was typed as rows of the form, also where it is wrong; one query. For drawing a form again."""
    typed = typed_lines(post)
    ids = {number: uuid_or_none(fields.get("medicine", "")) for number, fields in typed}
    medicines = Medicine.objects.in_bulk({pk for pk in ids.values() if pk is not None})
    rows = []
    for number, fields in typed:
        pk = ids[number]
        texts = {name: fields.get(name, "") for name in ("quantity", "signa", "override")}
        rows.append(_row(number, medicines.get(pk) if pk else None, **texts))
    return rows


def draft_of_post(post: Mapping[str, Any]) -> str:
    """Return what was typed as text to be kept in a draft; `rows_of_draft` gives the rows back."""
    typed = [{name: fields.get(name, "") for name in FIELDS} for _number, fields in typed_lines(post)]
    return json.dumps(typed, ensure_ascii=False) if typed else ""


def rows_of_draft(draft: str) -> list[LineRow]:
    """Return the rows of a kept draft; one query. Text that is no draft gives no rows."""
    try:
        kept = json.loads(draft) if draft else []
    except ValueError:
        return []
    if not isinstance(kept, list):
        return []
    post = {
        f"line-{number}-{name}": str(fields.get(name, ""))
        for number, fields in enumerate(kept)
        if isinstance(fields, dict)
        for name in FIELDS
    }
    return rows_of_post(post)


def _row(number: int, medicine: Medicine | None, *, quantity: str, signa: str, override: str) -> LineRow:
    if medicine is None:
        return LineRow(number, quantity=quantity, signa=signa, override=override)
    return LineRow(number, str(medicine.pk), medicine.label, medicine.unit, quantity, signa, override)


# --- The pharmacist's forms -----------------------------------------------------------------------------------------


class PriceForm(forms.Form):
    """The review of a new prescription: three checks, and the price of each line with a reason when it is changed.

    Fields are made from the prescription's own lines; a posted price of any other line is refused.
    """

    administrative = forms.BooleanField(
        label=gettext_lazy("Administrative: patient, prescriber with SIP and date are complete."),
        error_messages={"required": gettext_lazy("Check this before you confirm the prices.")},
    )
    pharmaceutical = forms.BooleanField(
        label=gettext_lazy("Pharmaceutical: medicine, strength, form, quantity and directions are right."),
        error_messages={"required": gettext_lazy("Check this before you confirm the prices.")},
    )
    clinical = forms.BooleanField(
        label=gettext_lazy("Clinical: allergies, duplicate ingredients, interactions and dose are checked."),
        error_messages={"required": gettext_lazy("Check this before you confirm the prices.")},
    )
    CHECKS = ("administrative", "pharmaceutical", "clinical")

    def __init__(self, prescription: Prescription, data: Mapping[str, Any] | None = None) -> None:
        super().__init__(data)
        self.items = list(prescription.items.all())
        for item in self.items:
            self.fields[f"price-{item.pk}"] = RupiahField(
                label=_("Price per unit, line %(line)d") % {"line": item.position},
                initial=item.unit_price_idr if item.unit_price_idr is not None else item.list_price_idr,
            )
            self.fields[f"reason-{item.pk}"] = ReasonField(
                label=_("Reason for another price, line %(line)d") % {"line": item.position}, required=False
            )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        foreign = [key for key in self.data if key.startswith(("price-", "reason-")) and key not in self.fields]
        if foreign:
            raise forms.ValidationError(
                _("The lines of this prescription do not match. Reload the page and try again.")
            )
        for item in self.items:
            price = cleaned.get(f"price-{item.pk}")
            is_changed = price is not None and price != item.list_price_idr
            if is_changed and not cleaned.get(f"reason-{item.pk}") and f"reason-{item.pk}" not in self.errors:
                self.add_error(
                    f"reason-{item.pk}",
                    _("The price list says %(price)s. Write the reason for another price.")
                    % {"price": format_rupiah(item.list_price_idr)},
                )
        return cleaned

    def checks(self) -> list[forms.BoundField]:
        return [self[name] for name in self.CHECKS]

    def fields_of(self, item: PrescriptionItem) -> tuple[forms.BoundField, forms.BoundField]:
        return self[f"price-{item.pk}"], self[f"reason-{item.pk}"]

    def prices(self) -> dict[UUID, tuple[int, str]]:
        """Return what `pricing.confirm_prices` takes."""
        return {
            item.pk: (self.cleaned_data[f"price-{item.pk}"], self.cleaned_data[f"reason-{item.pk}"])
            for item in self.items
        }


class HandOverForm(forms.Form):
    is_identity_verified = forms.BooleanField(
        label=gettext_lazy("I compared the name and the date of birth with the patient."),
        error_messages={
            "required": gettext_lazy("Compare the name and the date of birth with the patient before you hand over.")
        },
    )


class CancelForm(forms.Form):
    reason = ReasonField(label=gettext_lazy("Reason for cancelling"))


class PrescriptionFilterForm(forms.Form):
    """Filters of the prescription history that may stand in an address: no names."""

    STATES = [
        ("", gettext_lazy("All")),
        ("new", gettext_lazy("New")),
        ("awaiting_payment", gettext_lazy("Waiting for payment")),
        ("ready", gettext_lazy("Ready to hand over")),
        ("dispensed", gettext_lazy("Handed over")),
        ("cancelled", gettext_lazy("Cancelled")),
    ]
    status = forms.ChoiceField(label=gettext_lazy("Status"), choices=STATES, required=False)


class PrescriptionSearchForm(PrescriptionFilterForm):
    """The same with a name: posted, so that it stays out of addresses and logs."""

    q = forms.CharField(
        label=gettext_lazy("Patient, doctor or prescription number"),
        max_length=100,
        min_length=2,
        widget=forms.TextInput(attrs={"type": "search", "autocomplete": "off"}),
    )


# --- Stock ----------------------------------------------------------------------------------------------------------


class StockFilterForm(forms.Form):
    VIEWS = [
        ("", gettext_lazy("All medicines")),
        ("low", gettext_lazy("Below minimum stock")),
        ("expiring", gettext_lazy("Expiring within 90 days")),
        ("expired", gettext_lazy("Expired on the shelf")),
    ]
    q = forms.CharField(
        label=gettext_lazy("Medicine, brand or class"),
        max_length=60,
        required=False,
        widget=forms.TextInput(attrs={"type": "search", "autocomplete": "off"}),
    )
    show = forms.ChoiceField(label=gettext_lazy("Show"), choices=VIEWS, required=False)


class ReceiveForm(forms.Form):
    lot_number = forms.CharField(label=gettext_lazy("Batch number"), max_length=40)
    expires_on = forms.DateField(
        label=gettext_lazy("Expiry date"),
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        input_formats=["%Y-%m-%d"],
        help_text=gettext_lazy("When the package shows only a month, enter the last day of that month."),
    )
    quantity = QuantityField(label=gettext_lazy("Quantity"))
    unit_cost_idr = RupiahField(label=gettext_lazy("Cost per unit"))

    def clean_lot_number(self) -> str:
        lot_number = clean_line(self.cleaned_data["lot_number"]).upper()
        if not lot_number:
            raise forms.ValidationError(_("Enter the batch number printed on the package, at most 40 characters."))
        return lot_number

    def clean_expires_on(self) -> Any:
        expires_on = self.cleaned_data["expires_on"]
        if expires_on <= clock.today():
            raise forms.ValidationError(_("This batch has expired. Return it to the supplier instead of receiving it."))
        if expires_on > clock.today() + LONGEST_SHELF_LIFE:
            raise forms.ValidationError(_("Check the year: this is more than ten years away."))
        return expires_on


class AdjustForm(forms.Form):
    DIRECTIONS = [("less", gettext_lazy("Take away")), ("more", gettext_lazy("Add"))]
    direction = forms.ChoiceField(
        label=gettext_lazy("Correction"), choices=DIRECTIONS, initial="less", widget=forms.RadioSelect
    )
    quantity = QuantityField(label=gettext_lazy("Quantity"))
    reason = ReasonField(label=gettext_lazy("Reason"), help_text=gettext_lazy("For example: broken, lost, counted."))

    def change(self) -> Decimal:
        quantity = self.cleaned_data["quantity"]
        return quantity if self.cleaned_data["direction"] == "more" else -quantity


class DisposeForm(forms.Form):
    reason = ReasonField(
        label=gettext_lazy("How it is disposed of"), help_text=gettext_lazy("For example: destroyed, report number 12.")
    )

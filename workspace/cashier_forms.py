"""Forms of the cashier's desk."""

from __future__ import annotations

from uuid import uuid4

from django import forms
from django.utils.translation import gettext_lazy as _

from billing.models import Payment
from core.money import parse_rupiah


class RupiahField(forms.CharField):
    """Whole rupiah as people type them: "150.000" or "150000"."""

    def __init__(self, **kwargs: object) -> None:
        kwargs.setdefault(
            "widget",
            forms.TextInput(
                attrs={"inputmode": "numeric", "data-money": "", "data-prefix": "Rp", "autocomplete": "off"}
            ),
        )
        super().__init__(max_length=24, **kwargs)  # type: ignore[arg-type]

    def clean(self, value: object) -> int | None:  # type: ignore[override]
        text = super().clean(value)
        if not text:
            return None
        try:
            return parse_rupiah(text)
        except ValueError:
            raise forms.ValidationError(_("Enter whole rupiah, for example 150.000.")) from None


class PaymentForm(forms.Form):
    """What the cashier takes. The bill and what is owed are never read from the form."""

    method = forms.ChoiceField(label=_("Method"), choices=Payment.Method.choices, widget=forms.RadioSelect)
    amount_idr = RupiahField(label=_("Amount to take"))
    tendered_idr = RupiahField(label=_("Cash received"), required=False)
    reference = forms.CharField(
        label=_("Reference number"),
        max_length=60,
        required=False,
        help_text=_("For transfer, QRIS and card: the number on the slip or screen."),
    )
    idempotency_key = forms.UUIDField(widget=forms.HiddenInput, initial=uuid4)

    def clean(self) -> dict[str, object]:
        data = super().clean() or {}
        if (
            data.get("method") == Payment.Method.CASH
            and data.get("tendered_idr") is None
            and "tendered_idr" not in self.errors
        ):
            self.add_error("tendered_idr", _("Enter the cash you received."))
        if data.get("method") not in (None, Payment.Method.CASH) and not data.get("reference"):
            self.add_error("reference", _("Enter the reference number of the payment."))
        return data

"""Forms of the cashier's desk."""

from __future__ import annotations

from uuid import uuid4

from django import forms
from django.utils.translation import gettext_lazy as _

from billing.models import Payment
from core.fields import RupiahField


class PaymentForm(forms.Form):
    """What the cashier takes. The bill and what is owed are never read from the form."""

    method = forms.ChoiceField(label=_("Method"), choices=Payment.Method.choices, widget=forms.RadioSelect)
    amount_idr = RupiahField(label=_("Amount to take"))
    tendered_idr = RupiahField(label=_("Cash received"), error_messages={"required": _("Enter the cash you received.")})
    reference = forms.CharField(
        label=_("Reference number"),
        max_length=60,
        error_messages={"required": _("Enter the reference number of the payment.")},
        help_text=_("For transfer, QRIS and card: the number on the slip or screen."),
    )
    idempotency_key = forms.UUIDField(widget=forms.HiddenInput, initial=uuid4)

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        # The page shows the field of the chosen method only, so neither of the two is called optional there.
        if self.is_bound:
            is_cash = self.data.get("method") == Payment.Method.CASH
            self.fields["tendered_idr"].required = is_cash
            self.fields["reference"].required = not is_cash

"""Do the bills add up? Part of the nightly check of all records."""

from __future__ import annotations

from django.db.models import F, OuterRef, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce
from django.utils.translation import gettext_lazy as _

from billing.models import Charge, Invoice, Payment, Refund
from patients.integrity import Check, Severity, register, rows


def _sum(queryset: QuerySet, column: str) -> Coalesce:
    totals = queryset.filter(invoice=OuterRef("pk")).order_by().values("invoice").annotate(total=Sum(column))
    return Coalesce(Subquery(totals.values("total")), 0)


def wrong_totals() -> QuerySet[Invoice]:
    """Bills whose total, payments or refunds are not the sums of their lines."""
    summed = Invoice.objects.annotate(
        charged=_sum(Charge.objects.active(), "amount_idr"),
        received=_sum(Payment.objects.all(), "amount_idr"),
        returned=_sum(Refund.objects.all(), "amount_idr"),
    )
    agrees = {"total_idr": F("charged"), "paid_idr": F("received"), "refunded_idr": F("returned")}
    return summed.exclude(status=Invoice.Status.VOID).exclude(**agrees)


def register_own() -> None:
    """Add the checks of this app; called once."""
    register(
        Check(
            "bill_totals",
            _("Bills that do not add up"),
            _("Compare the lines, payments and refunds of the bill; tell whoever runs the system."),
            Severity.SERIOUS,
            rows("invoice", wrong_totals()),
        )
    )

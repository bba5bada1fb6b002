"""What of a patient's bills must be settled before personal data are erased: who owes, or is owed, must be reachable."""

from __future__ import annotations

from uuid import UUID

from django.utils.translation import ngettext

from billing.models import Invoice, Refund
from patients.services.erasure import check_before_erasing

OPEN = (Invoice.Status.DRAFT, Invoice.Status.UNPAID, Invoice.Status.PART_PAID)


def register_own() -> None:
    """Let open bills stop an erasure; called once."""
    check_before_erasing(obstacles_to_erasing)


def obstacles_to_erasing(patient_ids: list[UUID]) -> list[str]:
    """Return open bills and refunds in words."""
    bills = Invoice.objects.filter(patient__in=patient_ids, status__in=OPEN).count()
    refunds = Refund.objects.filter(invoice__patient__in=patient_ids, status=Refund.Status.DUE).count()
    found = []
    if bills:
        found.append(ngettext("%(count)d bill to settle", "%(count)d bills to settle", bills) % {"count": bills})
    if refunds:
        words = ngettext("%(count)d refund to pay back", "%(count)d refunds to pay back", refunds)
        found.append(words % {"count": refunds})
    return found

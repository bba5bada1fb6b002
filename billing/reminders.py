"""The 16:00 duty: remind patients of bills that stay unpaid."""

from __future__ import annotations

from datetime import date, timedelta

from django.conf import settings
from django.urls import reverse

from billing.models import Invoice
from core import clock
from patients.services import mail_patient


def remind_unpaid_bills(*, day: date) -> int:
    """Mail each patient whose bill was issued `UNPAID_REMINDER_DAYS` or more days before `day`; how many were ordered.

    Once per bill: the mail's dedupe key is the bill. Patients without an address, and bills settled meanwhile, are left out.
    """
    limit = clock.day_bounds(day - timedelta(days=settings.UNPAID_REMINDER_DAYS))[1]
    ordered = 0
    for invoice in Invoice.objects.unpaid().filter(issued_at__lt=limit).select_related("patient__user").order_by("pk"):
        assert invoice.issued_at is not None  # the filter leaves out what was not issued
        patient = invoice.patient
        email = mail_patient(
            patient=patient,
            template="payment_reminder",
            context={
                "invoice_number": invoice.number,
                "amount_idr": invoice.balance_idr,
                "issued_on": clock.local(invoice.issued_at).date(),
                "path": reverse("billing:portal-bill", args=[invoice.pk]),
            },
            dedupe_key=f"payment_reminder:{invoice.pk}",
        )
        ordered += email is not None
    return ordered

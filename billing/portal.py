"""A patient's own bills."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import translation
from django.views.decorators.http import require_GET

from accounts.guards import PortalRequest, patient_portal
from billing import pdf
from billing.models import Charge, Invoice
from billing.views import pdf_response
from core.pagination import keyset_page
from patients.persons import own_or_404
from patients.services import record_part_read, record_print


@patient_portal
@require_GET
def bill_list(request: PortalRequest) -> HttpResponse:
    """Bills of the chosen person, newest first; drafts show as being prepared."""
    mine = Invoice.objects.visible_to(request.user).filter(patient=request.patient)
    page = keyset_page(request.GET, mine, size=20)
    return render(request, "billing/portal_bills_screen.html", {"page": page})


@patient_portal
@require_GET
def bill_detail(request: PortalRequest, pk: UUID) -> HttpResponse:
    """One bill: lines by kind, what is paid, what is left, and how to pay."""
    invoice = own_or_404(request, Invoice.objects.visible_to(request.user), pk=pk)
    record_part_read(patient_id=invoice.patient_id, actor=request.user, what="bill", target=invoice)
    context = {
        "invoice": invoice,
        "groups": charge_groups(invoice),
        "payments": list(invoice.payments.order_by("pk")),
        "refunds": list(invoice.refunds.order_by("pk")),
    }
    return render(request, "billing/portal_bill_screen.html", context)


@patient_portal
@require_GET
def bill_pdf(request: PortalRequest, pk: UUID) -> HttpResponse:
    invoices = Invoice.objects.visible_to(request.user).exclude(status=Invoice.Status.DRAFT).select_related("patient")
    invoice = own_or_404(request, invoices, pk=pk, follows=False)
    record_print(patient_id=invoice.patient_id, actor=request.user, what="bill", target=invoice)
    return pdf_response(pdf.invoice_pdf(invoice, language=translation.get_language()), str(invoice))


def charge_groups(invoice: Invoice) -> list[tuple[str, list[Charge], int]]:
    """Return (category label, active lines, sum in rupiah) in the order of categories; one query."""
    lines = list(invoice.charges.active().order_by("pk"))
    groups = []
    for category in Charge.Category:
        mine = [line for line in lines if line.category == category]
        if mine:
            groups.append((str(category.label), mine, sum(line.amount_idr for line in mine)))
    return groups

"""Papers of bills for staff. The cashier's screens are in `workspace.cashier`: they also move the visit on."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.utils import translation
from django.views.decorators.http import require_GET

from accounts.access import Capability
from accounts.guards import SignedInRequest, requires
from billing import pdf
from billing.models import Invoice, Payment
from patients.services import record_print


def pdf_response(content: bytes, name: str) -> HttpResponse:
    """Answer a PDF for viewing, under a name without patient data."""
    response = HttpResponse(content, content_type="application/pdf")
    response["Content-Disposition"] = f'inline; filename="{name.replace("/", "-")}.pdf"'
    response["X-Content-Type-Options"] = "nosniff"
    return response


@requires(Capability.VIEW_BILLS)
@require_GET
def invoice_pdf(request: SignedInRequest, pk: UUID) -> HttpResponse:
    invoice = get_object_or_404(Invoice.objects.visible_to(request.user).select_related("patient"), pk=pk)
    record_print(patient_id=invoice.patient_id, actor=request.user, what="bill", target=invoice)
    return pdf_response(pdf.invoice_pdf(invoice, language=translation.get_language()), str(invoice))


@requires(Capability.TAKE_PAYMENTS)
@require_GET
def receipt_pdf(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """The receipt of one payment; `?copy=1` marks a reprint."""
    payments = Payment.objects.visible_to(request.user).select_related("invoice__patient", "received_by")
    payment = get_object_or_404(payments, pk=pk)
    record_print(patient_id=payment.invoice.patient_id, actor=request.user, what="receipt", target=payment)
    content = pdf.receipt_pdf(payment, is_copy=request.GET.get("copy") == "1", language=translation.get_language())
    return pdf_response(content, payment.receipt_number)

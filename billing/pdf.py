"""Invoice and receipt as PDF, with the amount in words."""

from __future__ import annotations

from decimal import Decimal

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import override
from reportlab.lib.units import mm
from reportlab.platypus import Spacer

from billing.models import Charge, Invoice, Payment
from core import pdf
from core.money import format_rupiah, terbilang

WIDTH = 174 * mm


def _quantity(value: Decimal) -> str:
    return f"{value.normalize():f}".replace(".", ",")


def invoice_pdf(invoice: Invoice, *, language: str = "id") -> bytes:
    """Return the itemised bill with its state and the total in words (Indonesian, as receipts need it)."""
    with override(language):
        rows = [
            [
                pdf.text(_("Description"), "head"),
                pdf.text(_("Quantity"), "head_right"),
                pdf.text(_("Price"), "head_right"),
                pdf.text(_("Amount"), "head_right"),
            ]
        ]
        for charge in _charges(invoice):
            rows.append(
                [
                    pdf.text(charge.description),
                    pdf.text(_quantity(charge.quantity), "right"),
                    pdf.text(format_rupiah(charge.unit_price_idr), "right"),
                    pdf.text(format_rupiah(charge.amount_idr), "right"),
                ]
            )
        paid = invoice.paid_idr - invoice.refunded_idr
        totals = [(_("Total"), invoice.total_idr, "right_bold")]
        if paid:
            totals.append((_("Amount paid"), paid, "right"))
            totals.append((_("Still to pay"), invoice.balance_idr, "right_bold"))
        for label, amount, style in totals:
            rows.append(["", "", pdf.text(label, style), pdf.text(format_rupiah(amount), style)])
        story = [
            pdf.text(_("Invoice"), "title"),
            Spacer(1, 2 * mm),
            pdf.facts(_head(invoice), WIDTH),
            Spacer(1, 5 * mm),
            pdf.lines_table(rows, [WIDTH * 0.46, WIDTH * 0.12, WIDTH * 0.21, WIDTH * 0.21], total_rows=len(totals)),
            Spacer(1, 4 * mm),
            pdf.text(_("In words: %(words)s") % {"words": terbilang(invoice.total_idr)}, "bold"),
            Spacer(1, 3 * mm),
            pdf.text(_("Status: %(status)s") % {"status": invoice.get_status_display()}),
            Spacer(1, 6 * mm),
            pdf.text(_("Please keep this paper. Questions about the bill are answered at the cashier."), "small"),
        ]
        return pdf.build(title=str(invoice), story=story, footer=str(invoice))


def receipt_pdf(payment: Payment, *, is_copy: bool = False, language: str = "id") -> bytes:
    """Return the receipt (kuitansi) of one payment; a reprint is marked as a copy."""
    with override(language):
        invoice = payment.invoice
        facts = [
            (_("Receipt number"), payment.receipt_number),
            (_("Received from"), f"{invoice.patient.full_name} ({invoice.patient.record_number})"),
            (_("For"), _("Bill %(number)s") % {"number": invoice.number}),
            (_("Method"), payment.get_method_display()),
        ]
        if payment.reference:
            facts.append((_("Reference"), payment.reference))
        if payment.tendered_idr is not None:
            facts.append((_("Cash received"), format_rupiah(payment.tendered_idr)))
            facts.append((_("Change due"), format_rupiah(payment.change_idr)))
        title = _("Receipt (COPY)") if is_copy else _("Receipt")
        story = [
            pdf.text(title, "title"),
            Spacer(1, 2 * mm),
            pdf.facts(facts, WIDTH),
            Spacer(1, 5 * mm),
            pdf.lines_table(
                [
                    [pdf.text(_("Amount"), "head"), pdf.text(_("In words"), "head")],
                    [pdf.text(format_rupiah(payment.amount_idr), "bold"), pdf.text(terbilang(payment.amount_idr))],
                ],
                [WIDTH * 0.3, WIDTH * 0.7],
            ),
            Spacer(1, 5 * mm),
            pdf.text(f"{settings.CLINIC_CITY}, {pdf.day_in_words(payment.received_at)}", "right"),
            Spacer(1, 16 * mm),
            pdf.text(payment.received_by.full_name, "right"),
        ]
        return pdf.build(title=payment.receipt_number, story=story, footer=payment.receipt_number)


def _charges(invoice: Invoice) -> list[Charge]:
    return list(invoice.charges.active().order_by("id"))


def _head(invoice: Invoice) -> list[tuple[str, str]]:
    patient = invoice.patient
    head = [
        (_("Invoice number"), invoice.number or _("Being prepared")),
        (_("Patient"), patient.full_name),
        (_("Record number"), patient.record_number),
    ]
    if invoice.issued_at:
        head.insert(1, (_("Date"), pdf.moment_in_words(invoice.issued_at)))
    return head

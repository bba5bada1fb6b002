"""Every write to bills: charges, issue, payments, refunds.

Lock order: the caller holds the visit, then the invoice row here, then its refund, then number counters.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Max, Sum
from django.utils.translation import gettext as _

import audit
from billing.errors import InvoiceClosed, InvoiceNotFound, NotPayable, ReferenceMissing, RefundClosed, WrongAmount
from billing.models import Charge, Invoice, Payment, Refund
from core import clock, live
from core.db import locked, next_number, retry_transaction
from core.errors import InvalidInput
from core.money import MAX_AMOUNT_IDR, format_rupiah, line_total
from patients.guardians import user_ids_of

OPEN_FOR_CHARGES = {Invoice.Status.DRAFT, Invoice.Status.UNPAID}


def invoice_of(encounter_id: UUID) -> Invoice | None:
    """Return the bill of a visit, or None when nothing was charged yet."""
    return Invoice.objects.filter(encounter_id=encounter_id).first()


def is_settled(*, encounter_id: UUID) -> bool:
    """True when the visit's bill is issued and nothing is left to pay."""
    return Invoice.objects.filter(encounter_id=encounter_id, status=Invoice.Status.PAID).exists()


@retry_transaction
def open_invoice(*, encounter_id: UUID, patient_id: UUID) -> Invoice:
    """Return the visit's bill under lock, making a draft when there is none."""
    invoices = locked(Invoice.objects.all())
    invoice = invoices.filter(encounter_id=encounter_id).first()
    if invoice is not None:
        return invoice
    try:
        with transaction.atomic():
            Invoice.objects.create(encounter_id=encounter_id, patient_id=patient_id, created_at=clock.now())
    except IntegrityError:
        pass  # another transaction made it first; encounter_id is unique
    return invoices.get(encounter_id=encounter_id)


@retry_transaction
def post_charge(
    *,
    encounter_id: UUID,
    patient_id: UUID,
    category: Charge.Category,
    description: str,
    unit_price_idr: int,
    source_type: str,
    source_id: UUID,
    actor: Any,
    quantity: Decimal = Decimal(1),
) -> Charge:
    """Put one line on the visit's bill; the same source again gives the line that is there.

    Raises:
        InvoiceClosed: the bill has payments or is void.
        InvalidInput: the price is below zero or absurdly high.
    """
    if not 0 <= unit_price_idr <= MAX_AMOUNT_IDR:
        raise InvalidInput(_("A price must be between Rp0 and %(limit)s.") % {"limit": format_rupiah(MAX_AMOUNT_IDR)})
    invoice = open_invoice(encounter_id=encounter_id, patient_id=patient_id)
    existing = invoice.charges.active().filter(source_type=source_type, source_id=source_id).first()
    if existing is not None:
        return existing
    if invoice.status not in OPEN_FOR_CHARGES:
        raise InvoiceClosed(_("This bill is already paid or void; nothing can be added to it."))
    charge = Charge.objects.create(
        invoice=invoice,
        category=category,
        description=description[:200],
        quantity=quantity,
        unit_price_idr=unit_price_idr,
        amount_idr=line_total(quantity, unit_price_idr),
        source_type=source_type,
        source_id=source_id,
        created_at=clock.now(),
        created_by=actor,
    )
    _recompute(invoice)
    audit.record(
        "billing.charge.posted",
        actor=actor,
        patient=invoice.patient_id,
        target=charge,
        detail={"amount_idr": charge.amount_idr, "category": category, "source": source_type},
    )
    live.changed(live.BILLING)
    return charge


@retry_transaction
def cancel_charges(*, source_type: str, source_ids: Collection[UUID], reason: str, actor: Any) -> int:
    """Take the lines of these sources off their bill and return how many; money paid too much becomes a refund due."""
    invoice_ids = sorted(
        set(
            Charge.objects.active()
            .filter(source_type=source_type, source_id__in=source_ids)
            .values_list("invoice_id", flat=True)
        )
    )
    cancelled = 0
    for invoice in locked(Invoice.objects.all()).filter(pk__in=invoice_ids).order_by("pk"):
        lines = invoice.charges.active().filter(source_type=source_type, source_id__in=source_ids)
        count = lines.update(status=Charge.Status.CANCELLED, cancel_reason=reason[:200])
        if not count:
            continue
        cancelled += count
        _recompute(invoice)
        audit.record(
            "billing.charges.cancelled",
            actor=actor,
            patient=invoice.patient_id,
            target=invoice,
            detail={"lines": count, "total_idr": invoice.total_idr},
        )
        _settle_overpayment(invoice, reason=reason, actor=actor)
    if cancelled:
        live.changed(live.BILLING)
    return cancelled


@retry_transaction
def issue_invoice(*, encounter_id: UUID, actor: Any) -> Invoice:
    """Give a draft its number and make it payable; a bill of Rp0 is settled at once. A second call changes nothing.

    Raises:
        InvoiceNotFound: nothing was ever charged for this visit.
    """
    invoice = locked(Invoice.objects.all()).filter(encounter_id=encounter_id).first()
    if invoice is None:
        raise InvoiceNotFound(_("There is no bill for this visit."))
    if invoice.status != Invoice.Status.DRAFT:
        return invoice
    now = clock.now()
    invoice.number = _monthly_number("INV", "billing.invoice", now)
    invoice.issued_at = now
    invoice.status = Invoice.Status.UNPAID
    if invoice.total_idr == 0:
        invoice.status, invoice.paid_at = Invoice.Status.PAID, now
    invoice.save(update_fields=["number", "issued_at", "status", "paid_at"])
    audit.record(
        "billing.invoice.issued",
        actor=actor,
        patient=invoice.patient_id,
        target=invoice,
        detail={"number": invoice.number, "total_idr": invoice.total_idr},
    )
    live.changed(live.BILLING, user_ids=user_ids_of(invoice.patient))
    return invoice


@retry_transaction
def take_payment(
    *,
    invoice_id: UUID,
    method: Payment.Method,
    amount_idr: int,
    idempotency_key: UUID,
    actor: Any,
    tendered_idr: int | None = None,
    reference: str = "",
) -> Payment:
    """Take money for a bill, wholly or in part; the same key again gives the same payment and takes nothing.

    In the clinic call `workspace.services.receive_payment`, which also moves the visit on.

    Raises:
        NotPayable: the bill is not issued, paid already, or void; or the key belongs to another bill.
        WrongAmount: not between Rp1 and what is left, or cash below the amount.
        ReferenceMissing: any method but cash needs the reference of the bank or QRIS.
    """
    invoice = locked(Invoice.objects.all()).get(pk=invoice_id)
    done = Payment.objects.filter(idempotency_key=idempotency_key).first()
    if done is not None:
        if done.invoice_id != invoice.pk:
            raise NotPayable(_("This form belongs to another bill. Open the bill again."))
        return done
    if invoice.status not in (Invoice.Status.UNPAID, Invoice.Status.PART_PAID):
        raise NotPayable(_("This bill is not waiting for payment. Reload the page to see where it stands."))
    if not 0 < amount_idr <= invoice.balance_idr:
        raise WrongAmount(
            _("Enter an amount between Rp1 and %(balance)s.") % {"balance": format_rupiah(invoice.balance_idr)}
        )
    change = 0
    reference = reference.strip()
    if method == Payment.Method.CASH:
        if tendered_idr is None or tendered_idr < amount_idr or tendered_idr > MAX_AMOUNT_IDR:
            raise WrongAmount(_("The cash received must cover %(amount)s.") % {"amount": format_rupiah(amount_idr)})
        change = tendered_idr - amount_idr
    elif not reference:
        raise ReferenceMissing(_("Enter the reference number of the payment."))
    else:
        tendered_idr = None
    now = clock.now()
    payment = Payment.objects.create(
        invoice=invoice,
        receipt_number=_monthly_number("KW", "billing.receipt", now),
        idempotency_key=idempotency_key,
        method=method,
        amount_idr=amount_idr,
        tendered_idr=tendered_idr,
        change_idr=change,
        reference=reference[:60],
        received_at=now,
        received_by=actor,
    )
    invoice.paid_idr += amount_idr
    invoice.status = Invoice.Status.PAID if invoice.balance_idr == 0 else Invoice.Status.PART_PAID
    if invoice.status == Invoice.Status.PAID:
        invoice.paid_at = now
    invoice.save(update_fields=["paid_idr", "status", "paid_at"])
    audit.record(
        "billing.payment.taken",
        actor=actor,
        patient=invoice.patient_id,
        target=payment,
        detail={"amount_idr": amount_idr, "method": method, "invoice": invoice.number, "status": invoice.status},
    )
    live.changed(live.BILLING, user_ids=user_ids_of(invoice.patient))
    return payment


@retry_transaction
def pay_refund(*, refund_id: UUID, actor: Any) -> Refund:
    """Note that a refund was handed to the patient, once.

    Raises:
        RefundClosed: it was paid back already.
    """
    invoice_id = Refund.objects.values_list("invoice_id", flat=True).get(pk=refund_id)
    invoice = locked(Invoice.objects.all()).get(pk=invoice_id)
    refund = locked(Refund.objects.all()).get(pk=refund_id)
    if refund.status != Refund.Status.DUE:
        raise RefundClosed(_("This refund was paid back already."))
    refund.status, refund.paid_at, refund.paid_by = Refund.Status.PAID, clock.now(), actor
    refund.save(update_fields=["status", "paid_at", "paid_by"])
    invoice.refunded_idr += refund.amount_idr
    invoice.save(update_fields=["refunded_idr"])
    audit.record(
        "billing.refund.paid",
        actor=actor,
        patient=invoice.patient_id,
        target=refund,
        detail={"amount_idr": refund.amount_idr, "invoice": invoice.number},
    )
    live.changed(live.BILLING, user_ids=user_ids_of(invoice.patient))
    return refund


def _monthly_number(prefix: str, counter: str, now: datetime) -> str:
    """Return the next number of the clinic's month, such as INV/2026/03/000001."""
    local = clock.local(now)
    return f"{prefix}/{local:%Y}/{local:%m}/{next_number(f'{counter}:{local:%Y%m}'):06d}"


def _recompute(invoice: Invoice) -> None:
    """Set the total of a locked bill from its active lines."""
    invoice.total_idr = invoice.charges.active().aggregate(total=Sum("amount_idr"))["total"] or 0
    invoice.save(update_fields=["total_idr"])


def _settle_overpayment(invoice: Invoice, *, reason: str, actor: Any) -> None:
    """After lines went away: close a bill that is now covered, and note what must go back."""
    if invoice.status in (Invoice.Status.DRAFT, Invoice.Status.VOID):
        return
    promised = invoice.refunds.filter(status=Refund.Status.DUE).aggregate(total=Sum("amount_idr"))["total"] or 0
    too_much = -invoice.balance_idr - promised
    if too_much > 0:
        refund = Refund.objects.create(
            invoice=invoice, amount_idr=too_much, reason=reason[:200], created_at=clock.now()
        )
        audit.record(
            "billing.refund.due",
            actor=actor,
            patient=invoice.patient_id,
            target=refund,
            detail={"amount_idr": too_much, "invoice": invoice.number},
        )
    if invoice.balance_idr <= 0 and invoice.status != Invoice.Status.PAID:
        invoice.status, invoice.paid_at = Invoice.Status.PAID, clock.now()
        invoice.save(update_fields=["status", "paid_at"])


def last_bills(patient_ids: list[UUID]) -> dict[UUID, date]:
    """Return the clinic day of the last bill of each who had one; asked by `patients.services.retention`."""
    rows = Invoice.objects.filter(patient__in=patient_ids).order_by().values_list("patient_id")
    return {pk: clock.local(last).date() for pk, last in rows.annotate(last=Max("created_at"))}

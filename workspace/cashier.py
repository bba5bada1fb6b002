"""The cashier's desk: unpaid bills, taking money, refunds that are due."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.db.models import Sum
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.access import Capability, has_capability
from accounts.guards import SignedInRequest, requires
from billing import services as billing
from billing.models import Invoice, Payment, Refund
from billing.portal import charge_groups
from core import clock
from core.http import domain_errors
from core.pagination import keyset_page
from patients.models import Patient
from patients.services import record_part_read
from patients.services.coverage import coverage_lines
from workspace import services
from workspace.cashier_forms import PaymentForm

TABS = ("unpaid", "preparing", "paid")


@requires(Capability.VIEW_BILLS)
@require_GET
def cashier_desk(request: SignedInRequest) -> HttpResponse:
    """Bills to take money for, those still at the pharmacy, and those paid today."""
    return render(request, "workspace/cashier_screen.html", _desk_context(request))


@requires(Capability.VIEW_BILLS)
@require_GET
def cashier_panel(request: SignedInRequest) -> HttpResponse:
    return render(request, "workspace/_cashier_panel.html", _desk_context(request))


@requires(Capability.VIEW_BILLS)
@require_GET
def bill_detail(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """One bill with its lines, payments and, for cashiers, the form to take money."""
    invoice = _bill(request, pk)
    record_part_read(patient_id=invoice.patient_id, actor=request.user, what="bill", target=invoice)
    form = PaymentForm(initial={"method": Payment.Method.CASH, "amount_idr": invoice.balance_idr})
    return _bill_page(request, invoice, form)


@requires(Capability.TAKE_PAYMENTS)
@require_http_methods(["POST"])
def payment_take(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Take one payment; the same form again shows the payment that was made."""
    invoice = _bill(request, pk)
    form = PaymentForm(request.POST)
    if not form.is_valid():
        return _bill_page(request, invoice, form, status=422)
    with domain_errors(request, form=form) as outcome:
        payment = services.receive_payment(invoice_id=invoice.pk, actor=request.user, **form.cleaned_data)
    if not outcome.ok:
        return _bill_page(request, _bill(request, pk), form, status=outcome.status)
    messages.success(request, _("Payment %(number)s was taken.") % {"number": payment.receipt_number})
    return redirect("workspace:payment-done", pk=payment.pk)


@requires(Capability.TAKE_PAYMENTS)
@require_GET
def payment_done(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """What to tell the patient now: the change, the receipt, where to go next."""
    payment = get_object_or_404(Payment.objects.visible_to(request.user).select_related("invoice__patient"), pk=pk)
    return render(request, "workspace/cashier_done_screen.html", {"payment": payment, "invoice": payment.invoice})


@requires(Capability.REFUND_PAYMENTS)
@require_POST
def refund_pay(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Note that a refund was handed over."""
    refund = get_object_or_404(Refund.objects.visible_to(request.user), pk=pk)
    with domain_errors(request) as outcome:
        billing.pay_refund(refund_id=refund.pk, actor=request.user)
    if outcome.ok:
        messages.success(request, _("The refund is noted as paid back."))
    return redirect("workspace:bill-detail", pk=refund.invoice_id)


def _bill(request: SignedInRequest, pk: UUID) -> Invoice:
    bills = Invoice.objects.visible_to(request.user)
    invoice = get_object_or_404(bills, pk=pk)
    invoice.header = Patient.objects.visible_to(request.user).for_header().filter(pk=invoice.patient_id).first()  # type: ignore[attr-defined]
    return invoice


def _bill_page(request: SignedInRequest, invoice: Invoice, form: PaymentForm, *, status: int = 200) -> HttpResponse:
    payable = invoice.status in (Invoice.Status.UNPAID, Invoice.Status.PART_PAID)
    patient = invoice.header  # type: ignore[attr-defined]
    visited_on = clock.local(invoice.created_at).date()  # a bill is opened during its visit
    context = {
        "invoice": invoice,
        "patient": patient,
        "coverage_lines": coverage_lines(patient, visited_on) if patient is not None else [],
        "groups": charge_groups(invoice),
        "payments": list(invoice.payments.select_related("received_by").order_by("pk")),
        "refunds": list(invoice.refunds.order_by("pk")),
        "form": form if payable and has_capability(request.user, Capability.TAKE_PAYMENTS) else None,
        "can_refund": has_capability(request.user, Capability.REFUND_PAYMENTS),
        "notes": quick_notes(invoice.balance_idr),
    }
    return render(request, "workspace/cashier_bill_screen.html", context, status=status)


def quick_notes(balance_idr: int) -> list[int]:
    """Return the exact amount and the bank notes a patient is likely to hand over, in rupiah, smallest first."""
    if balance_idr <= 0:
        return []
    rounded = {-(-balance_idr // note) * note for note in (10_000, 20_000, 50_000, 100_000)}
    return [balance_idr, *sorted(amount for amount in rounded if amount > balance_idr)][:5]


def _desk_context(request: SignedInRequest) -> dict[str, object]:
    tab = request.GET.get("tab", TABS[0])
    if tab not in TABS:
        tab = TABS[0]
    bills = Invoice.objects.visible_to(request.user).select_related("patient")
    start, end = clock.day_bounds(clock.today())
    chosen = {
        "unpaid": bills.unpaid(),
        "preparing": bills.filter(status=Invoice.Status.DRAFT),
        "paid": bills.filter(status=Invoice.Status.PAID, paid_at__gte=start, paid_at__lt=end),
    }[tab]
    taken = dict(
        Payment.objects.visible_to(request.user)
        .filter(received_at__gte=start, received_at__lt=end)
        .values_list("method")
        .annotate(total=Sum("amount_idr"))
    )
    return {
        "tab": tab,
        "page": keyset_page(request.GET, chosen),
        "taken": [(method.label, taken.get(method.value, 0)) for method in Payment.Method],
        "taken_total": sum(taken.values()),
        "refunds": list(
            Refund.objects.visible_to(request.user)
            .filter(status=Refund.Status.DUE)
            .select_related("invoice__patient")
            .order_by("pk")[:20]
        ),
        "fresh_at": clock.now(),
    }

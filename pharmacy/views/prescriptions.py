"""The pharmacist's worklist, one prescription, its papers, and the history."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.access import Capability, has_capability
from accounts.guards import SignedInRequest, requires
from core.errors import DomainError
from core.http import domain_errors
from core.ids import uuid_or_none
from patients.services import record_chart_read, record_print, record_search
from pharmacy import pdf, querysets
from pharmacy.errors import AlreadyDispensed
from pharmacy.forms import CancelForm, HandOverForm, PrescriptionFilterForm, PrescriptionSearchForm, PriceForm
from pharmacy.models import Prescription, PrescriptionItem
from pharmacy.services import dispensing, pricing

C = Capability
OPEN = (Prescription.Status.NEW, Prescription.Status.PRICED)


@requires(C.PRICE_PRESCRIPTIONS, C.DISPENSE)
@require_safe
def queue(request: SignedInRequest) -> HttpResponse:
    """The worklist in four lanes; the lanes refetch themselves."""
    return render(request, "pharmacy/queue_screen.html", {"lanes": querysets.lanes(request.user)})


@requires(C.PRICE_PRESCRIPTIONS, C.DISPENSE)
@require_safe
def queue_panel(request: SignedInRequest) -> HttpResponse:
    """The lanes alone, fetched again when something changes."""
    return render(request, "pharmacy/_queue_panel.html", {"lanes": querysets.lanes(request.user)})


@requires(C.VIEW_PRESCRIPTIONS)
@require_http_methods(["GET", "HEAD", "POST"])
def prescription_list(request: SignedInRequest) -> HttpResponse:
    """The history. Filters stand in the address; a name is posted, so that it does not."""
    data = request.POST if request.method == "POST" else request.GET
    form = (PrescriptionSearchForm if data.get("q") else PrescriptionFilterForm)(data)
    is_valid = form.is_valid()
    rows, after = [], None
    if is_valid:
        rows, after = querysets.prescription_page(
            user=request.user,
            status=form.cleaned_data["status"],
            text=form.cleaned_data.get("q", ""),
            before=uuid_or_none(data.get("before")),
        )
        if form.cleaned_data.get("q"):
            record_search(actor=request.user, query=form.cleaned_data["q"], hits=len(rows))
    context = {"form": form, "rows": rows, "next": after, "q": data.get("q", ""), "is_later": bool(data.get("before"))}
    return render(request, "pharmacy/prescription_list_screen.html", context, status=200 if is_valid else 422)


@requires(C.VIEW_PRESCRIPTIONS)
@require_safe
def prescription_detail(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """One prescription: review and prices, hand-over, or what became of it."""
    prescription = _get(request, pk)
    record_chart_read(patient=prescription.patient, actor=request.user, what="prescription")
    return _detail(request, prescription)


@requires(C.DISPENSE)
@require_safe
def prescription_next_panel(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """What comes next for a priced prescription: waiting for payment, or the hand-over. Part of the opened page."""
    prescription = _get(request, pk)
    is_ready = prescription.status == Prescription.Status.PRICED and prescription.is_settled
    context = {
        "prescription": prescription,
        "patient": prescription.patient,
        "hand_over_form": HandOverForm() if is_ready else None,
        "is_fragment": True,
    }
    return render(request, "pharmacy/_next_panel.html", context)


@requires(C.PRICE_PRESCRIPTIONS)
@require_POST
def prescription_confirm_prices(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Confirm the review and the prices."""
    prescription = _get(request, pk)
    form = PriceForm(prescription, request.POST)
    if prescription.status == Prescription.Status.NEW and not form.is_valid():
        return _detail(request, prescription, status=422, price_form=form)
    prices = form.prices() if form.is_valid() else {}
    with domain_errors(request) as outcome:
        pricing.confirm_prices(
            prescription_id=prescription.pk, actor=request.user, prices=prices, review=PriceForm.CHECKS
        )
    if not outcome.ok:
        return _detail(request, _get(request, pk), status=outcome.status)
    messages.success(request, _("Prices confirmed. The bill is ready and the patient is told."))
    return redirect("pharmacy:prescription-detail", pk)


@requires(C.DISPENSE)
@require_POST
def prescription_dispense(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Hand over; a second click of the same person shows what the first one did."""
    prescription = _get(request, pk)
    form = HandOverForm(request.POST)
    if prescription.status == Prescription.Status.PRICED and not form.is_valid():
        return _detail(request, prescription, status=422, hand_over_form=form)
    try:
        dispensing.dispense_prescription(prescription_id=prescription.pk, actor=request.user)
    except DomainError as error:
        prescription = _get(request, pk)
        is_second_click = isinstance(error, AlreadyDispensed) and prescription.dispensed_by_id == request.user.pk
        if not is_second_click:
            messages.error(request, str(error))
            return _detail(request, prescription, status=409)
        messages.info(request, str(error))
    else:
        messages.success(request, _("Handed over. The stock is updated and the visit is finished."))
    return redirect("pharmacy:prescription-detail", pk)


@requires(C.PRICE_PRESCRIPTIONS, C.DISPENSE)
@require_POST
def prescription_cancel(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Cancel with a reason; the promised stock is free again."""
    prescription = _get(request, pk)
    form = CancelForm(request.POST)
    if not form.is_valid():
        return _detail(request, prescription, status=422, cancel_form=form)
    with domain_errors(request) as outcome:
        dispensing.cancel_at_pharmacy(
            prescription_id=prescription.pk, actor=request.user, reason=form.cleaned_data["reason"]
        )
    if not outcome.ok:
        return _detail(request, _get(request, pk), status=outcome.status)
    messages.success(request, _("Prescription cancelled. Its stock is free again."))
    return redirect("pharmacy:prescription-detail", pk)


@requires(C.VIEW_PRESCRIPTIONS)
@require_safe
def prescription_pdf(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """The prescription on paper, for staff."""
    prescription = _get(request, pk)
    record_print(patient_id=prescription.patient_id, actor=request.user, what="prescription", target=prescription)
    return pdf.response(prescription)


@requires(C.DISPENSE)
@require_safe
def prescription_labels(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Labels of every line, one after the other."""
    prescription = _get(request, pk)
    record_print(patient_id=prescription.patient_id, actor=request.user, what="labels", target=prescription)
    return _labels(request, prescription, list(prescription.items.all()))


@requires(C.DISPENSE)
@require_safe
def item_label(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """The label of one line."""
    item = get_object_or_404(PrescriptionItem.objects.visible_to(request.user), pk=pk)
    prescription = _get(request, item.prescription_id)
    record_print(patient_id=prescription.patient_id, actor=request.user, what="labels", target=item)
    return _labels(request, prescription, [row for row in prescription.items.all() if row.pk == pk])


def _labels(request: SignedInRequest, prescription: Prescription, items: list[PrescriptionItem]) -> HttpResponse:
    context = {
        "prescription": prescription,
        "patient": prescription.patient,
        "items": items,
        "pharmacist": request.user,
    }
    return render(request, "pharmacy/labels_print.html", context)


def _get(request: SignedInRequest, pk: UUID) -> Prescription:
    return get_object_or_404(Prescription.objects.visible_to(request.user).for_detail(), pk=pk)


def _detail(
    request: SignedInRequest,
    prescription: Prescription,
    *,
    status: int = 200,
    price_form: PriceForm | None = None,
    hand_over_form: HandOverForm | None = None,
    cancel_form: CancelForm | None = None,
) -> HttpResponse:
    user = request.user
    may_price, may_dispense = has_capability(user, C.PRICE_PRESCRIPTIONS), has_capability(user, C.DISPENSE)
    context: dict[str, Any] = {
        "prescription": prescription,
        "patient": prescription.patient,
        "lines": querysets.line_views(prescription),
        "is_open": prescription.status in OPEN,
        "may_dispense": may_dispense,
        "may_work": may_price or may_dispense,
        "price_form": None,
        "hand_over_form": None,
        "cancel_form": None,
        "is_fragment": False,
    }
    if prescription.status == Prescription.Status.NEW and may_price:
        context["price_form"] = price_form or PriceForm(prescription)
        for line in context["lines"]:
            line.price_field, line.reason_field = context["price_form"].fields_of(line.item)
    if prescription.status == Prescription.Status.PRICED and prescription.is_settled and may_dispense:
        context["hand_over_form"] = hand_over_form or HandOverForm()
    if prescription.status in OPEN and context["may_work"]:
        context["cancel_form"] = cancel_form or CancelForm()
    context["total_idr"] = sum(line.total_idr for line in context["lines"])
    return render(request, "pharmacy/prescription_screen.html", context, status=status)

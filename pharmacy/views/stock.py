"""The medicine list with stock: look up, receive, correct, dispose of."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts.access import Capability
from accounts.guards import SignedInRequest, requires
from core.http import domain_errors
from core.pagination import Page
from pharmacy import querysets
from pharmacy.forms import AdjustForm, DisposeForm, ReceiveForm, StockFilterForm
from pharmacy.models import Batch, Medicine
from pharmacy.services import stock as services


@requires(Capability.MANAGE_STOCK)
@require_safe
def stock(request: SignedInRequest) -> HttpResponse:
    """Medicines by name with what is on the shelf, promised and free."""
    form = StockFilterForm(request.GET)
    is_valid = form.is_valid()
    page: Page[Medicine] = Page([], "", "")
    if is_valid:
        page = querysets.stock_page(
            request.GET, user=request.user, text=form.cleaned_data["q"], show=form.cleaned_data["show"]
        )
    context = {"form": form, "page": page}
    return render(request, "pharmacy/stock_screen.html", context, status=200 if is_valid else 422)


@requires(Capability.MANAGE_STOCK)
@require_safe
def medicine_detail(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """One medicine with its batches and ledger."""
    medicine = _medicine(request, pk)
    context = {
        "medicine": medicine,
        "batches": querysets.batches_of(medicine),
        "page": querysets.movements_of(medicine, request.GET),
    }
    return render(request, "pharmacy/medicine_screen.html", context)


@requires(Capability.MANAGE_STOCK)
@require_http_methods(["GET", "HEAD", "POST"])
def stock_receive(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Put a delivery of one medicine on the shelf."""
    medicine = _medicine(request, pk)
    form = ReceiveForm(request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        with domain_errors(request, form=form) as outcome:
            services.receive(medicine_id=medicine.pk, actor=request.user, **form.cleaned_data)
        if outcome.ok:
            messages.success(request, _("Delivery received."))
            return redirect("pharmacy:medicine-detail", medicine.pk)
    context = {"form": form, "medicine": medicine, "title": _("Receive stock"), "button": _("Receive")}
    return _form_page(request, form, context)


@requires(Capability.MANAGE_STOCK)
@require_http_methods(["GET", "HEAD", "POST"])
def batch_adjust(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Correct what is left of one batch."""
    batch = _batch(request, pk)
    form = AdjustForm(request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        with domain_errors(request, form=form) as outcome:
            services.adjust(
                batch_id=batch.pk,
                quantity_change=form.change(),
                reason=form.cleaned_data["reason"],
                actor=request.user,
            )
        if outcome.ok:
            messages.success(request, _("Stock corrected."))
            return redirect("pharmacy:medicine-detail", batch.medicine_id)
    medicine = _medicine(request, batch.medicine_id)
    context = {"form": form, "medicine": medicine, "batch": batch, "title": _("Correct stock"), "button": _("Save")}
    return _form_page(request, form, context)


@requires(Capability.MANAGE_STOCK)
@require_http_methods(["GET", "HEAD", "POST"])
def batch_dispose(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Take an expired batch out of stock."""
    batch = _batch(request, pk)
    form = DisposeForm(request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        with domain_errors(request, form=form) as outcome:
            services.dispose_expired(batch_id=batch.pk, reason=form.cleaned_data["reason"], actor=request.user)
        if outcome.ok:
            messages.success(request, _("Expired batch taken out of stock."))
            return redirect("pharmacy:medicine-detail", batch.medicine_id)
    medicine = _medicine(request, batch.medicine_id)
    context = {
        "form": form, "medicine": medicine, "batch": batch, "title": _("Dispose of expired stock"),
        "button": _("Take out of stock"), "confirm": _("Take this batch out of stock?"),
    }  # fmt: skip
    return _form_page(request, form, context)


def _form_page(request: SignedInRequest, form: Any, context: dict[str, Any]) -> HttpResponse:
    context = {"batch": None, "confirm": "", **context}
    return render(request, "pharmacy/stock_form_screen.html", context, status=422 if form.errors else 200)


def _medicine(request: SignedInRequest, pk: UUID) -> Medicine:
    return get_object_or_404(Medicine.objects.visible_to(request.user).with_stock(), pk=pk)


def _batch(request: SignedInRequest, pk: UUID) -> Batch:
    return get_object_or_404(Batch.objects.visible_to(request.user).select_related("medicine"), pk=pk)

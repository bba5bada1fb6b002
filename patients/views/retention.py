"""Records whose legal time is over."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from accounts.access import Capability
from accounts.guards import SignedInRequest, requires
from core.http import domain_errors
from core.pagination import keyset_page
from patients.forms.breaches import KeepForm, MinutesForm
from patients.models import RetentionProposal
from patients.services import retention

HANDLE = Capability.HANDLE_DATA_REQUESTS
State = RetentionProposal.State


@requires(HANDLE)
@require_GET
def retention_list(request: SignedInRequest) -> HttpResponse:
    """Proposals that wait, or those that were decided."""
    decided = request.GET.get("show") == "decided"
    rows = RetentionProposal.objects.visible_to(request.user).select_related("patient", "decided_by")
    rows = rows.exclude(state=State.PROPOSED) if decided else rows.filter(state=State.PROPOSED)
    page = keyset_page(request.GET, rows, order=("-pk",) if decided else ("pk",), size=50)
    return render(request, "patients/retention_list.html", {"page": page, "rows": page.rows, "decided": decided})


@requires(HANDLE)
@require_http_methods(["GET", "POST"])
def retention_detail(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """One record: keep it longer."""
    row = _row(request, pk)
    form = KeepForm(request.POST if request.method == "POST" else None)
    status = 422 if form.is_bound else 200
    if form.is_valid():
        with domain_errors(request, form=form) as outcome:
            retention.keep_longer(proposal_id=pk, actor=request.user, **form.cleaned_data)
        if outcome.ok:
            messages.success(request, _("The record is kept."))
            return redirect("patients:retention-list")
        status = outcome.status
    return _page(request, row, status, keep_form=form)


@requires(HANDLE)
@require_http_methods(["POST"])
def retention_approve(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Agree that the committee may destroy the record."""
    row = _row(request, pk)
    form = MinutesForm(request.POST)
    status = 422
    if form.is_valid():
        with domain_errors(request, form=form) as outcome:
            retention.approve(proposal_id=pk, actor=request.user, reason=form.cleaned_data["reason"])
        if outcome.ok:
            messages.success(request, _("The decision is kept. Nothing was removed."))
            return redirect("patients:retention-list")
        status = outcome.status
    return _page(request, row, status, minutes_form=form)


def _row(request: SignedInRequest, pk: UUID) -> RetentionProposal:
    rows = RetentionProposal.objects.visible_to(request.user).select_related("patient", "decided_by")
    return get_object_or_404(rows, pk=pk)


def _page(request: SignedInRequest, row: RetentionProposal, status: int = 200, **forms: Any) -> HttpResponse:
    context = {"row": row, "waits": row.state == State.PROPOSED, "keep_form": KeepForm(), "minutes_form": MinutesForm()}
    return render(request, "patients/retention_detail.html", {**context, **forms}, status=status)

"""Reset of somebody's second factors: asking, deciding, objecting."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts import factor_resets, factors, step_up
from accounts.access import Capability
from accounts.factor_forms import ResetReasonForm
from accounts.guards import SignedInRequest, requires, signed_in
from accounts.models import FactorResetRequest, User
from core.http import domain_errors
from core.pagination import keyset_page


@requires(Capability.MANAGE_USERS)
@step_up.fresh_factor
@require_http_methods(["GET", "POST"])
def factor_reset_request(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Ask that the second factors of an account are removed."""
    person = get_object_or_404(User.objects.visible_to(request.user).for_list(), pk=pk)
    form = ResetReasonForm(request.POST if request.method == "POST" else None)
    status = 422 if form.is_bound else 200
    if request.method == "POST" and form.is_valid():
        with domain_errors(request, form=form) as outcome:
            asked = factor_resets.request_reset(
                user_id=person.pk, actor=request.user, reason=form.cleaned_data["reason"]
            )
        if outcome.ok:
            messages.success(request, _("Asked. The owner of the account is told, and a second person decides."))
            return redirect("accounts:factor-reset-detail", asked.pk)
        status = outcome.status
    context = {"person": person, "form": form, "methods": factors.methods_of(person)}
    return render(request, "accounts/factor_reset_request_screen.html", context, status=status)


@requires(Capability.DECIDE_FACTOR_RESETS)
@require_GET
def factor_reset_list(request: SignedInRequest) -> HttpResponse:
    """List the requests, newest first."""
    page = keyset_page(request.GET, FactorResetRequest.objects.visible_to(request.user).for_list())
    return render(request, "accounts/factor_reset_list_screen.html", {"page": page})


@requires(Capability.DECIDE_FACTOR_RESETS)
@require_GET
def factor_reset_detail(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Show one request to those who may decide."""
    asked = _asked(request, pk)
    may_approve = request.user.pk not in (asked.requested_by_id, asked.user_id)
    context = {"asked": asked, "may_approve": may_approve, "is_fresh": step_up.is_fresh(request)}
    return render(request, "accounts/factor_reset_screen.html", context)


@requires(Capability.DECIDE_FACTOR_RESETS)
@require_POST
@step_up.fresh_factor
def factor_reset_approve(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Remove the second factors, as second person."""
    asked = _asked(request, pk)
    with domain_errors(request) as outcome:
        factor_resets.approve_reset(request_id=asked.pk, actor=request.user)
    if outcome.ok:
        messages.success(request, _("The second step is reset. The person sets up a new one at the next sign-in."))
    return redirect("accounts:factor-reset-detail", asked.pk)


@requires(Capability.DECIDE_FACTOR_RESETS)
@require_POST
def factor_reset_reject(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Refuse a request, or withdraw the own one."""
    asked = _asked(request, pk)
    with domain_errors(request) as outcome:
        factor_resets.reject_reset(request_id=asked.pk, actor=request.user)
    if outcome.ok:
        messages.success(request, _("The request is refused. Nothing has changed."))
    return redirect("accounts:factor-reset-detail", asked.pk)


@signed_in
@require_POST
def device_object_to_reset(request: SignedInRequest) -> HttpResponse:
    """Let the account's owner refuse a reset that they did not ask for."""
    asked = factor_resets.waiting_for(request.user)
    if asked is not None:
        with domain_errors(request) as outcome:
            factor_resets.reject_reset(request_id=asked.pk, actor=request.user)
        if outcome.ok:
            messages.success(request, _("The reset is stopped, and the clinic is told. Change your password now."))
    return redirect("accounts:device-list")


def _asked(request: SignedInRequest, pk: UUID) -> FactorResetRequest:
    return get_object_or_404(FactorResetRequest.objects.visible_to(request.user).for_list(), pk=pk)

"""Admin screens: portal accounts without a complete medical record."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.access import Capability
from accounts.guards import SignedInRequest, requires
from accounts.models import User
from core.http import domain_errors
from patients.forms.patients import RebuildForm
from patients.screens import comparison, registration_tabs
from patients.services import missing_records
from patients.services.missing_records import Identity, Rebuilt

SHOWN = 50


@requires(Capability.ACTIVATE_PATIENTS)
@require_GET
def missing_list(request: SignedInRequest) -> HttpResponse:
    """Portal accounts that lack their record, its number or its search index."""
    found = missing_records.incomplete(missing_records.portal_accounts(request.user), limit=SHOWN + 1)
    context = {"rows": found[:SHOWN], "is_cut": len(found) > SHOWN, "tabs": registration_tabs("missing")}
    return render(request, "patients/missing_record_list.html", context)


@requires(Capability.ACTIVATE_PATIENTS)
@require_POST
def missing_rebuild(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Build again what needs no question; everything else is asked on the account's page."""
    account = _account(request, pk)
    with domain_errors(request) as outcome:
        rebuilt = missing_records.rebuild_record(user_id=account.pk, actor=request.user)
    if not outcome.ok:
        return redirect("patients:missing-record", account.pk)
    _say(request, rebuilt)
    return redirect("patients:missing-record-list")


@requires(Capability.ACTIVATE_PATIENTS)
@require_http_methods(["GET", "POST"])
def missing_detail(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """One account beside the records that may be the person's; asks who it is when nobody wrote it."""
    account = _account(request, pk)
    known = missing_records.known_identity(account)
    form = RebuildForm(request.POST if request.method == "POST" else None, is_known=known is not None)
    if request.method == "GET":
        return _detail(
            request, account, known, RebuildForm(is_known=known is not None, initial={"full_name": account.full_name})
        )
    status = 422
    identity = known
    if form.is_valid():
        identity = known or Identity(**form.identity())
        with domain_errors(request, form=form) as outcome:
            rebuilt = missing_records.rebuild_record(
                user_id=account.pk, actor=request.user, identity=identity, **form.choice()
            )
        if outcome.ok:
            _say(request, rebuilt)
            return redirect("patients:missing-record-list")
        status = outcome.status
    return _detail(request, account, identity, form, status=status)


def _account(request: SignedInRequest, pk: UUID) -> User:
    return get_object_or_404(missing_records.portal_accounts(request.user), pk=pk)


def _say(request: SignedInRequest, rebuilt: Rebuilt) -> None:
    if not rebuilt.repaired:
        messages.success(request, _("Nothing is missing any more."))
        return
    text = _("Built again. The record number is %(number)s.") % {"number": rebuilt.patient.record_number}
    messages.success(request, text)


def _detail(
    request: SignedInRequest, account: User, identity: Identity | None, form: RebuildForm, *, status: int = 200
) -> HttpResponse:
    has_record = getattr(account, "patient", None) is not None
    alike = missing_records.alike(identity, user=request.user) if identity is not None and not has_record else []
    context: dict[str, Any] = {
        "account": account,
        "identity": identity,
        "has_record": has_record,
        "is_known": missing_records.known_identity(account) is not None,
        "form": form,
        "alike": [{"patient": patient, "lines": comparison(identity, patient)} for patient in alike],
    }
    return render(request, "patients/missing_record_detail.html", context, status=status)

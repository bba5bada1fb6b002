"""Staff screens: who pays for a patient, and the policies."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.access import Capability
from accounts.guards import SignedInRequest, requires
from core import clock, files
from core.http import domain_errors
from patients import services
from patients.forms.coverage import PolicyForm
from patients.forms.patients import ReasonForm
from patients.models import PatientDocument, PolicyCoverage
from patients.screens import header, patient_page, posted_version, visible_patient
from patients.services import coverage
from patients.services.documents import ready_file

Status = PolicyCoverage.Status


@requires(Capability.REGISTER_PATIENTS)
@require_GET
def coverages(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """The policies of one patient: those in force first, ended and wrong ones folded."""
    patient = visible_patient(request, pk)
    services.record_chart_read(patient=patient, actor=request.user, what="coverage")
    rows = PolicyCoverage.objects.visible_to(request.user).filter(patient=patient)
    found = sorted(rows.select_related("insurer", "ended_by"), key=lambda row: (not row.is_primary, row.pk))
    today = clock.today()
    context = {
        **patient_page(request, patient, "coverage"),
        "policies": [
            {"policy": row, "is_valid": row.is_valid_on(today)} for row in found if row.status == Status.ACTIVE
        ],
        "closed": [row for row in reversed(found) if row.status != Status.ACTIVE],
        "lines": coverage.coverage_lines(patient, today),
        "today": today,
    }
    return render(request, "patients/coverage_list.html", context)


@requires(Capability.REGISTER_PATIENTS)
@require_http_methods(["GET", "POST"])
def coverage_add(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Record a policy from the card."""
    patient = visible_patient(request, pk)
    form, status = PolicyForm(*_sent(request)), 200
    if request.method == "GET":
        services.record_chart_read(patient=patient, actor=request.user, what="coverage")
    else:
        status = 422
        if form.is_valid():
            with domain_errors(request, form=form) as outcome:
                card = ready_file(form.cleaned_data["card"]) if form.cleaned_data["card"] else None
                policy = coverage.add_policy(
                    patient_id=patient.pk, insurer_id=form.cleaned_data["insurer"].pk, actor=request.user,
                    is_primary=form.cleaned_data["is_primary"], **form.values(),
                )  # fmt: skip
                if card is not None:
                    coverage.attach_card(policy_id=policy.pk, ready=card, actor=request.user)
            if outcome.ok:
                messages.success(request, _("The policy was recorded."))
                return redirect("patients:coverages", patient.pk)
            status = outcome.status
    return _form_page(request, patient, form, None, status)


@requires(Capability.REGISTER_PATIENTS)
@require_http_methods(["GET", "POST"])
def coverage_edit(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Correct a policy."""
    policy = _policy(request, pk)
    patient = visible_patient(request, policy.patient_id)
    if request.method == "GET":
        services.record_chart_read(patient=patient, actor=request.user, what="coverage")
        initial = {name: getattr(policy, name) for name in coverage.EDITABLE}
        form = PolicyForm(initial=initial, policy=policy)
        return _form_page(request, patient, form, policy, 200, version=policy.version)
    form, status, version = PolicyForm(*_sent(request), policy=policy), 422, posted_version(request)
    if form.is_valid():
        with domain_errors(request, form=form) as outcome:
            card = ready_file(form.cleaned_data["card"]) if form.cleaned_data["card"] else None
            coverage.change_policy(policy_id=policy.pk, version=version, actor=request.user, **form.values())
            if card is not None:
                coverage.attach_card(policy_id=policy.pk, ready=card, actor=request.user)
        if outcome.ok:
            messages.success(request, _("The policy was changed."))
            return redirect("patients:coverages", patient.pk)
        status = outcome.status
    return _form_page(request, patient, form, policy, status, version=version)


@requires(Capability.REGISTER_PATIENTS)
@require_GET
def coverage_card(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """The picture of the card."""
    card = _policy(request, pk).card
    if card is None or card.status != PatientDocument.Status.CURRENT:
        raise Http404
    services.record_part_read(patient_id=card.patient_id, actor=request.user, what="coverage", target=card)
    return files.serve(card.file, filename=card.file_name, inline=True)


@requires(Capability.REGISTER_PATIENTS)
@require_POST
def coverage_put_first(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Let one policy pay first."""
    policy = _policy(request, pk)
    with domain_errors(request) as outcome:
        coverage.put_policy_first(policy_id=policy.pk, actor=request.user)
    if outcome.ok:
        messages.success(request, _("This policy pays first now."))
    return redirect("patients:coverages", policy.patient_id)


@requires(Capability.REGISTER_PATIENTS)
@require_http_methods(["GET", "POST"])
def coverage_end(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """End a policy, with a reason."""
    words = {
        "title": _("End this policy?"),
        "help": _("The patient had this policy, and does not have it any more."),
        "verb": _("Yes, end the policy"),
    }
    return _close_page(request, pk, coverage.end_policy, words, _("The policy has ended."))


@requires(Capability.REGISTER_PATIENTS)
@require_http_methods(["GET", "POST"])
def coverage_mark_wrong(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Mark a policy that never was this patient's, with a reason."""
    words = {
        "title": _("Mark this policy as wrong?"),
        "help": _("The patient never had this policy. The entry stays readable below the list."),
        "verb": _("Yes, it is wrong"),
    }
    return _close_page(request, pk, coverage.mark_policy_in_error, words, _("The entry was marked as wrong."))


def _policy(request: SignedInRequest, pk: UUID) -> PolicyCoverage:
    rows = PolicyCoverage.objects.visible_to(request.user).select_related("insurer", "card__file")
    return get_object_or_404(rows, pk=pk)


def _sent(request: SignedInRequest) -> tuple[Any, ...]:
    return (request.POST, request.FILES) if request.method == "POST" else ()


def _form_page(
    request: SignedInRequest, patient: Any, form: PolicyForm, policy: Any, status: int, *, version: int = 0
) -> HttpResponse:  # fmt: skip
    context = {**header(patient), "form": form, "policy": policy, "version": version}
    return render(request, "patients/coverage_form.html", context, status=status)


def _close_page(request: SignedInRequest, pk: UUID, call: Any, words: dict[str, Any], success: str) -> HttpResponse:
    policy = _policy(request, pk)
    patient = visible_patient(request, policy.patient_id)
    form, status = ReasonForm(request.POST if request.method == "POST" else None), 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            with domain_errors(request, form=form) as outcome:
                call(policy_id=policy.pk, actor=request.user, reason=form.cleaned_data["reason"])
            if outcome.ok:
                messages.success(request, success)
                return redirect("patients:coverages", patient.pk)
            status = outcome.status
    else:
        services.record_chart_read(patient=patient, actor=request.user, what="coverage")
    context = {**header(patient), **words, "form": form, "policy": policy}
    return render(request, "patients/coverage_close.html", context, status=status)

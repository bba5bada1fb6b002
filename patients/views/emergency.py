"""Staff screens of emergency access: look, start, end; and the review."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.access import Capability, has_capability
from accounts.guards import SignedInRequest, requires
from accounts.lockout import address_hash
from accounts.step_up import fresh_factor
from core.http import domain_errors
from core.pagination import keyset_page
from patients.emergency import patient_of_ticket, short_name, ticket_for
from patients.forms.emergency import LookForm, ReasonOfEmergencyForm, ReviewForm
from patients.models import Patient
from patients.models.emergency import EMERGENCY_LENGTH, EmergencyAccess
from patients.services import emergency

USE = Capability.USE_EMERGENCY_ACCESS
REVIEW = Capability.REVIEW_EMERGENCY_ACCESS


@requires(USE)
@require_http_methods(["GET", "POST"])
def emergency_find(request: SignedInRequest) -> HttpResponse:
    """Find a patient outside the own care team by exact facts; the answer shows as little as tells people apart."""
    form = LookForm(request.POST if request.method == "POST" else None)
    context: dict[str, Any] = {"form": form, "asked": False, "found": []}
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            with domain_errors(request, form=form) as outcome:
                found = emergency.look_for_patient(actor=request.user, **form.cleaned_data)
                context |= {"asked": True, "found": [_minimal(request, patient) for patient in found]}
            status = outcome.status
    return render(request, "patients/emergency_find.html", context, status=status)


@requires(USE)
@fresh_factor
@require_http_methods(["GET", "POST"])
def emergency_start(request: SignedInRequest, ticket: str) -> HttpResponse:
    """The reason, and then the record. The second factor is asked before, since what was typed would be lost."""
    patient = patient_of_ticket(request.user, ticket)
    if patient is None:
        messages.error(request, _("Look for the patient again: this page was open too long."))
        return redirect("patients:emergency-find")
    form = ReasonOfEmergencyForm(request.POST if request.method == "POST" else None)
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            with domain_errors(request, form=form) as outcome:
                emergency.start_emergency_access(
                    patient_id=patient.pk, actor=request.user, address_hash=address_hash(request), **form.cleaned_data
                )
            if outcome.ok:
                return redirect("workspace:patient-chart", patient.pk)
            status = outcome.status
    context = {
        "form": form,
        "person": _minimal(request, patient),
        "minutes": int(EMERGENCY_LENGTH.total_seconds() // 60),
    }
    return render(request, "patients/emergency_start.html", context, status=status)


@requires(USE)
@require_POST
def emergency_end(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """End the own access before its time."""
    access = get_object_or_404(EmergencyAccess.objects.visible_to(request.user).filter(user=request.user), pk=pk)
    emergency.end_emergency_access(access_id=access.pk, actor=request.user)
    messages.success(request, _("The emergency access has ended."))
    return redirect("patients:search")


@requires(REVIEW)
@require_GET
def emergency_list(request: SignedInRequest) -> HttpResponse:
    """Emergency accesses that wait for a review, oldest first, or those that were reviewed."""
    reviewed = request.GET.get("view") == "reviewed"
    rows = EmergencyAccess.objects.visible_to(request.user).for_list()
    rows = rows.filter(reviewed_at__isnull=False) if reviewed else rows.unreviewed()
    page = keyset_page(request.GET, rows, order=("-pk",) if reviewed else ("pk",))
    context = {
        "page": page,
        "reviewed": reviewed,
        "tabs": [
            {"label": _("To review"), "url": reverse("patients:emergency-list"), "active": not reviewed},
            {"label": _("Reviewed"), "url": reverse("patients:emergency-list") + "?view=reviewed", "active": reviewed},
        ],
    }
    return render(request, "patients/emergency_list.html", context)


@requires(REVIEW)
@require_GET
def emergency_detail(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """One access: who, when, why, and what was opened under it."""
    return _detail(request, _access(request, pk), ReviewForm())


@requires(REVIEW)
@require_POST
def emergency_review(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Say whether it was justified."""
    access = _access(request, pk)
    form = ReviewForm(request.POST)
    status = 422
    if form.is_valid():
        with domain_errors(request, form=form) as outcome:
            emergency.review_emergency_access(access_id=access.pk, actor=request.user, **form.cleaned_data)
        if outcome.ok:
            messages.success(request, _("The review is recorded."))
            return redirect("patients:emergency-list")
        status = outcome.status
    return _detail(request, _access(request, pk), form, status=status)


def _minimal(request: SignedInRequest, patient: Patient) -> dict[str, Any]:
    """Who this may be, without opening the record."""
    return {
        "name": short_name(patient.full_name),
        "sex": patient.sex_label,
        "age": patient.age_label,
        "record_number": patient.record_number,
        "ticket": ticket_for(request.user, patient),
    }


READ: dict[str, Any] = {
    "chart": gettext_lazy("The chart was opened"),
    "history": gettext_lazy("Earlier visits were opened"),
    "identity": gettext_lazy("The patient's page was opened"),
    "visit": gettext_lazy("A visit was opened"),
    "vitals": gettext_lazy("Vital signs were opened"),
}
DONE: dict[str, Any] = {
    "patients.emergency.started": gettext_lazy("Emergency access started"),
    "patients.emergency.ended": gettext_lazy("Emergency access ended by the person"),
    "patients.allergy.recorded": gettext_lazy("An allergy was recorded"),
    "consultations.vitals.recorded": gettext_lazy("Vital signs were recorded"),
}


def _words(event: Any) -> str:
    """Return what an event was, in words where they are known, else by its action."""
    known = (
        READ.get(str(event.detail.get("what", ""))) if event.action == "patients.chart.read" else DONE.get(event.action)
    )
    return str(known or event.action)


def _access(request: SignedInRequest, pk: UUID) -> EmergencyAccess:
    rows = EmergencyAccess.objects.visible_to(request.user).select_related(
        "user__staff_profile", "reviewed_by", "patient"
    )
    access = rows.filter(pk=pk).first()
    if access is None:
        raise Http404
    return access


def _detail(request: SignedInRequest, access: EmergencyAccess, form: ReviewForm, status: int = 200) -> HttpResponse:
    is_own = access.user_id == request.user.pk
    context = {
        "access": access,
        "events": [(event, _words(event)) for event in emergency.done_under(access)],
        "is_own": is_own,
        "form": None if is_own or access.reviewed_at or access.is_running() else form,
        "may_open_patient": has_capability(request.user, Capability.SEARCH_PATIENTS),
    }
    return render(request, "patients/emergency_detail.html", context, status=status)

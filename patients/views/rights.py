"""Staff screens: requests about personal data, their answers, and what is suspended."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.access import Capability, has_capability
from accounts.guards import SignedInRequest, requires
from accounts.step_up import challenge, is_fresh
from core.http import domain_errors
from core.pagination import keyset_page
from patients import rights, services
from patients.forms.rights import DecideForm, LiftForm, RequestForm, WithdrawForm
from patients.limits import in_force
from patients.models import DataRequest, Erasure, ProcessingLimit
from patients.rights_papers import answer_letter
from patients.screens import header, patient_page, visible_patient
from patients.services import limits
from patients.services import rights as acts

PAGE = 25
HANDLE = Capability.HANDLE_DATA_REQUESTS


@requires(HANDLE)
@require_GET
def request_list(request: SignedInRequest) -> HttpResponse:
    """Requests that wait, the one due first on top; or those that were answered."""
    is_open = request.GET.get("show") != "closed"
    rows = (
        DataRequest.objects.visible_to(request.user).select_related("patient", "decided_by").defer("details", "facts")
    )
    if is_open:
        page = keyset_page(request.GET, rows.filter(status__in=DataRequest.OPEN), order=("due_at", "pk"), size=PAGE)
    else:
        page = keyset_page(
            request.GET, rows.exclude(status__in=DataRequest.OPEN), order=("-received_at", "-pk"), size=PAGE
        )
    acts.record_list_read(actor=request.user, shown=len(page.rows))
    own = reverse("patients:data-request-list")
    tabs = (("", _("To answer"), is_open, "hourglass"), ("?show=closed", _("Answered"), not is_open, "check"))
    context = {
        "page": page,
        "lines": [{"row": row, "clock": rights.clock_of(row)} for row in page],
        "is_open": is_open,
        "tabs": [
            {"label": label, "url": own + query, "active": active, "icon": icon, "count": None}
            for query, label, active, icon in tabs
        ],
    }
    return render(request, "patients/data_request_list.html", context)


@requires(HANDLE)
@require_GET
def overview(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """What one patient asked about their data, and what is suspended."""
    patient = visible_patient(request, pk)
    services.record_chart_read(patient=patient, actor=request.user, what="data-rights")
    rows = DataRequest.objects.visible_to(request.user).filter(patient=patient).order_by("-pk")
    context = {
        **patient_page(request, patient, "rights"),
        "lines": [{"row": row, "clock": rights.clock_of(row)} for row in rows],
        "limits": in_force(patient.pk),
        "erasures": Erasure.objects.visible_to(request.user)
        .filter(patient=patient)
        .select_related("request", "erased_by")
        .order_by("-pk"),
        "past_limits": ProcessingLimit.objects.visible_to(request.user)
        .filter(patient=patient, lifted_at__isnull=False)
        .select_related("since_by", "lifted_by")
        .order_by("-lifted_at"),
    }
    return render(request, "patients/data_rights.html", context)


@requires(HANDLE, Capability.REGISTER_PATIENTS)
@require_http_methods(["GET", "POST"])
def add(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Write down a request that somebody makes at the desk or by letter. The desk may take it in; others answer it."""
    patient = visible_patient(request, pk)
    is_post = request.method == "POST"
    form = RequestForm(
        *((request.POST, request.FILES) if is_post else ()),
        initial={"requester_name": patient.full_name, "channel": "desk"},
    )
    status = 200
    if not is_post:
        services.record_chart_read(patient=patient, actor=request.user, what="identity")
    elif form.is_valid():
        with domain_errors(request, form=form) as outcome:
            made = acts.receive_request(patient_id=patient.pk, actor=request.user, **form.values())
            words = _("Request %(number)s was taken in. It is to be answered before %(due)s.")
            messages.success(request, words % {"number": made.number, "due": rights.moment(made.due_at)})
        status = outcome.status
        if outcome.ok:
            if has_capability(request.user, HANDLE):
                return redirect("patients:data-request-detail", made.pk)
            return redirect("patients:detail", patient.pk)
    else:
        status = 422
    return render(request, "patients/data_request_add.html", {**header(patient), "form": form}, status=status)


@requires(HANDLE)
@require_GET
def detail(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """One request: who asks, how much time is left, and the answer."""
    found = _request(request, pk)
    services.record_part_read(patient_id=found.patient_id, actor=request.user, what="data-rights", target=found)
    return _detail_page(request, found)


@requires(HANDLE)
@require_POST
def decide(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Answer a request."""
    found = _request(request, pk)
    form, status = DecideForm(request.POST, request.FILES, request=found), 422
    if form.is_valid():
        with domain_errors(request, form=form) as outcome:
            acts.decide_request(request_id=found.pk, actor=request.user, **form.values())
        if outcome.ok:
            messages.success(request, _("The answer was recorded. The patient is told by mail that there is one."))
            return redirect("patients:data-request-detail", found.pk)
        status = outcome.status
    return _detail_page(request, _request(request, pk), status, form=form)


@requires(HANDLE)
@require_POST
def withdraw(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Close a request that the person took back."""
    found = _request(request, pk)
    form, status = WithdrawForm(request.POST), 422
    if form.is_valid():
        with domain_errors(request, form=form) as outcome:
            acts.withdraw_request(request_id=found.pk, actor=request.user, reason=form.cleaned_data["reason"])
        if outcome.ok:
            messages.success(request, _("The request was closed as withdrawn."))
            return redirect("patients:data-request-detail", found.pk)
        status = outcome.status
    return _detail_page(request, _request(request, pk), status, withdraw_form=form)


@requires(HANDLE)
@require_POST
def make_copy(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Have the copy of all data made; asks for the second step first."""
    found = _request(request, pk)
    back = reverse("patients:data-request-detail", args=[found.pk])
    if not is_fresh(request):
        return challenge(request, back_to=back)
    with domain_errors(request):
        acts.start_copy(request_id=found.pk, actor=request.user, language=found.patient.language)
    return redirect(back)


@requires(HANDLE)
@require_GET
def letter(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """The answer as a letter."""
    found = _request(request, pk)
    if found.status not in rights.ANSWERS:
        return redirect("patients:data-request-detail", found.pk)
    services.record_print(patient_id=found.patient_id, actor=request.user, what="data-request-letter", target=found)
    return letter_answer(found)


def letter_answer(found: DataRequest) -> HttpResponse:
    """Return the letter as an answer of the site."""
    answer = HttpResponse(answer_letter(found), content_type="application/pdf")
    answer["Content-Disposition"] = f'inline; filename="{found.number}.pdf"'
    answer["X-Content-Type-Options"] = "nosniff"
    return answer


@requires(HANDLE)
@require_http_methods(["GET", "POST"])
def lift(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Allow a suspended processing again."""
    rows = ProcessingLimit.objects.visible_to(request.user).select_related("request", "since_by")
    limit = get_object_or_404(rows, pk=pk)
    patient = visible_patient(request, limit.patient_id)
    form, status = LiftForm(request.POST if request.method == "POST" else None), 200
    if request.method == "GET":
        services.record_chart_read(patient=patient, actor=request.user, what="data-rights")
    else:
        status = 422
        if form.is_valid():
            with domain_errors(request, form=form) as outcome:
                limits.lift_limit(limit_id=limit.pk, actor=request.user, reason=form.cleaned_data["reason"])
            if outcome.ok:
                messages.success(request, _("The restriction was lifted."))
                return redirect("patients:data-rights", patient.pk)
            status = outcome.status
    context = {**header(patient), "limit": limit, "form": form}
    return render(request, "patients/limit_lift.html", context, status=status)


# --- parts


def _request(request: SignedInRequest, pk: UUID) -> DataRequest:
    rows = DataRequest.objects.visible_to(request.user)
    related = rows.select_related("patient", "recorded_by", "decided_by", "evidence", "copy")
    return get_object_or_404(related, pk=pk)


def _detail_page(request: SignedInRequest, found: DataRequest, status: int = 200, **forms: Any) -> HttpResponse:
    patient = visible_patient(request, found.patient_id)
    is_open = found.status in DataRequest.OPEN
    kept = found.facts.get("before", {})
    context = {
        **header(patient),
        "row": found,
        "clock": rights.clock_of(found),
        "is_open": is_open,
        "is_copy": found.kind == DataRequest.Kind.COPY,
        "may_copy": is_open or found.status in rights.GRANTED,
        "ground": rights.ground_words(found.ground),
        "scopes": rights.scope_labels(found.facts.get("scopes", [])),
        "changes": rights.shown_changes(found),
        "changed_so_far": rights.shown(rights.changes_between(kept, rights.facts_of(patient))) if kept else [],
        "limits": ProcessingLimit.objects.visible_to(request.user).filter(request=found).order_by("scope"),
        "edit_url": reverse("patients:edit", args=[patient.pk]) if found.kind == DataRequest.Kind.CORRECTION else "",
        "erase_url": _erase_url(found),
        "form": DecideForm(request=found) if is_open else None,
        "withdraw_form": WithdrawForm() if is_open else None,
        **forms,
    }
    return render(request, "patients/data_request_detail.html", context, status=status)


def _erase_url(found: DataRequest) -> str:
    """Return the page that shows what an erasure removes and carries it out; "" for other requests."""
    if found.kind != DataRequest.Kind.ERASURE:
        return ""
    try:
        return f"{reverse('patients:erasure', args=[found.patient_id])}?request={found.pk}"
    except NoReverseMatch:
        return ""

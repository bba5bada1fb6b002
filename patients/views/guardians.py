"""Staff screens: who may act for a patient, and the requests that wait for proof."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.access import Capability
from accounts.guards import SignedInRequest, requires
from core import clock
from core.http import domain_errors
from core.ids import uuid_or_none
from core.pagination import keyset_page
from patients import services
from patients.forms.guardians import FindForm, ProofForm
from patients.forms.patients import ReasonForm
from patients.guardians import find_record, is_minor
from patients.models import GuardianLink, Patient
from patients.screens import header, visible_patient

PAGE = 30


@requires(Capability.REGISTER_PATIENTS)
@require_GET
def guardians(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Who acts for this patient, and for whom the patient's own account acts."""
    patient = visible_patient(request, pk)
    if not request.htmx:
        services.record_chart_read(patient=patient, actor=request.user, what="guardians")
    links = GuardianLink.objects.visible_to(request.user).for_list().order_by("-id")
    today = clock.today()
    context = {
        **header(patient),
        "links": [_row(link, today) for link in links.filter(dependant=patient)[:PAGE]],
        "acts_for": [
            _row(link, today)
            for link in links.active().filter(guardian_id=patient.user_id)[:PAGE]
            if patient.user_id and link.is_in_force(today)
        ],
    }
    name = "patients/_guardians_panel.html" if request.htmx else "patients/guardian_list.html"
    return render(request, name, context)


@requires(Capability.REGISTER_PATIENTS)
@require_http_methods(["GET", "POST"])
def guardian_add(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Find the account, look at who it is, then say which document was seen."""
    patient = visible_patient(request, pk)
    is_search = request.method == "POST" and "look_for" in request.POST
    find_form = _find_account(request.POST if is_search else None)
    if request.method == "GET":
        services.record_chart_read(patient=patient, actor=request.user, what="guardians")
        return _add_page(request, patient, find_form)
    if is_search:
        found = (
            find_record(user=request.user, text=find_form.cleaned_data["look_for"]) if find_form.is_valid() else None
        )
        services.record_search(
            actor=request.user, query=find_form.data.get("look_for", ""), hits=int(found is not None)
        )
        if find_form.is_valid() and (found is None or found.user_id is None):
            find_form.add_error(
                "look_for", _("No portal account was found. The guardian signs up in the portal first.")
            )
        status = 200 if find_form.is_valid() else 422
        return _add_page(request, patient, find_form, found if status == 200 else None, status=status)
    guardian = _posted_patient(request, "guardian")
    form, status = ProofForm(request.POST), 422
    if form.is_valid() and guardian.user_id is not None:
        with domain_errors(request, form=form) as outcome:
            services.add_link(
                guardian_id=guardian.user_id, dependant_id=patient.pk, actor=request.user, **form.cleaned_data
            )
        status = outcome.status
        if outcome.ok:
            messages.success(request, _("The link is proven. The guardian can act for this patient now."))
            return redirect("patients:detail", patient.pk)
    return _add_page(request, patient, find_form, guardian, form, status=status)


@requires(Capability.REGISTER_PATIENTS)
@require_http_methods(["GET", "POST"])
def link_end(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """End a link, with a reason."""
    link = get_object_or_404(GuardianLink.objects.visible_to(request.user).for_list().active(), pk=pk)
    patient = visible_patient(request, _dependant_id(link))
    form, status = ReasonForm(request.POST or None), 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            with domain_errors(request, form=form) as outcome:
                services.end_link(link_id=link.pk, reason=form.cleaned_data["reason"], actor=request.user)
            status = outcome.status
            if outcome.ok:
                messages.success(request, _("The link has ended. The guardian sees nothing of this patient any more."))
                return redirect("patients:detail", patient.pk)
    return render(request, "patients/guardian_end.html", {**header(patient), "link": link, "form": form}, status=status)


@requires(Capability.REGISTER_PATIENTS)
@require_GET
def request_list(request: SignedInRequest) -> HttpResponse:
    """Requests from the portal that wait for proof, oldest first."""
    return render(request, "patients/guardian_requests.html", _requests(request))


@requires(Capability.REGISTER_PATIENTS)
@require_GET
def request_panel(request: SignedInRequest) -> HttpResponse:
    """The list alone, for its refresh."""
    return render(request, "patients/_guardian_requests_panel.html", _requests(request))


@requires(Capability.REGISTER_PATIENTS)
@require_http_methods(["GET", "POST"])
def request_detail(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """One request: find the record, compare, and say which document was seen."""
    link = _request(request, pk)
    if request.method == "GET":
        return _request_page(request, link)
    if "look_for" in request.POST:
        return _request_find(request, link)
    patient = _posted_patient(request, "dependant")
    form, status = ProofForm(request.POST), 422
    if form.is_valid():
        with domain_errors(request, form=form) as outcome:
            services.prove_link(link_id=link.pk, dependant_id=patient.pk, actor=request.user, **form.cleaned_data)
        status = outcome.status
        if outcome.ok:
            messages.success(request, _("The link is proven. The guardian can act for this patient now."))
            return redirect("patients:guardian-request-list")
    return _request_page(request, link, patient=patient, form=form, status=status)


@requires(Capability.REGISTER_PATIENTS)
@require_POST
def request_reject(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Refuse a request with a reason that the asking person reads."""
    link = _request(request, pk)
    form, status = ReasonForm(request.POST), 422
    if form.is_valid():
        with domain_errors(request, form=form) as outcome:
            services.reject_link(link_id=link.pk, reason=form.cleaned_data["reason"], actor=request.user)
        if outcome.ok:
            messages.success(request, _("The request was refused; the person gets the reason."))
            return redirect("patients:guardian-request-list")
        status = outcome.status
    return _request_page(request, link, reject_form=form, status=status)


def _row(link: GuardianLink, today: Any) -> dict[str, Any]:
    own = getattr(link.guardian, "patient", None)
    return {
        "link": link,
        "name": own.full_name if own is not None else link.guardian.full_name,
        "record": own,
        "is_in_force": link.is_in_force(today),
    }


def _find_account(data: Any) -> FindForm:
    return FindForm(
        data, label=_("Record number or e-mail of the guardian"),
        help_text=_("The guardian needs a portal account of their own."),
    )  # fmt: skip


def _posted_patient(request: SignedInRequest, name: str) -> Patient:
    """The record that a form names, when this person may see it, or 404."""
    rows = Patient.objects.visible_to(request.user).for_header().select_related("user")
    return get_object_or_404(rows, pk=uuid_or_none(request.POST.get(name, "")))


def _dependant_id(link: GuardianLink) -> UUID:
    assert link.dependant_id is not None  # the database keeps active links with a dependant
    return link.dependant_id


def _add_page(
    request: SignedInRequest, patient: Patient, find_form: FindForm, guardian: Patient | None = None,
    form: ProofForm | None = None, status: int = 200,
) -> HttpResponse:  # fmt: skip
    context = {
        **header(patient),
        "find_form": find_form,
        "guardian": guardian,
        "form": form or ProofForm(),
        "is_child": is_minor(patient),
    }
    return render(request, "patients/guardian_add.html", context, status=status)


def _requests(request: SignedInRequest) -> dict[str, Any]:
    waiting = GuardianLink.objects.visible_to(request.user).for_list().waiting()
    page = keyset_page(request.GET, waiting, order=("pk",), size=PAGE)
    own, panel = reverse("patients:guardian-request-list"), reverse("patients:guardian-request-panel")
    return {
        "requests": [_row(link, clock.today()) for link in page.rows],
        "panel_url": request.get_full_path().replace(own, panel, 1) if request.path == own else request.get_full_path(),
        "next_url": page.next_url,
        "previous_url": page.previous_url,
    }


def _request(request: SignedInRequest, pk: UUID) -> GuardianLink:
    return get_object_or_404(
        GuardianLink.objects.visible_to(request.user).for_list(), pk=pk, asked_birth_date__isnull=False
    )


def _request_find(request: SignedInRequest, link: GuardianLink) -> HttpResponse:
    form = _find_record(request.POST)
    found = find_record(user=request.user, text=form.cleaned_data["look_for"]) if form.is_valid() else None
    services.record_search(actor=request.user, query=form.data.get("look_for", ""), hits=int(found is not None))
    if found is None:
        if form.is_valid():
            form.add_error("look_for", _("No record has this number. Register the patient first."))
        return _request_page(request, link, find_form=form, status=422)
    return redirect(f"{reverse('patients:guardian-request', args=[link.pk])}?patient={found.pk}")


def _find_record(data: Any = None) -> FindForm:
    return FindForm(data, label=_("Record number of the patient"))


def _request_page(
    request: SignedInRequest, link: GuardianLink, *, patient: Patient | None = None, form: ProofForm | None = None,
    find_form: FindForm | None = None, reject_form: ReasonForm | None = None, status: int = 200,
) -> HttpResponse:  # fmt: skip
    waiting = link.status == GuardianLink.Status.REQUESTED
    wanted = uuid_or_none(request.GET.get("patient"))
    if patient is None and waiting and wanted is not None:
        patient = visible_patient(request, wanted)
    alike = []
    if waiting and patient is None:
        alike = services.find_duplicates(user=request.user, full_name=link.asked_name, birth_date=link.asked_birth_date)
    context = {
        "link": link,
        "asking": _row(link, clock.today()),
        "waiting": waiting,
        "alike": alike,
        "chosen": patient,
        "is_child": patient is not None and is_minor(patient),
        "form": form or ProofForm(initial={"relationship": link.relationship}),
        "find_form": find_form or _find_record(),
        "reject_form": reject_form or ReasonForm(),
        "rejecting": reject_form is not None,
    }
    return render(request, "patients/guardian_request.html", context, status=status)

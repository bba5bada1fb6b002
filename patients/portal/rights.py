"""Patient screens: my rights over my data, what I asked, and the answers."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.guards import PortalRequest, patient_portal
from accounts.navigation import url_of
from accounts.step_up import challenge, fresh_factor, is_fresh
from core import files
from core.http import domain_errors
from patients import rights, services
from patients.forms.rights import PortalRequestForm
from patients.limits import in_force
from patients.models import DataRequest
from patients.persons import own_or_404
from patients.rights_papers import answer_letter
from patients.services import rights as acts


@patient_portal
@require_safe
def overview(request: PortalRequest) -> HttpResponse:
    """What can be asked, what was asked, and what is suspended."""
    services.record_part_read(patient_id=request.patient.pk, actor=request.user, what="data-rights")
    rows = DataRequest.objects.visible_to(request.user).filter(patient_id=request.patient.pk)
    context = {
        "offers": [{"kind": kind, "offer": offer} for kind, offer in rights.OFFERS.items()],
        "lines": [_line(request, row) for row in rows.select_related("copy", "patient").order_by("-pk")],
        "limits": in_force(request.patient.pk),
        "access_url": url_of("reports:portal-record-access"),
    }
    return render(request, "patients/portal_rights.html", context)


@patient_portal
@fresh_factor
@require_http_methods(["GET", "POST"])
def ask(request: PortalRequest, kind: str) -> HttpResponse:
    """Send one request; asks once more who is there, before the form."""
    if kind not in rights.OFFERS:
        raise Http404
    form, status = PortalRequestForm(request.POST if request.method == "POST" else None, kind=kind), 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            with domain_errors(request, form=form) as outcome:
                made = acts.receive_request(
                    patient_id=request.patient.pk, kind=kind, channel=DataRequest.Channel.PORTAL, asker=_asker(request),
                    actor=request.user, **form.cleaned_data,
                )  # fmt: skip
                words = _("We received your request %(number)s. You get an answer before %(due)s.")
                messages.success(request, words % {"number": made.number, "due": rights.moment(made.due_at)})
            if outcome.ok:
                return redirect("patients:portal-rights")
            status = outcome.status
    context = {"form": form, "kind": kind, "offer": rights.OFFERS[kind]}
    return render(request, "patients/portal_rights_ask.html", context, status=status)


@patient_portal
@require_safe
def detail(request: PortalRequest, pk: UUID) -> HttpResponse:
    """One request and its answer."""
    found = _request(request, pk)
    services.record_part_read(patient_id=found.patient_id, actor=request.user, what="data-rights", target=found)
    context = {
        **_line(request, found),
        "is_open": found.status in DataRequest.OPEN,
        "is_mine": found.recorded_by_id == request.user.pk,
        "ground": rights.ground_words(found.ground),
        "scopes": rights.scope_labels(found.facts.get("scopes", [])),
        "changes": rights.shown_changes(found),
        "is_fresh": is_fresh(request),
    }
    return render(request, "patients/portal_rights_detail.html", context)


@patient_portal
@require_POST
def withdraw(request: PortalRequest, pk: UUID) -> HttpResponse:
    """Take back a request that one sent oneself."""
    found = _request(request, pk)
    if found.recorded_by_id != request.user.pk:
        raise Http404
    with domain_errors(request) as outcome:
        acts.withdraw_request(request_id=found.pk, actor=request.user, reason=_("Withdrawn in the portal"))
    if outcome.ok:
        messages.success(request, _("Your request was withdrawn."))
    return redirect("patients:portal-data-request", found.pk)


@patient_portal
@require_safe
def letter(request: PortalRequest, pk: UUID) -> HttpResponse:
    """The answer as a letter."""
    found = _request(request, pk, follows=False)
    if found.status not in rights.ANSWERS:
        raise Http404
    services.record_print(patient_id=found.patient_id, actor=request.user, what="data-request-letter", target=found)
    answer = HttpResponse(answer_letter(found), content_type="application/pdf")
    answer["Content-Disposition"] = f'inline; filename="{found.number}.pdf"'
    answer["X-Content-Type-Options"] = "nosniff"
    return answer


@patient_portal
@require_safe
def copy(request: PortalRequest, pk: UUID) -> HttpResponse:
    """The copy of all data, for who asked for it; asks once more who is there."""
    found = _request(request, pk, follows=False)
    if not rights.may_load_copy(request.user, found):
        raise Http404
    if not is_fresh(request):
        return challenge(request, back_to=reverse("patients:portal-data-request", args=[found.pk]))
    with domain_errors(request) as outcome:
        stored, name = acts.open_copy(request_id=found.pk, actor=request.user)
    if not outcome.ok:
        return redirect("patients:portal-data-request", found.pk)
    return files.serve(stored, filename=name)


def _line(request: PortalRequest, row: DataRequest) -> dict[str, Any]:
    return {
        "row": row,
        "clock": rights.clock_of(row),
        "may_load": rights.may_load_copy(request.user, row),
        "tone": rights.TONES.get(row.status, "neutral"),
    }


def _asker(request: PortalRequest) -> acts.Asker:
    person = request.portal.chosen
    relation = "" if person.is_self else str(person.link.get_relationship_display())
    return acts.Asker(request.user.full_name, relation, _("Signed in to the portal, and confirmed the sign-in"))


def _request(request: PortalRequest, pk: UUID, *, follows: bool = True) -> DataRequest:
    rows = DataRequest.objects.visible_to(request.user).select_related("patient", "copy", "decided_by")
    return own_or_404(request, rows, pk=pk, follows=follows)

"""Patient screens: what I agreed to, and changing it."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts.guards import PortalRequest, patient_portal
from accounts.step_up import challenge, is_fresh
from core.http import domain_errors
from patients import consent_papers, consents, services
from patients.forms.consents import PageForm, seen_value, write_versions
from patients.limits import STOPS, is_limited
from patients.models import Consent, ConsentKind, GuardianLink
from patients.persons import own_or_404
from patients.services import consents as acts

Relationship = GuardianLink.Relationship
# What a guardian is to the patient, in the ministry's list of relations; a legal guardian is "other".
RELATIONS = {
    Relationship.PARENT: "2",
    Relationship.CHILD: "3",
    Relationship.SPOUSE: "4",
    Relationship.OTHER: "5",
    Relationship.LEGAL_GUARDIAN: "6",
}


@patient_portal
@require_safe
def overview(request: PortalRequest) -> HttpResponse:
    """The general consent and the four purposes of the chosen person."""
    services.record_part_read(patient_id=request.patient.pk, actor=request.user, what="consents")
    found = consents.standings(request.patient.pk)
    context = {
        "general": found[ConsentKind.GENERAL],
        "purposes": [found[kind] for kind in consents.PURPOSES],
    }
    return render(request, "patients/portal_consents.html", context)


@patient_portal
@require_http_methods(["GET", "POST"])
def choice(request: PortalRequest, kind: str) -> HttpResponse:
    """One purpose: its text, and the buttons. Agreeing asks who is there; refusing and withdrawing never do."""
    text = consents.current_texts().get(kind) if kind in consents.PURPOSES else None
    if text is None:
        raise Http404
    form, status = PageForm(request.POST if request.method == "POST" else None), 200
    if request.method == "GET":
        services.record_part_read(patient_id=request.patient.pk, actor=request.user, what="consents")
    else:
        status, permit = 422, request.POST.get("decision") == "yes"
        if permit and not is_fresh(request):
            return challenge(request, back_to=reverse("patients:portal-consent-choice", args=[kind]))
        if form.is_valid() and request.POST.get("decision") in ("yes", "no"):
            with domain_errors(request) as outcome:
                acts.record_choice(
                    patient_id=request.patient.pk, kind=kind, permit=permit, signer=signer_of(request),
                    evidence=acts.Evidence(Consent.Method.PORTAL), page=form.page(get_language() or "id"), actor=request.user,
                )  # fmt: skip
            if outcome.ok:
                messages.success(request, _("Your answer was recorded. You can change it at any time."))
                return redirect("patients:portal-consents")
            status = outcome.status
    latest = consents.latest_of(request.patient.pk, kind=kind).get(kind)
    context = {
        "standing": consents.Standing(
            kind, latest, text.version, is_limited=is_limited(request.patient.pk, STOPS[ConsentKind(kind)])
        ),
        "text": consent_papers.words_of(text, get_language() or "id"),
        "is_fresh": is_fresh(request),
        "form": PageForm(
            initial={"key": uuid4(), "seen": seen_value(latest), "versions": write_versions({kind: text})}
        ),
        "kind": kind,
    }
    return render(request, "patients/portal_consent_choice.html", context, status=status)


@patient_portal
@require_safe
def detail(request: PortalRequest, pk: UUID) -> HttpResponse:
    """One consent as it was given."""
    consent = _consent(request, pk)
    services.record_part_read(patient_id=consent.patient_id, actor=request.user, what="consents", target=consent)
    page = consent_papers.page_of(consent)
    latest = consents.latest_of(consent.patient_id, kind=consent.kind).get(consent.kind)
    may_withdraw = consent.decision == Consent.Decision.PERMIT and latest is not None and latest.pk == consent.pk
    return render(
        request, "patients/portal_consent_detail.html", {**page, "may_withdraw": may_withdraw, "key": uuid4()}
    )


@patient_portal
@require_safe
def consent_pdf(request: PortalRequest, pk: UUID) -> HttpResponse:
    """The signed copy."""
    consent = _consent(request, pk, follows=False)
    services.record_print(patient_id=consent.patient_id, actor=request.user, what="consent", target=consent)
    answer = HttpResponse(consent_papers.signed_copy(consent), content_type="application/pdf")
    answer["Content-Disposition"] = 'inline; filename="consent.pdf"'
    answer["X-Content-Type-Options"] = "nosniff"
    return answer


@patient_portal
@require_http_methods(["GET", "POST"])
def withdraw(request: PortalRequest, pk: UUID) -> HttpResponse:
    """Take a consent back: what follows, and one button."""
    consent = _consent(request, pk)
    form, status = PageForm(request.POST if request.method == "POST" else None), 200
    if request.method == "GET":
        services.record_part_read(patient_id=consent.patient_id, actor=request.user, what="consents", target=consent)
    else:
        status = 422
        if form.is_valid():
            with domain_errors(request) as outcome:
                acts.withdraw(
                    consent_id=consent.pk, signer=signer_of(request), method=Consent.Method.PORTAL,
                    key=form.cleaned_data["key"], actor=request.user, reason=request.POST.get("reason", "")[: acts.MAX_REASON],
                    language=get_language() or "id",
                )  # fmt: skip
            if outcome.ok:
                messages.success(request, _("The consent was withdrawn. It counts from now on."))
                return redirect("patients:portal-consents")
            status = outcome.status
    context = {"consent": consent, "is_general": consent.kind == ConsentKind.GENERAL, "key": uuid4()}
    return render(request, "patients/portal_consent_withdraw.html", context, status=status)


def signer_of(request: PortalRequest) -> acts.Signer:
    """Return who answers in the portal: the patient, or the guardian with the relation that was proven."""
    person = request.portal.chosen
    if person.is_self:
        return acts.Signer(name=person.patient.full_name)
    return acts.Signer(name=request.user.full_name, relation_code=RELATIONS[Relationship(person.link.relationship)])


def _consent(request: PortalRequest, pk: UUID, *, follows: bool = True) -> Any:
    rows = Consent.objects.visible_to(request.user)
    related = rows.select_related("text", "patient", "officer", "recorded_by", "withdraws__text")
    return own_or_404(request, related, pk=pk, follows=follows)

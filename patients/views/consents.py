"""Staff screens: what a patient agreed to, asked on a tablet or on paper, and withdrawn."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_safe

from accounts.access import Capability
from accounts.guards import SignedInRequest, requires
from accounts.step_up import is_fresh
from core.http import domain_errors
from core.pagination import keyset_page
from patients import consent_papers, consents, services
from patients.forms.consents import (
    ChoiceForm,
    GeneralForm,
    RelativeFormSet,
    SignerForm,
    WithdrawForm,
    named_relatives,
    seen_value,
    write_versions,
)
from patients.guardians import is_minor
from patients.limits import STOPS, is_limited
from patients.models import Consent, ConsentKind, Patient
from patients.screens import header, patient_page, visible_patient
from patients.services import consents as acts
from patients.services.documents import ready_file
from patients.signatures import svg_paths

Method = Consent.Method
LANGUAGES = ("id", "en")
OFFICERS = Capability.RECORD_CONSENTS


# --- One patient


@requires(OFFICERS)
@require_GET
def overview(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """The general consent, the four purposes, and everything that was ever answered."""
    patient = visible_patient(request, pk)
    services.record_chart_read(patient=patient, actor=request.user, what="consents")
    found = consents.standings(patient.pk)
    rows = Consent.objects.visible_to(request.user).filter(patient=patient)
    context = {
        **patient_page(request, patient, "consents"),
        "general": found[ConsentKind.GENERAL],
        "purposes": [found[kind] for kind in consents.PURPOSES],
        "history": rows.select_related("text", "recorded_by").order_by("-pk"),
    }
    return render(request, "patients/consent_list.html", context)


@requires(OFFICERS)
@require_http_methods(["GET", "POST"])
def general(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """The general consent on a tablet: questions, relatives, signatures; or the scan of the signed paper."""
    patient = visible_patient(request, pk)
    language = _language(request, patient)
    if request.method == "GET":
        services.record_chart_read(patient=patient, actor=request.user, what="consents")
    with translation.override(language):
        form, relatives, status = _general_forms(request, patient), _relatives(request), 200
        if request.method == "POST":
            status = 422
            if form.is_valid() & relatives.is_valid():
                with domain_errors(request, form=form) as outcome:
                    _record_general(request, patient, form, relatives, language)
                status = outcome.status
        if status != 200 or request.method == "GET":
            return _general_page(request, patient, form, relatives, language, status)
    messages.success(request, _("The consent was recorded."))
    return redirect("patients:consents", patient.pk)


@requires(OFFICERS)
@require_http_methods(["GET", "POST"])
def choice(request: SignedInRequest, pk: UUID, kind: str) -> HttpResponse:
    """One purpose: its text, and what the patient says."""
    patient = visible_patient(request, pk)
    text = consents.current_texts().get(kind) if kind in consents.PURPOSES else None
    if text is None:
        raise Http404
    language, latest = _language(request, patient), consents.latest_of(patient.pk, kind=kind).get(kind)
    initial = {"key": uuid4(), "seen": seen_value(latest), "versions": write_versions({kind: text})}
    if request.method == "GET":
        services.record_chart_read(patient=patient, actor=request.user, what="consents")
    with translation.override(language):
        data = (request.POST, request.FILES) if request.method == "POST" else ()
        form, status = ChoiceForm(*data, is_child=is_minor(patient), initial=initial), 200
        if request.method == "POST":
            status = 422
            if form.is_valid():
                with domain_errors(request, form=form) as outcome:
                    _record_choice(request, patient, kind, form, language)
                status = outcome.status
        if status != 200 or request.method == "GET":
            context = {**header(patient), "form": form, "text": _words(text), "latest": latest, "kind": kind}
            context |= {"reading_language": language, "drawn": _drawn(form, "signature")}
            context["is_limited"] = is_limited(patient.pk, STOPS[ConsentKind(kind)])
            return render(request, "patients/consent_choice.html", context, status=status)
    messages.success(request, _("The answer was recorded."))
    return redirect("patients:consents", patient.pk)


@requires(OFFICERS)
@require_GET
def form_pdf(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """The general consent with empty boxes, to be signed on paper."""
    patient = visible_patient(request, pk)
    services.record_print(patient_id=patient.pk, actor=request.user, what="consent-form", target=patient)
    content = consent_papers.blank_form(patient, consents.current_texts(), language=_language(request, patient))
    return _pdf(content, "consent-form.pdf")


# --- One consent


@requires(OFFICERS)
@require_GET
def detail(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """One consent as it was given: text, answers, signatures, and whether it is unchanged since."""
    consent = _consent(request, pk)
    patient = visible_patient(request, consent.patient_id)
    services.record_chart_read(patient=patient, actor=request.user, what="consents")
    return render(request, "patients/consent_detail.html", {**header(patient), **consent_papers.page_of(consent)})


@requires(OFFICERS)
@require_GET
def consent_pdf(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """The signed copy."""
    consent = _consent(request, pk)
    services.record_print(patient_id=consent.patient_id, actor=request.user, what="consent", target=consent)
    return _pdf(consent_papers.signed_copy(consent), "consent.pdf")


@requires(OFFICERS)
@require_http_methods(["GET", "POST"])
def withdraw(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Take a consent back, with what follows from it."""
    consent = _consent(request, pk)
    patient = visible_patient(request, consent.patient_id)
    data = request.POST if request.method == "POST" else None
    form, status = WithdrawForm(data, is_child=is_minor(patient), initial={"key": uuid4()}), 200
    if request.method == "GET":
        services.record_chart_read(patient=patient, actor=request.user, what="consents")
    else:
        status = 422
        if form.is_valid():
            with domain_errors(request, form=form) as outcome:
                acts.withdraw(
                    consent_id=consent.pk, signer=form.signer(), method=Method.DESK, key=form.cleaned_data["key"],
                    actor=request.user, reason=form.cleaned_data["reason"], language=patient.language,
                )  # fmt: skip
            if outcome.ok:
                messages.success(request, _("The consent was withdrawn. It counts from now on."))
                return redirect("patients:consents", patient.pk)
            status = outcome.status
    context = {**header(patient), "form": form, "consent": consent}
    return render(request, "patients/consent_withdraw.html", context, status=status)


# --- Work list


@requires(OFFICERS)
@require_safe
def missing_list(request: SignedInRequest) -> HttpResponse:
    """Patients without a general consent, newest first; or those whose consent is of an older text."""
    is_older = request.GET.get("show") == "older"
    patients = Patient.objects.visible_to(request.user)
    own = reverse("patients:consent-missing-list")
    context: dict[str, Any] = {
        "is_older": is_older,
        "tabs": [
            {"label": _("No general consent"), "url": own, "active": not is_older, "icon": "signature", "count": None},
            {
                "label": _("Older text"),
                "url": f"{own}?show=older",
                "active": is_older,
                "icon": "history",
                "count": None,
            },
        ],
    }
    if is_older:
        text = consents.current_texts().get(ConsentKind.GENERAL)
        rows = consents.on_older_text(text.version if text is not None else 0)
        rows = rows.filter(patient__in=patients.active()).select_related("patient", "text")
        older = keyset_page(request.GET, rows, order=("-pk",))
        context |= {"page": older, "rows": [{"patient": row.patient, "consent": row} for row in older.rows]}
    else:
        page = keyset_page(request.GET, patients.active().filter(consented_at=None), order=("-pk",))
        context |= {"page": page, "rows": [{"patient": patient, "consent": None} for patient in page.rows]}
    return render(request, "patients/consent_missing.html", context)


# --- Parts


def _consent(request: SignedInRequest, pk: UUID) -> Consent:
    rows = Consent.objects.visible_to(request.user)
    return get_object_or_404(rows.select_related("text", "patient", "officer", "recorded_by", "withdraws__text"), pk=pk)


def _language(request: SignedInRequest, patient: Patient) -> str:
    asked = request.POST.get("language") or request.GET.get("language")
    return asked if asked in LANGUAGES else str(patient.language)


def _words(text: Any) -> dict[str, Any]:
    return {**consent_papers.words_of(text, translation.get_language() or "id"), "version": text.version}


def _general_forms(request: SignedInRequest, patient: Patient) -> GeneralForm:
    latest = consents.latest_of(patient.pk, kind=ConsentKind.GENERAL).get(ConsentKind.GENERAL)
    initial = {"key": uuid4(), "seen": seen_value(latest), "versions": write_versions(consents.current_texts())}
    data = (request.POST, request.FILES) if request.method == "POST" else ()
    return GeneralForm(*data, is_child=is_minor(patient), officer_is_fresh=is_fresh(request), initial=initial)


def _relatives(request: SignedInRequest) -> Any:
    return RelativeFormSet(request.POST if request.method == "POST" else None, prefix="relative")


def _general_page(
    request: SignedInRequest, patient: Patient, form: GeneralForm, relatives: Any, language: str, status: int
) -> HttpResponse:
    texts = consents.current_texts()
    # Two of the questions are purposes with words of their own, which are signed with the rest.
    meaning = {name: _words(texts[kind]) for kind, name in acts.ANSWER_OF.items()}
    context = {
        **header(patient),
        "form": form,
        "relatives": relatives,
        "text": _words(texts[ConsentKind.GENERAL]),
        "answered": [{"field": form[name], "text": meaning.get(name)} for name in consents.ANSWERS],
        "also": [{"field": form[kind.value], "text": _words(texts[kind])} for kind in consents.ALSO],
        "reading_language": language,
        "is_child": is_minor(patient),
        "drawn": _drawn(form, "signature"),
        "officer_drawn": _drawn(form, "officer_signature"),
    }
    return render(request, "patients/consent_general.html", context, status=status)


def _drawn(form: SignerForm, name: str) -> list[str]:
    """The strokes of a form that came back with errors, so that nobody signs twice."""
    return svg_paths(getattr(form, "cleaned_data", {}).get(name)) if form.is_bound else []


def _evidence(request: SignedInRequest, form: SignerForm) -> acts.Evidence:
    data = form.cleaned_data
    paper = ready_file(data["scan"]) if data["method"] == Method.PAPER and data["scan"] else None
    return acts.Evidence(
        method=data["method"], signature=data["signature"], officer_signature=data.get("officer_signature"),
        officer_is_fresh=is_fresh(request), paper=paper, signed_on=data["signed_on"],
    )  # fmt: skip


def _record_general(
    request: SignedInRequest, patient: Patient, form: GeneralForm, relatives: Any, language: str
) -> None:
    data = form.cleaned_data
    given = acts.GeneralAnswers(
        answers={name: data[name] for name in consents.ANSWERS}, choices={kind: data[kind.value] for kind in consents.ALSO},
        interpreter_language=data["interpreter_language"], relatives=named_relatives(relatives),
        visitors_refused=data["visitors_refused"],
    )  # fmt: skip
    acts.record_general(
        patient_id=patient.pk, given=given, signer=form.signer(), evidence=_evidence(request, form),
        page=form.page(language), actor=request.user,
    )  # fmt: skip


def _record_choice(request: SignedInRequest, patient: Patient, kind: str, form: ChoiceForm, language: str) -> None:
    acts.record_choice(
        patient_id=patient.pk, kind=kind, permit=form.cleaned_data["decision"], signer=form.signer(),
        evidence=_evidence(request, form), page=form.page(language), actor=request.user,
    )  # fmt: skip


def _pdf(content: bytes, name: str) -> HttpResponse:
    answer = HttpResponse(content, content_type="application/pdf")
    answer["Content-Disposition"] = f'inline; filename="{name}"'
    answer["X-Content-Type-Options"] = "nosniff"
    return answer

"""Staff screens: the texts that patients agree to, and publishing a new version."""

from __future__ import annotations

from difflib import SequenceMatcher
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods

from accounts.access import Capability
from accounts.guards import SignedInRequest, requires
from core.http import domain_errors
from patients import consents
from patients.forms.consents import TextForm
from patients.models import ConsentKind
from patients.services import consents as acts

LANGUAGES = (("id", gettext_lazy("Indonesian")), ("en", gettext_lazy("English")))


@requires(Capability.PUBLISH_CONSENT_TEXTS, Capability.RECORD_CONSENTS)
@require_GET
def text_list(request: SignedInRequest) -> HttpResponse:
    """The version in force of each text."""
    texts = consents.current_texts()
    context = {
        "rows": [{"kind": kind, "label": kind.label, "text": texts.get(kind)} for kind in ConsentKind],
        "may_publish": Capability.PUBLISH_CONSENT_TEXTS in request.user.capabilities,
    }
    return render(request, "patients/consent_texts.html", context)


@requires(Capability.PUBLISH_CONSENT_TEXTS, Capability.RECORD_CONSENTS)
@require_GET
def text_detail(request: SignedInRequest, kind: str) -> HttpResponse:
    """One text in both languages, with the versions before it and what changed in each."""
    versions = consents.versions_of(_kind(kind))
    shown = [
        {"text": text, "changes": differences(older, text) if older is not None else []}
        for text, older in zip(versions, [*versions[1:], None], strict=True)
    ]
    context = {
        "kind": kind,
        "label": ConsentKind(kind).label,
        "versions": shown,
        "may_publish": Capability.PUBLISH_CONSENT_TEXTS in request.user.capabilities,
    }
    return render(request, "patients/consent_text_detail.html", context)


@requires(Capability.PUBLISH_CONSENT_TEXTS)
@require_http_methods(["GET", "POST"])
def text_publish(request: SignedInRequest, kind: str) -> HttpResponse:
    """Write a version, look at it beside the one in force, and publish it."""
    current = consents.current_texts().get(_kind(kind))
    words = ("title_id", "body_id", "title_en", "body_en")
    initial: dict[str, Any] = {"base_version": current.version if current is not None else 0}
    if current is not None:
        initial |= {name: getattr(current, name) for name in words}
    form, status, preview = TextForm(request.POST if request.method == "POST" else None, initial=initial), 200, None
    if request.method == "POST":
        status = 422
        if form.is_valid() and "publish" not in request.POST:
            status, preview = 200, {**form.words(), "changes": differences(current, form.words())}
        elif form.is_valid():
            with domain_errors(request, form=form) as outcome:
                acts.publish_text(kind=kind, actor=request.user, **form.cleaned_data)
            if outcome.ok:
                messages.success(
                    request, _("The new version is in force. Patients are asked again at their next visit.")
                )
                return redirect("patients:consent-text-detail", kind)
            status = outcome.status
    context = {"kind": kind, "label": ConsentKind(kind).label, "form": form, "current": current, "preview": preview}
    return render(request, "patients/consent_text_publish.html", context, status=status)


def differences(old: Any, new: Any) -> list[dict[str, Any]]:
    """Return what changed from one version to the next, by language: lines marked same, added or removed."""
    found = []
    for code, label in LANGUAGES:
        before, after = _lines(old, code), _lines(new, code)
        lines = []
        for mark, a, b, c, d in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
            if mark == "equal":
                lines += [{"mark": "same", "text": line} for line in before[a:b]]
            else:
                lines += [{"mark": "removed", "text": line} for line in before[a:b]]
                lines += [{"mark": "added", "text": line} for line in after[c:d]]
        if any(line["mark"] != "same" for line in lines):
            found.append({"language": label, "code": code, "lines": lines})
    return found


def _lines(text: Any, code: str) -> list[str]:
    if text is None:
        return []
    words = (
        text if isinstance(text, dict) else {name: getattr(text, name) for name in (f"title_{code}", f"body_{code}")}
    )
    return [words[f"title_{code}"], *(line for line in words[f"body_{code}"].split("\n") if line.strip())]


def _kind(kind: str) -> str:
    if kind not in ConsentKind.values:
        raise Http404
    return kind

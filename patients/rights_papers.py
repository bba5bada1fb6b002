"""The answer to a request about personal data as a letter."""

from __future__ import annotations

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import override
from reportlab.lib.units import mm
from reportlab.platypus import KeepTogether, Spacer

from core import pdf
from patients import rights
from patients.models import DataRequest, ProcessingLimit

PAGE = 174 * mm


def answer_letter(request: DataRequest) -> bytes:
    """Return the letter in the language of the patient: what was asked and when, the answer, its ground, what to do next.

    One statement for what was suspended.
    """
    with override(request.patient.language):
        title = _("Answer to a request about personal data")
        story = [pdf.text(title, "title"), Spacer(1, 3 * mm), pdf.facts(_facts(request), PAGE), Spacer(1, 5 * mm)]
        story += [pdf.text(_("Answer"), "section"), pdf.text(request.decision)]
        if request.ground:
            story += [pdf.text(_("Why something is refused"), "section"), pdf.text(rights.ground_words(request.ground))]
        if changes := rights.shown_changes(request):
            story.append(pdf.text(_("What was corrected"), "section"))
            head = [pdf.text(words, "head") for words in (_("Fact"), _("Before"), _("Now"))]
            rows = [[pdf.text(row["label"]), pdf.text(row["before"]), pdf.text(row["after"])] for row in changes]
            story.append(pdf.lines_table([head, *rows], [PAGE * 0.26, PAGE * 0.37, PAGE * 0.37]))
        limits = list(ProcessingLimit.objects.filter(request=request).order_by("scope"))
        if limits:
            story.append(pdf.text(_("What is suspended"), "section"))
            story += [pdf.text(f"• {limit.get_scope_display()}") for limit in limits]
        story.append(KeepTogether(_closing(request)))
        footer = f"{request.number} · {_('Record number')} {request.patient.record_number}"
        return pdf.build(title=title, story=story, footer=footer)


def _facts(request: DataRequest) -> list[tuple[str, str]]:
    who = request.requester_name
    if request.requester_relation:
        who = f"{who} ({request.requester_relation})"
    facts = [
        (_("Number"), request.number),
        (_("Patient"), request.patient.full_name),
        (_("Record number"), request.patient.record_number),
        (_("Who asks"), who),
        (_("What is asked"), str(request.get_kind_display())),
        (_("Received"), rights.moment(request.received_at)),
        (_("To answer before"), rights.moment(request.due_at)),
    ]
    if request.decided_at is not None:
        facts.append((_("Answered"), rights.moment(request.decided_at)))
    facts.append((_("Result"), str(request.get_status_display())))
    return facts


def _closing(request: DataRequest) -> list[object]:
    advice = _(
        "If you do not agree with this answer, write or speak to us. You may also turn to the authority for the protection "
        "of personal data. Your rights stand in Law 27 of 2022 on the protection of personal data."
    )
    parts: list[object] = [Spacer(1, 6 * mm), pdf.text(advice, "small"), Spacer(1, 8 * mm)]
    if request.decided_at is not None:
        parts.append(pdf.text(f"{settings.CLINIC_CITY}, {pdf.day_in_words(request.decided_at)}"))
    parts.append(Spacer(1, 14 * mm))
    if request.decided_by is not None:
        parts.append(pdf.text(request.decided_by.full_name, "bold"))
    parts.append(pdf.text(settings.CLINIC_NAME, "small"))
    return parts

"""The certificate of an erasure: what went, when and by whom, what stays, why and until when."""

from __future__ import annotations

from django.conf import settings
from django.utils import formats
from django.utils.translation import gettext as _
from django.utils.translation import override
from reportlab.lib.units import mm
from reportlab.platypus import KeepTogether, Spacer

from core import pdf
from patients import erasing
from patients.models import Erasure

PAGE = 174 * mm
PADDING = 2.5  # points; most certificates fit on one page


def certificate(erasure: Erasure) -> bytes:
    """Return the paper in the patient's language. It names the record by number, and the person by name while it is kept."""
    patient = erasure.patient
    with override(patient.language if patient is not None else settings.LANGUAGE_CODE):
        gone, kept = erasing.certified(erasure)
        title = _("Certificate of erasure of personal data")
        story = [
            pdf.text(title, "title"),
            pdf.text(_("Under articles 43 to 45 of Law 27/2022 on Personal Data Protection."), "small"),
            Spacer(1, 3 * mm),
            pdf.facts(_facts(erasure), PAGE),
            pdf.text(_("What was removed for good"), "section"),
        ]
        head = [pdf.text(words, "head") for words in (_("Data"), _("Count"))]
        rows = [[pdf.text(line.label), pdf.text(line.count)] for line in gone]
        story.append(pdf.lines_table([head, *rows], [PAGE * 0.82, PAGE * 0.18], padding=PADDING))
        head = [pdf.text(words, "head") for words in (_("Data"), _("Ground"), _("At least until"))]
        rows = [
            [
                pdf.text(", ".join(line.label for line in lines)),
                pdf.text(erasing.GROUNDS.get(ground, ""), "small"),
                pdf.text(_until(lines[0])),
            ]
            for ground, lines in erasing.by_ground(kept).items()
        ]
        grounds = pdf.lines_table([head, *rows], [PAGE * 0.34, PAGE * 0.43, PAGE * 0.23], padding=PADDING)
        # Together, so that no page holds the signature alone.
        story.append(KeepTogether([pdf.text(_("What the clinic must keep"), "section"), grounds, *_closing(erasure)]))
        return pdf.build(
            title=title, story=story, footer=f"{erasure.number} · {_('Record number')} {erasure.record_number}"
        )


def _facts(erasure: Erasure) -> list[tuple[str, str]]:
    facts = [(_("Number"), erasure.number), (_("Record number"), erasure.record_number)]
    if erasure.patient is not None:
        facts.append((_("Patient"), erasure.patient.full_name))
    if erasure.request is not None:
        facts.append((_("Request"), erasure.request.number))
    return [
        *facts,
        (_("Erased"), pdf.moment_in_words(erasure.erased_at)),
        (_("Erased by"), erasure.erased_by.full_name),
    ]


def _until(line: erasing.Line) -> str:
    return formats.date_format(line.until, "DATE_FORMAT") if line.until else _("as long as the record")


def _closing(erasure: Erasure) -> list[object]:
    words = _(
        "The files were removed from the storage together with the keys that open them. Backups made before this day are "
        "overwritten in their turn and are not used to bring the data back. The record is archived: it is used only where "
        "the law demands it. If you do not agree, write or speak to us, or turn to the authority for the protection of "
        "personal data."
    )
    return [
        Spacer(1, 4 * mm),
        pdf.text(words, "small"),
        Spacer(1, 4 * mm),
        pdf.text(f"{settings.CLINIC_CITY}, {pdf.day_in_words(erasure.erased_at)}"),
        Spacer(1, 12 * mm),
        pdf.text(erasure.erased_by.full_name, "bold"),
        pdf.text(settings.CLINIC_NAME, "small"),
    ]

"""General consent and consents per purpose on paper: the empty form, and the signed copy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import override
from reportlab.graphics.shapes import Circle, Drawing, PolyLine, Rect
from reportlab.lib.units import mm
from reportlab.platypus import KeepTogether, Spacer, Table, TableStyle

from core import pdf
from patients import codes
from patients.consents import ALSO, ANSWERS, PURPOSES, QUESTIONS, is_intact
from patients.models import Consent, ConsentKind, ConsentText, Patient
from patients.signatures import HEIGHT, WIDTH, Strokes, svg_paths

PAGE = 174 * mm
SIGNED = (62 * mm, 25 * mm)  # a signature on paper
EMPTY_RELATIVES = 3
LINE_OF_INK = 4.5 * mm  # with the padding of a row, room for handwriting
ROOM_TO_SIGN = 16 * mm


def words_of(text: ConsentText, language: str) -> dict[str, str]:
    """Return title and body of a text in one language."""
    if language.startswith("en"):
        return {"title": text.title_en, "body": text.body_en}
    return {"title": text.title_id, "body": text.body_id}


def answers_of(consent: Consent) -> list[dict[str, Any]]:
    """Return question and answer of each of the ten yes/no variables; empty for a purpose."""
    if consent.kind != ConsentKind.GENERAL or consent.treatment_agreed is None:
        return []
    return [{"label": QUESTIONS[name], "answer": getattr(consent, name)} for name in ANSWERS]


def page_of(consent: Consent) -> dict[str, Any]:
    """Return what a page about one consent shows, for staff and patients. Two statements."""
    return {
        "consent": consent,
        "text": words_of(consent.text, consent.language),
        "answers": answers_of(consent),
        "signature": svg_paths(consent.signature),
        "officer_signature": svg_paths(consent.officer_signature),
        "is_intact": is_intact(consent),
        "withdrawn_by": Consent.objects.filter(withdraws=consent).first(),
        "is_general": consent.kind == ConsentKind.GENERAL,
    }


def blank_form(patient: Patient, texts: Mapping[str, ConsentText], *, language: str) -> bytes:
    """Return the general consent of one patient with empty boxes and lines, for ink."""
    with override(language):
        general = texts[ConsentKind.GENERAL]
        story = [*_head(patient, general, language), Spacer(1, 1.5 * mm)]
        story.append(_boxes([str(QUESTIONS[name]) for name in ANSWERS]))
        for kind in PURPOSES:
            words = words_of(texts[kind], language)
            body = words["body"].replace("\n\n", "\n")
            asked = [_boxes([str(ALSO[kind])])] if kind in ALSO else []
            story += [
                Spacer(1, 2 * mm),
                KeepTogether([pdf.text(words["title"], "bold"), pdf.text(body, "small"), *asked]),
            ]
        # Signatures never stand on a page of their own: whoever signs sees what is above.
        story += [Spacer(1, 2 * mm), KeepTogether([*_empty_relatives(), Spacer(1, 2.5 * mm), *_empty_signatures()])]
        return pdf.build(title=words_of(general, language)["title"], story=story, footer=_foot(patient, general))


def signed_copy(consent: Consent) -> bytes:
    """Return one consent as it was given, in the language it was read in: words, answers, signatures, who explained."""
    with override(consent.language):
        story = [*_head(consent.patient, consent.text, consent.language), Spacer(1, 4 * mm)]
        answers = answers_of(consent)
        if answers:
            yes, no = _("Yes"), _("No")
            rows = [[pdf.text(_("Question"), "head"), pdf.text(_("Answer"), "head")]]
            rows += [[pdf.text(row["label"]), pdf.text(yes if row["answer"] else no, "bold")] for row in answers]
            story += [pdf.lines_table(rows, [PAGE * 0.84, PAGE * 0.16]), Spacer(1, 4 * mm)]
        story += [pdf.facts(_facts(consent), PAGE), Spacer(1, 6 * mm), KeepTogether(_signatures(consent))]
        title = words_of(consent.text, consent.language)["title"]
        return pdf.build(title=title, story=story, footer=_foot(consent.patient, consent.text))


def _head(patient: Patient, text: ConsentText, language: str) -> list[Any]:
    words = words_of(text, language)
    born = f"{patient.birth_label} ({patient.age_label})"
    facts = [
        (_("Patient"), patient.full_name),
        (_("Record number"), patient.record_number),
        (_("Born"), born),
        (_("Sex"), patient.sex_label),
        (_("Version of the text"), f"{text.version}, {pdf.day_in_words(text.published_at)}"),
    ]
    body = [pdf.text(part) for part in words["body"].split("\n\n")]
    spaced = [one for part in body for one in (part, Spacer(1, 1.1 * mm))]
    return [pdf.text(words["title"], "title"), Spacer(1, 2 * mm), pdf.facts(facts, PAGE), Spacer(1, 2.5 * mm), *spaced]


def _foot(patient: Patient, text: ConsentText) -> str:
    return _("Record number %(number)s · text version %(version)s") % {
        "number": patient.record_number,
        "version": text.version,
    }


def _facts(consent: Consent) -> list[tuple[str, str]]:
    facts = [
        (_("Answer"), str(consent.get_decision_display())),
        (_("Date and time"), pdf.moment_in_words(consent.given_at)),
        (_("Signed by"), _signer_words(consent)),
        (_("How"), str(consent.get_method_display())),
    ]
    if consent.kind == ConsentKind.GENERAL and consent.treatment_agreed is not None:
        relatives = "\n".join(
            ", ".join(part for part in (row["name"], row["relation_label"], row["contact"]) if part)
            for row in consent.relatives
        )
        facts.append((_("May be told"), relatives or _("nobody else")))
        facts.append((_("May not visit"), consent.visitors_refused or _("nobody is refused")))
        if consent.interpreter_language:
            facts.append((_("Interpreter for"), consent.interpreter_language))
    if consent.reason:
        facts.append((_("Reason"), consent.reason))
    officer = consent.officer or consent.recorded_by
    facts.append((_("Recorded by"), f"{officer.full_name}, {pdf.moment_in_words(consent.recorded_at)}"))
    facts.append((_("Seal"), consent.digest[:16]))
    return facts


def _signer_words(consent: Consent) -> str:
    relation = codes.shown("relation", consent.signer_relation_code) or consent.signer_relation_label
    return f"{consent.signer_name} ({relation})"


def _signatures(consent: Consent) -> Table:
    on_paper = _("See the signed paper in the record.") if consent.method == Consent.Method.PAPER else ""
    left: list[Any] = [pdf.text(_("Person responsible"), "small")]
    left += (
        [drawing(consent.signature)]
        if consent.signature
        else [pdf.text(on_paper or consent.get_method_display(), "small")]
    )
    left.append(pdf.text(_signer_words(consent), "bold"))
    right: list[Any] = []
    if consent.officer is not None:
        right.append(pdf.text(_("Officer who explained"), "small"))
        if consent.officer_signature:
            right.append(drawing(consent.officer_signature))
        elif consent.officer_proof:
            right.append(pdf.text(consent.get_officer_proof_display(), "small"))
        right.append(pdf.text(consent.officer.full_name, "bold"))
    return _two_columns(left, right)


def drawing(strokes: Strokes) -> Drawing:
    """Return a signature as lines on a sheet of `SIGNED`."""
    width, height = SIGNED
    sheet = Drawing(width, height)
    for line in strokes:
        points = [(x * width / WIDTH, height - y * height / HEIGHT) for x, y in line]
        if len(points) == 1:
            sheet.add(Circle(*points[0], 0.8, fillColor=pdf.INK, strokeColor=None))
        else:
            flat = [value for point in points for value in point]
            sheet.add(PolyLine(flat, strokeColor=pdf.INK, strokeWidth=1.3, strokeLineCap=1, strokeLineJoin=1))
    return sheet


def _boxes(questions: list[str]) -> Table:
    yes, no = _("Yes"), _("No")
    rows = [[pdf.text(question), _box(), pdf.text(yes), _box(), pdf.text(no)] for question in questions]
    table = Table(rows, colWidths=[PAGE - 34 * mm, 6 * mm, 10 * mm, 6 * mm, 12 * mm])
    table.setStyle(TableStyle([("LINEBELOW", (0, 0), (-1, -1), 0.5, pdf.LINE), ("VALIGN", (0, 0), (-1, -1), "MIDDLE"),
                               ("LEFTPADDING", (0, 0), (-1, -1), 0), ("RIGHTPADDING", (0, 0), (-1, -1), 0),
                               ("TOPPADDING", (0, 0), (-1, -1), 1.5),
                               ("BOTTOMPADDING", (0, 0), (-1, -1), 2)]))  # fmt: skip
    return table


def _box() -> Drawing:
    side = 3.6 * mm
    sheet = Drawing(side, side)
    sheet.add(Rect(0, 0, side, side, fillColor=None, strokeColor=pdf.INK, strokeWidth=0.8))
    return sheet


def _empty_relatives() -> list[Any]:
    head = [pdf.text(label, "head") for label in (_("May be told: name"), _("Relation"), _("Phone"))]
    rows = [head, *([Spacer(1, LINE_OF_INK), "", ""] for _row in range(EMPTY_RELATIVES))]
    refused = pdf.text(_("May not visit, or be told:") + " " + "." * 70)
    asked = pdf.text(_("Language of the interpreter:") + " " + "." * 40)
    return [pdf.lines_table(rows, [PAGE * 0.5, PAGE * 0.25, PAGE * 0.25]), Spacer(1, 2 * mm), refused, asked]


def _empty_signatures() -> list[Any]:
    line = "." * 46
    who = "   ".join(f"☐ {row.shown}" for row in codes.CODES["relation"])
    left = [
        pdf.text(_("Person responsible"), "small"),
        Spacer(1, ROOM_TO_SIGN),
        pdf.text(line),
        pdf.text(_("Name"), "small"),
    ]
    right = [
        pdf.text(_("Officer who explained"), "small"),
        Spacer(1, ROOM_TO_SIGN),
        pdf.text(line),
        pdf.text(_("Name"), "small"),
    ]
    place = pdf.text(f"{settings.CLINIC_CITY}, {'.' * 40}")
    return [place, Spacer(1, 2 * mm), pdf.text(who), Spacer(1, 1 * mm), _two_columns(left, right)]


def _two_columns(left: list[Any], right: list[Any]) -> Table:
    table = Table([[left, right]], colWidths=[PAGE / 2, PAGE / 2])
    table.setStyle(TableStyle([("VALIGN", (0, 0), (-1, -1), "TOP"), ("LEFTPADDING", (0, 0), (-1, -1), 0)]))
    return table

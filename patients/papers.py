"""Patient card, wristband and labels as PDF, for card, thermal and sheet printers.

The codes on them hold the record number and nothing else: whoever finds a card learns no NIK, no telephone number and
no birth date from the code, and the scanner types into the search box just what the desk would type.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from typing import Any

from django.conf import settings
from django.db import models
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, override
from reportlab.graphics import renderPDF
from reportlab.graphics.barcode.code128 import Code128
from reportlab.graphics.barcode.qr import QrCodeWidget
from reportlab.graphics.shapes import Drawing
from reportlab.lib.colors import Color, black, white
from reportlab.lib.units import mm
from reportlab.pdfbase.pdfmetrics import stringWidth
from reportlab.pdfgen.canvas import Canvas

from core import pdf
from core.pdf import BOLD, FONT, TEAL
from patients.models import Patient

CARD = (85.6 * mm, 53.98 * mm)  # ISO/IEC 7810 ID-1
SMALLEST = 5.0  # points; below this nobody reads a line
MOST_LABELS = 120


class Wristband(models.TextChoices):
    """The bands that thermal printers take."""

    ADULT = "adult", gettext_lazy("Adult, 25 × 250 mm")
    INFANT = "infant", gettext_lazy("Infant, 19 × 160 mm")


_BANDS = {Wristband.ADULT: (250 * mm, 25 * mm), Wristband.INFANT: (160 * mm, 19 * mm)}


class LabelSheet(models.TextChoices):
    """Kinds of label paper."""

    A4_24 = "a4_24", gettext_lazy("A4 sheet, 24 labels of 70 × 37 mm")
    A4_21 = "a4_21", gettext_lazy("A4 sheet, 21 labels of 63.5 × 38.1 mm")
    ROLL_50 = "roll_50", gettext_lazy("Roll, labels of 50 × 30 mm")


@dataclass(frozen=True)
class _Sheet:
    page: tuple[float, float]
    label: tuple[float, float]
    columns: int = 1
    rows: int = 1
    left: float = 0
    top: float = 0
    gap: float = 0  # between columns


_A4 = (210 * mm, 297 * mm)
_SHEETS = {
    LabelSheet.A4_24: _Sheet(_A4, (70 * mm, 37 * mm), 3, 8, 0, 0.5 * mm),
    LabelSheet.A4_21: _Sheet(_A4, (63.5 * mm, 38.1 * mm), 3, 7, 7.25 * mm, 15.15 * mm, 2.5 * mm),
    LabelSheet.ROLL_50: _Sheet((50 * mm, 30 * mm), (50 * mm, 30 * mm)),
}


def places_on(sheet: LabelSheet) -> int:
    """Return how many labels one page of this paper has."""
    return _SHEETS[sheet].columns * _SHEETS[sheet].rows


def card_pdf(patient: Patient, *, language: str = "id") -> bytes:
    """Return one page of the size of a bank card: name, record number, birth date, QR and bar code of the number."""
    width, height = CARD
    with override(language):
        canvas, out = _canvas(CARD, _("Patient card"))
        canvas.setFillColor(TEAL)
        canvas.rect(0, height - 12 * mm, width, 12 * mm, stroke=0, fill=1)
        _line(canvas, settings.CLINIC_NAME, 4 * mm, height - 6 * mm, width - 8 * mm, 10, bold=True, colour=white)
        contact = f"{settings.CLINIC_ADDRESS}, {settings.CLINIC_CITY} · {settings.CLINIC_PHONE}"
        _line(canvas, contact, 4 * mm, height - 10 * mm, width - 8 * mm, 6.5, colour=white)
        left, wide = 4 * mm, width - 33 * mm
        _line(canvas, _("Patient card"), left, height - 17 * mm, wide, 7, colour=pdf.MUTED)
        below = _two_lines(canvas, patient.display_name, left, height - 22 * mm, wide, 11)
        _line(canvas, f"{_('Born')} {patient.birth_label}", left, below - 1 * mm, wide, 7.5)
        _line(canvas, patient.record_number, left, 14.5 * mm, wide, 17, bold=True)
        _bars(canvas, patient.record_number, left, 4 * mm, wide, 8.5 * mm)
        _qr(canvas, patient.record_number, width - 27 * mm, 12.5 * mm, 24 * mm)
        note = _("Bring this card to every visit.")
        _two_lines(canvas, note, width - 27 * mm, 8.5 * mm, 24 * mm, 6, bold=False, colour=pdf.MUTED)
    return _done(canvas, out)


def wristband_pdf(patient: Patient, band: Wristband, *, language: str = "id") -> bytes:
    """Return one band: name, record number, birth date and age, sex, whether there are allergies, and the bar code.

    Allergies are said in words, since a thermal printer has one colour, and not by name: the record tells which.
    `patient` has the allergies loaded (`for_header`).
    """
    _width, height = size = _BANDS[band]
    small = band == Wristband.INFANT
    with override(language):
        canvas, out = _canvas(size, _("Wristband"))
        left, wide = (14 * mm if small else 22 * mm), (80 * mm if small else 118 * mm)
        name_size = 11 if small else 14
        top = height - (5.5 * mm if small else 6.5 * mm)
        _line(canvas, _addressed(patient), left, top, wide, name_size, bold=True)
        facts = [f"{_('Born')} {patient.birth_label} ({patient.age_label})", patient.sex_label]
        _line(canvas, " · ".join(facts), left, top - (5 if small else 6) * mm, wide, 8 if small else 9)
        number = f"{_('Record no.')} {patient.record_number}"
        _line(canvas, number, left, top - (10 if small else 12) * mm, wide * 0.5, 9 if small else 11, bold=True)
        _allergy_mark(canvas, patient, left + wide * 0.52, top - (11 if small else 13.2) * mm, wide * 0.48, small)
        clinic = f"{settings.CLINIC_NAME} · {settings.CLINIC_PHONE}"
        if not small:
            _line(canvas, clinic, left, 3 * mm, wide, 6.5)
        bars = left + wide + 4 * mm
        _bars(canvas, patient.record_number, bars, 4 * mm, 34 * mm, height - 8 * mm)
        _qr(canvas, patient.record_number, bars + 36 * mm, 2 * mm, height - 4 * mm)
    return _done(canvas, out)


def labels_pdf(patient: Patient, sheet: LabelSheet, *, count: int, first: int = 1, language: str = "id") -> bytes:
    """Return `count` equal labels, the first at place `first` of the first sheet (1 is the upper left).

    Raises:
        ValueError: a count or place outside the paper.
    """
    places = places_on(sheet)
    if not 1 <= count <= MOST_LABELS or not 1 <= first <= places:
        raise ValueError("no such label")
    form = _SHEETS[sheet]
    with override(language):
        canvas, out = _canvas(form.page, _("Labels"))
        for at in range(first - 1, first - 1 + count):
            if at >= places and at % places == 0:
                canvas.showPage()
            column, row = at % places % form.columns, at % places // form.columns
            x = form.left + column * (form.label[0] + form.gap)
            y = form.page[1] - form.top - (row + 1) * form.label[1]
            _label(canvas, patient, x, y, *form.label)
    return _done(canvas, out)


# --- Drawing --------------------------------------------------------------------------------------------------------


def _canvas(size: tuple[float, float], title: str) -> tuple[Canvas, BytesIO]:
    pdf.register_fonts()
    out = BytesIO()
    canvas = Canvas(out, pagesize=size, lang="id")
    canvas.setTitle(title)
    canvas.setAuthor(settings.CLINIC_NAME)
    return canvas, out


def _done(canvas: Canvas, out: BytesIO) -> bytes:
    canvas.showPage()
    canvas.save()
    return out.getvalue()


def _addressed(patient: Patient) -> str:
    return f"{patient.salutation} {patient.display_name}".strip()


def _label(canvas: Canvas, patient: Patient, x: float, y: float, width: float, height: float) -> None:
    pad = 3 * mm
    left, wide = x + pad, width - 2 * pad
    below = _two_lines(canvas, _addressed(patient), left, y + height - 6 * mm, wide, 9.5 if width > 55 * mm else 8)
    born = f"{patient.birth_label} ({patient.age_label})"
    _line(canvas, f"{born} · {patient.sex_label}", left, below, wide, 7)
    _line(canvas, f"{_('Record no.')} {patient.record_number}", left, below - 4.5 * mm, wide, 9, bold=True)
    tall = max(min(9 * mm, below - 6 * mm - y - 2.5 * mm), 4 * mm)
    _bars(canvas, patient.record_number, left, y + 2.5 * mm, min(wide, 48 * mm), tall)


def _allergy_mark(canvas: Canvas, patient: Patient, x: float, y: float, width: float, small: bool) -> None:
    status = Patient.AllergyStatus
    if patient.allergy_status == status.KNOWN:
        words = f" {_('ALLERGIES')} "
        size = 9.0 if small else 11.0
        box = min(stringWidth(words, BOLD, size) + 2 * mm, width)
        canvas.setFillColor(black)
        canvas.rect(x, y, box, (4 if small else 5) * mm, stroke=0, fill=1)
        _line(canvas, words, x + 1 * mm, y + (1 if small else 1.4) * mm, box - 1 * mm, size, bold=True, colour=white)
        return
    words = _("No known allergies") if patient.allergy_status == status.NONE else _("Allergies: not asked yet")
    _line(canvas, words, x, y + 0.8 * mm, width, 8)


def _line(
    canvas: Canvas, words: str, x: float, y: float, width: float, size: float, *, bold: bool = False,
    colour: Color = black,
) -> None:  # fmt: skip
    """Write one line that stays within `width`: smaller letters first, then cut with an ellipsis."""
    font = BOLD if bold else FONT
    smallest = max(SMALLEST, size * 0.7)
    while size > smallest and stringWidth(words, font, size) > width:
        size -= 0.25
    if stringWidth(words, font, size) > width:
        while words and stringWidth(f"{words}…", font, size) > width:
            words = words[:-1]
        words = f"{words.rstrip()}…"
    canvas.setFillColor(colour)
    canvas.setFont(font, size)
    canvas.drawString(x, y, words)


def _two_lines(
    canvas: Canvas, words: str, x: float, y: float, width: float, size: float, *, bold: bool = True,
    colour: Color = black,
) -> float:  # fmt: skip
    """Write a text in at most two lines, smaller when it is long, and return where the next line goes."""
    font = BOLD if bold else FONT
    smallest = max(SMALLEST, size * 0.6)
    while size > smallest and len(list(_wrapped(words, width, font, size))) > 2:
        size -= 0.25
    first, *rest = list(_wrapped(words, width, font, size)) or [""]
    for line in [first, *([" ".join(rest)] if rest else [])]:
        _line(canvas, line, x, y, width, size, bold=bold, colour=colour)
        y -= size * 1.2
    return y - 0.5 * mm


def _wrapped(words: str, width: float, font: str, size: float) -> Iterator[str]:
    line = ""
    for word in words.split():
        longer = f"{line} {word}".strip()
        if line and stringWidth(longer, font, size) > width:
            yield line
            longer = word
        line = longer
    if line:
        yield line


def _bars(canvas: Canvas, value: str, x: float, y: float, width: float, height: float) -> None:
    """Draw Code 128 as wide as it may be, with bars of a whole number of printer dots at 203 dpi where there is room."""
    dot = 25.4 / 203 * mm
    modules: Any = Code128(value, barWidth=1, quiet=False).width
    bar = width / modules
    if bar >= dot:
        bar = int(bar / dot) * dot
    canvas.setFillColor(black)
    Code128(value, barWidth=min(bar, 4 * dot), barHeight=height, quiet=False).drawOn(canvas, x, y)


def _qr(canvas: Canvas, value: str, x: float, y: float, side: float) -> None:
    code = QrCodeWidget(value, barLevel="M", barWidth=side, barHeight=side, barBorder=2)
    drawing = Drawing(side, side)
    drawing.add(code)
    renderPDF.draw(drawing, canvas, x, y)

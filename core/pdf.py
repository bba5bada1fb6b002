"""Papers: one look, one font with wide coverage, and no text of a person that is read as markup."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from functools import lru_cache
from io import BytesIO
from itertools import chain
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from django.conf import settings
from django.utils import formats
from django.utils.translation import gettext as _
from reportlab.lib import colors
from reportlab.lib.enums import TA_RIGHT
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.pdfmetrics import stringWidth
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import BaseDocTemplate, CondPageBreak, Frame, PageTemplate, Paragraph, Spacer, Table, TableStyle

from core import clock

FONT, BOLD = "DejaVuSans", "DejaVuSans-Bold"
TEAL = colors.HexColor("#0f6b66")
INK = colors.HexColor("#1d2b2a")
MUTED = colors.HexColor("#5b6b69")
LINE = colors.HexColor("#d5dfdd")
WASH = colors.HexColor("#f1f6f5")


@lru_cache(maxsize=1)
def register_fonts() -> None:
    """Make the two fonts known to ReportLab, once per process."""
    folder = Path(__file__).parent / "fonts"
    pdfmetrics.registerFont(TTFont(FONT, str(folder / "DejaVuSans.ttf")))
    pdfmetrics.registerFont(TTFont(BOLD, str(folder / "DejaVuSans-Bold.ttf")))
    pdfmetrics.registerFontFamily(FONT, normal=FONT, bold=BOLD, italic=FONT, boldItalic=BOLD)


STYLES: dict[str, ParagraphStyle] = {
    "body": ParagraphStyle("body", fontName=FONT, fontSize=9.5, leading=13.5, textColor=INK, splitLongWords=1),
    "small": ParagraphStyle("small", fontName=FONT, fontSize=8, leading=11, textColor=MUTED, splitLongWords=1),
    "bold": ParagraphStyle("bold", fontName=BOLD, fontSize=9.5, leading=13.5, textColor=INK, splitLongWords=1),
    "right": ParagraphStyle("right", fontName=FONT, fontSize=9.5, leading=13.5, textColor=INK, alignment=TA_RIGHT),
    "right_bold": ParagraphStyle(
        "right_bold", fontName=BOLD, fontSize=9.5, leading=13.5, textColor=INK, alignment=TA_RIGHT
    ),
    "title": ParagraphStyle("title", fontName=BOLD, fontSize=15, leading=19, textColor=TEAL),
    "section": ParagraphStyle(
        "section", fontName=BOLD, fontSize=11, leading=15, textColor=TEAL, spaceBefore=10, spaceAfter=4, keepWithNext=1
    ),
    "visit": ParagraphStyle(
        "visit",
        fontName=BOLD,
        fontSize=9.5,
        leading=13.5,
        textColor=INK,
        backColor=WASH,
        borderPadding=(3, 4, 3, 4),
        spaceBefore=6,
        spaceAfter=5,
        splitLongWords=1,
    ),
    "warning": ParagraphStyle(
        "warning",
        fontName=BOLD,
        fontSize=9.5,
        leading=13.5,
        textColor=INK,
        borderColor=INK,
        borderWidth=1,
        borderPadding=5,
        spaceBefore=6,
        spaceAfter=8,
        splitLongWords=1,
    ),
    "clinic": ParagraphStyle("clinic", fontName=BOLD, fontSize=11.5, leading=15, textColor=TEAL),
    "head": ParagraphStyle("head", fontName=BOLD, fontSize=8, leading=11, textColor=MUTED),
    "head_right": ParagraphStyle(
        "head_right", fontName=BOLD, fontSize=8, leading=11, textColor=MUTED, alignment=TA_RIGHT
    ),
}


def text(value: Any, style: str = "body") -> Paragraph:
    """Return a paragraph of plain text: markup in it is printed, not obeyed; line breaks stay."""
    register_fonts()
    return Paragraph(escape(str(value)).replace("\n", "<br/>"), STYLES[style])


def day_in_words(instant: datetime) -> str:
    """Return "5 Maret 2026" in the language of the paper, for an aware instant."""
    return formats.date_format(clock.local(instant), "DATE_FORMAT")


def moment_in_words(instant: datetime) -> str:
    """Return date and time with the clinic's zone."""
    return f"{formats.date_format(clock.local(instant), 'DATETIME_FORMAT')} {clock.zone_label()}"


def heading(words: Any, *, room: float) -> list[Any]:
    """Return the heading of a section that may be divided over pages; it wants `room` points, itself included, else it
    stands on the next page.
    """
    paragraph = text(words, "section")
    paragraph.keepWithNext = 0
    return [CondPageBreak(room), paragraph]


def facts(pairs: Sequence[tuple[str, Any]], width: float) -> Table:
    """Return two columns of small headings and values, for the head of a paper."""
    rows = [[text(label, "small"), text(value)] for label, value in pairs]
    table = Table(rows, colWidths=[width * 0.36, width * 0.64])
    table.setStyle(TableStyle([("VALIGN", (0, 0), (-1, -1), "TOP"), ("TOPPADDING", (0, 0), (-1, -1), 1),
                               ("BOTTOMPADDING", (0, 0), (-1, -1), 1), ("LEFTPADDING", (0, 0), (-1, -1), 0)]))  # fmt: skip
    return table


def lines_table(rows: list[list[Any]], widths: list[float], *, total_rows: int = 0, padding: float = 5) -> Table:
    """Return the table of a paper: a tinted head, thin lines, `total_rows` emphasised rows at the end. `padding` is the
    room above and below a row, in points.
    """
    table = Table(rows, colWidths=widths, repeatRows=1)
    style = [
        ("BACKGROUND", (0, 0), (-1, 0), WASH),
        ("LINEBELOW", (0, 0), (-1, -1), 0.5, LINE),
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
        ("TOPPADDING", (0, 0), (-1, -1), padding),
        ("BOTTOMPADDING", (0, 0), (-1, -1), padding),
        ("LEFTPADDING", (0, 0), (-1, -1), 6),
        ("RIGHTPADDING", (0, 0), (-1, -1), 6),
    ]
    if total_rows:
        style.append(("LINEABOVE", (0, -total_rows), (-1, -total_rows), 1, TEAL))
    table.setStyle(TableStyle(style))
    return table


def build(*, title: str, story: list[Any], footer: str = "", pagesize: tuple[float, float] = A4) -> bytes:
    """Return a finished PDF with the clinic's head on the first page and its name, footer and page number on each."""
    register_fonts()
    out = BytesIO()
    document = BaseDocTemplate(
        out,
        pagesize=pagesize,
        leftMargin=18 * mm,
        rightMargin=18 * mm,
        topMargin=16 * mm,
        bottomMargin=20 * mm,
        title=title,
        author=settings.CLINIC_NAME,
        lang="id",
    )
    width = document.width

    def page_foot(canvas: Any, doc: Any) -> None:
        canvas.saveState()
        canvas.setStrokeColor(LINE)
        canvas.line(doc.leftMargin, 14 * mm, doc.leftMargin + width, 14 * mm)
        canvas.setFont(FONT, 7.5)
        canvas.setFillColor(MUTED)
        canvas.drawString(
            doc.leftMargin, 10 * mm, f"{settings.CLINIC_NAME} · {footer}" if footer else settings.CLINIC_NAME
        )
        canvas.drawRightString(doc.leftMargin + width, 10 * mm, _("Page %(number)s") % {"number": doc.page})
        canvas.restoreState()

    # A frame without padding: text and tables begin at the same edge.
    frame = Frame(
        document.leftMargin, document.bottomMargin, width, document.height,
        leftPadding=0, rightPadding=0, topPadding=0, bottomPadding=0,
    )  # fmt: skip
    document.addPageTemplates([PageTemplate(frames=[frame], onPage=page_foot)])
    document.build([letterhead(width), Spacer(1, 6 * mm), *story])
    return out.getvalue()


class _CountingCanvas(Canvas):
    """Keeps finished pages until the number of all is known, then writes what each page says about itself."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._finished: list[dict[str, Any]] = []
        self.write_marks: Callable[[Canvas, int, int], None] | None = None

    def showPage(self) -> None:
        self._finished.append(dict(self.__dict__))
        self._startPage()

    def save(self) -> None:
        total = len(self._finished)
        for number, state in enumerate(self._finished, start=1):
            self.__dict__.update(state)
            if self.write_marks is not None:
                self.write_marks(self, number, total)
            super().showPage()
        super().save()


class _Refilled(list[Any]):
    """A story whose further parts are made when they are needed, so that a long paper does not lie in memory at once."""

    LOW = 40

    def __init__(self, parts: Iterable[list[Any]]) -> None:
        super().__init__()
        self._parts = iter(parts)

    def __len__(self) -> int:
        while super().__len__() < self.LOW:
            part = next(self._parts, None)
            if part is None:
                break
            self.extend(part)
        return super().__len__()


def build_long(*, title: str, parts: Iterable[list[Any]], head: str, footer: str) -> bytes:
    """Return a PDF of any length: the clinic's head first, `head` (whose paper it is) above and `footer` below each page,
    with "Page 2 of 9". `parts` are lists of flowables, asked for one after the other while pages are laid out.
    """
    register_fonts()
    out = BytesIO()
    document = BaseDocTemplate(
        out, pagesize=A4, leftMargin=18 * mm, rightMargin=18 * mm, topMargin=20 * mm, bottomMargin=22 * mm,
        title=title, author=settings.CLINIC_NAME, lang="id",
    )  # fmt: skip
    width = document.width

    def marks(canvas: Canvas, number: int, total: int) -> None:
        left, right = document.leftMargin, document.leftMargin + width
        canvas.saveState()
        canvas.setStrokeColor(LINE)
        canvas.line(left, 16 * mm, right, 16 * mm)
        canvas.line(left, A4[1] - 16 * mm, right, A4[1] - 16 * mm)
        canvas.setFillColor(INK)
        canvas.setFont(BOLD, 8)
        canvas.drawString(left, A4[1] - 14 * mm, _fitted(head, BOLD, 8, width * 0.8))
        canvas.setFillColor(MUTED)
        canvas.drawRightString(right, A4[1] - 14 * mm, _("CONFIDENTIAL"))
        canvas.setFont(FONT, 7.5)
        canvas.drawString(left, 12 * mm, _fitted(f"{settings.CLINIC_NAME} · {footer}", FONT, 7.5, width * 0.8))
        canvas.drawRightString(right, 12 * mm, _("Page %(number)s of %(total)s") % {"number": number, "total": total})
        canvas.restoreState()

    def counting(*args: Any, **options: Any) -> _CountingCanvas:
        canvas = _CountingCanvas(*args, **options)
        canvas.write_marks = marks
        return canvas

    frame = Frame(
        document.leftMargin, document.bottomMargin, width, document.height,
        leftPadding=0, rightPadding=0, topPadding=0, bottomPadding=0,
    )  # fmt: skip
    document.addPageTemplates([PageTemplate(frames=[frame])])
    document.build(_Refilled(chain([[letterhead(width), Spacer(1, 6 * mm)]], parts)), canvasmaker=counting)
    return out.getvalue()


def _fitted(words: str, font: str, size: float, width: float) -> str:
    if stringWidth(words, font, size) <= width:
        return words
    while words and stringWidth(f"{words}…", font, size) > width:
        words = words[:-1]
    return f"{words.rstrip()}…"


def letterhead(width: float) -> Table:
    """Return the clinic's name, licence and address above a coloured line."""
    contact = f"{settings.CLINIC_ADDRESS}, {settings.CLINIC_CITY}"
    left = [text(settings.CLINIC_NAME, "clinic"), text(contact, "small")]
    right = [
        text(_("Licence %(number)s") % {"number": settings.CLINIC_LICENSE}, "small"),
        text(f"{settings.CLINIC_PHONE} · {settings.CLINIC_EMAIL}", "small"),
    ]
    table = Table([[left, right]], colWidths=[width * 0.58, width * 0.42])
    table.setStyle(TableStyle([("LINEBELOW", (0, 0), (-1, -1), 1.5, TEAL), ("VALIGN", (0, 0), (-1, -1), "BOTTOM"),
                               ("LEFTPADDING", (0, 0), (-1, -1), 0), ("BOTTOMPADDING", (0, 0), (-1, -1), 6)]))  # fmt: skip
    return table

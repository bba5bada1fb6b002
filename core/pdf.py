"""Papers: one look, one font with wide coverage, and no text of a person that is read as markup."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from io import BytesIO
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
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.platypus import BaseDocTemplate, Frame, PageTemplate, Paragraph, Spacer, Table, TableStyle

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


def facts(pairs: Sequence[tuple[str, Any]], width: float) -> Table:
    """Return two columns of small headings and values, for the head of a paper."""
    rows = [[text(label, "small"), text(value)] for label, value in pairs]
    table = Table(rows, colWidths=[width * 0.36, width * 0.64])
    table.setStyle(TableStyle([("VALIGN", (0, 0), (-1, -1), "TOP"), ("TOPPADDING", (0, 0), (-1, -1), 1),
                               ("BOTTOMPADDING", (0, 0), (-1, -1), 1), ("LEFTPADDING", (0, 0), (-1, -1), 0)]))  # fmt: skip
    return table


def lines_table(rows: list[list[Any]], widths: list[float], *, total_rows: int = 0) -> Table:
    """Return the table of a paper: a tinted head, thin lines, `total_rows` emphasised rows at the end."""
    table = Table(rows, colWidths=widths, repeatRows=1)
    style = [
        ("BACKGROUND", (0, 0), (-1, 0), WASH),
        ("LINEBELOW", (0, 0), (-1, -1), 0.5, LINE),
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
        ("TOPPADDING", (0, 0), (-1, -1), 5),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 5),
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

"""The written notice of a failure to protect personal data (UU 27/2022, article 46, paragraph 2)."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import override
from reportlab.lib.units import mm
from reportlab.platypus import Spacer

from core import clock, pdf
from patients.models import Breach
from patients.services.breaches import DataKind

WIDTH = 174 * mm


def notice_pdf(breach: Breach, *, affected: int, language: str = "id") -> bytes:
    """Return the notice on the clinic's paper: which data, when and how, and what is done about it."""
    with override(language):
        kinds = ", ".join(str(DataKind(kind).label) for kind in breach.data_kinds) or "-"
        facts = [
            (_("Number"), breach.number),
            (_("Discovered at"), pdf.moment_in_words(breach.discovered_at)),
            (_("Began at"), pdf.moment_in_words(breach.began_at) if breach.began_at else _("not known")),
            (_("Ended at"), pdf.moment_in_words(breach.ended_at) if breach.ended_at else _("not known")),
            (_("People concerned"), str(affected)),
            (_("Data exposed"), kinds),
        ]
        contact = f"{settings.CLINIC_PHONE}, {settings.CLINIC_EMAIL}"
        story: list[Any] = [
            pdf.text(_("Notice of a failure to protect personal data"), "title"),
            pdf.text(_("Under article 46 of Law 27/2022 on Personal Data Protection."), "small"),
            Spacer(1, 4 * mm),
            pdf.facts(facts, WIDTH),
            pdf.text(_("When and how it happened"), "section"),
            pdf.text(breach.course or "-"),
            pdf.text(_("What is done about it"), "section"),
            pdf.text(breach.measures or "-"),
            pdf.text(_("Questions"), "section"),
            pdf.text(_("Ask us: %(contact)s.") % {"contact": contact}),
            Spacer(1, 8 * mm),
            pdf.text(f"{settings.CLINIC_CITY}, {pdf.day_in_words(clock.now())}"),
            pdf.text(settings.CLINIC_NAME, "bold"),
        ]
        return pdf.build(title=breach.number, story=story, footer=breach.number)

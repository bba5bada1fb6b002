"""The prescription on paper: who prescribed what for whom, and what became of it."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpResponse
from django.utils.translation import get_language, override
from django.utils.translation import gettext as _
from reportlab.lib.units import mm
from reportlab.platypus import KeepTogether, Spacer

from core import pdf
from core.numbers import format_quantity
from pharmacy.models import Prescription

WIDTH = 174 * mm


def prescription_pdf(prescription: Prescription, *, language: str = "id") -> bytes:
    """Return the prescription as PDF; text of people is printed as text, never read as markup.

    Contents: prescriber with SIP, date, patient with birth date, age, sex and record number, each line with quantity
    and directions. Source: Permenkes 73/2016, administrative review of prescriptions.
    """
    with override(language):
        story: list[Any] = [
            pdf.text(_("Prescription"), "title"),
            Spacer(1, 2 * mm),
            pdf.facts(_facts(prescription), WIDTH),
            Spacer(1, 5 * mm),
            pdf.lines_table(_rows(prescription), [WIDTH * 0.08, WIDTH * 0.44, WIDTH * 0.16, WIDTH * 0.32]),
            Spacer(1, 6 * mm),
            KeepTogether(_signature(prescription)),
        ]
        return pdf.build(title=prescription.number, story=story, footer=prescription.number)


def _facts(prescription: Prescription) -> list[tuple[str, str]]:
    patient, prescriber = prescription.patient, prescription.prescriber
    profile = getattr(prescriber, "staff_profile", None)
    born = f"{patient.birth_label} ({patient.age_label})"
    facts: list[tuple[str, str]] = [
        (_("Prescription number"), prescription.number),
        (_("Date"), pdf.moment_in_words(prescription.prescribed_at)),
        (_("Patient"), str(patient.full_name)),
        (_("Record number"), patient.record_number),
        (_("Born"), born),
        (_("Sex"), patient.sex_label),
        (_("Allergies"), _allergies(prescription)),
        (_("Prescriber"), str(prescriber.display_name)),
    ]
    if profile is not None and profile.sip_number:
        facts.append((_("Practice licence (SIP)"), profile.sip_number))
    facts.append((_("Status"), str(prescription.get_status_display())))
    if prescription.dispensed_at:
        facts.append((_("Handed over"), pdf.moment_in_words(prescription.dispensed_at)))
    return facts


def _allergies(prescription: Prescription) -> str:
    patient = prescription.patient
    if patient.allergies:
        return ", ".join(allergy.substance for allergy in patient.allergies)
    return str(patient.get_allergy_status_display())


def _rows(prescription: Prescription) -> list[list[Any]]:
    head = [pdf.text("R/", "head"), pdf.text(_("Medicine"), "head"), pdf.text(_("Quantity"), "head_right")]
    rows = [[*head, pdf.text(_("Directions"), "head")]]
    for item in sorted(prescription.items.all(), key=lambda item: item.position):
        quantity = f"{format_quantity(item.quantity)} {item.unit}"
        rows.append(
            [pdf.text(item.position), pdf.text(item.label, "bold"), pdf.text(quantity, "right"), pdf.text(item.signa)]
        )
    return rows


def _signature(prescription: Prescription) -> list[Any]:
    return [
        pdf.text(f"{settings.CLINIC_CITY}, {pdf.day_in_words(prescription.prescribed_at)}", "right"),
        pdf.text(_("Signed electronically by"), "right"),
        pdf.text(prescription.prescriber.display_name, "right_bold"),
    ]


def response(prescription: Prescription) -> HttpResponse:
    """Answer the paper in the page's language, under a name without patient data."""
    content = prescription_pdf(prescription, language=get_language() or settings.LANGUAGE_CODE)
    answer = HttpResponse(content, content_type="application/pdf")
    answer["Content-Disposition"] = f'inline; filename="{prescription.number.replace("/", "-")}.pdf"'
    answer["X-Content-Type-Options"] = "nosniff"
    return answer

"""A patient's record on paper: who, allergies, clinical basics, every visit; each page names the patient.

What stands in it is what the reader may see: every table is asked through its own scope.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.utils import formats
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, override
from reportlab.lib.units import mm
from reportlab.platypus import CondPageBreak, Spacer, Table, TableStyle

from core import clock, pdf
from core.numbers import format_quantity
from patients.models import (
    Allergy,
    Consent,
    ConsentKind,
    HistoryEntry,
    HistorySection,
    Patient,
    PatientDocument,
    PolicyCoverage,
    PregnancyStatus,
    Section,
)
from scheduling.models import Visit
from workspace.querysets import Entry, entry_of, with_clinical

WIDTH = 174 * mm
CHUNK = 25  # visits read at once
VISIT_BEGINS = 40 * mm  # room that its heading and first lines want at the foot of a page
TITLE = 14 * mm  # and the heading above the first
BASICS, VISITS, DOCUMENTS, ADMINISTRATION = "basics", "visits", "documents", "administration"
PARTS = {
    BASICS: gettext_lazy("Clinical basics"),
    VISITS: gettext_lazy("Visits"),
    DOCUMENTS: gettext_lazy("List of documents"),
    ADMINISTRATION: gettext_lazy("Policies and consents"),
}


@dataclass(frozen=True)
class RecordWish:
    """What of the record is wanted; empty dates set no limit."""

    since: date | None = None
    until: date | None = None
    parts: frozenset[str] = field(default_factory=lambda: frozenset(PARTS))

    def as_json(self) -> dict[str, Any]:
        days = {name: day.isoformat() if day else "" for name, day in (("since", self.since), ("until", self.until))}
        return {**days, "parts": sorted(self.parts)}

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> RecordWish:
        since, until = (date.fromisoformat(values[name]) if values[name] else None for name in ("since", "until"))
        return cls(since, until, frozenset(values["parts"]))


def wanted_visits(user: Any, patient: Patient, wish: RecordWish) -> QuerySet[Visit]:
    """Return the visits of the period that `user` may see and that were not cancelled."""
    visits = Visit.objects.visible_to(user).filter(patient=patient).exclude(status=Visit.Status.CANCELLED)
    if wish.since:
        visits = visits.filter(visit_on__gte=wish.since)
    if wish.until:
        visits = visits.filter(visit_on__lte=wish.until)
    return visits


def record_pdf(
    *, patient: Patient, reader: Any, wish: RecordWish, language: str = "id",
    tell: Callable[[int, int], None] | None = None,
) -> bytes:  # fmt: skip
    """Return the record as PDF for `reader`, who is named on every page as who printed it, with the moment.

    `patient` is loaded with its allergies (`for_header`). Visits are read in batches while pages are laid out, so a
    record of any length needs little memory; `tell(done, total)` hears of each batch of visits.
    """
    with override(language):
        head = " · ".join(
            [
                f"{_('Record no.')} {patient.record_number}",
                patient.display_name,
                f"{_('Born')} {patient.birth_label}",
            ]
        )
        printed = {"name": reader.display_name, "when": pdf.moment_in_words(clock.now())}
        return pdf.build_long(
            title=_("Medical record"),
            parts=_parts(patient, reader, wish, tell),
            head=head,
            footer=_("Printed by %(name)s, %(when)s") % printed,
        )


def _parts(
    patient: Patient, reader: Any, wish: RecordWish, tell: Callable[[int, int], None] | None
) -> Iterator[list[Any]]:
    yield [pdf.text(_("Medical record"), "title"), Spacer(1, 2 * mm), _table(_identity(patient))]
    yield _allergies(patient, reader)
    if BASICS in wish.parts:
        yield _basics(patient, reader)
    if VISITS in wish.parts:
        yield from _visits(patient, reader, wish, tell)
    if DOCUMENTS in wish.parts:
        yield _documents(patient, reader, wish)
    if ADMINISTRATION in wish.parts:
        yield _administration(patient, reader)


# --- Who ------------------------------------------------------------------------------------------------------------


def _identity(patient: Patient) -> list[tuple[str, str]]:
    missing = _("not recorded")
    born = ", ".join(part for part in (patient.birth_place, patient.birth_label) if part)
    blood = f"{patient.blood_type}{patient.rhesus}" if patient.blood_type else missing
    return [
        (_("Name"), patient.display_name),
        (_("Record number"), patient.record_number),
        ("NIK", patient.nik or missing),
        (_("Born"), f"{born} ({patient.age_label})"),
        (_("Sex"), patient.sex_label),
        (_("Blood type"), blood),
        (_("Address"), patient.address or missing),
        (_("Phone"), patient.phone_label or missing),
        (_("Mother's name"), patient.mother_name or missing),
        (_("Guarantor"), patient.guarantor_label),
        (_("Registered"), pdf.day_in_words(patient.created_at)),
    ]


def _allergies(patient: Patient, reader: Any) -> list[Any]:
    status = Patient.AllergyStatus
    asked = pdf.day_in_words(patient.allergy_asked_at) if patient.allergy_asked_at else ""
    rows = list(Allergy.objects.visible_to(reader).filter(patient=patient, status=Allergy.Status.ACTIVE).order_by("id"))
    if rows:
        words = "; ".join(_allergy(row) for row in rows)
        return [pdf.text(_("ALLERGIES: %(list)s") % {"list": words}, "warning")]
    if patient.allergy_status == status.NONE:
        return [pdf.text(_("Allergies: none known, asked on %(day)s.") % {"day": asked}, "warning")]
    return [pdf.text(_("Allergies: the patient was not asked yet."), "warning")]


def _allergy(row: Allergy) -> str:
    more = ", ".join(part for part in (row.reaction, row.severity_label) if part)
    return f"{row.substance} ({more})" if more else row.substance


# --- Clinical basics ------------------------------------------------------------------------------------------------


def _basics(patient: Patient, reader: Any) -> list[Any]:
    entries = HistoryEntry.objects.visible_to(reader).filter(patient=patient)
    by_section: dict[str, list[HistoryEntry]] = {}
    for entry in entries.exclude(status=HistoryEntry.Status.ENTERED_IN_ERROR).order_by("section", "id"):
        by_section.setdefault(entry.section, []).append(entry)
    asked = {row.section: row for row in HistorySection.objects.visible_to(reader).filter(patient=patient)}
    facts = [
        (str(section.label), _section(by_section.get(section.value, []), asked.get(section.value)))
        for section in Section
    ]
    pregnancy = PregnancyStatus.objects.visible_to(reader).filter(patient=patient, is_in_error=False).order_by("-id")
    if (newest := pregnancy.first()) is not None:
        facts.insert(0, (_("Pregnancy"), _pregnancy(newest)))
    return [pdf.text(_("Clinical basics"), "section"), _table(facts)]


def _section(entries: list[HistoryEntry], asked: HistorySection | None) -> str:
    if entries:
        return "\n".join(_history_line(entry) for entry in entries)
    if asked is not None and asked.is_none:
        return _("None, asked on %(day)s.") % {"day": pdf.day_in_words(asked.asked_at)}
    return _("Not asked yet.")


def _history_line(entry: HistoryEntry) -> str:
    since = _("since %(year)s") % {"year": entry.onset_year} if entry.onset_year else ""
    relation = str(entry.get_relation_display()) if entry.relation else ""
    over = str(entry.get_status_display()) if entry.status == HistoryEntry.Status.RESOLVED else ""
    return ", ".join(part for part in (entry.what, relation, entry.dose, since, over, entry.note) if part)


def _pregnancy(row: PregnancyStatus) -> str:
    due = _("due %(day)s") % {"day": _day(row.due_on)} if row.due_on else ""
    noted = _("recorded on %(day)s") % {"day": pdf.day_in_words(row.recorded_at)}
    return ", ".join(part for part in (str(row.get_state_display()), due, noted) if part)


# --- Visits ---------------------------------------------------------------------------------------------------------


def _visits(
    patient: Patient, reader: Any, wish: RecordWish, tell: Callable[[int, int], None] | None
) -> Iterator[list[Any]]:
    visits = wanted_visits(reader, patient, wish)
    total = visits.count()
    title = _("Visits (%(count)s)") % {"count": total}
    if not total:
        yield [pdf.text(title, "section"), pdf.text(_("No visits in this period."))]
        return
    yield pdf.heading(title, room=VISIT_BEGINS + TITLE)
    done, last = 0, None
    while batch := _batch(visits, reader, last):
        last = batch[-1].pk
        yield [item for visit in batch for item in _visit(entry_of(visit, patient.birth_date))]
        done += len(batch)
        if tell is not None:
            tell(done, max(total, done))


def _batch(visits: QuerySet[Visit], reader: Any, before: UUID | None) -> list[Any]:
    rows = visits if before is None else visits.filter(pk__lt=before)
    return list(with_clinical(rows, reader).order_by("-pk")[:CHUNK])


def _visit(entry: Entry) -> list[Any]:
    visit, note = entry.visit, entry.note
    heading = f"{_day(visit.visit_on)} · {visit.service.name} · {visit.doctor.display_name}"
    signed = ""
    if note is not None:
        who = {"name": note.author.display_name, "when": pdf.moment_in_words(note.signed_at or note.updated_at)}
        signed = _("Signed by %(name)s, %(when)s") % who
    return [CondPageBreak(VISIT_BEGINS), pdf.text(heading, "visit"), _facts_of(entry, signed), Spacer(1, 3 * mm)]


def _facts_of(entry: Entry, signed: str) -> Any:
    visit, note = entry.visit, entry.note
    facts: list[tuple[str, str]] = [(_("Visit"), f"{visit.number} · {visit.get_status_display()}")]
    if visit.complaint:
        facts.append((_("Complaint"), visit.complaint))
    if entry.readings:
        facts.append((_("Vital signs"), ", ".join(_reading(reading) for reading in entry.readings)))
    if entry.remark:
        facts.append((_("Remark"), entry.remark))
    if note is not None:
        for label, words in (
            (_("Subjective"), note.subjective),
            (_("Objective"), note.objective),
            (_("Assessment"), note.assessment),
            (_("Plan"), note.plan),
        ):
            if words:
                facts.append((label, words))
    else:
        facts.append((_("Note"), _("No signed note.")))
    if entry.diagnoses:
        facts.append((_("Diagnoses"), "\n".join(f"{row.code} {row.display}" for row in entry.diagnoses)))
    if entry.prescription is not None:
        lines = [
            f"{item.position}. {item.label}, {format_quantity(item.quantity)} {item.unit}: {item.signa}"
            for item in sorted(entry.items, key=lambda item: item.position)
        ]
        facts.append((_("Prescription"), "\n".join([f"{entry.prescription} · {_status(entry)}", *lines])))
    return _table(facts, closing=signed)


def _status(entry: Entry) -> str:
    return str(entry.prescription.get_status_display()) if entry.prescription is not None else ""


def _reading(reading: Any) -> str:
    return " ".join(str(part) for part in (reading.label, reading.value, reading.unit) if part)


# --- Tables of facts ------------------------------------------------------------------------------------------------

PIECE = 1200  # letters, and
PIECE_LINES = 25  # lines: a row of a table does not break over pages, so a long text becomes several rows


def _table(facts: list[tuple[str, str]], *, closing: str = "") -> Table:
    """Return labels and texts side by side, of any length; `closing` stands in small letters below, on the same page as
    the last of them.
    """
    rows = []
    for label, words in facts:
        for at, piece in enumerate(_pieces(words) or [""]):
            rows.append([pdf.text(label if at == 0 else "", "small"), pdf.text(piece)])
    if closing:
        rows.append([pdf.text(closing, "small"), ""])
    table = Table(rows, colWidths=[WIDTH * 0.22, WIDTH * 0.78])
    table.setStyle(TableStyle([("VALIGN", (0, 0), (-1, -1), "TOP"), ("TOPPADDING", (0, 0), (-1, -1), 1),
                               ("BOTTOMPADDING", (0, 0), (-1, -1), 1), ("LEFTPADDING", (0, 0), (-1, -1), 0)]))  # fmt: skip
    if closing:
        table.setStyle(TableStyle([("SPAN", (0, -1), (-1, -1)), ("NOSPLIT", (0, -2), (-1, -1))]))
    return table


def _pieces(words: str) -> list[str]:
    """Cut long text at line ends, blanks or, where it has none, anywhere."""
    pieces: list[str] = []
    lines = words.splitlines()
    for at in range(0, len(lines), PIECE_LINES):
        rest = "\n".join(lines[at : at + PIECE_LINES])
        while len(rest) > PIECE:
            cut = max(rest.rfind("\n", 0, PIECE), rest.rfind(" ", 0, PIECE))
            cut = cut if cut > PIECE // 2 else PIECE
            pieces.append(rest[:cut].rstrip())
            rest = rest[cut:].lstrip()
        pieces.append(rest)
    return pieces


# --- Papers ---------------------------------------------------------------------------------------------------------


def _documents(patient: Patient, reader: Any, wish: RecordWish) -> list[Any]:
    rows = PatientDocument.objects.visible_to(reader).current().filter(patient=patient).order_by("-id")
    kept = [
        row
        for row in rows
        if (wish.since is None or row.documented_on >= wish.since)
        and (wish.until is None or row.documented_on <= wish.until)
    ]
    story: list[Any] = [pdf.text(_("Documents (%(count)s)") % {"count": len(kept)}, "section")]
    if not kept:
        return [*story, pdf.text(_("No documents in this period."))]
    table = [[pdf.text(_("Date"), "head"), pdf.text(_("Kind"), "head"), pdf.text(_("Title"), "head")]]
    table += [
        [pdf.text(_day(row.documented_on)), pdf.text(row.get_category_display()), pdf.text(row.title or row.file_name)]
        for row in kept
    ]
    return [*story, pdf.lines_table(table, [WIDTH * 0.22, WIDTH * 0.28, WIDTH * 0.5])]


def _administration(patient: Patient, reader: Any) -> list[Any]:
    policies = PolicyCoverage.objects.visible_to(reader).filter(patient=patient, status=PolicyCoverage.Status.ACTIVE)
    facts = [
        (row.insurer.name, _policy(row)) for row in policies.select_related("insurer").order_by("-is_primary", "id")
    ]
    newest: dict[str, Consent] = {}
    for consent in Consent.objects.visible_to(reader).filter(patient=patient).select_related("text").order_by("id"):
        newest[consent.kind] = consent
    for kind in ConsentKind:
        if (found := newest.get(kind.value)) is None:
            facts.append((str(kind.label), _("Not asked yet.")))
        else:
            facts.append((str(kind.label), f"{found.get_decision_display()}, {pdf.day_in_words(found.given_at)}"))
    return [pdf.text(_("Policies and consents"), "section"), _table(facts)]


def _policy(row: PolicyCoverage) -> str:
    until = _("valid until %(day)s") % {"day": _day(row.valid_until)} if row.valid_until else ""
    return ", ".join(part for part in (row.masked_number, row.plan_class, until) if part)


def _day(day: date) -> str:
    return formats.date_format(day, "DATE_FORMAT")

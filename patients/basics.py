"""What is known about a patient beyond single visits, read for a screen: sections in three states, pregnancy, blood type."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from core import clock
from patients import conditions, pregnancy
from patients.models import BloodTyping, HistoryEntry, HistorySection, Patient, PregnancyStatus, Section

ICONS = {Section.CHRONIC: "pulse", Section.PAST: "history", Section.FAMILY: "users", Section.MEDICINES: "pill"}
ORDER = (Section.CHRONIC, Section.MEDICINES, Section.PAST, Section.FAMILY)

Status = HistoryEntry.Status


@dataclass(frozen=True)
class SectionView:
    """One section: who was asked last, what counts, what is over, what was wrong."""

    key: str
    asked: HistorySection | None
    entries: list[HistoryEntry] = field(default_factory=list)
    over: list[HistoryEntry] = field(default_factory=list)
    wrong: list[HistoryEntry] = field(default_factory=list)

    @property
    def label(self) -> str:
        return str(Section(self.key).label)

    @property
    def icon(self) -> str:
        return ICONS[Section(self.key)]

    @property
    def state(self) -> str:
        """ "known" (a list), "none" (asked, nothing now) or "unknown" (never asked)."""
        if self.entries:
            return "known"
        return "none" if self.asked is not None else "unknown"


@dataclass(frozen=True)
class PregnancyView:
    """The pregnancy state that counts today, and the rows before it."""

    is_offered: bool
    current: PregnancyStatus | None = None
    is_outdated: bool = False
    age: pregnancy.GestationalAge | None = None
    earlier: list[PregnancyStatus] = field(default_factory=list)
    wrong: list[PregnancyStatus] = field(default_factory=list)

    @property
    def is_pregnant(self) -> bool:
        return self.current is not None and self.current.state == pregnancy.State.PREGNANT and not self.is_outdated

    @property
    def is_breastfeeding(self) -> bool:
        return self.current is not None and self.current.state == pregnancy.State.BREASTFEEDING and not self.is_outdated

    @property
    def age_label(self) -> str:
        """The age of the pregnancy today, "24 weeks 3 days"; empty when no date is known."""
        if self.age is None:
            return ""
        return _("%(weeks)d weeks %(days)d days") % {"weeks": self.age.weeks, "days": self.age.days}


@dataclass(frozen=True)
class BloodView:
    """The blood type with its certainty."""

    label: str  # "AB+", "O"; empty when unknown
    typing: BloodTyping | None = None  # the row that proves `label`; None when it was only written down
    proven: BloodTyping | None = None  # the row that counts and says something else
    wrong: list[BloodTyping] = field(default_factory=list)

    @property
    def is_certain(self) -> bool:
        return self.typing is not None and self.typing.source == BloodTyping.Source.LAB

    @property
    def source_label(self) -> str:
        if self.typing is None:
            return _("Written down without proof") if self.label else ""
        return str(self.typing.get_source_display())


@dataclass(frozen=True)
class Basics:
    """Everything about one patient that a screen of the clinical basics shows."""

    patient_id: UUID
    sections: list[SectionView]
    pregnancy: PregnancyView
    blood: BloodView

    def section(self, key: str) -> SectionView:
        return next(section for section in self.sections if section.key == key)

    @property
    def chronic(self) -> SectionView:
        return self.section(Section.CHRONIC)


def read_basics(user: Any, patient: Patient) -> Basics:
    """Return what `user` may read; nothing for people who may not read the record. At most four queries."""
    return Basics(patient.pk, read_sections(user, patient), read_pregnancy(user, patient), read_blood(user, patient))


def read_sections(user: Any, patient: Patient) -> list[SectionView]:
    """Return the four sections in the order in which they are asked. Two queries, however many entries."""
    entries = HistoryEntry.objects.visible_to(user).filter(patient=patient)
    rows = list(entries.select_related("recorded_by", "closed_by").order_by("id"))
    asked = HistorySection.objects.visible_to(user).filter(patient=patient).select_related("asked_by")
    by_key = {row.section: row for row in asked}
    return [
        SectionView(
            key=key,
            asked=by_key.get(key),
            entries=[row for row in rows if row.section == key and row.status == Status.ACTIVE],
            over=[row for row in rows if row.section == key and row.status == Status.RESOLVED],
            wrong=[row for row in rows if row.section == key and row.status == Status.ENTERED_IN_ERROR],
        )
        for key in ORDER
    ]


def read_pregnancy(user: Any, patient: Patient) -> PregnancyView:
    """Return the state that counts today. One query for women of 10 to 55 years, none for others."""
    if not pregnancy.is_offered(patient):
        return PregnancyView(is_offered=False)
    rows = PregnancyStatus.objects.visible_to(user).filter(patient=patient)
    found = list(rows.select_related("recorded_by", "marked_by").order_by("-id")[:30])
    valid = [row for row in found if not row.is_in_error]
    current = valid[0] if valid else None
    if current is None:
        return PregnancyView(is_offered=True, wrong=found)
    today = clock.today()
    is_pregnant = current.state == pregnancy.State.PREGNANT
    return PregnancyView(
        is_offered=True,
        current=current,
        is_outdated=pregnancy.is_outdated(current, today),
        age=pregnancy.gestational_age(current.due_on, today) if is_pregnant and current.due_on else None,
        earlier=valid[1:],
        wrong=[row for row in found if row.is_in_error],
    )


def read_blood(user: Any, patient: Patient) -> BloodView:
    """Return the blood type, whether it is proven, and a proven one that contradicts it. One query."""
    rows = BloodTyping.objects.visible_to(user).filter(patient=patient)
    found = list(rows.select_related("recorded_by", "marked_by").order_by("-id")[:30])
    current = next((row for row in found if not row.is_in_error), None)
    label = f"{patient.blood_type}{patient.rhesus}"
    agrees = current is not None and f"{current.blood_type}{current.rhesus}" == label
    return BloodView(
        label=label,
        typing=current if agrees else None,
        proven=None if agrees else current,
        wrong=[row for row in found if row.is_in_error],
    )


@dataclass(frozen=True)
class Badge:
    """One word with its icon in the patient header."""

    label: str
    icon: str
    tone: str


def header_badges(user: Any, patient: Patient, basics: Basics | None = None) -> list[Badge]:
    """Return what everybody who treats must see first: pregnancy and lasting conditions, without the private ones.

    Pharmacists, who may not read the record, see the pregnancy. At most two queries; none when `basics` of this patient
    were read for the same person.
    """
    badges: list[Badge] = []
    state = basics.pregnancy if basics is not None else read_pregnancy(user, patient)
    if state.is_pregnant:
        weeks = f" ({state.age_label})" if state.age else ""
        badges.append(Badge(f"{_('Pregnant')}{weeks}", "baby", "danger"))
    elif state.is_breastfeeding:
        badges.append(Badge(_("Breastfeeding"), "baby", "warning"))
    chronic = HistoryEntry.objects.visible_to(user).filter(section=Section.CHRONIC, status=Status.ACTIVE)
    rows = basics.chronic.entries if basics is not None else list(chronic.filter(patient=patient).order_by("id"))
    for row in rows:
        listed = conditions.BY_CODE.get(row.code)
        if listed is not None and not listed.is_private:
            badges.append(Badge(row.what, "pulse", "neutral"))
    return badges

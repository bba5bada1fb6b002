"""What screens say about records that look alike: signs in words, and facts side by side."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from core import clock, indonesia
from patients.models import Patient, Sex, mask_nik
from patients.services import find_duplicates, likeness
from patients.services.likeness import Facts


class Words(NamedTuple):
    """How one sign is shown."""

    label: str | Promise
    tone: str
    icon: str


SIGNS: dict[str, Words] = {
    likeness.NIK: Words(gettext_lazy("Same NIK"), "danger", "card"),
    likeness.BPJS: Words(gettext_lazy("Same BPJS card number"), "danger", "card"),
    likeness.NAME: Words(gettext_lazy("Similar name"), "warning", "user"),
    likeness.BIRTH: Words(gettext_lazy("Same date of birth"), "warning", "calendar"),
    likeness.NEAR_BIRTH: Words(gettext_lazy("Date of birth nearly the same"), "warning", "calendar"),
    likeness.MOTHER: Words(gettext_lazy("Same mother's name"), "warning", "users"),
    likeness.BABY: Words(gettext_lazy("Baby of the same mother"), "warning", "baby"),
    likeness.PHONE: Words(gettext_lazy("Same phone"), "neutral", "phone"),
    likeness.OTHER_NIK: Words(gettext_lazy("Another NIK"), "neutral", "x-circle"),
    likeness.OTHER_MOTHER: Words(gettext_lazy("Another mother's name"), "neutral", "x-circle"),
    likeness.OTHER_SEX: Words(gettext_lazy("Another sex"), "neutral", "x-circle"),
}
QUICK_REASONS = (
    gettext_lazy("Twins"),
    gettext_lazy("Another person of the same name"),
    gettext_lazy("Identity card compared: another person"),
)

SAME, SIMILAR, DIFFERS, MISSING = "same", "similar", "differs", "missing"
AGREEMENTS: dict[str, Words] = {
    SAME: Words(gettext_lazy("same"), "success", "check"),
    SIMILAR: Words(gettext_lazy("similar"), "warning", "alert-triangle"),
    DIFFERS: Words(gettext_lazy("differs"), "danger", "x-circle"),
    MISSING: Words(gettext_lazy("one is missing"), "neutral", "minus"),
}


@dataclass(frozen=True)
class Line:
    """One fact of two records beside each other."""

    name: str
    label: str
    first: str
    second: str
    agreement: str

    @property
    def words(self) -> Words:
        return AGREEMENTS[self.agreement]


def sign_words(signs: Iterable[str]) -> list[Words]:
    """Return how the signs of a likeness are shown, in their order; a sign this version does not know is left out."""
    return [SIGNS[sign] for sign in signs if sign in SIGNS]


def strength(score: int) -> str:
    """Return the score in a word."""
    if score >= 85:
        return _("almost certainly the same person")
    if score >= likeness.HIGH:
        return _("probably the same person")
    return _("possibly the same person") if score >= likeness.LISTED else _("weak sign")


def agreement(first: Any, second: Any, *, similar: bool = False) -> str:
    """Return whether two values agree; letters in capitals or not are the same."""
    if not first or not second:
        return MISSING
    if first == second or (isinstance(first, str) and first.casefold() == str(second).casefold()):
        return SAME
    return SIMILAR if similar else DIFFERS


def panel_context(user: Any, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the panel beside a registration shows, from the clean values of a form that may be half filled."""
    phone = values.get("phone") or ""
    typed = Facts(
        full_name=values.get("full_name") or "", birth_date=values.get("birth_date"), nik=values.get("nik") or "",
        mother_name=values.get("mother_name") or "", bpjs_number=values.get("bpjs_number") or "",
        phone=(indonesia.phone_or_none(phone) or "") if phone else "", sex=values.get("sex") or "",
    )  # fmt: skip
    duplicates = find_duplicates(user=user, **vars(typed))
    return {
        "duplicates": [
            {
                "patient": patient,
                "signs": sign_words(patient.signs),
                "score": patient.score,
                "strength": strength(patient.score),
                "lines": _typed_lines(typed, patient) if patient.score >= likeness.LISTED else [],
            }
            for patient in duplicates
        ],
        "same_nik": any(likeness.NIK in patient.signs for patient in duplicates),
        "needs_reason": any(patient.score >= likeness.HIGH for patient in duplicates),
        "reason": values.get("duplicate_reason", ""),
        "quick_reasons": QUICK_REASONS,
    }


def _typed_lines(typed: Facts, patient: Patient) -> list[Line]:
    """Return what was typed beside what is recorded; facts that were not typed are left out."""
    known = Facts.of(patient)
    return [line for line in _fact_lines(typed, known) if line.first]


def _fact_lines(first: Facts, second: Facts) -> list[Line]:
    def line(name: str, label: str, shown: Any, *, similar: bool = False) -> Line:
        one, other = getattr(first, name), getattr(second, name)
        return Line(name, label, shown(one), shown(other), agreement(one, other, similar=similar))

    return [
        line("full_name", _("Full name"), str, similar=likeness.is_similar_name(first.full_name, second.full_name)),
        line(
            "birth_date", _("Date of birth"), _short_day,
            similar=bool(first.birth_date and second.birth_date)
            and likeness.is_near_date(first.birth_date, second.birth_date),  # type: ignore[arg-type]
        ),
        line("sex", _("Sex"), sex_label),
        line("nik", _("NIK"), mask_nik),
        line("bpjs_number", _("BPJS card number"), masked),
        line(
            "mother_name", _("Mother's name"), str,
            similar=likeness.is_similar_name(first.mother_name, second.mother_name),
        ),
        line("phone", _("Phone"), phone_label),
    ]  # fmt: skip


def _short_day(day: Any) -> str:
    return date_format(day, "SHORT_DATE_FORMAT") if day else ""


def day_label(day: Any) -> str:
    """Return a date as people read it: "5 Januari 2026"."""
    return f"{date_format(day, 'DATE_FORMAT')} ({clock.age_label(day)})" if day else ""


def phone_label(number: str | None) -> str:
    """Return a telephone number as people read it."""
    return indonesia.format_phone(number) if number else ""


def sex_label(sex: str) -> str:
    """Return the word for a sex."""
    return str(Sex(sex).label) if sex in Sex.values else ""


def masked(number: str) -> str:
    """Return a number as lists show it: its last four digits."""
    return f"{'•' * max(len(number) - 4, 0)}{number[-4:]}" if number else ""

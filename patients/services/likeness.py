"""How much two sets of facts look like one person: signs in words, and one score from them. Pure: no table is asked.

The points and why they are what they are: docs/adr/0023-duplicates-and-merge.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from core import indonesia
from core.likeness import is_similar
from core.search.folding import fold_name, is_one_slip

NIK, BPJS, NAME, BIRTH, NEAR_BIRTH = "nik", "bpjs", "name", "birth_date", "near_birth_date"
MOTHER, PHONE, BABY = "mother", "phone", "baby"
OTHER_NIK, OTHER_MOTHER, OTHER_SEX = "other_nik", "other_mother", "other_sex"

POINTS = {
    NIK: 100, BPJS: 85, BIRTH: 35, NEAR_BIRTH: 20, MOTHER: 20, PHONE: 10, BABY: 15,
    OTHER_NIK: -25, OTHER_MOTHER: -5, OTHER_SEX: -10,
}  # fmt: skip
SAME_NAME, SIMILAR_NAME = 40, 30
HIGH = 65  # at the desk: a reason is needed to register beside such a record
LISTED = 50  # in the work list
BABY_YEARS = 1  # so young, children carry the mother's name or none: mother and birth date tell them apart
# What is written when the mother's name is not known: equal for many people.
NO_NAME = frozenset(
    {"tidak diketahui", "tidak tahu", "tidak ada", "belum diketahui", "tdk diketahui", "unknown", "tidak dikenal"}
)


@dataclass(frozen=True)
class Facts:
    """What is known of one person, as far as it is compared. Empty is not known."""

    full_name: str = ""
    birth_date: date | None = None
    mother_name: str = ""
    nik: str = ""
    bpjs_number: str = ""
    phone: str = ""  # E.164
    sex: str = ""

    @classmethod
    def of(cls, patient: Any) -> Facts:
        """Return the facts of a patient, or of anything with these attributes."""
        return cls(
            full_name=patient.full_name,
            birth_date=patient.birth_date,
            mother_name=patient.mother_name or "",
            nik=patient.nik or "",
            bpjs_number=patient.bpjs_number or "",
            phone=patient.phone or "",
            sex=patient.sex,
        )


@dataclass(frozen=True)
class Likeness:
    """What two sets of facts have in common, strongest sign first, and the score from 0 to 100."""

    signs: tuple[str, ...] = ()
    score: int = 0

    @property
    def is_high(self) -> bool:
        """True when nobody should make a second record without saying why."""
        return self.score >= HIGH


def compare(first: Facts, second: Facts, *, today: date) -> Likeness:
    """Return how alike two sets of facts are. Facts that one side lacks count neither for nor against."""
    same_name = _name_points(first.full_name, second.full_name)
    found = {sign for sign, holds in _signs(first, second, today) if holds}
    if same_name:
        found.add(NAME)
    if not found & {NIK, BPJS, NAME, PHONE} and not {MOTHER, BIRTH} <= found:
        return Likeness()
    points = same_name + sum(POINTS.get(sign, 0) for sign in found)
    order = [NIK, BPJS, NAME, *POINTS]
    return Likeness(tuple(sorted(found, key=order.index)), max(0, min(points, 100)))


def _signs(first: Facts, second: Facts, today: date) -> Iterator[tuple[str, bool]]:
    niks = _both(first.nik, second.nik)
    yield NIK, niks and first.nik == second.nik != indonesia.NIK_PLACEHOLDER
    yield OTHER_NIK, niks and first.nik != second.nik and not is_one_slip(first.nik, second.nik)
    yield BPJS, _both(first.bpjs_number, second.bpjs_number) and first.bpjs_number == second.bpjs_number
    yield PHONE, _both(first.phone, second.phone) and first.phone == second.phone
    one, other = first.birth_date, second.birth_date
    is_born_alike = one is not None and one == other
    yield BIRTH, is_born_alike
    yield NEAR_BIRTH, one is not None and other is not None and is_near_date(one, other)
    mothers = _both(_known_name(first.mother_name), _known_name(second.mother_name))
    is_one_mother = mothers and is_similar_name(first.mother_name, second.mother_name)
    yield MOTHER, is_one_mother
    yield OTHER_MOTHER, mothers and not is_one_mother
    yield BABY, is_one_mother and is_born_alike and one is not None and is_baby(one, today)
    known = ("male", "female")
    yield OTHER_SEX, first.sex in known and second.sex in known and first.sex != second.sex


def _both(first: str, second: str) -> bool:
    return bool(first) and bool(second)


def _known_name(name: str) -> str:
    return "" if " ".join(name.lower().split()) in NO_NAME else name


def _name_points(first: str, second: str) -> int:
    if not first.strip() or not second.strip():
        return 0
    if not is_similar_name(first, second):
        return 0
    return SAME_NAME if sorted(fold_name(first)) == sorted(fold_name(second)) else SIMILAR_NAME


def is_similar_name(first: str, second: str) -> bool:
    """True when two full names may be one person's: see `core.likeness`, with its precision and recall."""
    return is_similar(first, second)


def is_baby(birth_date: date, today: date) -> bool:
    """True for somebody born within the last year."""
    return birth_date > today - timedelta(days=366 * BABY_YEARS)


def is_near_date(first: date, second: date) -> bool:
    """True when day and month are swapped, or exactly one digit of DD-MM-YYYY differs."""
    if first == second:
        return False
    if (first.day, first.month, first.year) == (second.month, second.day, second.year):
        return True
    return sum(one != other for one, other in zip(_digits(first), _digits(second), strict=True)) == 1


def _digits(day: date) -> str:
    return f"{day.day:02}{day.month:02}{day.year:04}"


def swapped_date(day: date) -> date | None:
    """Return the date with day and month swapped, or None when that is no other date."""
    return date(day.year, day.day, day.month) if day.day <= 12 and day.day != day.month else None


def near_dates(day: date, *, today: date) -> list[date]:
    """Return every other date that `is_near_date` and that somebody alive may be born on: about 40."""
    found = set()
    written = _digits(day)
    for at in range(len(written)):
        for digit in "0123456789":
            text = f"{written[:at]}{digit}{written[at + 1 :]}"
            try:
                found.add(date(int(text[4:]), int(text[2:4]), int(text[:2])))
            except ValueError:
                continue
    swapped = swapped_date(day)
    if swapped is not None:
        found.add(swapped)
    oldest = today.year - 130
    return sorted(other for other in found if other != day and oldest <= other.year and other <= today)

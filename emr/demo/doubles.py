"""Records of people who were registered twice: pairs that wait on the list, one found distinct, one merged."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from random import Random
from typing import Any

from core.search.folding import fold_name
from patients.models import DuplicatePair, Patient
from patients.services import duplicate_scan, likeness, merging, pairs
from patients.services.identity import register_patient

OLD_SPELLING = (("u", "oe"), ("c", "tj"), ("y", "j"))
WAITING = 4


class Doubles:
    """Registers a few people of the demo a second time, as it happens at a busy desk."""

    def __init__(self, random: Random, clerk: Any, admin: Any) -> None:
        self.random, self.clerk, self.admin = random, clerk, admin

    def build(self, people: Sequence[Patient]) -> None:
        """Make the doubles of grown-ups without a portal account, and let the nightly look find them."""
        grown = [row for row in people if row.user_id is None and len(fold_name(row.full_name)) > 1 and row.mother_name]
        originals = self.random.sample(grown, WAITING + 2)
        doubles = [self._again(number, row) for number, row in enumerate(originals)]
        duplicate_scan.scan_all()
        merging.merge_patients(
            survivor_id=originals[-1].pk, merged_id=doubles[-1].pk, values={}, actor=self.admin,
            reason="KTP sama, terdaftar dua kali pada hari yang ramai",
        )  # fmt: skip
        first, second = sorted((originals[-2].pk, doubles[-2].pk))
        pair = DuplicatePair.objects.filter(first_id=first, second_id=second).first()
        if pair is not None:
            pairs.decide_distinct(pair_id=pair.pk, reason="Saudara kembar, KTP berbeda", actor=self.admin)

    def _again(self, number: int, original: Patient) -> Patient:
        return register_patient(
            actor=self.clerk,
            full_name=_otherwise(original.full_name, number),
            birth_date=_slipped(original.birth_date) if number % 2 else original.birth_date,
            sex=original.sex,
            mother_name=original.mother_name,
            phone=original.phone if number % 3 else None,
            address=original.address if number % 3 == 1 else "",
            duplicate_reason="Nama sama, orang lain",
        )


def _otherwise(name: str, number: int) -> str:
    """Write a name in another way: in the old spelling, or with the words the other way round."""
    for new, old in OLD_SPELLING[number % len(OLD_SPELLING) :]:
        if new in name.lower():
            return name.lower().replace(new, old).title()
    return " ".join(reversed(name.split()))


def _slipped(day: date) -> date:
    """Swap day and month where that is a date, else write the year with one digit wrong."""
    swapped = likeness.swapped_date(day)
    return swapped or day.replace(day=min(day.day, 28), year=day.year - 10)

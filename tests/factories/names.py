"""Invented people by number: names drawn by Zipf's law, everything else follows from the number. For distractors and benchmarks."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from uuid import UUID

from core.name_words import KNOWN

COMMON = tuple(
    """
    Muhammad Siti Nur Ahmad Abdul Sri Dewi Agus Budi Putri Putra Sari Eko Dwi Tri Rizki Ade Andi Dian Indra Hendra Joko
    Slamet Bambang Sutrisno Supriyadi Suryadi Wahyu Yusuf Ibrahim Ismail Ali Hasan Husein Umar Usman Abdullah Rahman
    Rahmat Hidayat Saputra Pratama Setiawan Kurniawan Wijaya Susanto Santoso Hartono Lestari Wati
    """.split()  # noqa: SIM905 - a list of fifty lines says less
)
MADE_UP = 15_000
STARTS = ("", "b", "d", "g", "h", "j", "k", "l", "m", "n", "p", "r", "s", "t", "w", "y", "ny", "c", "z", "f")
VOWELS = ("a", "a", "i", "u", "e", "o")
ENDS = ("", "", "", "n", "r", "s", "ng", "h", "t", "m", "l")
OLD_SPELLINGS = (("u", "oe"), ("y", "j"), ("c", "tj"), ("j", "dj"))
FIRST_INSTANT_MS = 1_600_000_000_000
MERGED_EVERY = 1000


@dataclass(frozen=True)
class Person:
    """What is invented about person `number`."""

    number: int
    id: UUID
    full_name: str
    birth_date: date
    nik: str | None
    phone: str | None
    bpjs_number: str
    old_number: str
    is_merged: bool

    @property
    def record_number(self) -> str:
        return f"{self.number:06d}"


@lru_cache(maxsize=1)
def words() -> tuple[str, ...]:
    """Return the words of names, the commonest first: common, known in the country, made up."""
    rng = random.Random(4)
    found = dict.fromkeys([*COMMON, *sorted((word.capitalize() for word in KNOWN), key=lambda _word: rng.random())])
    wanted = len(found) + MADE_UP
    while len(found) < wanted:
        syllables = rng.choice((2, 2, 3, 3, 3, 4))
        parts = [rng.choice(STARTS) + rng.choice(VOWELS) for _syllable in range(syllables)]
        found.setdefault(("".join(parts) + rng.choice(ENDS)).capitalize())
    return tuple(found)


def person(number: int) -> Person:
    """Return person `number`, from 1 on: always the same one."""
    rng = random.Random(number)
    known = words()
    top = math.log(len(known))
    how_many = rng.choices((1, 2, 3, 4), (10, 45, 35, 10))[0]
    name = [known[int(math.exp(rng.random() * top)) - 1] for _word in range(how_many)]
    if name[0] == "Muhammad" and how_many > 1:
        name[0] = rng.choice(("Muhammad", "Muhammad", "Mohamad", "Moh.", "M.", "Muh."))
    if rng.random() < 0.05:
        for new, old in OLD_SPELLINGS:
            name[-1] = name[-1].replace(new, old)
    born = date(1930, 1, 1) + timedelta(days=rng.randrange(35_000))
    if rng.random() < 0.08:
        born = born.replace(month=1, day=1)
    district, serial = number // 9999 % 100, number % 9999 + 1
    return Person(
        number=number,
        id=UUID(int=(FIRST_INSTANT_MS + number * 100) << 80 | 7 << 76 | 2 << 62 | rng.getrandbits(60)),
        full_name=" ".join(name),
        birth_date=born,
        nik=f"21{district:02d}{rng.randrange(1, 90):02d}{born:%d%m%y}{serial:04d}" if rng.random() < 0.9 else None,
        phone=f"+62812{number // 2:08d}" if rng.random() < 0.85 else None,
        bpjs_number=f"{1_000_000_000 + number * 7:013d}" if rng.random() < 0.6 else "",
        old_number=f"K-{number * 3:07d}" if rng.random() < 0.2 else "",
        is_merged=number % MERGED_EVERY == 0,
    )

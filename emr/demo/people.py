"""Invented people of Batam: names of many peoples, addresses, and NIK that look right and belong to nobody by intent."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from random import Random
from typing import Any

from emr.demo.content import document
from patients.details import Address

CHILD_YEARS = 15
# Share of patients by age in completed years, roughly a city clinic with paediatrics and obstetrics.
AGE_BANDS = ((0, 1, 6), (2, 5, 10), (6, 14, 10), (15, 24, 14), (25, 39, 30), (40, 59, 20), (60, 82, 10))
# Names every new screen should survive: one word, apostrophes, very long, quotes that look like markup.
NOTABLE = (
    ("Suharti", "female", 41),
    ("Nu'man Ma'ruf", "male", 36),
    ("Raden Ajeng Siti Nurhaliza Kusumawardhani binti Haji Muhammad Zulkifli Al-Fauzan", "female", 29),
    ("Tan Mei-Ling", "female", 52),
    ("Bayi Ny. Rohani", "female", 0),
)


@dataclass(frozen=True)
class Person:
    """One invented person; `nik` is None for babies without one yet."""

    full_name: str
    sex: str
    birth_date: date
    birth_place: str
    nik: str | None
    address: Address
    mother_name: str
    phone: str


class Population:
    """Makes people from a seeded random source, never two with the same NIK."""

    def __init__(self, random: Random, today: date) -> None:
        self.random = random
        self.today = today
        self.styles: list[dict[str, Any]] = document("names")["styles"]
        self.districts: list[dict[str, Any]] = document("addresses")["kecamatan"]
        self.niks: set[str] = set()

    def person(self) -> Person:
        low, high, _weight = self.random.choices(AGE_BANDS, weights=[band[2] for band in AGE_BANDS])[0]
        age = self.random.randint(low, high)
        sex = "female" if self.random.random() < (0.62 if 18 <= age < 45 else 0.5) else "male"
        style = self.random.choices(self.styles, weights=[style["weight"] for style in self.styles])[0]
        return self._build(self._name(style, sex), sex, age, style)

    def notable(self) -> list[Person]:
        """The people of NOTABLE, in order."""
        return [self._build(name, sex, age, self.styles[0]) for name, sex, age in NOTABLE]

    def _name(self, style: dict[str, Any], sex: str) -> str:
        parts = style[sex]
        pattern = self.random.choice(parts["patterns"])
        values = {key: self.random.choice(choices) for key, choices in parts.items() if key != "patterns"}
        return str(pattern.format(**values))

    def _build(self, name: str, sex: str, age: int, style: dict[str, Any]) -> Person:
        born = self.today - timedelta(days=round(age * 365.25) + self.random.randint(5, 350))
        district = self.random.choices(self.districts, weights=[len(row["streets"]) for row in self.districts])[0]
        village = self.random.choice(district["kelurahan"])
        street = self.random.choice(district["streets"])
        address = Address(
            line=f"{street} No. {self.random.randint(1, 120)}",
            rt=f"{self.random.randint(1, 12):03d}",
            rw=f"{self.random.randint(1, 20):03d}",
            village=village["name"],
            district=district["name"],
            regency="Kota Batam",
            province="Kepulauan Riau",
            postal_code=village["postal_code"],
        )
        nik = None if age == 0 else self._nik(district["nik_code"], born, sex)
        phone = f"+628{self.random.choice(('12', '13', '21', '52', '77', '78'))}{self.random.randint(10_000_00, 99_999_99):07d}"
        mother = self.random.choice(style["mother_names"])
        return Person(name, sex, born, self.random.choice(style["birth_places"]), nik, address, mother, phone)

    def _nik(self, district: str, born: date, sex: str) -> str:
        day = born.day + (40 if sex == "female" else 0)
        while True:
            nik = f"{district}{day:02d}{born:%m%y}{self.random.randint(1, 60):04d}"
            if nik not in self.niks:
                self.niks.add(nik)
                return nik

"""What a registration holds beside the identity, for the people of the demo: addresses, social data, somebody to call."""

from __future__ import annotations

from datetime import date
from random import Random
from typing import Any

from core import clock
from emr.demo.people import Person
from patients import codes
from patients.details import Address, address_text
from patients.models import Patient, PatientAddress, PatientContact, PatientDemographics, Region
from patients.regions import fold

ADULT_YEARS = 18
# Shares of a city on an island of migrants; codes of `patients.codes`.
RELIGIONS = ("1", "1", "1", "1", "1", "1", "2", "2", "3", "5")
EDUCATION = ("2", "3", "3", "3", "4", "6", "6", "7")
OCCUPATIONS = ("0", "1", "4", "4", "4", "4", "5", "3")
ETHNICITIES = ("Melayu", "Jawa", "Batak", "Minangkabau", "Tionghoa", "Bugis", "Flores", "Sunda")


class Registration:
    """Makes the rows of many people with a few statements."""

    def __init__(self, random: Random, today: date) -> None:
        self.random = random
        self.today = today
        rows = Region.objects.filter(level=Region.Level.VILLAGE).select_related("parent__parent__parent")
        self.villages = {(fold(row.name), fold(row.parent.name)): row for row in rows if row.parent is not None}

    def address_text(self, address: Address) -> str:
        """Return the printable address."""
        return address_text(self._columns(address))

    def build(self, people: list[tuple[Patient, Person]]) -> None:
        """Write addresses, social data and emergency contacts; a few people have none yet."""
        addresses, social, contacts = [], [], []
        for patient, person in people:
            stamp = patient.created_at
            columns = self._columns(person.address)
            addresses.append(
                PatientAddress(patient=patient, use=PatientAddress.Use.IDENTITY, updated_at=stamp, **columns)
            )
            if self.random.random() < 0.85:
                social.append(PatientDemographics(patient=patient, updated_at=stamp, **self._social(patient)))
            if self.random.random() < 0.6:
                contacts.append(self._contact(patient, person))
        PatientAddress.objects.bulk_create(addresses, batch_size=200)
        PatientDemographics.objects.bulk_create(social, batch_size=200)
        PatientContact.objects.bulk_create(contacts, batch_size=200)

    def _columns(self, address: Address) -> dict[str, Any]:
        columns: dict[str, Any] = {
            "line": address.line, "rt": address.rt, "rw": address.rw, "postal_code": address.postal_code, "country": "ID",
            "village_name": address.village, "district_name": address.district, "regency_name": address.regency,
            "province_name": address.province,
        }  # fmt: skip
        village = self.villages.get((fold(address.village), fold(address.district)))
        if village is not None:
            code = village.code
            columns |= {
                "village_code": code, "district_code": code[:6], "regency_code": code[:4], "province_code": code[:2],
            }  # fmt: skip
        return columns

    def _social(self, patient: Patient) -> dict[str, Any]:
        years = clock.age_parts(patient.birth_date, self.today)[0]
        is_adult = years >= ADULT_YEARS
        chosen = {
            "religion": self.random.choice(RELIGIONS),
            "education": self.random.choice(EDUCATION) if is_adult else ("0" if years < 7 else "1"),
            "occupation": self.random.choice(OCCUPATIONS) if is_adult else "0",
            "marital": self.random.choice(("1", "2", "2", "2")) if is_adult else "1",
        }
        values: dict[str, Any] = {
            "ethnicity": self.random.choice(ETHNICITIES),
            "nik_missing": "" if patient.nik else "not_issued",
        }
        for name, code in chosen.items():
            values[f"{name}_code"], values[f"{name}_label"] = code, codes.label(name, code)
        return values

    def _contact(self, patient: Patient, person: Person) -> PatientContact:
        relation = "2" if clock.age_parts(patient.birth_date, self.today)[0] < ADULT_YEARS else "5"
        return PatientContact(
            patient=patient, role=PatientContact.Role.EMERGENCY, name=person.mother_name, relation_code=relation,
            relation_label=codes.label("relation", relation), phone=person.phone, updated_at=patient.created_at,
        )  # fmt: skip

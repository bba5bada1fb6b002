"""One row of a file as a person to register, or what is wrong with it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from core import indonesia
from patients.countries import HOME
from patients.details import Address, Contact, Number, RegistrationDetails, SocialData, region_of
from patients.errors import InvalidPatientData
from patients.importing import values
from patients.importing.columns import BY_CODE
from patients.importing.values import WrongValue
from patients.models import Patient, PatientContact, PatientIdentifier, Sex
from patients.regions import RegionChain
from patients.services.registering_many import NewPatient

# Without these nobody can be registered; every other wrong value may be left out, when that was chosen.
NEEDED = frozenset({"full_name", "birth_date", "age"})
MOST_NOTES = 20
# Where InvalidPatientData names a part of an address, a contact or a number.
COLUMN_OF = {
    "address_line": "address",
    "address_rt": "rt",
    "address_rw": "rw",
    "address_region": "region_code",
    "address_postal_code": "postal_code",
    "guarantor_name": "contact_name",
    "guarantor_phone": "contact_phone",
    "guarantor_relation": "contact_relation",
    "occupation_text": "occupation",
    "title_prefix": "full_name",
    "title_suffix": "full_name",
    "rhesus": "blood_type",
    "kind": "full_name",
}


@dataclass
class Row:
    """What became of reading one row. `person` is None when it cannot be registered; notes say why, or what was left out."""

    number: int
    person: NewPatient | None = None
    old_number: str = ""
    notes: list[str] = field(default_factory=list)


class _Wrong(Exception):
    def __init__(self, column: str, sentence: str) -> None:
        super().__init__(sentence)
        self.column = column


class RowReader:
    """Reads rows of one file: `mapping` says which column is which field. Looks up each region once."""

    def __init__(self, mapping: dict[int, str], *, leaves_out_wrong: bool = False) -> None:
        self._mapping = mapping
        self._leaves_out_wrong = leaves_out_wrong
        self._chains: dict[Address, RegionChain] = {}

    def read(self, number: int, cells: Sequence[str]) -> Row:
        """Return the row. All that is wrong in it is said at once, by the names of the fields and never with the values."""
        row = Row(number)
        found = {code: cells[at] for at, code in self._mapping.items() if at < len(cells)}
        is_rejected = False
        while len(row.notes) < MOST_NOTES:
            try:
                person = self._person(found)
            except _Wrong as wrong:
                row.notes.append(f"{BY_CODE[wrong.column].label}: {wrong}")
                is_rejected = is_rejected or wrong.column in NEEDED or not self._leaves_out_wrong
                if wrong.column in NEEDED or wrong.column not in found:
                    return row
                found[wrong.column] = ""
            else:
                row.person = None if is_rejected else person
                row.old_number = values.given(found.get("old_record", ""))
                return row
        return row

    def _person(self, found: dict[str, str]) -> NewPatient:
        def read(code: str, parse: Callable[[str], Any]) -> Any:
            with _column(code):
                return parse(found.get(code, ""))

        name = read("full_name", values.name)
        if not name.name:
            raise _Wrong("full_name", _("The name is missing."))
        nik, sex = read("nik", values.nik), read("sex", values.sex)
        born, accuracy = self._birth(read)
        nationality = read("nationality", values.country)
        passport = read("passport", values.number)
        blood_type, rhesus = read("blood_type", values.blood_type)
        occupation, occupation_text = read("occupation", values.occupation)
        is_foreigner = bool(passport) and nationality != HOME and not nik
        fields = {
            "full_name": name.name,
            "nik": nik,
            "birth_date": born,
            "sex": sex if sex != Sex.UNKNOWN else _sex_in(nik),
            "birth_place": values.given(found.get("birth_place", "")),
            "phone": read("phone", values.phone),
            "email": values.given(found.get("email", "")),
            "mother_name": values.given(found.get("mother_name", "")),
            "blood_type": blood_type,
            "bpjs_number": read("bpjs_number", values.bpjs_number),
            "guarantor": read("guarantor", values.payer) or Patient.Guarantor.SELF,
        }
        details = RegistrationDetails(
            kind=Patient.Kind.FOREIGNER if is_foreigner else Patient.Kind.REGULAR,
            title_prefix=name.prefix,
            title_suffix=name.suffix,
            birth_accuracy=accuracy,
            rhesus=rhesus,
            social=SocialData(
                religion=read("religion", lambda text: values.code("religion", text)),
                education=read("education", lambda text: values.code("education", text)),
                marital=read("marital", lambda text: values.code("marital", text)),
                occupation=occupation,
                occupation_text=occupation_text,
                ethnicity=values.given(found.get("ethnicity", "")),
                spoken_languages=values.given(found.get("spoken_languages", "")),
                nationality=nationality,
                home_phone=read("home_phone", values.phone),
            ),
            identity_address=self._address(found, read),
            contacts=self._contacts(found, read),
            numbers=(
                Number(PatientIdentifier.Kind.OLD_RECORD, read("old_record", values.number)),
                Number(PatientIdentifier.Kind.PASSPORT, passport, nationality if passport else ""),
                Number(PatientIdentifier.Kind.FAMILY_CARD, read("family_card", values.family_card)),
            ),
        )
        try:
            return NewPatient.cleaned(fields=fields, details=details, chain_for=self._chain)
        except InvalidPatientData as error:
            column = COLUMN_OF.get(error.field, error.field)
            raise _Wrong(column if column in BY_CODE else "full_name", str(error)) from error

    @staticmethod
    def _birth(read: Callable[[str, Callable[[str], Any]], Any]) -> tuple[Any, str]:
        born = read("birth_date", values.birth_date)
        if born is not None:
            return born, read("birth_accuracy", values.birth_accuracy)
        born = read("age", values.born_from_age)
        if born is None:
            raise _Wrong("birth_date", _("The date of birth is missing, and so is the age."))
        return born, Patient.BirthAccuracy.ESTIMATED

    @staticmethod
    def _address(found: dict[str, str], read: Callable[[str, Callable[[str], Any]], Any]) -> Address:
        names = {code: values.given(found.get(code, "")) for code in ("village", "district", "regency", "province")}
        return Address(
            line=values.given(found.get("address", "")),
            rt=read("rt", values.rt),
            rw=read("rw", values.rt),
            region=values.given(found.get("region_code", "")),
            postal_code=read("postal_code", values.postal_code),
            **names,
        )

    @staticmethod
    def _contacts(found: dict[str, str], read: Callable[[str, Callable[[str], Any]], Any]) -> tuple[Contact, ...]:
        name = values.given(found.get("contact_name", ""))
        if not name:
            return ()
        relation = read("contact_relation", lambda text: values.code("relation", text))
        phone = read("contact_phone", values.phone)
        return (Contact(PatientContact.Role.GUARANTOR, name, relation, phone),)

    def _chain(self, address: Address) -> RegionChain:
        place = Address(
            region=address.region, village=address.village, district=address.district, regency=address.regency,
            province=address.province, country=address.country,
        )  # fmt: skip
        if place not in self._chains:
            self._chains[place] = region_of(place)
        return self._chains[place]


@contextmanager
def _column(code: str) -> Any:
    try:
        yield
    except WrongValue as wrong:
        raise _Wrong(code, str(wrong)) from wrong


def _sex_in(nik: str) -> str:
    """Return the sex that a NIK says, when the file says none."""
    try:
        return Sex.FEMALE if indonesia.parse_nik(nik).is_female else Sex.MALE
    except ValidationError:
        return Sex.UNKNOWN

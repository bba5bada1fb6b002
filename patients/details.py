"""What a registration holds beside the identity columns, and how it is stored. Pure but for the list of regions."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from core import clock
from core.text import clean_line
from patients import codes, identity
from patients.countries import COUNTRIES, HOME, country_name
from patients.errors import InvalidPatientData
from patients.models import PatientContact, PatientDemographics, PatientIdentifier
from patients.regions import CHAIN_COLUMNS, RegionChain, chain_of, find_by_names

MAX_LINE = 300
MAX_REGION = 100
MAX_WORDS = 100
MAX_NUMBER = 60
MOST_TWINS = 8
_RT = re.compile(r"\d{1,3}")
_POSTAL = re.compile(r"\d{5}")
_NUMBER = re.compile(r"[A-Z0-9][A-Z0-9./ -]*")


@dataclass(frozen=True)
class Address:
    """One address as it is written. `region` is the code of the smallest region chosen; names are for what no code says."""

    line: str = ""
    rt: str = ""
    rw: str = ""
    region: str = ""
    village: str = ""
    district: str = ""
    regency: str = ""
    province: str = ""
    postal_code: str = ""
    country: str = HOME

    @property
    def is_empty(self) -> bool:
        return not any(value for name, value in asdict(self).items() if name != "country")


@dataclass(frozen=True)
class Contact:
    """One person around the patient; an empty name means that there is none in this role."""

    role: str
    name: str = ""
    relation: str = ""
    phone: str = ""
    address: str = ""
    nik: str = ""


@dataclass(frozen=True)
class Number:
    """One number of a kind of `PatientIdentifier`; an empty value means that there is none of this kind."""

    kind: str
    value: str = ""
    country: str = ""


@dataclass(frozen=True)
class SocialData:
    """The variables of `PatientDemographics`; codes of `patients.codes`."""

    nik_missing: str = ""
    is_mother_unknown: bool = False
    religion: str = ""
    education: str = ""
    occupation: str = ""
    occupation_text: str = ""
    marital: str = ""
    ethnicity: str = ""
    spoken_languages: str = ""
    nationality: str = HOME
    home_phone: str = ""
    mother_nik: str = ""
    birth_order: int | None = None
    age_band: str = ""
    found_at: datetime | None = None
    found_place: str = ""
    letter_number: str = ""


@dataclass(frozen=True)
class RegistrationDetails:
    """What a registration or a change says beside the identity columns. None leaves what is stored.

    Of contacts and numbers only the roles and kinds that are named are replaced. An empty `domicile` means that the
    patient lives where the identity card says.
    """

    kind: str | None = None
    title_prefix: str | None = None
    title_suffix: str | None = None
    birth_accuracy: str | None = None
    birth_time: time | None = None
    rhesus: str | None = None
    mother_id: UUID | None = None  # a newborn's mother, when she is a patient here
    social: SocialData | None = None
    identity_address: Address | None = None
    domicile: Address | None = None
    contacts: tuple[Contact, ...] = field(default=())
    numbers: tuple[Number, ...] = field(default=())

    def columns(self) -> dict[str, Any]:
        """Return the values of columns of `Patient`, for `identity.clean`; what is None is left out."""
        names = ("kind", "title_prefix", "title_suffix", "birth_accuracy", "birth_time", "rhesus")
        return {name: getattr(self, name) for name in names if getattr(self, name) is not None}

    def contact(self, role: str) -> Contact | None:
        """Return what is said about a role, or None when nothing is."""
        return next((contact for contact in self.contacts if contact.role == role), None)

    def with_contact(self, contact: Contact) -> RegistrationDetails:
        """Return a copy in which this contact stands for its role."""
        others = tuple(other for other in self.contacts if other.role != contact.role)
        return replace(self, contacts=(*others, contact))


def born_before(on: date, *, years: int, months: int = 0) -> date:
    """Return the birth date of somebody who is this old on a day, for an age that was told or guessed."""
    month = on.year * 12 + on.month - 1 - years * 12 - months
    year, month = divmod(month, 12)
    first_of_next = date(year + (month + 1) // 12, (month + 1) % 12 + 1, 1)
    return date(year, month + 1, min(on.day, (first_of_next - timedelta(days=1)).day))


def middle_of_band(age_band: str) -> int:
    """Return the age in years that an age band is recorded as: its middle."""
    low, high = codes.AGE_BAND_YEARS[age_band]
    return (low + high) // 2


# --- Addresses ------------------------------------------------------------------------------------------------------


def address_columns(
    address: Address, *, field_prefix: str = "address", chain_for: Callable[[Address], RegionChain] | None = None
) -> dict[str, str]:
    """Return an address as it is stored in `PatientAddress`; empty when nothing was written.

    A known region brings codes and names of everything above it; names without a code are recognised when they mean one
    place. Three statements at most; none of its own with `chain_for`, by which whoever reads many addresses looks up each
    place once.

    Raises:
        InvalidPatientData: a value cannot be; `field` names it, with the prefix.
    """
    with _named(field_prefix):
        clean = Address(
            line=_line(address.line, "line", MAX_LINE),
            rt=_rt(address.rt, "rt"),
            rw=_rt(address.rw, "rw"),
            region=address.region,
            village=_line(address.village, "village", MAX_REGION),
            district=_line(address.district, "district", MAX_REGION),
            regency=_line(address.regency, "regency", MAX_REGION),
            province=_line(address.province, "province", MAX_REGION),
            postal_code=_postal(address.postal_code, address.country),
            country=_country(address.country or HOME, "country"),
        )
        if clean.is_empty:
            return {}
        chain = (chain_for or region_of)(clean)
    names = {"village": clean.village, "district": clean.district, "regency": clean.regency, "province": clean.province}
    columns = dict.fromkeys(CHAIN_COLUMNS, "")
    columns.update({f"{name}_name": value for name, value in names.items()})
    columns.update({name: value for name, value in chain.as_columns().items() if value})
    columns["postal_code"] = clean.postal_code or chain.postal_code
    return {**columns, "line": clean.line, "rt": clean.rt, "rw": clean.rw, "country": clean.country}


def address_text(columns: dict[str, Any]) -> str:
    """Return an address as papers print it, in up to three lines; empty when there is nothing to print.

    Jl. Melati No. 3, RT 001/RW 002
    Kel. Baloi Permai, Kec. Batam Kota
    Kota Batam, Kepulauan Riau 29463
    """
    home = "/".join(f"{name} {columns[key]}" for name, key in (("RT", "rt"), ("RW", "rw")) if columns.get(key))
    first = ", ".join(part for part in (columns.get("line", ""), home) if part)
    parts = (("Kel.", "village_name"), ("Kec.", "district_name"))
    second = ", ".join(f"{word} {columns[key]}" for word, key in parts if columns.get(key))
    third = ", ".join(columns[key] for key in ("regency_name", "province_name") if columns.get(key))
    third = f"{third} {columns.get('postal_code', '')}".strip()
    country = columns.get("country") or HOME
    fourth = country_name(country) if country != HOME else ""
    return "\n".join(line for line in (first, second, third, fourth) if line)


def region_of(address: Address) -> RegionChain:
    """Return the place an address names by code or names, empty for one abroad or that nobody knows.

    Raises:
        InvalidPatientData: there is no such code.
    """
    if address.country != HOME:
        return RegionChain()
    if address.region:
        found = chain_of(address.region)
        if found is None:
            raise InvalidPatientData(
                _("This region is not in the list. Choose one of the list, or write it."), "region"
            )
        return found
    names = {name: getattr(address, name) for name in ("village", "district", "regency", "province")}
    return find_by_names(**names) or RegionChain()


# --- Social data, contacts, numbers ---------------------------------------------------------------------------------


def social_columns(social: SocialData) -> dict[str, Any]:
    """Return social data as they are stored in `PatientDemographics`: each code with its official words.

    Raises:
        InvalidPatientData: a value cannot be; `field` names it.
    """
    if social.nik_missing and social.nik_missing not in PatientDemographics.NikMissing.values:
        raise InvalidPatientData(_("Choose one of the options."), "nik_missing")
    if social.birth_order is not None and not 1 <= social.birth_order <= MOST_TWINS:
        raise InvalidPatientData(_("The order among twins is a number from 1 to 8."), "birth_order")
    if social.found_at is not None and social.found_at > clock.now():
        raise InvalidPatientData(_("The time is in the future. Check day and hour."), "found_at")
    columns: dict[str, Any] = {
        "nik_missing": social.nik_missing,
        "is_mother_unknown": social.is_mother_unknown,
        "occupation_text": _line(social.occupation_text, "occupation_text", MAX_WORDS),
        "ethnicity": _line(social.ethnicity, "ethnicity", 60),
        "spoken_languages": _line(social.spoken_languages, "spoken_languages", MAX_WORDS),
        "nationality": _country(social.nationality, "nationality") if social.nationality else "",
        "home_phone": _checked("phone", social.home_phone, "home_phone") or "",
        "mother_nik": _checked("nik", social.mother_nik, "mother_nik") or "",
        "birth_order": social.birth_order,
        "found_at": social.found_at,
        "found_place": _line(social.found_place, "found_place", 200),
        "letter_number": _line(social.letter_number, "letter_number", 80),
    }
    for name in ("religion", "education", "occupation", "marital", "age_band"):
        code = getattr(social, name)
        if code and not codes.is_known(name, code):
            raise InvalidPatientData(_("Choose one of the options."), name)
        columns[f"{name}_code"], columns[f"{name}_label"] = code, codes.label(name, code)
    return columns


def contact_columns(contact: Contact) -> dict[str, str]:
    """Return a contact as it is stored in `PatientContact`; empty when there is none in this role.

    Raises:
        InvalidPatientData: a value cannot be, or facts were written without a name; `field` is role_name.
    """
    if contact.role not in PatientContact.Role.values:
        raise InvalidPatientData(_("Choose one of the options."), "role")
    with _named(contact.role):
        name = _line(contact.name, "name", identity.MAX_NAME)
        if contact.relation and not codes.is_known("relation", contact.relation):
            raise InvalidPatientData(_("Choose one of the options."), "relation")
        values = {
            "name": name,
            "relation_code": contact.relation,
            "relation_label": codes.label("relation", contact.relation),
            "phone": _checked("phone", contact.phone, "phone") or "",
            "address": _line(contact.address, "address", MAX_LINE),
            "nik": _checked("nik", contact.nik, "nik") or "",
        }
        if not name and any(values.values()):
            raise InvalidPatientData(_("Enter the name of this person, or empty the other fields."), "name")
    return values if name else {}


def number_columns(number: Number) -> dict[str, str]:
    """Return a number as it is stored in `PatientIdentifier`; empty when there is none of this kind.

    Raises:
        InvalidPatientData: a value cannot be; `field` is the kind.
    """
    if number.kind not in PatientIdentifier.Kind.values:
        raise InvalidPatientData(_("Choose one of the options."), "number")
    value = clean_line(number.value).upper()
    if not value:
        return {}
    if len(value) > MAX_NUMBER or not _NUMBER.fullmatch(value):
        raise InvalidPatientData(_("Use letters A to Z and digits, as on the document."), number.kind)
    if number.kind == PatientIdentifier.Kind.FAMILY_CARD:
        value = re.sub(r"[\s.-]", "", value)
        if not (value.isdigit() and len(value) == 16):
            raise InvalidPatientData(_("A family card number has 16 digits. Check what was typed."), number.kind)
    return {"value": value, "country": _country(number.country, "country") if number.country else ""}


# --- Single values --------------------------------------------------------------------------------------------------


class _named:
    """Puts a prefix before the field of an InvalidPatientData that passes."""

    def __init__(self, prefix: str) -> None:
        self.prefix = prefix

    def __enter__(self) -> None:
        return None

    def __exit__(self, _kind: Any, error: BaseException | None, _trace: Any) -> None:
        if isinstance(error, InvalidPatientData):
            error.field = f"{self.prefix}_{error.field}"


def _line(value: str, name: str, limit: int) -> str:
    text = clean_line(value)
    if len(text) > limit:
        sentence = _("This is too long: at most %(limit)d characters, you typed %(count)d.")
        raise InvalidPatientData(sentence % {"limit": limit, "count": len(text)}, name)
    return text


def _checked(cleaner: str, value: str, name: str) -> Any:
    try:
        return identity.CLEANERS[cleaner](value)
    except ValidationError as error:
        raise InvalidPatientData(" ".join(error.messages), name) from error


def _rt(value: str, name: str) -> str:
    text = clean_line(value)
    if text and not (text.isascii() and _RT.fullmatch(text)):
        raise InvalidPatientData(_("RT and RW are numbers of up to three digits."), name)
    return f"{int(text):03d}" if text else ""


def _postal(value: str, country: str) -> str:
    text = re.sub(r"\s", "", clean_line(value))
    if not text or (country or HOME) != HOME:
        return _line(text, "postal_code", 10)
    if not (text.isascii() and _POSTAL.fullmatch(text)):
        raise InvalidPatientData(_("A postal code has 5 digits."), "postal_code")
    return text


def _country(value: str, name: str) -> str:
    if value not in COUNTRIES:
        raise InvalidPatientData(_("Choose a country of the list."), name)
    return value

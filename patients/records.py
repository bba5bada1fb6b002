"""Read what is known about one patient beside the identity columns, and what the law misses. Writes nothing."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from core import clock, indonesia
from patients import codes
from patients.countries import HOME, country_name
from patients.details import Address, Contact, Number, RegistrationDetails, SocialData, address_columns, address_text
from patients.models import Patient, PatientAddress, PatientContact, PatientDemographics, PatientIdentifier, Sex


def details_of(patient: Patient) -> RegistrationDetails:
    """Return the stored details as they would be written again. Three statements, four without `demographics` loaded."""
    social: PatientDemographics | None = getattr(patient, "demographics", None)
    addresses = {row.use: row for row in patient.addresses.all()}
    identity_row = addresses.get(PatientAddress.Use.IDENTITY)
    # A record from before addresses had parts: its text is the first line.
    line = "" if identity_row else " ".join(patient.address.split())[:300]
    return RegistrationDetails(
        kind=patient.kind,
        title_prefix=patient.title_prefix,
        title_suffix=patient.title_suffix,
        birth_accuracy=patient.birth_accuracy,
        birth_time=patient.birth_time,
        rhesus=patient.rhesus,
        social=social_of(social) if social else None,
        identity_address=address_of_row(identity_row) if identity_row else Address(line=line),
        domicile=address_of_row(addresses.get(PatientAddress.Use.DOMICILE)),
        contacts=tuple(
            Contact(row.role, row.name, row.relation_code, row.phone, row.address, row.nik)
            for row in patient.contacts.order_by("pk")
        ),
        numbers=tuple(Number(row.kind, row.value, row.country) for row in patient.identifiers.order_by("pk")),
    )


MOTHER_YEARS = range(10, 61)


def is_possible_mother(patient: Patient) -> bool:
    """True for an active patient who may have a newborn: not male, ten to sixty years old."""
    years = clock.age_parts(patient.birth_date, clock.today())[0]
    return patient.status == Patient.Status.ACTIVE and patient.sex != Sex.MALE and years in MOTHER_YEARS


def social_of(row: PatientDemographics) -> SocialData:
    """Return stored social data as they would be written again."""
    return SocialData(
        nik_missing=row.nik_missing, is_mother_unknown=row.is_mother_unknown, religion=row.religion_code,
        education=row.education_code, occupation=row.occupation_code, occupation_text=row.occupation_text,
        marital=row.marital_code, ethnicity=row.ethnicity, spoken_languages=row.spoken_languages,
        nationality=row.nationality, home_phone=row.home_phone, mother_nik=row.mother_nik, birth_order=row.birth_order,
        age_band=row.age_band_code, found_at=row.found_at, found_place=row.found_place, letter_number=row.letter_number,
    )  # fmt: skip


def address_of_row(row: PatientAddress | None) -> Address:
    """Return a stored address as it would be typed: names only where no code says them."""
    if row is None:
        return Address()
    return Address(
        line=row.line,
        rt=row.rt,
        rw=row.rw,
        region=row.village_code or row.district_code or row.regency_code or row.province_code,
        village="" if row.village_code else row.village_name,
        district="" if row.district_code else row.district_name,
        regency="" if row.regency_code else row.regency_name,
        province="" if row.province_code else row.province_name,
        postal_code=row.postal_code,
        country=row.country,
    )


def missing_for_law(patient: Patient, social: SocialData | None) -> list[str | Promise]:
    """Return what a record must hold and this one does not: names of variables, in the order of the rule.

    An unknown person may go without while nobody knows; the letter of the office stands for the identity.

    Source: PMK 24/2022 article 14: record number, name and NIK; religion, occupation, education, marital status.
    """
    social = social or SocialData()
    is_known = patient.kind != Patient.Kind.UNKNOWN
    wanted: list[tuple[Any, str | Promise]] = [
        (not patient.has_stand_in_name or patient.kind == Patient.Kind.NEWBORN, _("Name")),
        (patient.nik or patient.kind == Patient.Kind.FOREIGNER or social.letter_number, _("NIK")),
        (social.religion, _("Religion")),
        (social.occupation, _("Occupation")),
        (social.education, _("Education")),
        (social.marital, _("Marital status")),
    ]
    missing = [label for value, label in wanted if not value]
    if not is_known and not social.letter_number:
        missing.append(_("Letter of the social or civil registry office"))
    return missing


Facts = list[tuple[Any, Any]]


@dataclass(frozen=True)
class FactGroup:
    """One group of facts on the record's page; without facts it is said once that nothing is known."""

    label: str | Promise
    facts: Facts = field(default_factory=list)


def fact_groups(patient: Patient, details: RegistrationDetails) -> dict[str, Any]:
    """Return what the record's page shows, in the order of the identity card: known facts only, in groups.

    `details` as `details_of` reads them. Three statements when the patient lives elsewhere.
    """
    social = details.social or SocialData()
    contacts = {contact.role: contact for contact in details.contacts}
    return {
        "identity": _known(_identity_facts(patient, details, social)),
        "others": [
            FactGroup(_("Social data"), _known(_social_facts(social))),
            FactGroup(_("Contact and payer"), _known(_contact_facts(patient, details, social))),
            *(
                FactGroup(PatientContact.Role(role).label, _person_facts(contacts.get(role)))
                for role in (PatientContact.Role.EMERGENCY, PatientContact.Role.GUARANTOR)
            ),
            *_unknown_group(patient, social, contacts),
        ],
    }


def _known(facts: Facts) -> Facts:
    return [(label, value) for label, value in facts if value]


def _identity_facts(patient: Patient, details: RegistrationDetails, social: SocialData) -> Facts:
    numbers = [
        (PatientIdentifier.Kind(number.kind).label, f"{number.value} {country_name(number.country)}".strip())
        for number in details.numbers
    ]
    rhesus = str(patient.get_rhesus_display()) if patient.rhesus else ""
    mother = patient.mother_name or (_("Not known") if social.is_mother_unknown else "")
    return [
        *numbers,
        (_("Registered as"), patient.get_kind_display() if patient.kind != Patient.Kind.REGULAR else ""),
        (_("Order among twins"), social.birth_order),
        (_("Blood type"), " ".join(part for part in (patient.blood_type, rhesus) if part)),
        (_("Address"), patient.address),
        (_("Religion"), codes.shown("religion", social.religion)),
        (_("Marital status"), codes.shown("marital", social.marital)),
        (
            _("Occupation"),
            ", ".join(filter(None, (codes.shown("occupation", social.occupation), social.occupation_text))),
        ),
        (_("Education"), codes.shown("education", social.education)),
        (_("Nationality"), country_name(social.nationality) if social.nationality != HOME else ""),
        (_("Mother's name"), mother),
        (_("Mother's NIK"), f"••••{social.mother_nik[-4:]}" if social.mother_nik else ""),
    ]


def _social_facts(social: SocialData) -> Facts:
    return [(_("Ethnic group"), social.ethnicity), (_("Languages spoken"), social.spoken_languages)]


def _contact_facts(patient: Patient, details: RegistrationDetails, social: SocialData) -> Facts:
    lives = details.domicile if details.domicile and not details.domicile.is_empty else None
    payer = f"{patient.guarantor_label} · {patient.bpjs_number}" if patient.bpjs_number else patient.guarantor_label
    return [
        (_("Phone"), patient.phone_label),
        (_("Home phone"), indonesia.format_phone(social.home_phone) if social.home_phone else ""),
        (_("E-mail"), patient.email),
        (_("Lives at"), address_text(address_columns(lives)) if lives else ""),
        (_("Who pays"), payer),
    ]


def _person_facts(contact: Contact | None) -> Facts:
    if contact is None:
        return []
    relation = codes.shown("relation", contact.relation)
    return _known(
        [
            (_("Name"), f"{contact.name} ({relation})" if relation else contact.name),
            (_("Phone"), indonesia.format_phone(contact.phone) if contact.phone else ""),
            (_("Address"), contact.address),
        ]
    )


def _unknown_group(patient: Patient, social: SocialData, contacts: dict[str, Contact]) -> list[FactGroup]:
    escort = contacts.get(PatientContact.Role.ESCORT)
    found = date_format(clock.local(social.found_at), "DATETIME_FORMAT") if social.found_at else ""
    facts = _known(
        [
            (_("Estimated age"), codes.shown("age_band", social.age_band)),
            (_("Found at (date and time)"), found),
            (_("Found where"), social.found_place),
            (_("Letter of the social or civil registry office"), social.letter_number),
            *((label, value) for label, value in _person_facts(escort)),
        ]
    )
    is_wanted = patient.kind == Patient.Kind.UNKNOWN or facts
    return [FactGroup(_("Found, and brought in by"), facts)] if is_wanted else []

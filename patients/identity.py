"""What the fields of a patient's identity may hold. Pure: no table is asked."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, time
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils.translation import gettext as _

from core import clock, indonesia
from core.text import clean_line, clean_text
from patients.errors import InvalidPatientData
from patients.models import Patient, Sex
from patients.names import MAX_TITLES

OLDEST_YEARS = 130
MAX_NAME = 200
MAX_ADDRESS = 500
MAX_PLACE = 80
BPJS_LENGTH = 13

_NOT_DIGITS = re.compile(r"[\s.\-]+")


def clean(**fields: Any) -> dict[str, Any]:
    """Return the given fields as they are stored: tidy text, NIK of digits, telephone number in E.164.

    Raises:
        InvalidPatientData: a value cannot be; `field` names it.
    """
    cleaned: dict[str, Any] = {}
    for name, value in fields.items():
        try:
            cleaned[name] = CLEANERS[name](value)
        except ValidationError as error:
            raise InvalidPatientData(" ".join(error.messages), name) from error
    return cleaned


def clean_full_name(value: str | None) -> str:
    name = clean_line(value)
    if not any(letter.isalpha() for letter in name):
        raise ValidationError(_("Enter the full name as on the identity card."))
    return _at_most(name, MAX_NAME)


def clean_nik(value: str | None) -> str | None:
    """Return the 16 digits, or None when nothing was entered, or the sixteen nines that mean "not known"."""
    nik = _NOT_DIGITS.sub("", clean_line(value))
    if not nik or nik == indonesia.NIK_PLACEHOLDER:
        return None
    indonesia.parse_nik(nik)
    return nik


def clean_birth_date(value: date | None) -> date:
    if not isinstance(value, date):
        raise ValidationError(_("Enter the date of birth."))
    today = clock.today()
    if value > today:
        raise ValidationError(_("The date of birth is in the future. Check day, month and year."))
    if value.year < today.year - OLDEST_YEARS:
        raise ValidationError(_("The date of birth is too long ago. Check the year."))
    return value


def clean_phone(value: str | None) -> str | None:
    number = clean_line(value)
    return indonesia.normalise_phone(number) if number else None


def clean_email(value: str | None) -> str:
    address = clean_line(value).lower()
    if address:
        try:
            validate_email(address)
        except ValidationError as error:
            raise ValidationError(_("Enter an e-mail address such as nama@contoh.id.")) from error
        _at_most(address, 254)
    return address


def clean_bpjs_number(value: str | None) -> str:
    number = _NOT_DIGITS.sub("", clean_line(value))
    if number and not (number.isascii() and number.isdigit() and len(number) == BPJS_LENGTH):
        raise ValidationError(_("A BPJS card number has 13 digits. Check what was typed, or leave it empty."))
    return number


def _at_most(text: str, limit: int) -> str:
    if len(text) > limit:
        raise ValidationError(
            _("This is too long: at most %(limit)d characters, you typed %(count)d.")
            % {"limit": limit, "count": len(text)}
        )
    return text


def _line(limit: int) -> Callable[[str | None], str]:
    return lambda value: _at_most(clean_line(value), limit)


def _one_of(choices: Any) -> Callable[[str | None], str]:
    def check(value: str | None) -> str:
        if (value or "") not in choices.values:
            raise ValidationError(_("Choose one of the options."))
        return value or ""

    return check


def _sex(value: str | None) -> str:
    if value not in Sex.values:
        raise ValidationError(_("Choose the sex as on the identity card."))
    return value


def _language(value: str | None) -> str:
    if value not in ("id", "en"):
        raise ValidationError(_("Choose one of the options."))
    return value


def _birth_time(value: time | None) -> time | None:
    return value.replace(second=0, microsecond=0, tzinfo=None) if isinstance(value, time) else None


CLEANERS: dict[str, Callable[[Any], Any]] = {
    "full_name": clean_full_name,
    "nik": clean_nik,
    "birth_date": clean_birth_date,
    "birth_place": _line(MAX_PLACE),
    "sex": _sex,
    "phone": clean_phone,
    "email": clean_email,
    "address": lambda value: _at_most(clean_text(value), MAX_ADDRESS),
    "mother_name": _line(MAX_NAME),
    "blood_type": _one_of(Patient.BloodType),
    "guarantor": _one_of(Patient.Guarantor),
    "bpjs_number": clean_bpjs_number,
    "language": _language,
    "kind": _one_of(Patient.Kind),
    "title_prefix": _line(MAX_TITLES),
    "title_suffix": _line(MAX_TITLES),
    "birth_accuracy": _one_of(Patient.BirthAccuracy),
    "birth_time": _birth_time,
    "rhesus": _one_of(Patient.Rhesus),
}
FIELDS = frozenset(CLEANERS)

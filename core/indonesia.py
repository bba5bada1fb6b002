"""Identity and telephone numbers as Indonesia writes them."""

from __future__ import annotations

import calendar
import re
from dataclasses import dataclass
from datetime import date

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

NIK_LENGTH = 16
NIK_PLACEHOLDER = "9" * NIK_LENGTH  # the ministry's dictionary writes this for "not known"
FEMALE_DAY_OFFSET = 40
PROVINCE_CODES = frozenset(
    (
        *(11, 12, 13, 14, 15, 16, 17, 18, 19, 21, 31, 32, 33, 34, 35, 36, 51, 52, 53),
        *(61, 62, 63, 64, 65, 71, 72, 73, 74, 75, 76, 81, 82, *range(91, 98)),  # 91 to 97: both code families of Papua
    )
)

_PHONE_FILLING = re.compile(r"[\s().\-‐‑–/]+")
_MOBILE = re.compile(r"^\+628[1-9]\d{7,10}$")
_LANDLINE = re.compile(r"^\+62[2-79]\d{6,10}$")
_ABROAD = re.compile(r"^\+(?!62)[1-9]\d{7,14}$")


@dataclass(frozen=True)
class NikParts:
    """What the digits of a NIK say about the person at first registration."""

    province: int
    day: int
    month: int
    year: int  # two digits
    is_female: bool
    serial: int


def normalise_phone(text: str) -> str:
    """Return a telephone number in E.164: `0812-3456-7890` gives `+6281234567890`.

    Numbers of other countries are taken when they are written with `+` and the country's code.

    Raises:
        ValidationError: it is not a telephone number.
    """
    found = phone_or_none(text)
    if found is None:
        raise ValidationError(_("Enter a phone number such as 0812-3456-7890."), code="phone")
    return found


def phone_or_none(text: str) -> str | None:
    """Return the number in E.164, or None when it is not a telephone number."""
    number = _PHONE_FILLING.sub("", text)
    if not number.isascii():
        return None
    if number.startswith("00"):
        number = "+" + number[2:]
    elif number.startswith("0"):
        number = "+62" + number[1:]
    elif number.startswith("62"):
        number = "+" + number
    if number.startswith("+620"):  # +62 (0)812
        number = "+62" + number[4:]
    return number if any(form.match(number) for form in (_MOBILE, _LANDLINE, _ABROAD)) else None


def format_phone(number: str) -> str:
    """Return a stored number as people read it: `0812-3456-7890`; numbers of other countries stay as they are."""
    if not number.startswith("+62"):
        return number
    local = "0" + number[3:]
    if not _MOBILE.match(number):
        return local
    return "-".join(part for part in (local[:4], local[4:8], local[8:]) if part)


def parse_nik(nik: str) -> NikParts:
    """Return the parts of a NIK.

    Raises:
        ValidationError: it cannot be a NIK: length, digits, one digit repeated, impossible birth day or month, or
            serial 0000.

    Source: NIK layout PP RR CC DD MM YY SSSS, day + 40 for women.
    """
    if not (nik.isascii() and nik.isdigit()):
        raise ValidationError(_("A NIK has digits only. Check what was typed."), code="nik_digits")
    if len(nik) != NIK_LENGTH:
        raise ValidationError(
            _("A NIK has 16 digits. You typed %(count)d."), code="nik_length", params={"count": len(nik)}
        )
    if len(set(nik)) == 1:
        raise ValidationError(
            _("This is not a NIK. Leave the field empty when the NIK is not known."), code="nik_placeholder"
        )
    day, month, year = int(nik[6:8]), int(nik[8:10]), int(nik[10:12])
    is_female = day > FEMALE_DAY_OFFSET
    if is_female:
        day -= FEMALE_DAY_OFFSET
    # 29 February is let through for every year: which century the two digits mean is not in the number.
    if not (1 <= month <= 12 and 1 <= day <= (29 if month == 2 else calendar.monthrange(2001, month)[1])):
        raise ValidationError(
            _("The birth date inside this NIK does not exist. Check digits 7 to 12."), code="nik_date"
        )
    if nik[12:] == "0000":
        raise ValidationError(_("A NIK does not end in 0000. Check the last four digits."), code="nik_serial")
    return NikParts(int(nik[:2]), day, month, year, is_female, int(nik[12:]))


def validate_nik(nik: str, *, birth_date: date | None = None, sex: str | None = None) -> list[str]:
    """Return warnings about a NIK that is possible: an unknown province, or a birth date or sex unlike the form's.

    Warnings never block: people with old, migrated or wrong numbers exist. `sex` is FHIR's "male" or "female"; anything
    else is not compared.

    Raises:
        ValidationError: the NIK is impossible (see `parse_nik`).
    """
    parts = parse_nik(nik)
    warnings = []
    if parts.province not in PROVINCE_CODES:
        warnings.append(_("The first two digits of this NIK are not a known province."))
    if birth_date is not None and (birth_date.day, birth_date.month, birth_date.year % 100) != (
        parts.day,
        parts.month,
        parts.year,
    ):
        warnings.append(
            _("The birth date inside this NIK differs from the date of birth entered. Compare with the identity card.")
        )
    if sex in ("male", "female") and parts.is_female != (sex == "female"):
        warnings.append(_("The sex inside this NIK differs from the sex entered. Compare with the identity card."))
    return warnings

"""Code lists of the identity variables: the ministry's code, its official words, and the same in English.

They are data, not texts of the product: what is stored with a record is the official Indonesian word, whatever language
the screen had.

Source: KMK HK.01.07/MENKES/1423/2022, variables and metadata of medical records, identity variables; PMK 24/2022
article 14 for which of them must be there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.utils.functional import lazy
from django.utils.translation import get_language


@dataclass(frozen=True)
class Code:
    """One entry of a code list."""

    code: str
    label: str  # official, Indonesian: this one is stored
    english: str

    @property
    def shown(self) -> str:
        """The words in the language of the screen."""
        return self.english if (get_language() or "id").startswith("en") else self.label


def _list(*rows: tuple[str, str, str]) -> tuple[Code, ...]:
    return tuple(Code(*row) for row in rows)


CODES: dict[str, tuple[Code, ...]] = {
    "sex": _list(
        ("0", "Tidak diketahui", "Unknown"),
        ("1", "Laki-laki", "Male"),
        ("2", "Perempuan", "Female"),
        ("3", "Tidak dapat ditentukan", "Cannot be determined"),
        ("4", "Tidak mengisi", "Not stated"),
    ),
    "religion": _list(
        ("1", "Islam", "Islam"),
        ("2", "Kristen (Protestan)", "Christian (Protestant)"),
        ("3", "Katolik", "Catholic"),
        ("4", "Hindu", "Hindu"),
        ("5", "Buddha", "Buddhist"),
        ("6", "Konghucu", "Confucian"),
        ("7", "Penghayat", "Indigenous belief"),
        ("8", "Lain-lain", "Other"),
    ),
    "education": _list(
        ("0", "Tidak sekolah", "No schooling"),
        ("1", "SD", "Primary school (SD)"),
        ("2", "SLTP sederajat", "Junior high school (SLTP)"),
        ("3", "SLTA sederajat", "Senior high school (SLTA)"),
        ("4", "D1–D3 sederajat", "Diploma 1–3"),
        ("5", "D4", "Diploma 4"),
        ("6", "S1", "Bachelor (S1)"),
        ("7", "S2", "Master (S2)"),
        ("8", "S3", "Doctorate (S3)"),
    ),
    "occupation": _list(
        ("0", "Tidak bekerja", "Not working"),
        ("1", "PNS", "Civil servant"),
        ("2", "TNI/POLRI", "Army or police"),
        ("3", "BUMN", "State-owned company"),
        ("4", "Pegawai swasta/wirausaha", "Private employee or self-employed"),
        ("5", "Lain-lain", "Other"),
    ),
    "marital": _list(
        ("1", "Belum kawin", "Never married"),
        ("2", "Kawin", "Married"),
        ("3", "Cerai hidup", "Divorced"),
        ("4", "Cerai mati", "Widowed"),
    ),
    "payment": _list(
        ("1", "JKN", "National insurance (JKN)"),
        ("2", "Mandiri", "Self-pay"),
        ("3", "Asuransi lainnya", "Other insurance"),
    ),
    "relation": _list(
        ("1", "Diri sendiri", "The patient"),
        ("2", "Orang tua", "Parent"),
        ("3", "Anak", "Child"),
        ("4", "Suami/istri", "Husband or wife"),
        ("5", "Kerabat/saudara", "Relative"),
        ("6", "Lain-lain", "Other"),
    ),
    "age_band": _list(
        ("1", "0–5 tahun", "0–5 years"),
        ("2", "6–11 tahun", "6–11 years"),
        ("3", "12–17 tahun", "12–17 years"),
        ("4", "18–40 tahun", "18–40 years"),
        ("5", "41–65 tahun", "41–65 years"),
        ("6", "Di atas 65 tahun", "Over 65 years"),
    ),
}
AGE_BAND_YEARS = {"1": (0, 5), "2": (6, 11), "3": (12, 17), "4": (18, 40), "5": (41, 65), "6": (66, 90)}
SEX_CODES = {"unknown": "0", "male": "1", "female": "2", "other": "3"}  # FHIR administrative gender
PAYMENT_CODES = {"bpjs": "1", "self": "2", "insurance": "3"}  # `Patient.Guarantor`
_BY_CODE = {name: {row.code: row for row in rows} for name, rows in CODES.items()}


def is_known(list_name: str, code: str) -> bool:
    """True when `code` is in the list. `list_name` is a key of `CODES`."""
    return code in _BY_CODE[list_name]


def label(list_name: str, code: str) -> str:
    """Return the official words of a code, as they are stored; empty for a code that is not in the list."""
    row = _BY_CODE[list_name].get(code)
    return row.label if row else ""


def shown(list_name: str, code: str) -> str:
    """Return the words of a code in the language of the screen; empty for a code that is not in the list."""
    row = _BY_CODE[list_name].get(code)
    return row.shown if row else ""


def choices(list_name: str, *, empty: Any = None) -> list[tuple[str, Any]]:
    """Return the list as choices of a form field, in the language of the screen; `empty` is the label of no answer."""
    rows: list[tuple[str, Any]] = [("", empty)] if empty is not None else []
    return [*rows, *((row.code, _shown(list_name, row.code)) for row in CODES[list_name])]


def find_code(list_name: str, text: str) -> str:
    """Return the code that `text` means: the code itself or its words in either language; empty when it is none.

    For imports: "Islam", "islam" and "1" are the same.
    """
    wanted = text.strip().casefold()
    for row in CODES[list_name]:
        if wanted in (row.code, row.label.casefold(), row.english.casefold()):
            return row.code
    return ""


_shown = lazy(shown, str)

"""Rupiah: whole numbers, one way to write them on the web, in PDF, mail and sheets."""

from __future__ import annotations

import re
from decimal import ROUND_HALF_UP, Decimal

from num2words import num2words

MAX_AMOUNT_IDR = 999_999_999_999


def format_rupiah(amount_idr: int | None) -> str:
    """Return an amount as official spelling has it: Rp150.000, and -Rp10.000 below zero."""
    if amount_idr is None:
        return ""
    sign = "-" if amount_idr < 0 else ""
    return f"{sign}Rp{abs(int(amount_idr)):,}".replace(",", ".")


def terbilang(amount_idr: int) -> str:
    """Return an amount in Indonesian words with the currency: "Satu juta dua ratus lima puluh ribu rupiah"."""
    words = num2words(abs(amount_idr), lang="id").replace("  ", " ").strip()
    if amount_idr < 0:
        words = f"minus {words}"
    return f"{words[:1].upper()}{words[1:]} rupiah"


def parse_rupiah(text: str) -> int:
    """Return the whole rupiah a person typed: "150000", "150.000", "Rp 150.000".

    Dots are thousands and must stand at thousands; a comma is refused, since receipts carry no cents.

    Raises:
        ValueError: the text is no such amount, or above MAX_AMOUNT_IDR.
    """
    cleaned = re.sub(r"^\s*rp\.?\s*", "", text.strip(), flags=re.IGNORECASE).replace("\u00a0", "").strip()
    if not re.fullmatch(r"\d{1,12}|\d{1,3}(\.\d{3}){1,3}", cleaned, flags=re.ASCII):
        raise ValueError(text)
    amount = int(cleaned.replace(".", ""))
    if amount > MAX_AMOUNT_IDR:
        raise ValueError(text)
    return amount


def line_total(quantity: Decimal, unit_price_idr: int) -> int:
    """Return quantity times price in whole rupiah, rounded half up once per line."""
    return int((quantity * unit_price_idr).quantize(Decimal(1), rounding=ROUND_HALF_UP))

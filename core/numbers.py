"""Decimal quantities and measurements: one way to read what people type, one way to write it."""

from __future__ import annotations

import re
from decimal import Decimal

from django.utils.translation import get_language

MOST_WHOLE_DIGITS = 9


def parse_decimal(
    text: str, *, places: int = 2, minimum: Decimal | int | None = None, maximum: Decimal | int | None = None
) -> Decimal:
    """Return the number a person typed, with a comma or a dot as decimal sign: "0,5", "36.5", "10".

    No thousands and no sign: "1.000" with two places is refused and never read as one or as a thousand. A number
    without a leading zero (",5") is refused, since it is the classic tenfold error. `minimum` and `maximum` are included.

    Raises:
        ValueError: the text is no such number, has more than `places` decimals, or is out of bounds.
    """
    cleaned = str(text).strip()
    tail = rf"(?:[.,]\d{{1,{places}}})?" if places else ""
    if not re.fullmatch(rf"\d{{1,{MOST_WHOLE_DIGITS}}}{tail}", cleaned, flags=re.ASCII):
        raise ValueError(text)
    number = Decimal(cleaned.replace(",", "."))
    if (minimum is not None and number < minimum) or (maximum is not None and number > maximum):
        raise ValueError(text)
    return number


def format_quantity(value: Decimal | int | None, language: str | None = None) -> str:
    """Return a quantity without trailing zeros and with a leading one: "10", "0,5" in Indonesian, "0.5" in English.

    `language` is the page's unless given. Empty for no value.
    """
    if value is None:
        return ""
    text = f"{Decimal(value):f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    if text in {"-0", ""}:
        text = "0"
    is_english = (language or get_language() or "id").startswith("en")
    return text if is_english else text.replace(".", ",")

from decimal import Decimal

import pytest
from django.utils import translation

from core.numbers import format_quantity, parse_decimal


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("10", "10"),
        ("0,5", "0.5"),
        ("0.5", "0.5"),
        (" 36,75 ", "36.75"),
        ("0", "0"),
        ("007", "7"),
        ("999999999", "999999999"),
    ],
)
def test_comma_and_dot_are_the_decimal_sign(text, value):
    assert parse_decimal(text) == Decimal(value)


@pytest.mark.parametrize(
    "text",
    ["", " ", ",5", ".5", "5,", "1.000", "1,000", "1.000,5", "1,5,5", "-1", "+1", "1e3", "NaN", "Infinity", "0x10", "١٢",
     "1 000", "½", "1_0", "10 tablet", "9999999999", "<b>1</b>", "1\n2"],
)  # fmt: skip
def test_everything_else_is_refused(text):
    with pytest.raises(ValueError):  # noqa: PT011 - the text itself is the message
        parse_decimal(text)


def test_bounds_are_included():
    assert parse_decimal("0,3", minimum=Decimal("0.3"), maximum=400) == Decimal("0.3")
    assert parse_decimal("400", minimum=Decimal("0.3"), maximum=400) == 400
    for text in ("0,29", "400,01"):
        with pytest.raises(ValueError, match=text):
            parse_decimal(text, minimum=Decimal("0.3"), maximum=400)


def test_places():
    assert parse_decimal("12", places=0) == 12
    assert parse_decimal("0,125", places=3) == Decimal("0.125")
    for text, places in (("12,5", 0), ("0,125", 2)):
        with pytest.raises(ValueError, match=text):
            parse_decimal(text, places=places)


@pytest.mark.parametrize(
    ("value", "indonesian", "english"),
    [(Decimal("10.00"), "10", "10"), (Decimal("0.50"), "0,5", "0.5"), (Decimal("0.25"), "0,25", "0.25"),
     (Decimal("100"), "100", "100"), (Decimal("1E+3"), "1000", "1000"), (Decimal("0.00"), "0", "0"),
     (Decimal("-2.50"), "-2,5", "-2.5"), (7, "7", "7"), (None, "", "")],
)  # fmt: skip
def test_quantities_have_no_trailing_zero_and_a_leading_one(value, indonesian, english):
    assert format_quantity(value, "id") == indonesian
    assert format_quantity(value, "en") == english


def test_the_page_language_decides():
    with translation.override("en"):
        assert format_quantity(Decimal("0.5")) == "0.5"
    with translation.override("id"):
        assert format_quantity(Decimal("0.5")) == "0,5"
    with translation.override(None):
        assert format_quantity(Decimal("0.5")) == "0,5"

import re
from decimal import Decimal

import pytest

from core.money import format_rupiah, line_total, parse_rupiah, terbilang


@pytest.mark.parametrize(
    ("amount", "shown"),
    [(0, "Rp0"), (500, "Rp500"), (150000, "Rp150.000"), (-10000, "-Rp10.000"), (1250000, "Rp1.250.000")],
)
def test_rupiah_has_dots_and_no_space(amount, shown):
    assert format_rupiah(amount) == shown


@pytest.mark.parametrize(
    ("amount", "words"),
    [
        (0, "Nol rupiah"),
        (11, "Sebelas rupiah"),
        (100, "Seratus rupiah"),
        (1000, "Seribu rupiah"),
        (1_250_000, "Satu juta dua ratus lima puluh ribu rupiah"),
        (1_011_111, "Satu juta sebelas ribu seratus sebelas rupiah"),
        (1_000_000_000, "Satu miliar rupiah"),
        (-5000, "Minus lima ribu rupiah"),
    ],
)
def test_terbilang(amount, words):
    assert terbilang(amount) == words


@pytest.mark.parametrize(
    ("text", "amount"), [("150000", 150000), ("150.000", 150000), ("Rp 1.250.000", 1250000), ("Rp0", 0)]
)
def test_parse_accepts_what_people_type(text, amount):
    assert parse_rupiah(text) == amount


@pytest.mark.parametrize("text", ["", "abc", "-5", "1.5", "1,5", "150.00", "1e9", "١٢٣", "9" * 13, "1.000.00"])
def test_parse_refuses_everything_else(text):
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        parse_rupiah(text)


def test_line_total_rounds_half_up_once():
    assert line_total(Decimal("2.5"), 333) == 833
    assert line_total(Decimal("1.5"), 333) == 500

"""NIK and telephone numbers."""

from __future__ import annotations

from datetime import date

import pytest
from django.core.exceptions import ValidationError

from core.indonesia import format_phone, normalise_phone, parse_nik, phone_or_none, validate_nik


class TestPhone:
    @pytest.mark.parametrize(
        ("typed", "stored"),
        [
            ("081234567890", "+6281234567890"),
            ("0812-3456-7890", "+6281234567890"),
            ("0812 3456 7890", "+6281234567890"),
            ("(0812) 3456.7890", "+6281234567890"),
            ("+62 812-3456-7890", "+6281234567890"),
            ("62812 3456 7890", "+6281234567890"),
            ("+62 (0)812 3456 7890", "+6281234567890"),
            ("0811234567", "+62811234567"),
            ("0812345678901", "+62812345678901"),
            ("0778 123456", "+62778123456"),
            ("021-5551234", "+62215551234"),
            ("+65 8123 4567", "+6581234567"),
            ("0065 8123 4567", "+6581234567"),
        ],
    )
    def test_accepted(self, typed, stored):
        assert normalise_phone(typed) == stored
        assert normalise_phone(stored) == stored

    @pytest.mark.parametrize(
        "typed",
        [
            "",
            "0",
            "08",
            "0812345",
            "081234567890123",
            "080123456789",
            "0112345678",
            "8123456789",
            "abc",
            "0812abc4567",
            "+",
            "++6281234567890",
            "+620",
            "٠٨١٢٣٤٥٦٧٨٩٠",
            "0812345678\n90; x",
            "+1",
            "+62",
            "1" * 500,
        ],
    )
    def test_refused(self, typed):
        assert phone_or_none(typed) is None
        with pytest.raises(ValidationError) as caught:
            normalise_phone(typed)
        assert caught.value.code == "phone"

    def test_shown(self):
        assert format_phone("+6281234567890") == "0812-3456-7890"
        assert format_phone("+62811234567") == "0811-2345-67"
        assert format_phone("+62778123456") == "0778123456"
        assert format_phone("+6581234567") == "+6581234567"


class TestNik:
    def test_parts(self):
        parts = parse_nik("2171015203850001")
        assert (parts.province, parts.day, parts.month, parts.year, parts.is_female, parts.serial) == (
            21,
            12,
            3,
            85,
            True,
            1,
        )
        assert parse_nik("2171011203850002").is_female is False

    @pytest.mark.parametrize(
        ("nik", "code"),
        [
            ("", "nik_digits"),
            ("217101520385000", "nik_length"),
            ("21710152038500011", "nik_length"),
            ("217101520385000A", "nik_digits"),
            ("2171 0152 0385 00", "nik_digits"),
            ("٢١٧١٠١٥٢٠٣٨٥٠٠٠١", "nik_digits"),
            ("²171015203850001", "nik_digits"),
            ("9999999999999999", "nik_placeholder"),
            ("1111111111111111", "nik_placeholder"),
            ("2171010003850001", "nik_date"),
            ("2171014003850001", "nik_date"),
            ("2171017203850001", "nik_date"),
            ("2171013203850001", "nik_date"),
            ("2171011200850001", "nik_date"),
            ("2171011213850001", "nik_date"),
            ("2171013004" + "850001", None),
            ("2171013104" + "850001", "nik_date"),
            ("2171012902" + "850001", None),
            ("2171013002" + "850001", "nik_date"),
            ("2171017112850001", None),
            ("2171015203850000", "nik_serial"),
        ],
    )
    def test_hard_errors(self, nik, code):
        if code is None:
            parse_nik(nik)
            return
        with pytest.raises(ValidationError) as caught:
            validate_nik(nik)
        assert caught.value.code == code
        assert nik == "" or nik not in str(caught.value)

    def test_length_error_says_how_many_were_typed(self):
        with pytest.raises(ValidationError) as caught:
            parse_nik("217101520385000")
        assert "15" in caught.value.messages[0]

    def test_warnings_do_not_block(self):
        nik = "2171015203850001"
        assert validate_nik(nik) == []
        assert validate_nik(nik, birth_date=date(1985, 3, 12), sex="female") == []
        assert len(validate_nik(nik, birth_date=date(1985, 3, 13))) == 1
        assert len(validate_nik(nik, sex="male")) == 1
        assert len(validate_nik("0171015203850001", birth_date=date(1986, 3, 12), sex="male")) == 3

    def test_only_two_digits_of_the_year_are_compared(self):
        assert validate_nik("2171015203250001", birth_date=date(1925, 3, 12)) == []
        assert validate_nik("2171015203250001", birth_date=date(2025, 3, 12)) == []

    @pytest.mark.parametrize("sex", [None, "", "other", "unknown"])
    def test_unknown_sex_is_not_compared(self, sex):
        assert validate_nik("2171015203850001", sex=sex) == []

    @pytest.mark.parametrize("province", [11, 21, 31, 65, 82, 91, 97])
    def test_provinces(self, province):
        assert validate_nik(f"{province}71015203850001") == []

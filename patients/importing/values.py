"""Single cells of a file as other systems write them, turned into our values. Pure: no table is asked.

Every function takes the tidy text of a cell and returns the value, or raises WrongValue with a sentence that says what is
wrong and never repeats the value.
"""

from __future__ import annotations

import re
from datetime import date, timedelta

from django.utils.translation import gettext as _

from core import clock, indonesia
from core.text import clean_line
from patients import codes
from patients.countries import COUNTRIES, HOME
from patients.details import born_before
from patients.models import Patient, Sex
from patients.names import SALUTATIONS, NameParts, split_titles

OLDEST_YEARS = 130
SERIAL_START = date(1899, 12, 30)  # day 0 of spreadsheets, which count 29 February 1900
SERIALS = range(1000, 60_000)  # 1902 to 2064
NOTHING = frozenset(
    {"-", "--", ".", "null", "none", "n/a", "na", "tidak ada", "tdk ada", "kosong", "belum ada", "x", "?"}
)
MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "januari jan january", "februari feb pebruari february", "maret mar march", "april apr", "mei may", "juni jun june",
            "juli jul july", "agustus agu ags agt aug august", "september sep sept", "oktober okt oct october",
            "november nov nopember nop", "desember des dec december",
        ),
        start=1,
    )
    for name in names.split()
}  # fmt: skip
SEXES = {
    **dict.fromkeys(("l", "lk", "lakilaki", "laki", "pria", "m", "male", "1", "cowok"), Sex.MALE),
    **dict.fromkeys(("p", "pr", "perempuan", "wanita", "f", "female", "2", "w", "cewek"), Sex.FEMALE),
    **dict.fromkeys(("0", "4", "u", "unknown", "tidakdiketahui"), Sex.UNKNOWN),
    **dict.fromkeys(("3", "other", "tidakdapatditentukan"), Sex.OTHER),
}
ACCURACY_WORDS = {
    "bulan": Patient.BirthAccuracy.MONTH,
    "tahun": Patient.BirthAccuracy.YEAR,
    "perkiraan": Patient.BirthAccuracy.ESTIMATED,
}
PAYERS = {
    **dict.fromkeys(("umum", "umu", "pribadi", "mandiri", "tunai", "cash", "self", "sendiri", "pasienumum", "2"), "self"),
    **dict.fromkeys(("bpjs", "bpj", "jkn", "kis", "bpjskesehatan", "askes", "jamkesmas", "pbi", "nonpbi", "1"), "bpjs"),
}  # fmt: skip
# What is written beside the official words of KMK 1423/2022; compared as `_letters` leaves them.
WORDS: dict[str, dict[str, str]] = {
    "religion": {
        **dict.fromkeys(("kristen", "protestan", "kristenprotestan"), "2"),
        **dict.fromkeys(("katholik", "kristenkatolik", "katolikroma"), "3"),
        **dict.fromkeys(("budha", "buddhis", "budhis"), "5"), **dict.fromkeys(("konghuchu", "khonghucu"), "6"),
        **dict.fromkeys(("kepercayaan", "aliran", "penghayatkepercayaan", "alirankepercayaan"), "7"),
        **dict.fromkeys(("lain", "lainlain", "lainnya"), "8"),
    },
    "marital": {
        **dict.fromkeys(("belummenikah", "lajang", "single", "bujang", "gadis", "tidakkawin", "belumnikah"), "1"),
        **dict.fromkeys(("menikah", "nikah", "sudahmenikah", "kawintercatat", "married"), "2"),
        **dict.fromkeys(("cerai", "ceraihidup", "divorced"), "3"),
        **dict.fromkeys(("janda", "duda", "jandaduda", "widowed", "janda/duda"), "4"),
    },
    "education": {
        **dict.fromkeys(("ts", "tk", "tidaksekolah", "belumsekolah", "paud", "tidakbelumsekolah", "tidaktamatsd"), "0"),
        **dict.fromkeys(("sekolahdasar", "mi", "tamatsd", "sdsederajat"), "1"), **dict.fromkeys(("smp", "sltp", "mts"), "2"),
        **dict.fromkeys(("sma", "smk", "slta", "stm", "ma", "smu", "sltasederajat", "smasederajat"), "3"),
        **dict.fromkeys(("d1", "d2", "d3", "di", "dii", "diii", "diploma", "akademi"), "4"), **dict.fromkeys(("d4", "div"), "5"),
        **dict.fromkeys(("s1", "sarjana", "strata1"), "6"), **dict.fromkeys(("s2", "magister"), "7"),
        **dict.fromkeys(("s3", "doktor"), "8"),
    },
    "occupation": {
        **dict.fromkeys(("tidakbekerja", "belumbekerja", "tidakbelumbekerja", "pengangguran"), "0"),
        **dict.fromkeys(("pns", "asn", "pegawainegeri", "pegawainegerisipil", "pppk"), "1"),
        **dict.fromkeys(("tni", "polri", "polisi", "tentara", "tnipolri"), "2"), **dict.fromkeys(("bumn", "bumd"), "3"),
        **dict.fromkeys(
            ("swasta", "karyawanswasta", "karyawan", "pegawaiswasta", "wiraswasta", "wirausaha", "pedagang"), "4"
        ),
    },
    "relation": {
        **dict.fromkeys(("dirisendiri", "sendiri", "pasien"), "1"), **dict.fromkeys(("ayah", "ibu", "orangtua", "bapak"), "2"),
        **dict.fromkeys(("anak",), "3"), **dict.fromkeys(("suami", "istri", "isteri", "pasangan"), "4"),
        **dict.fromkeys(("saudara", "kerabat", "kakak", "adik", "keluarga", "paman", "bibi", "kakek", "nenek"), "5"),
        **dict.fromkeys(("lain", "lainlain", "lainnya", "teman"), "6"),
    },
}  # fmt: skip
_SCIENTIFIC = re.compile(r"^[+-]?\d+([.,]\d+)?[eE][+]?\d+$")
_NAMED_DATE = re.compile(r"^(\d{1,2})[\s.-]+([a-z]+)[\s.-]+(\d{4})$")
_DAY_FIRST = re.compile(r"^(\d{1,2})[/.\-\s](\d{1,2})[/.\-\s](\d{4})(?:[ T].*)?$")
_YEAR_FIRST = re.compile(r"^(\d{4})[/.\-](\d{1,2})[/.\-](\d{1,2})(?:[ T].*)?$")
_AGE = re.compile(r"^(\d{1,3})(?:[.,]\d+)?\s*(?:th|thn|tahun|y|years?)?\b", re.IGNORECASE)
_NAME_TAIL = re.compile(rf"[,.]?\s*\b(?:{'|'.join(sorted(SALUTATIONS))}|by|bayi|nn)\.?$", re.IGNORECASE)
_LETTERS = re.compile(r"[^a-z0-9]+")


class WrongValue(ValueError):
    """A cell cannot be; the text is the sentence."""


def given(text: str) -> str:
    """Return the cell on one line, or "" for what other systems write when there is nothing."""
    line = clean_line(text)
    return "" if line.lower() in NOTHING else line


def name(text: str) -> NameParts:
    """Return a name apart from its titles. "AMINAH, NY" and "BUDI. TN", as other systems write it, lose the salutation."""
    line = given(text)
    shorter = _NAME_TAIL.sub("", line)
    return split_titles(shorter if any(letter.isalpha() for letter in shorter) else line)


def nik(text: str) -> str:
    """Return the digits of a NIK as written; "" for zeros and nines that stand for "not known"."""
    digits = _digits(text, _("NIK"))
    return "" if set(digits) <= {"0"} or digits == indonesia.NIK_PLACEHOLDER else digits


def bpjs_number(text: str) -> str:
    """Return a BPJS number with the zeros in front that a spreadsheet took away; "" for zeros only."""
    digits = _digits(text, _("BPJS number"))
    if set(digits) <= {"0"}:
        return ""
    return digits.zfill(13) if digits.isdigit() and 9 <= len(digits) < 13 else digits


def family_card(text: str) -> str:
    """Return the digits of a family card number; "" for zeros only."""
    digits = _digits(text, _("Family card (KK)"))
    return "" if set(digits) <= {"0"} else digits


def number(text: str) -> str:
    """Return a number of another register as written."""
    line = given(text)
    if _SCIENTIFIC.match(line):
        raise _rounded(_("number"))
    return line


def phone(text: str) -> str:
    """Return a telephone number, with the zero in front that a spreadsheet took away; "" for zeros only."""
    line = given(text)
    if _SCIENTIFIC.match(line):
        raise _rounded(_("phone"))
    line = re.split(r"\s*[/;]\s*(?=[0+])", line)[0]  # two numbers in a cell: the first
    bare = re.sub(r"[\s().-]", "", line)
    if bare and set(bare) <= {"0"}:
        return ""
    return f"0{bare}" if bare.isdigit() and bare.startswith("8") and 9 <= len(bare) <= 12 else line


def birth_date(text: str) -> date | None:
    """Return a date written as DD/MM/YYYY, YYYY-MM-DD, "5 Maret 1985" or the day number of a spreadsheet; None for nothing.

    A year of two digits is refused: it may mean two people eighty years apart.
    """
    line = given(text)
    if not line or line.startswith(("0000", "00/00", "00-00", "1900-01-00")):
        return None
    found = _year_first(line) or _day_first(line) or _with_month_name(line) or _serial(line)
    if found is None:
        raise WrongValue(_("The date is not written as DD/MM/YYYY, for example 05/03/1985."))
    try:
        day = date(*found)
    except ValueError:
        raise WrongValue(_("This date does not exist. Check day and month.")) from None
    today = clock.today()
    if day > today:
        raise WrongValue(_("The date of birth is in the future. Check the year."))
    if day.year < today.year - OLDEST_YEARS:
        raise WrongValue(_("The date of birth is too long ago. Check the year."))
    return day


def born_from_age(text: str) -> date | None:
    """Return the birth date of somebody who is so many years old today; None for nothing."""
    line = given(text)
    if not line:
        return None
    found = _AGE.match(line)
    if not found or int(found[1]) > OLDEST_YEARS:
        raise WrongValue(_("The age is not a number of years up to 130."))
    return born_before(clock.today(), years=int(found[1]))


def birth_accuracy(text: str) -> str:
    """Return how far the date of birth beside it is known; an empty cell says that it is exact."""
    line = given(text).lower()
    if not line:
        return Patient.BirthAccuracy.EXACT
    if line not in ACCURACY_WORDS:
        raise WrongValue(_("It is empty when the date of birth is exact; else bulan, tahun or perkiraan."))
    return ACCURACY_WORDS[line]


def sex(text: str) -> str:
    """Return the sex; unknown for nothing."""
    line = given(text)
    if not line:
        return Sex.UNKNOWN
    found = SEXES.get(_letters(line))
    if found is None:
        raise WrongValue(_("The sex is not L or P."))
    return found


def code(list_name: str, text: str) -> str:
    """Return the code of `patients.codes` that the words mean; "" for nothing."""
    line = given(text)
    if not line:
        return ""
    found = codes.find_code(list_name, line) or WORDS.get(list_name, {}).get(_letters(line), "")
    if not found:
        raise WrongValue(_("This is not in the list of KMK 1423/2022. Write one of its words or codes."))
    return found


def occupation(text: str) -> tuple[str, str]:
    """Return code and words of an occupation; what is in no list is "other" with its own words."""
    line = given(text)
    if not line:
        return "", ""
    try:
        return code("occupation", line), "" if line in {row.code for row in codes.CODES["occupation"]} else line
    except WrongValue:
        return "5", line


def blood_type(text: str) -> tuple[str, str]:
    """Return blood type and rhesus; both "" for nothing."""
    line = given(text).upper().replace(" ", "").replace("POSITIF", "+").replace("NEGATIF", "-").replace("RH", "")
    found = re.fullmatch(r"(AB|A|B|O|0)([+-]?)", line)
    if not line or line in ("TIDAKTAHU", "TIDAKDIKETAHUI"):
        return "", ""
    if not found:
        raise WrongValue(_("The blood type is not A, B, AB or O, with + or - when known."))
    return found[1].replace("0", "O"), found[2]


def payer(text: str) -> str:
    """Return who pays: self, BPJS, or an insurance for every other name; "" for nothing."""
    line = given(text)
    if not line:
        return ""
    letters = _letters(line)
    if "bpjs" in letters or "jkn" in letters:
        return Patient.Guarantor.BPJS
    return PAYERS.get(letters, Patient.Guarantor.INSURANCE)


def country(text: str) -> str:
    """Return the code of a country; Indonesia for nothing."""
    line = given(text)
    letters = _letters(line)
    if not line or letters in ("wni", "indonesia", "indonesian", "id", "idn"):
        return HOME
    if line.upper() in COUNTRIES:
        return line.upper()
    found = [key for key, names in COUNTRIES.items() if letters in map(_letters, names)]
    if len(found) != 1:
        raise WrongValue(_("The country is not in the list. Write its code of two letters, for example SG."))
    return found[0]


def rt(text: str) -> str:
    """Return RT or RW without words around it; "" for nothing and for zeros."""
    line = re.sub(r"(?i)^(rt|rw)[.\s]*", "", given(text))
    return "" if line and set(line) <= {"0"} else line


def postal_code(text: str) -> str:
    """Return a postal code; "" for zeros only."""
    line = given(text)
    return "" if line and set(line) <= {"0"} else line


def _digits(text: str, what: str) -> str:
    line = given(text)
    if _SCIENTIFIC.match(line):
        raise _rounded(what)
    return re.sub(r"[\s.'’-]", "", line)


def _rounded(what: str) -> WrongValue:
    problem = _("The spreadsheet rounded this %(what)s: its last digits are lost.") % {"what": what}
    advice = _("Set the column to Text in the original list, and enter it again.")
    return WrongValue(f"{problem} {advice}")


def _year_first(line: str) -> tuple[int, int, int] | None:
    found = _YEAR_FIRST.match(line)
    return (int(found[1]), int(found[2]), int(found[3])) if found else None


def _day_first(line: str) -> tuple[int, int, int] | None:
    found = _DAY_FIRST.match(line)
    return (int(found[3]), int(found[2]), int(found[1])) if found else None


def _with_month_name(line: str) -> tuple[int, int, int] | None:
    found = _NAMED_DATE.match(line.lower())
    month = MONTHS.get(found[2]) if found else None
    return (int(found[3]), month, int(found[1])) if found and month else None


def _serial(line: str) -> tuple[int, int, int] | None:
    if not (line.isascii() and line.isdigit() and len(line) <= 5 and int(line) in SERIALS):
        return None
    day = SERIAL_START + timedelta(days=int(line))
    return day.year, day.month, day.day


def _letters(text: str) -> str:
    return _LETTERS.sub("", text.lower())

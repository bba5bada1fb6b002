"""Names as people type them: titles apart from the name, and the names the clinic makes for those who have none yet."""

from __future__ import annotations

import re
from typing import NamedTuple

from core.text import clean_line

# Compared without dots and in lower case. One and two letters count as a title only with a dot, where a name could be meant.
PREFIX_TITLES = frozenset(
    [
        "dr",
        "drg",
        "drh",
        "prof",
        "ir",
        "drs",
        "dra",
        "h",
        "hj",
        "hjh",
        "kh",
        "apt",
        "ns",
        "bd",
        "pdt",
        "rp",
        "ust",
        "ustadz",
        "ustadzah",
        "capt",
        "kol",
        "letkol",
        "mayor",
        "brigjen",
        "ipda",
        "aiptu",
    ]
)
SALUTATIONS = frozenset(["tn", "ny", "nn", "an", "sdr", "sdri", "bpk", "bp", "tuan", "nyonya", "nona", "bapak"])
NEEDS_DOT = frozenset(["h", "ir", "ns", "bd", "rp", "an", "kh", "apt", "ust"])
SUFFIX_TITLES = frozenset(
    [
        "sh",
        "se",
        "st",
        "sip",
        "ssos",
        "skom",
        "skm",
        "skep",
        "sked",
        "sfarm",
        "spd",
        "spdi",
        "sag",
        "ssi",
        "sstp",
        "sst",
        "ners",
        "ns",
        "amd",
        "amk",
        "amdkeb",
        "amdkep",
        "mm",
        "mt",
        "mh",
        "mpd",
        "msi",
        "mkes",
        "mkep",
        "mkm",
        "mfarm",
        "mkom",
        "mba",
        "msc",
        "ma",
        "mag",
        "phd",
        "spa",
        "spog",
        "spb",
        "span",
        "spm",
        "spn",
        "spkj",
        "sppd",
        "sptht",
        "spthtkl",
        "spjp",
        "spkk",
        "sprad",
        "sppk",
        "cht",
        "finasim",
    ]
)
MAX_TITLES = 60
_DOTTED = re.compile(r"[A-Za-z]{1,5}\.[A-Za-z].*")  # S.Pd, M.Kes, Sp.A: letters, a dot, and letters again
# Names the clinic makes for people who have none yet, or none known: "By. Ny. Rohani II", "Tn. X 001".
STAND_IN_NAME = re.compile(r"(?:By\.?|Bayi) Ny\.? |(?:(?:Tn|Ny|An)\. )?X \d{3}")
ROMAN = ("", "I", "II", "III", "IV", "V", "VI", "VII", "VIII")


class NameParts(NamedTuple):
    """A typed name taken apart."""

    prefix: str
    name: str
    suffix: str


def split_titles(text: str) -> NameParts:
    """Return titles before the name, the name, and titles after it: "dr. Budi Santoso, Sp.A" gives dr. / Budi Santoso / Sp.A.

    Salutations (Tn., Ny., Bpk.) are dropped: they are computed. Names the clinic makes ("By. Ny. Rohani") stay whole, and
    so does a name that would have nothing left.
    """
    typed = clean_line(text)
    if STAND_IN_NAME.match(typed) or re.match(r"(?:By\.?|Bayi) ", typed, re.IGNORECASE):
        return NameParts("", typed, "")
    name, suffixes = _without_suffixes(typed)
    words, prefixes = name.split(), []
    while len(words) > 1 and _is_in_front(words[0]):
        word = words.pop(0)
        if _bare(word) not in SALUTATIONS:
            prefixes.append(word)
    prefix, suffix = " ".join(prefixes), ", ".join(suffixes)
    if not any(letter.isalpha() for letter in " ".join(words)) or len(prefix) > MAX_TITLES or len(suffix) > MAX_TITLES:
        return NameParts("", typed, "")
    return NameParts(prefix, " ".join(words), suffix)


def newborn_name(mother_name: str, *, order: int | None = None) -> str:
    """Return the name of a baby who has none yet: "By. Ny. Rohani", of twins "By. Ny. Rohani II".

    Source: KMK HK.01.07/MENKES/1423/2022, newborns: "bayi" and the mother's name.
    """
    name = f"By. Ny. {mother_name}"
    return f"{name} {ROMAN[order]}" if order and order < len(ROMAN) else name


def unknown_name(number: int, *, sex: str, is_child: bool) -> str:
    """Return the name of somebody nobody knows: "Tn. X 001", "Ny. X 002", "An. X 003", or "X 004" without a known sex."""
    salutation = "An. " if is_child else {"male": "Tn. ", "female": "Ny. "}.get(sex, "")
    return f"{salutation}X {number:03d}"


def _without_suffixes(typed: str) -> tuple[str, list[str]]:
    name, *parts = (part.strip() for part in typed.split(","))
    if parts and all(_is_behind(word) for part in parts for word in part.split()):
        return name, [part for part in parts if part]
    name = typed
    behind: list[str] = []
    words = name.split()
    while len(words) > 1 and _DOTTED.fullmatch(words[-1]) and _is_behind(words[-1]):
        behind.insert(0, words.pop())
    return " ".join(words), behind


def _is_in_front(word: str) -> bool:
    bare = _bare(word)
    if bare in NEEDS_DOT and "." not in word:
        return False
    return bare in PREFIX_TITLES or (bare in SALUTATIONS and ("." in word or len(bare) > 3))


def _is_behind(word: str) -> bool:
    return _bare(word) in SUFFIX_TITLES or bool(_DOTTED.fullmatch(word))


def _bare(word: str) -> str:
    return word.replace(".", "").casefold()

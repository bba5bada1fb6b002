"""Folding: the form of a name's words that all their usual spellings share (Soerjadi and Suryadi, Moh. and Muhammad).

Which spellings come together is measured with `tests/data/name_pairs.csv`. Whatever changes what a name folds to raises
`core.search.blind.FOLDING_VERSION`.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

MOST_WORDS = 8  # of one name or query; more only cost tokens
MOST_NAME_LETTERS = 300
LONGEST_DEGREE = 6  # "S.Keb.", "Sp.JP"; longer dotted words after a comma are names


def _listed(words: str) -> frozenset[str]:
    return frozenset(words.split())


# Titles, forms of address and patronymic particles, compared before folding and without dots.
TITLES = _listed(
    """
    dr drg drh drs dra ir h hj hjh kh hc prof rm rr ra rd ust ustadz ustad ustadzah ny nyonya nn nona tn tuan an anak
    by bayi sdr sdri saudara saudari bpk bapak ibu bin binti bt bte binte alm almh
    haji hajah hajjah kyai kiai nyai njai raden pdt mr mrs ms encik br boru
    """
)
# Degrees, with the dots taken out.
DEGREES = _listed(
    """
    sh se skom skm skep skepns ners ns spd spdi sag ssi sfarm apt sip ssos st ars amd amdkeb amdkep amk mkes mkep mkm mm
    mt mh mpd mag msi mfarm mkom mars mba msc ma phd dr lc bsc ba spa spog spkk sptht spthtkl sppd spb span spkj sprad
    sppk spjp spm spn spok sppa strkeb strkep dip cht s sp
    """
)
# What is written short on identity cards, unfolded.
ABBREVIATIONS = {
    **dict.fromkeys(
        _listed(
            """
            moh muh moch mohd muhd mhd md mohamad mohammad mohamed mohammed muhamad muhamed muhammed mochamad mochammad
            mochamed mokhamad mokhammad muchamad muchammad muhamat mohamat
            """
        ),
        "muhammad",
    ),
    **dict.fromkeys(_listed("abd abdl abdur abdus abdun abdut abdud abduz abdush"), "abdul"),
    **dict.fromkeys(("ach", "akh", "ahm", "achm"), "ahmad"),
    "st": "siti",
    "nrl": "nurul",
    **{"wy": "wayan", "kt": "ketut", "kd": "kadek", "kmg": "komang", "nym": "nyoman", "ngh": "nengah", "gst": "gusti"},
    **{"gd": "gede", "pt": "putu", "dg": "daeng", "tb": "tubagus", "ign": "ignatius", "yoh": "yohanes"},
}
_CH_AS_C = ("chand", "chind", "chint", "chik", "chica")  # names in which ch sounds as in "Chandra"
_PATRONYMIC = re.compile(r"\b(?:[ad]/[lp]|[sd]/o)\b", re.IGNORECASE)  # Malaysian and Tamil "son of", "daughter of"
_WORD_SPLIT = re.compile(r"[\W_]+")
_APOSTROPHES = re.compile("['`´‘’ʻʼ]")
# Old and foreign ways to write one sound, in the order they are applied.
_SPELLINGS = (
    *(("oe", "u"), ("oo", "u"), ("ee", "i"), ("ae", "ai"), ("dj", "j"), ("tj", "c"), ("sj", "s"), ("sy", "s")),
    *(("sh", "s"), ("cr", "kr"), ("cl", "kl"), ("ct", "kt"), ("ck", "k"), ("sc", "sk"), ("ch", "h")),
    *(("kh", "h"), ("dz", "z"), ("ts", "s"), ("ph", "p"), ("v", "p"), ("f", "p"), ("th", "t"), ("dh", "d")),
    *(("gh", "g"), ("bh", "b"), ("q", "k"), ("x", "ks")),
)
# The same at the beginning of a word: Arabic names whose first vowel is written a or o, u or o.
_BEGINNINGS = (
    *(("moh", "muh"), ("roh", "rah"), ("hoi", "hai"), ("hod", "had"), ("hol", "hal"), ("sol", "sal"), ("gop", "gap")),
    ("abdulroh", "abdulrah"),
)
_ABDUL = re.compile(r"^abdu([rsntdz])\1?")  # Abdurrahman is Abdul Rahman written as it is spoken
_INSIDE = str.maketrans("zjyw", "siiu")
_DOUBLE = re.compile(r"(.)\1+")


@lru_cache(maxsize=20_000)
def fold_word(word: str, *, is_complete: bool = True) -> str:
    """Return one word of a name in the form that all its usual spellings share.

    Letters are mapped without regard to what follows, so that the beginning of a word folds to the beginning of the
    folded word. Only the silent final h depends on the end: it stays when `is_complete` is false, for somebody may
    still be typing.
    Letters outside the Latin alphabet are kept, so such names can be found too.
    """
    text = _plain(word)
    text = ABBREVIATIONS.get(text, text)
    if text.startswith(_CH_AS_C):
        text = "c" + text[2:]
    elif text.startswith("chr"):
        text = "kr" + text[3:]
    for written, folded in _SPELLINGS:
        text = text.replace(written, folded)
    text = _ABDUL.sub(r"abdul\1", text)
    for written, folded in _BEGINNINGS:
        if text.startswith(written):
            text = folded + text[len(written) :]
    # Old j is today's y, and old dj today's j (Jusuf, Widjaja): j at the beginning, i inside the word.
    first, rest = text[:1], text[1:]
    text = {"y": "j", "z": "j"}.get(first, first) + rest.translate(_INSIDE)
    text = _DOUBLE.sub(r"\1", text).replace("ie", "i")
    return text[:-1] if is_complete and len(text) > 2 and text.endswith("h") else text


def fold_joined(first: str, second: str) -> str:
    """Return two plain words of a name folded as if they were written as one: "Nur Aini" is also "Nuraini"."""
    return fold_word(ABBREVIATIONS.get(first, first) + ABBREVIATIONS.get(second, second))


def fold_name(text: str) -> list[str]:
    """Return the folded words of a name in order, without titles, degrees and particles.

    A name made of such words only ("An") keeps them: nobody becomes unfindable.
    """
    return [word for word in map(fold_word, name_words(text)) if word]


def name_words(text: str) -> list[str]:
    """Return the plain words of a name that carry meaning, as `fold_name` describes."""
    everything: list[str] = []
    kept: list[str] = []
    is_after_comma = False
    for part in re.split(r"(,)|\s+", _PATRONYMIC.sub(" ", text[:MOST_NAME_LETTERS])):
        if not part:
            continue
        if part == ",":
            is_after_comma = True
            continue
        words = _words(part)
        joined = "".join(words)
        everything += words
        is_dotted = "." in part.rstrip(".")
        if joined in DEGREES and (is_dotted or is_after_comma):
            continue
        if is_after_comma and "." in part and len(joined) <= LONGEST_DEGREE:
            continue
        kept += [word for word in words if word not in TITLES]
    return (kept or everything)[:MOST_WORDS]


def _plain(text: str) -> str:
    """Return text in lower case without accents and apostrophes."""
    text = _APOSTROPHES.sub("", text)
    if text.isascii():
        return text.lower()
    decomposed = unicodedata.normalize("NFKD", text).casefold()
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter))


def _words(text: str) -> list[str]:
    return [word for word in _WORD_SPLIT.split(_plain(text)) if word and not word.isdigit()]


# About a hundred of the commonest words in Indonesian names. The list is public and part of the index: a word that is
# added or removed needs `manage.py reindex_patients`.
COMMON_WORDS = frozenset(
    map(
        fold_word,
        _listed(
            """
            Muhammad Ahmad Abdul Siti Nur Sri Dewi Agus Budi Putri Putra Sari Eko Dwi Tri Rizki Ade Andi Dian Indra
            Hendra Joko Slamet Bambang Sutrisno Supriyadi Suryadi Wahyu Yusuf Ibrahim Ismail Ali Hasan Husein Umar Usman
            Abdullah Rahman Rahmat Hidayat Hidayah Saputra Pratama Setiawan Kurniawan Wijaya Susanto Santoso Hartono
            Sulaiman Iskandar Arif Fitri Lestari Wati Rahayu Astuti Handayani Wulandari Puspita Anggraini Permata
            Maharani Kartika Ayu Indah Rina Rini Yuli Yanti Ani Aisyah Fatimah Khadijah Aminah Maryam Zahra Nurul
            Nurhayati Sulastri Yuliana Ratna Ningsih Susanti Susilo Purnomo Nugroho Prasetyo Firmansyah Ramadhan Fauzi
            Hakim Maulana Syahputra Simanjuntak Siregar Nasution Lubis Sinaga Situmorang Hutapea Sihombing Panjaitan
            Made Wayan Ketut Nyoman Maria Yohanes Agustina Kusuma Utami Hasanah Rohmah Mulyadi Gunawan Irawan Hermawan
            Suharti Sumiati
            """
        ),
    )
)

# Whoever has an initial and one of these is too many people: the list would be long enough to name the word.
COMMONEST_WORDS = frozenset(
    map(fold_word, _listed("Muhammad Siti Nur Ahmad Abdul Sri Dewi Agus Budi Putri Putra Sari Eko Dwi Tri"))
)


def is_one_slip(first: str, second: str) -> bool:
    """True when one wrong, missing or extra letter, or two swapped neighbours, is all that differs."""
    if first == second or abs(len(first) - len(second)) > 1:
        return False
    if len(first) > len(second):
        first, second = second, first
    at = next((index for index, letter in enumerate(first) if letter != second[index]), len(first))
    if len(first) < len(second):
        return first[at:] == second[at + 1 :]
    if first[at + 1 :] == second[at + 1 :]:
        return True
    return first[at : at + 2] == second[at : at + 2][::-1] and first[at + 2 :] == second[at + 2 :]

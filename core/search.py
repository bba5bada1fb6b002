"""Search over encrypted names: folding, blind index tokens, query parsing and ranking. Knows no table.

Folding brings spellings of one Indonesian name together (Soerjadi and Suryadi, Moh. and Muhammad). A blind index is a
keyed hash: equal words give equal numbers, and without the key a number says nothing about the word. The commonest
words of the country get no number of their own, since their frequency would name them. Design, measurements and what
still leaks: docs/adr/0004-blind-index-search.md.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from itertools import combinations, pairwise, product
from typing import NamedTuple, TypeVar

from core import indonesia, keys

Key = TypeVar("Key")

PREFIX_LENGTHS = range(3, 8)
LONGEST_PREFIX = PREFIX_LENGTHS[-1]
TYPO_LENGTH = 8  # deletions are taken from the first letters only
SHORTEST_TYPO_WORD = 4  # one wrong letter of three matches half the country
MOST_WORDS = 8  # of one name or query; more only cost tokens
MOST_NAME_LETTERS = 300
MOST_QUERY_LETTERS = 200
LONGEST_DEGREE = 6  # "S.Keb.", "Sp.JP"; longer dotted words after a comma are names

# --- Folding --------------------------------------------------------------------------------------------------------


def _listed(words: str) -> frozenset[str]:
    return frozenset(words.split())


# Titles, forms of address and patronymic particles, compared before folding and without dots.
TITLES = _listed(
    """
    dr drg drh drs dra ir h hj hjh kh hc prof rm rr ra rd ust ustadz ustad ustadzah ny nyonya nn nona tn tuan an anak
    by bayi sdr sdri saudara saudari bpk bapak ibu bin binti bt bte binte alm almh
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
    **dict.fromkeys(("abd", "abdl"), "abdul"),
    **dict.fromkeys(("ach", "akh", "ahm", "achm"), "ahmad"),
    "st": "siti",
    "nrl": "nurul",
}
_CH_AS_C = ("chand", "chind", "chint", "chik", "chica")  # names in which ch sounds as in "Chandra"
_WORD_SPLIT = re.compile(r"[\W_]+")
_APOSTROPHES = re.compile("['`´‘’ʻʼ]")
_SPELLINGS = (
    *(
        ("oe", "u"),
        ("dj", "j"),
        ("tj", "c"),
        ("sj", "s"),
        ("sy", "s"),
        ("sh", "s"),
        ("chr", "kr"),
        ("ch", "h"),
        ("kh", "h"),
    ),
    *(("ph", "p"), ("v", "p"), ("f", "p"), ("th", "t"), ("dh", "d"), ("gh", "g"), ("bh", "b"), ("q", "k"), ("x", "ks")),
)
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
    for written, folded in _SPELLINGS:
        text = text.replace(written, folded)
    # Old j is today's y, and old dj today's j (Jusuf, Widjaja): j at the beginning, i inside the word.
    first, rest = text[:1], text[1:]
    text = {"y": "j", "z": "j"}.get(first, first) + rest.replace("z", "s").replace("j", "i").replace("y", "i")
    text = _DOUBLE.sub(r"\1", text)
    return text[:-1] if is_complete and len(text) > 2 and text.endswith("h") else text


def fold_name(text: str) -> list[str]:
    """Return the folded words of a name in order, without titles, degrees and particles.

    A name made of such words only ("An") keeps them: nobody becomes unfindable.
    """
    return [word for word in map(fold_word, _name_words(text)) if word]


def _name_words(text: str) -> list[str]:
    """Return the plain words of a name that carry meaning, as `fold_name` describes."""
    everything: list[str] = []
    kept: list[str] = []
    is_after_comma = False
    for part in re.split(r"(,)|\s+", text[:MOST_NAME_LETTERS]):
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

# --- Blind index ----------------------------------------------------------------------------------------------------


class Term(NamedTuple):
    """What one number of the index stands for, before it is keyed: the purpose, whose key is used, and the text."""

    purpose: str
    text: str


@lru_cache(maxsize=64)
def _purpose_key(master: bytes, purpose: str) -> bytes:
    return keys.derive(master, f"search/{purpose}/v1")


def blind_index(purpose: str, value: str, *, key: bytes) -> int:
    """Return the number of `value` for one purpose under a master key: 63 bits, never negative, fits a signed BIGINT.

    HMAC-SHA256 under a key of the purpose's own, so the same text under two purposes gives unrelated numbers. Callers
    normalise first (`indonesia.normalise_phone`, `fold_word`). Which master key is in use: `core.keys_index`.
    """
    purpose_key = _purpose_key(key, purpose)
    digest = hmac.digest(purpose_key, value.encode("utf-8", "surrogatepass"), hashlib.sha256)
    return int.from_bytes(digest[:8], "big") >> 1


def tokens(terms: Iterable[Term], *, key: bytes) -> set[int]:
    """Return the numbers of terms under a master key."""
    return {blind_index(term.purpose, term.text, key=key) for term in terms}


def prefix_term(word: str) -> Term:
    """A folded word of up to seven letters, or its first seven."""
    return Term("name", f"prefix|{word[:LONGEST_PREFIX]}")


def whole_term(word: str) -> Term:
    """A complete folded word: its own prefix when it is short, else a term of its own."""
    return prefix_term(word) if len(word) <= LONGEST_PREFIX else Term("name", f"whole|{word}")


def typo_terms(word: str) -> set[Term]:
    """The first eight letters with each letter left out, and with none: two words share one if a single letter is
    wrong, missing, extra, or two neighbours are swapped."""
    if len(word) < SHORTEST_TYPO_WORD:
        return set()
    return {Term("name", f"typo|{form}") for form in deletions(word[:TYPO_LENGTH])}


def pair_term(first: str, second: str) -> Term:
    """Two common words of one name, in either order."""
    low, high = sorted((first, second))
    return Term("name", f"pair|{low}|{high}")


def birth_term(birth_date: date) -> Term:
    """A birth date alone."""
    return Term("birth", birth_date.isoformat())


def name_birth_term(word: str, birth_date: date) -> Term:
    """One complete folded word together with a birth date."""
    return Term("name+birth", f"{word}|{birth_date.isoformat()}")


def deletions(word: str) -> set[str]:
    """Return the word and each form of it with one letter left out."""
    return {word, *(word[:at] + word[at + 1 :] for at in range(len(word)))}


def name_terms(full_name: str, birth_date: date | None) -> set[Term]:
    """Return all index terms of one person: about 20 for a usual name."""
    words = list(dict.fromkeys(fold_name(full_name)))
    terms: set[Term] = set()
    common = []
    for word in words:
        if birth_date is not None:
            terms.add(name_birth_term(word, birth_date))
        if word in COMMON_WORDS:
            common.append(word)
            continue
        terms.add(whole_term(word))
        terms.update(prefix_term(word[:length]) for length in PREFIX_LENGTHS if length <= len(word))
        terms.update(typo_terms(word))
    terms.update(pair_term(first, second) for first, second in combinations(common, 2))
    if birth_date is not None:
        terms.add(birth_term(birth_date))
    return terms


# --- Queries --------------------------------------------------------------------------------------------------------

_DATE = re.compile(r"(?<!\d)(\d{1,2})\s?[-/.\s]\s?(\d{1,2})\s?[-/.\s]\s?(\d{4})(?!\d)", re.ASCII)
_ISO_DATE = re.compile(r"(?<!\d)(\d{4})-(\d{1,2})-(\d{1,2})(?!\d)", re.ASCII)
_RECORD_LABEL = re.compile(r"^\s*(?:no\.?\s*)?rm[\s.:#-]*(?=\d)", re.IGNORECASE | re.ASCII)
_NUMBER = re.compile(r"^\+?[\d\s().-]+$", re.ASCII)
RECORD_NUMBER_WIDTH = 6
MOST_RECORD_DIGITS = 12
MOST_COMPLETIONS = 12  # common words that one typed beginning is tried as


class QueryWord(NamedTuple):
    """One word somebody typed, folded: as a complete word, and as the beginning of a longer one."""

    whole: str
    start: str


@dataclass(frozen=True)
class Query:
    """What a person typed into a search box, understood. A number may be several things at once."""

    record_numbers: tuple[str, ...] = ()
    nik: str | None = None
    phone: str | None = None
    birth_date: date | None = None
    words: tuple[QueryWord, ...] = ()
    plain_words: tuple[str, ...] = ()  # the same words as typed, in lower case without accents

    @property
    def has_numbers(self) -> bool:
        """True when an exact number can answer the query."""
        return bool(self.record_numbers or self.nik or self.phone)


@dataclass(frozen=True)
class TokenSearch:
    """One lookup in the token table: patients who have the token of at least one term of every group.

    `driver` is the most selective group and is read newest first; the others are asked for each of its rows.
    """

    driver: frozenset[Term]
    others: tuple[frozenset[Term], ...] = ()


@dataclass(frozen=True)
class QueryPlan:
    """A parsed query and the lookups that answer it. Whatever they bring is checked by `rank` after decryption."""

    query: Query
    exact: TokenSearch | None = None
    near: TokenSearch | None = None  # forgives a slip; when `exact` brought nothing
    near_completes: bool = False  # `near` also finds longer words: worth asking when `exact` brought little
    walk: bool = False  # a common word alone has no token: look through the newest patients, a bounded number of them
    walk_if_empty: bool = False  # the same as the last resort, for a common word with a slip in it


def query_plan(text: str) -> QueryPlan:
    """Return what `text` asks for and how to look it up. Never fails: text that means nothing gives an empty plan."""
    query = parse_query(text)
    words = [word for word in dict.fromkeys(query.words) if len(word.start) > 1]
    if query.birth_date is not None:
        return _birth_plan(query, words)
    rare = sorted((word for word in words if not completions(word)), key=lambda word: len(word.start), reverse=True)
    vague = [word for word in words if completions(word)]
    if rare:
        loose = [word for word in rare if corrections(word)]
        return QueryPlan(
            query,
            exact=_search_of([frozenset({whole_term(word.whole), whole_term(word.start)}) for word in rare]),
            near=_search_of([_near_terms(word) for word in rare if word not in loose]) or _pairs_search(words),
            near_completes=any(len(word.start) > LONGEST_PREFIX for word in rare),
            walk_if_empty=len(words) == 1 and bool(loose),
        )
    if len(vague) > 1:
        pairs = [_pair_terms(first, second, corrected=False) for first, second in pairwise(vague)]
        return QueryPlan(query, exact=_search_of(pairs), near=_pairs_search(vague), near_completes=True)
    if vague:
        start = vague[0].start
        # "sit" is the beginning of Siti, who has no token, and of Sitorus, who has.
        driver = frozenset({prefix_term(start)}) if len(start) in PREFIX_LENGTHS else frozenset()
        return QueryPlan(query, exact=TokenSearch(driver) if driver else None, walk=True)
    return QueryPlan(query)


def _birth_plan(query: Query, words: Sequence[QueryWord]) -> QueryPlan:
    assert query.birth_date is not None
    on_date = TokenSearch(frozenset({birth_term(query.birth_date)}))
    exact = _search_of([frozenset({name_birth_term(word.whole, query.birth_date)}) for word in words])
    return QueryPlan(query, exact=exact, near=on_date) if exact else QueryPlan(query, exact=on_date)


def parse_query(text: str) -> Query:
    """Return the numbers, birth date and name words in `text`."""
    text = unicodedata.normalize("NFKC", text[:MOST_QUERY_LETTERS]).strip()
    birth_date, rest = _take_date(text)
    if birth_date is None:
        unlabelled = _RECORD_LABEL.sub("", text)
        if _NUMBER.match(unlabelled):
            return _parse_number(unlabelled, is_record=unlabelled != text)
    plain = _name_words(rest)
    words = tuple(
        QueryWord(whole, fold_word(word) if word in ABBREVIATIONS else fold_word(word, is_complete=False))
        for word in plain
        if (whole := fold_word(word))
    )
    return Query(birth_date=birth_date, words=words, plain_words=tuple(plain))


def _take_date(text: str) -> tuple[date | None, str]:
    for pattern, order in ((_ISO_DATE, (1, 2, 3)), (_DATE, (3, 2, 1))):
        match = pattern.search(text)
        if match:
            try:
                found = date(*(int(match[part]) for part in order))
            except ValueError:
                continue
            return found, f"{text[: match.start()]} {text[match.end() :]}"
    return None, text


def _parse_number(text: str, *, is_record: bool) -> Query:
    digits = re.sub(r"\D", "", text)
    records: tuple[str, ...] = ()
    if digits and len(digits) <= MOST_RECORD_DIGITS and not text.startswith("+"):
        records = tuple(dict.fromkeys((digits, digits.zfill(RECORD_NUMBER_WIDTH))))
    if is_record:
        return Query(record_numbers=records)
    return Query(
        record_numbers=records,
        nik=digits if len(digits) == indonesia.NIK_LENGTH else None,
        phone=indonesia.phone_or_none(text),
    )


@lru_cache(maxsize=4096)
def completions(word: QueryWord) -> tuple[str, ...]:
    """Return the common words that `word` is or may become, shortest first."""
    found = {common for common in COMMON_WORDS if common == word.whole or common.startswith(word.start)}
    return tuple(sorted(found, key=lambda common: (len(common), common)))


@lru_cache(maxsize=4096)
def corrections(word: QueryWord) -> tuple[str, ...]:
    """Return the common words that one slip of the fingers turns into `word`."""
    if len(word.whole) < SHORTEST_TYPO_WORD:
        return ()
    return tuple(sorted(common for common in COMMON_WORDS if is_one_slip(word.whole, common)))


def _search_of(groups: Sequence[frozenset[Term]]) -> TokenSearch | None:
    return TokenSearch(groups[0], tuple(groups[1:])) if groups else None


def _near_terms(word: QueryWord) -> frozenset[Term]:
    return frozenset({prefix_term(word.start), *typo_terms(word.whole)})


def _pair_terms(first: QueryWord, second: QueryWord, *, corrected: bool) -> frozenset[Term]:
    """Terms of all pairs of common words that two words may stand for."""
    sides = [
        completions(word)[:MOST_COMPLETIONS] + (corrections(word) if corrected else ()) for word in (first, second)
    ]
    return frozenset(pair_term(one, two) for one, two in product(*sides) if one != two)


def _pairs_search(words: Sequence[QueryWord]) -> TokenSearch | None:
    """Lookup for words that may all be common or misspelt common ones: a pair of them, or a rare word close to one."""
    terms: set[Term] = set()
    for first, second in combinations(words, 2):
        terms |= _pair_terms(first, second, corrected=True)
    for word in words:
        terms |= _near_terms(word)
    return TokenSearch(frozenset(terms)) if terms else None


# --- Ranking --------------------------------------------------------------------------------------------------------

# How far a typed word is from a word of the name. Spelling, order and further names only decide between equals.
_SAME, _BEGINS, _INITIAL, _SLIP, _SLIP_IN_START = 0, 20, 30, 60, 80
_OTHER_SPELLING = 5


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


def rank(query: Query, candidates: Iterable[tuple[Key, str, date | None]]) -> list[Key]:
    """Return the keys of the candidates that answer `query`, best first; equal ones keep the order they came in.

    A candidate is (key, full name, birth date). Each word of the query must match a word of the name of its own; the
    birth date, when asked for, must be equal.
    """
    found = []
    for position, (key, full_name, birth_date) in enumerate(candidates):
        if query.birth_date is not None and birth_date != query.birth_date:
            continue
        cost = match_cost(query, full_name)
        if cost is not None:
            found.append((cost, position, key))
    found.sort(key=lambda entry: entry[:2])
    return [key for _cost, _position, key in found]


def match_cost(query: Query, full_name: str) -> int | None:
    """Return how far a name is from the query's words, 0 for the very name, or None when it does not match."""
    if not query.words:
        return 0
    plain = _name_words(full_name)
    names = [fold_word(word) for word in plain]
    if len(names) < len(query.words):
        return None
    places: dict[int, int] = {}
    total = 0
    # Long words choose first: in "nur nurhayati" the short word must not take the longer name.
    for at in sorted(range(len(query.words)), key=lambda at: -len(query.words[at].start)):
        costs = [
            (cost, place)
            for place, name in enumerate(names)
            if place not in places.values()
            if (cost := _word_cost(query.words[at], name)) is not None
        ]
        if not costs:
            return None
        cost, places[at] = min(costs)
        total += cost
    if not set(query.plain_words) <= set(plain):
        total += _OTHER_SPELLING
    total += sum(1 for at in range(1, len(places)) if places[at] < places[at - 1])
    return total + len(names) - len(query.words)


def _word_cost(word: QueryWord, name: str) -> int | None:
    if word.whole == name:
        return _SAME
    if name.startswith(word.start):
        return _INITIAL if len(word.start) == 1 else _BEGINS
    if len(word.whole) >= SHORTEST_TYPO_WORD:
        if is_one_slip(word.whole, name):
            return _SLIP
        if min(len(word.whole), len(name)) >= TYPO_LENGTH and is_one_slip(word.whole[:TYPO_LENGTH], name[:TYPO_LENGTH]):
            return _SLIP_IN_START
    return None

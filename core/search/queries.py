"""What a person typed into a search box, and the lookups in the blind index that answer it. Knows no table."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from itertools import combinations, pairwise, product
from typing import NamedTuple

from core import indonesia
from core.search.blind import (
    LONGEST_PREFIX,
    PREFIX_LENGTHS,
    SHORTEST_TYPO_WORD,
    Term,
    birth_term,
    full_term,
    initial_term,
    name_birth_term,
    number_key,
    pair_term,
    prefix_term,
    short_term,
    typo_terms,
    whole_term,
)
from core.search.folding import (
    ABBREVIATIONS,
    COMMON_WORDS,
    COMMONEST_WORDS,
    fold_joined,
    fold_word,
    is_one_slip,
    name_words,
)

MOST_QUERY_LETTERS = 200
_DATE = re.compile(r"(?<!\d)(\d{1,2})\s?[-/.\s]\s?(\d{1,2})\s?[-/.\s]\s?(\d{4})(?!\d)", re.ASCII)
_ISO_DATE = re.compile(r"(?<!\d)(\d{4})-(\d{1,2})-(\d{1,2})(?!\d)", re.ASCII)
_RECORD_LABEL = re.compile(r"^\s*(?:no\.?\s*)?rm[\s.:#-]*(?=\d)", re.IGNORECASE | re.ASCII)
_NUMBER = re.compile(r"^\+?[\d\s().-]+$", re.ASCII)
_LETTERED_NUMBER = re.compile(r"^[A-Za-z0-9][A-Za-z0-9\s./-]*$", re.ASCII)  # passport, stay permit, paper record
MOST_NUMBER_LETTERS = 6
FEWEST_NUMBER_DIGITS = 3
RECORD_NUMBER_WIDTH = 6
MOST_RECORD_DIGITS = 12
MOST_MISSING = 2  # words of a query that a name may lack, when everything it has is in the query
MOST_COMPLETIONS = 12  # common words that one typed beginning is tried as


class QueryWord(NamedTuple):
    """One word somebody typed, folded: as a complete word, and as the beginning of a longer one."""

    whole: str
    start: str


@dataclass(frozen=True)
class Query:
    """What a person typed into a search box, understood. A number may be several things at once."""

    record_numbers: tuple[str, ...] = ()
    number: str = ""  # as `number_key` compares: BPJS, passport, paper record, …
    nik: str | None = None
    phone: str | None = None
    birth_date: date | None = None
    words: tuple[QueryWord, ...] = ()
    plain_words: tuple[str, ...] = ()  # the same words as typed, in lower case without accents

    @property
    def has_numbers(self) -> bool:
        """True when an exact number can answer the query."""
        return bool(self.record_numbers or self.number or self.nik or self.phone)


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
    written: TokenSearch | None = None  # the same words joined, and names that lack a word or two of them
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
    written = _written_search(query)
    if rare:
        loose = [word for word in rare if corrections(word)]
        return QueryPlan(
            query,
            exact=_search_of([frozenset({whole_term(word.whole), whole_term(word.start)}) for word in rare]),
            written=written,
            near=_search_of([_near_terms(word) for word in rare if word not in loose]) or _pairs_search(words),
            near_completes=any(len(word.start) > LONGEST_PREFIX for word in rare),
            walk_if_empty=len(words) == 1 and bool(loose),
        )
    if len(vague) > 1:
        pairs = [_pair_terms(first, second, corrected=False) for first, second in pairwise(vague)]
        return QueryPlan(
            query, exact=_search_of(pairs), written=written, near=_pairs_search(vague), near_completes=True
        )
    if vague:
        return _vague_plan(query, vague[0])
    return QueryPlan(query)


def _vague_plan(query: Query, word: QueryWord) -> QueryPlan:
    """One word that is, or may become, a common one; perhaps with an initial."""
    # "sit" is the beginning of Siti, who has no token, and of Sitorus, who has.
    begun = TokenSearch(frozenset({prefix_term(word.start)})) if len(word.start) in PREFIX_LENGTHS else None
    letters = [other.start for other in query.words if len(other.start) == 1]
    if not letters:
        return QueryPlan(query, exact=begun, walk=True)
    wanted = completions(word)[:MOST_COMPLETIONS]
    terms = {short_term(letters[0], common) for common in wanted}
    terms |= {initial_term(letters[0], common) for common in wanted if common not in COMMONEST_WORDS}
    return QueryPlan(
        query,
        exact=TokenSearch(frozenset(terms)),
        near=begun,
        near_completes=True,
        walk=any(common in COMMONEST_WORDS for common in wanted),
        walk_if_empty=True,
    )


def _written_search(query: Query) -> TokenSearch | None:
    """Lookup for the same name with words joined or split, and for names that lack a word or two of the query."""
    plain = query.plain_words
    if len(plain) < 2:
        return None
    joined = {
        at: fold_joined(*plain[at : at + 2]) for at in range(len(plain) - 1) if min(map(len, plain[at : at + 2])) > 1
    }
    terms = {whole_term(word) for word in joined.values() if word not in COMMON_WORDS}
    folded = [fold_word(word) for word in plain]
    names = [[*folded[:at], word, *folded[at + 2 :]] for at, word in joined.items()]
    least = max(1, len(folded) - MOST_MISSING)
    names += [list(part) for size in range(least, len(folded) + 1) for part in combinations(folded, size)]
    terms |= {full_term(part) for part in map(set, names) if len(part) > 1 or not part <= COMMON_WORDS}
    return TokenSearch(frozenset(terms))


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
    number = number_key(text) if birth_date is None and _is_lettered_number(text) else ""
    plain = name_words(rest)
    words = tuple(
        QueryWord(whole, fold_word(word) if word in ABBREVIATIONS else fold_word(word, is_complete=False))
        for word in plain
        if (whole := fold_word(word))
    )
    return Query(number=number, birth_date=birth_date, words=words, plain_words=tuple(plain))


def _is_lettered_number(text: str) -> bool:
    letters = sum(letter.isalpha() for letter in text)
    digits = sum(letter.isdigit() for letter in text)
    return (
        0 < letters <= MOST_NUMBER_LETTERS
        and digits >= FEWEST_NUMBER_DIGITS
        and bool(_LETTERED_NUMBER.match(text.strip()))
    )


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
        return Query(record_numbers=records, number=number_key(digits))
    return Query(
        record_numbers=records,
        number=number_key(digits),
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
    """Terms of all pairs of common words that two words may stand for, and of names that abbreviate one of them."""
    sides = [
        completions(word)[:MOST_COMPLETIONS] + (corrections(word) if corrected else ()) for word in (first, second)
    ]
    short = {
        short_term(other.start[0], one) for side, other in zip(sides, (second, first), strict=True) for one in side
    }
    return frozenset(pair_term(one, two) for one, two in product(*sides) if one != two) | short


def _pairs_search(words: Sequence[QueryWord]) -> TokenSearch | None:
    """Lookup for words that may all be common or misspelt common ones: a pair of them, or a rare word close to one."""
    terms: set[Term] = set()
    for first, second in combinations(words, 2):
        terms |= _pair_terms(first, second, corrected=True)
    for word in words:
        terms |= _near_terms(word)
    return TokenSearch(frozenset(terms)) if terms else None

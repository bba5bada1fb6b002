"""The blind index: what of a name, a number and a birth date is looked up, and the keyed numbers that stand for it.

Equal words give equal numbers, and without the key a number says nothing about the word. The commonest words of the country
get no number of their own, since their frequency would name them. Design, measurements and what still leaks:
docs/adr/0004-blind-index-search.md.
"""

from __future__ import annotations

import hashlib
import hmac
import unicodedata
from collections.abc import Iterable, Sequence
from datetime import date
from functools import lru_cache
from itertools import combinations, pairwise
from typing import NamedTuple

from core import keys
from core.search.folding import COMMON_WORDS, COMMONEST_WORDS, fold_joined, fold_word, name_words

PREFIX_LENGTHS = range(3, 8)
LONGEST_PREFIX = PREFIX_LENGTHS[-1]
TYPO_LENGTH = 8  # deletions are taken from the first letters only
SHORTEST_TYPO_WORD = 4  # one wrong letter of three matches half the country

# Of everything `name_terms` and `number_term` make of a row; stored beside the index when it is whole. Whatever changes what
# a name folds to, or which terms it has, raises it: `manage.py check` then asks operators for `reindex_patients`.
FOLDING_VERSION = 2


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


def initial_term(letter: str, word: str) -> Term:
    """A common word of a name that has another word with this first letter: "m rizki"."""
    return Term("name", f"initial|{letter}|{word}")


def short_term(letter: str, word: str) -> Term:
    """A common word of a name in which another word is written as its first letter alone: "M. Rizki"."""
    return Term("name", f"short|{letter}|{word}")


def full_term(words: Iterable[str]) -> Term:
    """All folded words of a name in any order. Not for a common word alone, which its frequency would name."""
    return Term("name", f"full|{' '.join(sorted(words))}")


def number_term(value: str) -> Term | None:
    """A number of a person, of whatever kind: BPJS card, paper record, passport. None when nothing is left of it."""
    text = number_key(value)
    return Term("number", text) if text else None


def number_key(value: str) -> str:
    """Return a number as it is compared: capital letters and digits only, a plain number without its leading zeros."""
    text = "".join(letter for letter in unicodedata.normalize("NFKC", value).upper() if letter.isalnum())
    return text.lstrip("0") if text.isascii() and text.isdigit() else text


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
    """Return all index terms of one person: about 25 for a usual name."""
    plain = name_words(full_name)
    words = [word for word in dict.fromkeys(map(fold_word, plain)) if word]
    terms: set[Term] = set()
    joined = [fold_joined(*pair) for pair in _neighbours(plain)]
    common = [word for word in dict.fromkeys([*words, *joined]) if word in COMMON_WORDS]
    for word in words:
        if birth_date is not None:
            terms.add(name_birth_term(word, birth_date))
        if word not in COMMON_WORDS:
            terms.add(whole_term(word))
            terms.update(prefix_term(word[:length]) for length in PREFIX_LENGTHS if length <= len(word))
            terms.update(typo_terms(word))
        if len(word) == 1:
            terms.update(short_term(word, other) for other in common)
        else:
            terms.update(initial_term(word[0], other) for other in common if other not in {word, *COMMONEST_WORDS})
    terms.update(pair_term(first, second) for first, second in combinations(common, 2))
    terms.update(whole_term(word) for word in joined if word not in COMMON_WORDS)
    if words and (len(words) > 1 or not common):
        terms.add(full_term(words))
    if birth_date is not None:
        terms.add(birth_term(birth_date))
    return terms


def _neighbours(plain: Sequence[str]) -> list[tuple[str, str]]:
    """Neighbouring words of a name that may also be written as one; an initial is never part of another word."""
    return [(first, second) for first, second in pairwise(plain) if len(first) > 1 and len(second) > 1]

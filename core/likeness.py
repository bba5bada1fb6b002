"""Whether two names may be one person's. Knows no table.

Stricter than the search, which shows whom somebody may have meant: here an alarm at the desk costs time, and a missed one
makes a second record. Measured with `tests/data/name_pairs.csv` (docs/adr/0004-blind-index-search.md).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from core.name_words import FAMILIES, KNOWN, PARTIAL
from core.search import folding
from core.search.folding import fold_joined, fold_word, is_one_slip

SHORTEST_SLIP = 5  # letters of a word in which one may be wrong
SHORTEST_BEGINNING = 8  # letters after which a name may have been cut off
MOST_LACKING = 3  # words that one of two names may lack
MOST_SLIPS = 1  # in one name
_NEWBORN = re.compile(r"^\W*(?:by|bayi)\b", re.IGNORECASE)
_PARENT = re.compile(r"\b(?:bin|binti|binte|bte|bt|ibni|[ad]/[lp]|[sd]/o)(?=[\s.])", re.IGNORECASE)
_TWIN = re.compile(r"\b(?:(iii|c|3)|(ii|b|2)|(i|a|1))\W*$", re.IGNORECASE)
_LAST_VOWELS = frozenset("aio")


def _folded(words: frozenset[str]) -> frozenset[str]:
    return frozenset(map(fold_word, words))


_PARTIAL, _FAMILIES, _KNOWN = _folded(PARTIAL), _folded(FAMILIES), _folded(KNOWN)
_WEAK = _PARTIAL | _FAMILIES


@dataclass(frozen=True)
class _Name:
    given: tuple[str, ...]  # plain words: lower case, no accents, no titles
    parent: tuple[str, ...]  # what stands behind bin, binti, a/l
    is_newborn: bool
    twin: int  # 1, 2, 3 for newborns with a number or letter behind the name, else 0


def is_similar(first: str, second: str) -> bool:
    """True when two full names may be one person's, in any order of words.

    Forgiven are other spellings, joined and split words, initials, one slip, and words that one of them lacks.
    Not forgiven: two real names a letter apart (Rina, Rini), a man's and a woman's form (Susanto, Susanti), sharing only
    a family name or only words that half the country has (Siti, I Wayan), a newborn and the mother, a child and the
    father behind "bin".
    """
    one, other = _name(first), _name(second)
    if not one.given or not other.given or one.is_newborn != other.is_newborn:
        return False
    if one.is_newborn and one.twin != other.twin:
        return False
    if one.parent and other.parent:
        return _match(one.given, other.given) and _match(one.parent, other.parent)
    if one.parent or other.parent:
        child, plain = (one, other) if one.parent else (other, one)
        return _match(child.given, plain.given) or _match((*child.given, *child.parent), plain.given, child.given)
    return _match(one.given, other.given)


@lru_cache(maxsize=2048)
def _name(text: str) -> _Name:
    text = text[: folding.MOST_NAME_LETTERS]
    is_newborn = bool(_NEWBORN.match(text))
    twin = 0
    if is_newborn and (found := _TWIN.search(text)):
        text, twin = text[: found.start()], {3: 1, 2: 2, 1: 3}[found.lastindex or 1]
    parts = _PARENT.split(text, maxsplit=1)
    parent = tuple(folding.name_words(parts[1])) if len(parts) > 1 and parts[0].strip() else ()
    given = tuple(folding.name_words(parts[0] if parent else text))
    return _Name(given, parent, is_newborn, twin)


def _match(first: Sequence[str], second: Sequence[str], must: Sequence[str] = ()) -> bool:
    """Compare two lists of plain words, as they are and with neighbours joined. `must`: one of these has to be matched."""
    needed = {fold_word(word) for word in must}
    ones, others = _words(first), _words(second)
    if _covers(ones, others, needed):
        return True
    # A slip inside joined words would find "Budi Hutapea" in "Rudi Hutapea": they are compared letter by letter.
    return any(
        _covers(one, other, needed, forgiving=False)
        for one, other in [
            *((one, others) for one in _joined(first)),
            *((ones, other) for other in _joined(second)),
        ]
    )


class _Word(NamedTuple):
    folded: str
    plain: str


def _words(plain: Sequence[str]) -> list[_Word]:
    return [_Word(folded, word) for word in plain if (folded := fold_word(word))]


def _joined(plain: Sequence[str]) -> list[list[_Word]]:
    """The words, once for each two neighbours that may be written as one."""
    return [
        [
            *_words(plain[:at]),
            _Word(fold_joined(plain[at], plain[at + 1]), plain[at] + plain[at + 1]),
            *_words(plain[at + 2 :]),
        ]
        for at in range(len(plain) - 1)
        if len(plain[at]) > 1 and len(plain[at + 1]) > 1
    ]


def _covers(first: list[_Word], second: list[_Word], needed: set[str], *, forgiving: bool = True) -> bool:
    short, long = sorted((first, second), key=len)
    if not short or len(long) - len(short) > MOST_LACKING:
        return False
    left = list(long)
    slips = 0
    same: set[str] = set()
    folded = {word.folded for word in long}
    # Equal words first: a slip must not take the place of the very word.
    for word in sorted(short, key=lambda word: (word.folded not in folded, -len(word.folded))):
        distance, at = min(((_distance(word, other), at) for at, other in enumerate(left)), key=_nearest)
        if distance is None or (distance == _SLIP and not forgiving):
            return False
        slips += distance == _SLIP
        if distance != _INITIAL:
            same |= {word.folded, left[at].folded}
        left.pop(at)
    if slips > MOST_SLIPS or (needed and not needed & same):
        return False
    if not left:
        return bool(same)
    if len(short) == 1 and long[0].folded not in same:
        # Alone, a word is somebody's own name: not the last word of a longer one.
        own = next((word.folded for word in long if word.folded not in _PARTIAL and len(word.folded) > 1), "")
        return own in same and own not in _FAMILIES
    return bool(same - _WEAK)


_EQUAL, _CUT, _INITIAL, _SLIP = 0, 1, 2, 3


def _nearest(found: tuple[int | None, int]) -> tuple[int, int]:
    return (9 if found[0] is None else found[0], found[1])


def _distance(first: _Word, second: _Word) -> int | None:
    if first.folded == second.folded:
        return _EQUAL
    short, long = sorted((first.folded, second.folded), key=len)
    if len(short) == 1:
        return _INITIAL if long.startswith(short) else None
    if len(short) >= SHORTEST_BEGINNING and long.startswith(short):
        return _CUT
    if short in _KNOWN and long in _KNOWN:
        return None
    return _SLIP if _is_slip(short, long) or _is_slip(*sorted((first.plain, second.plain), key=len)) else None


def _is_slip(short: str, long: str) -> bool:
    """True for one wrong, missing, extra or swapped letter that is not how two real names differ."""
    if not is_one_slip(short, long):
        return False
    if len(short) == len(long) and sorted(short) == sorted(long):
        return True  # swapped neighbours are no other name
    if len(short) < SHORTEST_SLIP or short[0] != long[0]:
        return False
    if len(short) == len(long) and short[-2] != long[-2] and short[-1] in _LAST_VOWELS:
        return False  # Suryadi, Suryani: endings of names of their own
    stem = long[:-1]
    if len(short) == len(long) and short[:-1] == stem:
        ends = {short[-1], long[-1]}  # Susanto, Susanti; but Santoso is also Santosa
        return not ("i" in ends and ends <= _LAST_VOWELS)
    return not (short == stem and long[-1] in _LAST_VOWELS)  # Salim, Salima

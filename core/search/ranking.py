"""Which of the decrypted names answer a query, and how well."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import date
from functools import lru_cache
from typing import TypeVar

from core.search.blind import SHORTEST_TYPO_WORD, TYPO_LENGTH
from core.search.folding import COMMON_WORDS, fold_joined, fold_word, is_one_slip, name_words
from core.search.queries import MOST_MISSING, Query, QueryWord

Key = TypeVar("Key")

# How far a typed word is from a word of the name. Spelling, order and further names only decide between equals.
_SAME, _BEGINS, _INITIAL, _SLIP, _SLIP_IN_START = 0, 20, 30, 60, 80
_OTHER_SPELLING = 5
_JOINED = 8
_MISSING = 100


def rank(query: Query, candidates: Iterable[tuple[Key, str, date | None]]) -> list[Key]:
    """Return the keys of the candidates that answer `query`, best first; equal ones keep the order they came in.

    A candidate is (key, full name, birth date). Each word of the query must match a word of the name of its own; the
    birth date, when asked for, must be equal.
    """
    found = []
    for position, (key, full_name, birth_date) in enumerate(candidates):
        if query.birth_date is not None and birth_date != query.birth_date:
            continue
        cost = written_cost(query, full_name)
        if cost is not None:
            found.append((cost, position, key))
    found.sort(key=lambda entry: entry[:2])
    return [key for _cost, _position, key in found]


def match_cost(query: Query, full_name: str) -> int | None:
    """Return how far a name is from the query's words, 0 for the very name, or None when it does not match."""
    if not query.words:
        return 0
    plain = name_words(full_name)
    names = [fold_word(word) for word in plain]
    total = _words_cost(query.words, names)
    if total is None:
        return None
    if not set(query.plain_words) <= set(plain):
        total += _OTHER_SPELLING
    return total


# Folded first letters, and the letters such words may be written with: Djoko, Yusuf and Zainal all begin with j.
_WRITTEN_FIRST = {
    "j": "jdyz", "c": "ct", "s": "st", "h": "hck", "p": "pvf", "k": "kcqx", "u": "uo", "i": "ie", "z": "z",
}  # fmt: skip


@lru_cache(maxsize=256)
def beginnings(query: Query) -> re.Pattern[str] | None:
    """Return what every name that answers the query contains: words with these first letters. None: it cannot be said.

    Much faster than `match_cost`, for those who look through thousands of names. A slip in the first letter is not forgiven.
    """
    firsts = {word.start[0] for word in query.words}
    if not firsts or not all(letter.isascii() and letter.isalpha() for letter in firsts):
        return None
    longest = max(query.words, key=lambda word: len(word.start))
    letters = "".join(sorted(set(_WRITTEN_FIRST.get(longest.start[0], longest.start[0]))))
    return re.compile(rf"(?:^|[\W_])[\W_]*(?:[{letters}]|[^\x00-\x7f])", re.IGNORECASE)


def written_cost(query: Query, full_name: str) -> int | None:
    """As `match_cost`, and also for names whose words are joined or split, or that lack words of a longer query.

    A name that lacks words must have nothing that is not in the query, and be more than one common word.
    """
    cost = match_cost(query, full_name)
    if cost is not None or not query.words:
        return cost
    plain = name_words(full_name)
    names = [fold_word(word) for word in plain]
    found = [
        _words_cost(query.words, [*names[:at], fold_joined(*plain[at : at + 2]), *names[at + 2 :]])
        for at in range(len(plain) - 1)
        # Joining costs time, so only where a word of the query goes on behind this word of the name.
        if any(len(word.whole) > len(names[at]) > 1 and word.whole[:2] == names[at][:2] for word in query.words)
    ]
    found += [_words_cost(words, names) for words in _joined_queries(query)]
    if 0 < len(names) < len(query.words) <= len(names) + MOST_MISSING and not (
        len(names) == 1 and (names[0] in COMMON_WORDS or len(names[0]) < SHORTEST_TYPO_WORD)
    ):
        wanted = [QueryWord(name, name) for name in names]
        lacking = _words_cost(wanted, [word.whole for word in query.words])
        found.append(None if lacking is None else lacking + _MISSING)
    costs = [cost for cost in found if cost is not None]
    return min(costs) + _JOINED if costs else None


@lru_cache(maxsize=256)
def _joined_queries(query: Query) -> list[tuple[QueryWord, ...]]:
    """The words of a query with each two neighbours as one word."""
    found = []
    for at in range(len(query.plain_words) - 1):
        pair = query.plain_words[at : at + 2]
        if min(map(len, pair)) > 1 and len(query.words) == len(query.plain_words):
            word = fold_joined(*pair)
            found.append((*query.words[:at], QueryWord(word, word), *query.words[at + 2 :]))
    return found


def _words_cost(words: Sequence[QueryWord], names: Sequence[str]) -> int | None:
    if len(names) < len(words):
        return None
    places: dict[int, int] = {}
    total = 0
    # Long words choose first: in "nur nurhayati" the short word must not take the longer name.
    for at in sorted(range(len(words)), key=lambda at: -len(words[at].start)):
        costs = [
            (cost, place)
            for place, name in enumerate(names)
            if place not in places.values()
            if (cost := _word_cost(words[at], name)) is not None
        ]
        if not costs:
            return None
        cost, places[at] = min(costs)
        total += cost
    total += sum(1 for at in range(1, len(places)) if places[at] < places[at - 1])
    return total + len(names) - len(words)


def _word_cost(word: QueryWord, name: str) -> int | None:
    if word.whole == name:
        return _SAME
    if name.startswith(word.start):
        return _INITIAL if len(word.start) == 1 else _BEGINS
    if len(name) == 1 and word.start.startswith(name):
        return _INITIAL
    if len(word.whole) >= SHORTEST_TYPO_WORD:
        if is_one_slip(word.whole, name):
            return _SLIP
        if min(len(word.whole), len(name)) >= TYPO_LENGTH and is_one_slip(word.whole[:TYPO_LENGTH], name[:TYPO_LENGTH]):
            return _SLIP_IN_START
    return None

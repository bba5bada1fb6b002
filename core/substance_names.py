"""Names of medicines and other substances in one spelling, so that Amoxicillin meets amoksisilin. Pure text."""

from __future__ import annotations

import re
import unicodedata

_SPELLINGS = (
    ("ph", "f"), ("th", "t"), ("rh", "r"), ("ch", "k"), ("qu", "ku"), ("x", "ks"), ("ce", "se"), ("ci", "si"),
    ("cy", "si"), ("c", "k"), ("y", "i"), ("ae", "e"), ("oe", "e"), ("z", "s"),
)  # fmt: skip
_DOUBLE = re.compile(r"([a-z])\1+")


def fold(text: str) -> str:
    """Return a substance or medicine name in one spelling: lower case, no accents, Indonesian sounds, single letters."""
    plain = unicodedata.normalize("NFKD", text).casefold()
    plain = "".join(letter for letter in plain if not unicodedata.combining(letter))
    return " ".join(_fold_word(word) for word in re.findall(r"[^\W_]+", plain))


def _fold_word(word: str) -> str:
    for written, folded in _SPELLINGS:
        word = word.replace(written, folded)
    word = _DOUBLE.sub(r"\1", word)
    return word[:-1] if len(word) > 4 and word.endswith("e") else word

"""Names of substances in one spelling, so that Amoxicillin meets amoksisilin and Cefadroxil sefadroksil.

Pure text: knows no table. Used to compare ingredients with allergies and to search the medicine list.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from core.substance_names import fold

__all__ = ["GROUP_WORDS", "fold", "groups_in", "ingredient_names", "is_same_substance", "search_words"]

SHORTEST_MATCH = 4  # "air" or "tes" inside a longer name says nothing

# What patients and doctors write for a whole group, in folded spelling.
GROUP_WORDS = {
    "penisilin": "penisilin",
    "penicilin": "penisilin",
    "sefalosporin": "sefalosporin",
    "sulfa": "sulfonamida",
    "sulfonamida": "sulfonamida",
    "sulfonamid": "sulfonamida",
    "nsaid": "nsaid",
    "oains": "nsaid",
    "ains": "nsaid",
    "makrolida": "makrolida",
    "makrolid": "makrolida",
    "kuinolon": "kuinolon",
    "fluorokuinolon": "kuinolon",
    "tetrasiklin": "tetrasiklin",
    "opioid": "opioid",
    "opiat": "opioid",
    "iodium": "yodium",
    "iodin": "yodium",
    "povidon": "yodium",
}


def ingredient_names(ingredients: Iterable[str]) -> list[str]:
    """Return the folded names of ingredients without their amounts: "amoksisilin 500 mg" gives "amoksisilin"."""
    names = (fold(re.split(r"\s\d", f" {text}", maxsplit=1)[0]) for text in ingredients)
    return [name for name in names if name]


def groups_in(substance: str) -> set[str]:
    """Return the medicine groups that the words of a recorded substance name ("obat sulfa")."""
    return {GROUP_WORDS[word] for word in fold(substance).split() if word in GROUP_WORDS}


def is_same_substance(substance: str, names: Iterable[str]) -> bool:
    """True when a recorded substance and one of the folded names contain one another, or are the same short word."""
    wanted = fold(substance)
    for name in names:
        if not wanted or not name:
            continue
        if wanted == name or wanted in name.split():
            return True
        shorter, longer = sorted((wanted, name), key=len)
        if len(shorter) >= SHORTEST_MATCH and shorter in longer:
            return True
    return False


def search_words(text: str) -> list[str]:
    """Return the folded words of a search; a last letter whose sound depends on the next one is left out."""
    words = []
    for word in re.findall(r"[^\W_]+", text[:100]):
        is_open = len(word) > 2 and word[-1].lower() in "cpt"
        words += fold(word[:-1] if is_open else word).split()
    return words

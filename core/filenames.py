"""Names of files as people sent them: labels for reading, never places on a disk."""

from __future__ import annotations

from core.text import clean_line

LONGEST = 120
NAMELESS = "file"
_NOT_IN_NAMES = str.maketrans(dict.fromkeys('<>:"|?*', "_"))


def clean_filename(name: str | None) -> str:
    """Return the last part of a name without folders, invisible or direction-changing characters, 120 letters at most.

    The ending stays when a long name is cut. A name of which nothing is left becomes "file".
    """
    text = clean_line((name or "").replace("\\", "/")).rsplit("/", 1)[-1].translate(_NOT_IN_NAMES).strip(". ")
    if len(text) > LONGEST:
        stem, dot, ending = text.rpartition(".")
        text = stem[: LONGEST - len(ending) - 1].rstrip(". ") + dot + ending if stem and len(ending) <= 10 else text
    return text[:LONGEST].rstrip(". ") or NAMELESS

"""Typed text as it may be stored: no control characters, no characters that are not text, tidy spaces."""

from __future__ import annotations

import re
import unicodedata

# What nobody types and nobody sees, but line breaks and tabs; also what turns the direction of text. For text that is taken
# as it stands otherwise: without spaces tidied.
INVISIBLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u202a-\u202e\u2066-\u2069]")

# Control, surrogate, private and unassigned characters. Format characters (Cf) go too, except those that join emoji
# and letters of other scripts: the rest is invisible and can turn the direction of what is read.
_REMOVED = frozenset({"Cc", "Cs", "Co", "Cn", "Cf"})
_KEPT = frozenset("\u200c\u200d")


def clean_line(text: str | None) -> str:
    """Return `text` on one line: composed, without invisible characters, spaces collapsed."""
    return " ".join(_visible((text or "").replace("\n", " ").replace("\t", " ").replace("\r", " ")).split())


def clean_text(text: str | None) -> str:
    """Return `text` with its line breaks as `\\n`, without invisible characters, and no space around."""
    lines = (text or "").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return "\n".join(_visible(line.replace("\t", " ")).rstrip() for line in lines).strip()


def _visible(text: str) -> str:
    if text.isascii() and text.isprintable():
        return text  # nothing to compose and nothing to take out
    return "".join(
        letter
        for letter in unicodedata.normalize("NFC", text)
        if letter in _KEPT or unicodedata.category(letter) not in _REMOVED
    )

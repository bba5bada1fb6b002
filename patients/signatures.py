"""Signatures drawn on a screen: read from a form, kept as strokes, drawn again. Pure: no table, no request.

A signature is a list of strokes; a stroke is a list of points `[x, y]`, whole numbers on a sheet of 1000 x 400.
"""

from __future__ import annotations

import json
import math
from itertools import pairwise
from typing import Any

from django.utils.translation import gettext as _

from core.errors import InvalidInput

WIDTH, HEIGHT = 1000, 400
MAX_TEXT = 100_000  # letters; a long signature at 2 points a pixel needs about 30,000
MAX_STROKES = 200
MAX_POINTS = 6000
SHORTEST = 80  # the length of all lines together; a slip of the finger is shorter
SLACK = 40  # a pen that leaves the sheet by this much is brought back to its edge

Stroke = list[list[int]]
Strokes = list[Stroke]


class SignatureRefused(InvalidInput):
    """What came is no signature: nothing drawn, too much, or not what the pad sends."""

    code = "patients.signature_refused"


def read_signature(text: str) -> Strokes:
    """Return the strokes that the pad wrote into its form field.

    Raises:
        SignatureRefused: nothing was drawn, or the text is not what the pad sends.
    """
    if not text.strip():
        raise SignatureRefused(_("The signature is missing. Sign in the box, or choose paper."))
    if len(text) > MAX_TEXT:
        raise _broken()
    try:
        strokes = json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise _broken() from error
    return clean_strokes(strokes)


def clean_strokes(strokes: Any) -> Strokes:
    """Return strokes as they are kept: whole numbers on the sheet, repeated points left out.

    Raises:
        SignatureRefused: as `read_signature`.
    """
    if not isinstance(strokes, list) or len(strokes) > MAX_STROKES:
        raise _broken()
    points = 0
    kept: Strokes = []
    for stroke in strokes:
        if not isinstance(stroke, list):
            raise _broken()
        points += len(stroke)
        if points > MAX_POINTS:
            raise _broken()
        line: Stroke = []
        for point in stroke:
            if not isinstance(point, list) or len(point) != 2:
                raise _broken()
            placed = [_place(point[0], WIDTH), _place(point[1], HEIGHT)]
            if not line or line[-1] != placed:
                line.append(placed)
        if line:
            kept.append(line)
    if sum(math.dist(a, b) for line in kept for a, b in pairwise(line)) < SHORTEST:
        raise SignatureRefused(_("The signature is empty or only a dot. Sign in the box, or choose paper."))
    return kept


def svg_paths(strokes: Strokes | None) -> list[str]:
    """Return the `d` of one SVG path for each stroke; a dot is a line of length zero, round at its ends."""
    return [
        " ".join([f"M{line[0][0]} {line[0][1]}", *(f"L{x} {y}" for x, y in line[1:] or line)]) for line in strokes or []
    ]


def _place(value: Any, limit: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int | float) or not -SLACK <= value <= limit + SLACK:
        raise _broken()  # not a number compares false, so it ends here as well
    return min(max(round(value), 0), limit)


def _no_constant(name: str) -> Any:
    raise ValueError(name)


def _broken() -> SignatureRefused:
    return SignatureRefused(_("The signature could not be read. Clear the box and sign again."))

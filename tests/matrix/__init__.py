"""Who may open which address: every route of the product has a `Row`, and `tests/test_access_matrix.py` runs it.

`tests/matrix/<app>.py` defines `ROWS: list[Row]`. A route with a view page and a form that posts to the same address
has two rows, one per method.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Person = str | Callable[[Any], Any] | None

PEOPLE = {"patient": "patient_user", "other_patient": "other_patient_user"}


@dataclass(frozen=True)
class Row:
    """One route with one method.

    `build(cast)` makes what the address needs and returns its keyword arguments; `data(cast)` (called after it) returns
    the form of a POST. Rows that both need are best kept on the cast: `cast.made["visit"] = ...`.

    `holder` may open it. `outsider` gets 404: someone for whom the page or the row does not exist. `colleague` gets
    403; besides them an invented colleague, who has every staff capability except those the view asks for, gets 403.
    Each is an attribute of the cast ("doctor", "patient", "other_patient", ...), a function of the cast, or None when
    nobody is in that position (say why in `note`).

    `expect` are the statuses the holder may get; empty means 2xx for GET, and 2xx or 302 for POST.
    """

    name: str
    build: Callable[[Any], dict[str, Any]] | None = None
    method: str = "GET"
    holder: Person = "admin"
    colleague: Person = None
    outsider: Person = "patient"
    data: Callable[[Any], dict[str, Any]] | None = None
    public: bool = False
    expect: tuple[int, ...] = ()
    note: str = ""

    def __str__(self) -> str:
        return f"{self.method} {self.name}"


def person(cast: Any, who: Person) -> Any:
    """Return the user that a row names, or None."""
    if who is None:
        return None
    return who(cast) if callable(who) else getattr(cast, PEOPLE.get(who, who))


def all_rows() -> list[Row]:
    """Return the rows of all apps, in the order of module names."""
    rows: list[Row] = []
    for module in sorted(pkgutil.iter_modules(__path__), key=lambda found: found.name):
        rows += getattr(importlib.import_module(f"{__name__}.{module.name}"), "ROWS", [])
    return rows

"""Bring the list of administrative regions up to date."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from django.utils.translation import gettext as _

from core.db import retry_transaction
from core.text import clean_line
from patients.models import Region
from patients.regions import CODE_LENGTHS, clean_code, codes_above, fold

BATCH = 2000
UPDATE_BATCH = 200  # one CASE branch for each row and column
MAX_NAME = 100
POSTAL_DIGITS = 5
MAX_BPS = 10


class RegionRow(NamedTuple):
    """One line of a list: where it stands, for messages, and what it says."""

    line: int
    code: str
    name: str
    postal_code: str = ""
    bps_code: str = ""


@dataclass
class RegionImport:
    """What an import did, or would do."""

    added: int = 0
    changed: int = 0
    same: int = 0
    errors: list[str] = field(default_factory=list)


@retry_transaction
def import_regions(*, rows: Iterable[RegionRow], dry_run: bool = False) -> RegionImport:
    """Add regions and correct those that are known, in one transaction; regions missing in the list stay as they are.

    Rows that cannot be taken are left out and named in words. A statement for every two
    thousand new and two hundred changed rows. An empty postal or statistics code leaves what is stored.
    """
    outcome = RegionImport()
    wanted = _valid(list(rows), outcome)
    known = {row.code: row for row in Region.objects.all()}
    for code in [code for code in wanted if any(up not in wanted and up not in known for up in codes_above(code))]:
        line = wanted.pop(code).line
        outcome.errors.append(
            _("Line %(line)d: the region above %(code)s is not in the list.") % {"line": line, "code": code}
        )
    new = [_region(row) for code, row in wanted.items() if code not in known]
    changed = [known[code] for code, row in wanted.items() if code in known and _update(known[code], row)]
    outcome.added, outcome.changed = len(new), len(changed)
    outcome.same = len(wanted) - len(new) - len(changed)
    if not dry_run:
        new.sort(key=lambda region: region.level)  # parents first: SQLite and MariaDB check at once
        Region.objects.bulk_create(new, batch_size=BATCH)
        Region.objects.bulk_update(changed, ["name", "search_name", "postal_code", "bps_code"], batch_size=UPDATE_BATCH)
    return outcome


def _valid(rows: list[RegionRow], outcome: RegionImport) -> dict[str, RegionRow]:
    found: dict[str, RegionRow] = {}
    for row in rows:
        code, name = clean_code(row.code), clean_line(row.name)
        postal, bps = clean_code(row.postal_code), clean_code(row.bps_code)
        values = {"line": row.line, "code": row.code[:30]}
        if len(code) not in CODE_LENGTHS or not (code.isascii() and code.isdigit()):
            outcome.errors.append(_("Line %(line)d: “%(code)s” is not a code of 2, 4, 6 or 10 digits.") % values)
        elif not name or len(name) > MAX_NAME:
            outcome.errors.append(_("Line %(line)d: the name of %(code)s is missing or too long.") % values)
        elif postal and not (postal.isascii() and postal.isdigit() and len(postal) == POSTAL_DIGITS):
            outcome.errors.append(_("Line %(line)d: the postal code of %(code)s does not have 5 digits.") % values)
        elif len(bps) > MAX_BPS:
            outcome.errors.append(_("Line %(line)d: the statistics office code of %(code)s is too long.") % values)
        elif code in found:
            outcome.errors.append(_("Line %(line)d: %(code)s is in the list twice; the first is used.") % values)
        else:
            found[code] = RegionRow(row.line, code, name, postal, bps)
    return found


def _region(row: RegionRow) -> Region:
    above: Any = codes_above(row.code)
    return Region(
        code=row.code,
        name=row.name,
        level=CODE_LENGTHS[len(row.code)],
        parent_id=above[-1] if above else None,
        search_name=fold(row.name),
        postal_code=row.postal_code,
        bps_code=row.bps_code,
    )


def _update(region: Region, row: RegionRow) -> bool:
    """Write the row's values into a known region; return whether anything differs."""
    values = {
        "name": row.name,
        "search_name": fold(row.name),
        "postal_code": row.postal_code or region.postal_code,
        "bps_code": row.bps_code or region.bps_code,
    }
    differs = any(getattr(region, name) != value for name, value in values.items())
    for name, value in values.items():
        setattr(region, name, value)
    return differs

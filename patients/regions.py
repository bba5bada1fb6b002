"""Look up administrative regions: by what somebody types, by code, by names. Read only; no patient data."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import asdict, dataclass, fields
from typing import NamedTuple

from django.conf import settings
from django.db.models import Case, IntegerField, Q, QuerySet, Value, When

from patients.models import Region

SHORTEST_QUERY = 2
MOST_QUERY_LETTERS = 100
MOST_WORDS = 6
CODE_LENGTHS = {2: Region.Level.PROVINCE, 4: Region.Level.REGENCY, 6: Region.Level.DISTRICT, 10: Region.Level.VILLAGE}
_KIND_WORDS = frozenset(
    [
        "provinsi",
        "prov",
        "propinsi",
        "kabupaten",
        "kab",
        "kota",
        "kotamadya",
        "kodya",
        "adm",
        "administrasi",
        "kecamatan",
        "kec",
        "distrik",
        "kelurahan",
        "kel",
        "desa",
    ]
)
_LETTERS = re.compile(r"[^a-z0-9]+")
_ABOVE = ("parent__", "parent__parent__", "parent__parent__parent__")


@dataclass(frozen=True)
class RegionChain:
    """One place with everything above it, as far as it is known. Codes are Home Affairs codes without dots."""

    village_code: str = ""
    village_name: str = ""
    district_code: str = ""
    district_name: str = ""
    regency_code: str = ""
    regency_name: str = ""
    province_code: str = ""
    province_name: str = ""
    postal_code: str = ""

    def as_columns(self) -> dict[str, str]:
        """Return the values of the columns of the same names (`PatientAddress`)."""
        return asdict(self)

    @property
    def code(self) -> str:
        """The code of the smallest region known, empty when none is."""
        return self.village_code or self.district_code or self.regency_code or self.province_code

    @property
    def label(self) -> str:
        """Baloi Permai, Batam Kota, Kota Batam, Kepulauan Riau."""
        names = (self.village_name, self.district_name, self.regency_name, self.province_name)
        return ", ".join(name for name in names if name)


class RegionChoice(NamedTuple):
    """One answer of the look-up."""

    code: str
    label: str
    postal_code: str


_LEVEL_FIELDS = {
    Region.Level.VILLAGE: "village",
    Region.Level.DISTRICT: "district",
    Region.Level.REGENCY: "regency",
    Region.Level.PROVINCE: "province",
}
CHAIN_COLUMNS = tuple(field.name for field in fields(RegionChain))


def clean_code(text: str) -> str:
    """Return a region code without dots and spaces; it may still be no code."""
    return re.sub(r"[.\s]", "", text)


def codes_above(code: str) -> list[str]:
    """Return the codes of the regions that contain `code`, the largest first."""
    return [code[:length] for length in CODE_LENGTHS if length < len(code)]


def fold(name: str) -> str:
    """Return a region's name as it is compared: "Kab. Kepulauan Anambas" gives "kepulauan anambas".

    The word for the kind of region in front is dropped, unless nothing else is left.
    """
    plain = unicodedata.normalize("NFKD", name[:MOST_QUERY_LETTERS].replace("'", "")).lower()
    words = [word for word in _LETTERS.split(plain) if word]
    kept = list(words)
    while len(kept) > 1 and kept[0] in _KIND_WORDS:
        kept.pop(0)
    return " ".join(kept)


def find_regions(text: str, *, limit: int = 20) -> list[RegionChoice]:
    """Return up to `limit` regions in use whose name begins with `text`, villages first, those near the clinic first.

    Words after the beginning of the name narrow it down by district, regency or province: "baloi batam". When no name
    begins so, names with a later word that does are returned. One to four statements as a rule, at most seven.
    """
    words = fold(text).split()[:MOST_WORDS]
    if sum(map(len, words)) < SHORTEST_QUERY:
        return []
    usable = Region.objects.filter(is_active=True)
    for count in range(len(words), 0, -1):
        found = _answers(usable.filter(_begins(words, count)), limit)
        if found:
            return found
    return _answers(usable.filter(_within(words[1:]), search_name__contains=f" {words[0]}"), limit)


def chain_of(code: str) -> RegionChain | None:
    """Return the region of a code with everything above it, or None when the list does not have it. One statement."""
    code = clean_code(code)
    if len(code) not in CODE_LENGTHS or not (code.isascii() and code.isdigit()):
        return None
    rows = {row.code: row for row in Region.objects.filter(code__in=[*codes_above(code), code])}
    return _chain([rows.get(part) for part in [*codes_above(code), code]]) if code in rows else None


def find_by_names(
    *, village: str = "", district: str = "", regency: str = "", province: str = ""
) -> RegionChain | None:
    """Return the one region that the names mean, or None when none or several do. For what came without codes.

    Two statements at most.
    """
    names = [fold(name) for name in (village, district, regency, province)]
    deepest = next((at for at, name in enumerate(names) if name), None)
    if deepest is None:
        return None
    wanted = Q(level=Region.Level.VILLAGE - deepest, search_name=names[deepest])
    for at, name in enumerate(names[deepest + 1 :]):
        if name:
            wanted &= Q(**{f"{_ABOVE[at]}search_name": name})
    codes = list(Region.objects.filter(wanted).values_list("code", flat=True)[:2])
    return chain_of(codes[0]) if len(codes) == 1 else None


def _begins(words: list[str], count: int) -> Q:
    return Q(search_name__startswith=" ".join(words[:count])) & _within(words[count:])


def _within(words: list[str]) -> Q:
    """Every word that is no word for a kind of region occurs in the name of a region above."""
    wanted = Q()
    for word in words:
        if word not in _KIND_WORDS:
            above = Q()
            for path in _ABOVE:
                above |= Q(**{f"{path}search_name__contains": word})
            wanted &= above
    return wanted


def _answers(regions: QuerySet[Region], limit: int) -> list[RegionChoice]:
    near = Case(
        When(code__startswith=settings.CLINIC_REGION[:4], then=Value(0)),
        When(code__startswith=settings.CLINIC_REGION[:2], then=Value(1)),
        default=Value(2),
        output_field=IntegerField(),
    )
    rows = regions.select_related("parent__parent__parent").order_by("-level", near, "search_name", "code")[:limit]
    found = []
    for row in rows:
        chain = _chain([row, row.parent, row.parent and row.parent.parent, _third(row)])
        found.append(RegionChoice(row.code, chain.label, row.postal_code))
    return found


def _third(row: Region) -> Region | None:
    second = row.parent.parent if row.parent is not None else None
    return second.parent if second is not None else None


def _chain(rows: list[Region | None]) -> RegionChain:
    values: dict[str, str] = {}
    for row in rows:
        if row is not None:
            name = _LEVEL_FIELDS[Region.Level(row.level)]
            values[f"{name}_code"], values[f"{name}_name"] = row.code, row.name
            if row.postal_code:
                values["postal_code"] = row.postal_code
    return RegionChain(**values)

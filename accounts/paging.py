"""Keyset pages: constant cost however far one leafs, and nothing but a row id in the address."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import QueryDict

PAGE = 25


@dataclass(frozen=True)
class Page:
    """One page of rows, with the addresses of its neighbours (empty where there is none)."""

    rows: list[Any]
    previous_url: str
    next_url: str


def keyset_page(
    queryset: QuerySet, query: QueryDict, *, field: str, descending: bool = False, size: int = PAGE
) -> Page:
    """Return the page that `?after=<id>` or `?before=<id>` names, ordered by a unique `field`.

    One query for the page; one more to look the named row up when `field` is not the id. An id that is no row shows the
    first page.
    """
    after, before = query.get("after", ""), query.get("before", "")
    anchor = _anchor(queryset, after or before, field)
    backwards = bool(before) and not after and anchor is not None
    rows = queryset
    if anchor is not None:
        larger = backwards if descending else not backwards
        rows = rows.filter(**{f"{field}__{'gt' if larger else 'lt'}": anchor})
    sign = "-" if descending != backwards else ""
    found = list(rows.order_by(f"{sign}{field}")[: size + 1])
    more, found = len(found) > size, found[:size]
    if backwards:
        found.reverse()
    has_next, has_previous = (True, more) if backwards else (more, anchor is not None)
    return Page(
        rows=found,
        previous_url=_address(query, before=found[0].pk) if found and has_previous else "",
        next_url=_address(query, after=found[-1].pk) if found and has_next else "",
    )


def _anchor(queryset: QuerySet, text: str, field: str) -> Any:
    try:
        key = UUID(text)
    except ValueError:
        return None
    if field in ("pk", "id"):
        return key
    return queryset.model._default_manager.filter(pk=key).values_list(field, flat=True).first()


def _address(query: QueryDict, **cursor: Any) -> str:
    kept = query.copy()
    for name in ("after", "before"):
        kept.pop(name, None)
    for name, value in cursor.items():
        kept[name] = str(value)
    return f"?{kept.urlencode()}"

"""Pages by key instead of page numbers: no COUNT(*), and rows that arrive meanwhile move nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from django.db.models import Model, Q, QuerySet
from django.http import QueryDict

from core.ids import uuid_or_none

M = TypeVar("M", bound=Model)


@dataclass(frozen=True)
class Page(Generic[M]):
    """Rows of one page and the addresses of its neighbours (empty where there is none)."""

    rows: list[M]
    previous_url: str
    next_url: str

    def __iter__(self) -> Iterator[M]:
        return iter(self.rows)

    def __bool__(self) -> bool:
        return bool(self.rows)


def keyset_page(
    query: QueryDict,
    queryset: QuerySet[M],
    *,
    order: tuple[str, ...] = ("-pk",),
    size: int = 25,
    parse: Callable[[str | None], Any] = uuid_or_none,
) -> Page[M]:
    """Return the rows behind `?after=<id>` or in front of `?before=<id>`; other parameters of `query` are kept.

    `parse` reads a key, and gives None for what is none.
    `order` names fields or annotations that are never null, each with its own direction; the last one is unique.
    An id that is forged, or of no row of `queryset`, shows the first page. Two queries at most: the pk alone needs no
    look at the named row (its id is its place), and asks again from the start only when nothing is left there.
    """
    after, before = parse(query.get("after")), parse(query.get("before"))
    anchor = _anchor(queryset, after or before, order)
    is_backwards = anchor is not None and after is None
    steps = tuple(_turned(name) for name in order) if is_backwards else order
    rows = queryset if anchor is None else queryset.filter(_behind(anchor, steps))
    found = list(rows.order_by(*steps)[: size + 1])
    if anchor is not None and not found:
        if _is_pk(order):
            return keyset_page(_bare(query), queryset, order=order, size=size, parse=parse)
        return Page([], previous_url=_url(query), next_url="")
    has_more, found = len(found) > size, found[:size]
    if is_backwards:
        found.reverse()
    has_previous, has_next = (has_more, True) if is_backwards else (anchor is not None, has_more)
    return Page(
        rows=found,
        previous_url=_url(query, before=found[0].pk) if has_previous else "",
        next_url=_url(query, after=found[-1].pk) if has_next else "",
    )


def sequence_or_none(text: str | None) -> int | None:
    """Return the number of a sequence key, or None when `text` is none."""
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 19 else None


def _is_pk(order: tuple[str, ...]) -> bool:
    return [name.lstrip("-") for name in order] in (["pk"], ["id"])


def _anchor(queryset: QuerySet[Any], key: Any, order: tuple[str, ...]) -> tuple[Any, ...] | None:
    """Return the values by which the named row stands where it does; None when there is no such row."""
    if key is None:
        return None
    if _is_pk(order):
        return (key,)
    return queryset.filter(pk=key).values_list(*(name.lstrip("-") for name in order)).first()


def _turned(name: str) -> str:
    return name[1:] if name.startswith("-") else f"-{name}"


def _behind(anchor: tuple[Any, ...], order: tuple[str, ...]) -> Q:
    """Rows behind the anchor: further in the first field, or equal there and further in the next, and so on."""
    condition, equal = Q(), Q()
    for name, value in zip(order, anchor, strict=True):
        field, side = name.lstrip("-"), "lt" if name.startswith("-") else "gt"
        condition |= equal & Q((f"{field}__{side}", value))
        equal &= Q((field, value))
    return condition


def _bare(query: QueryDict) -> QueryDict:
    kept = query.copy()
    for name in ("after", "before"):
        kept.pop(name, None)
    return kept


def _url(query: QueryDict, **cursor: Any) -> str:
    address = _bare(query)
    for name, key in cursor.items():
        address[name] = str(key)
    return f"?{address.urlencode()}"

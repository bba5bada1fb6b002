"""Pages of lists that are ordered by more than the id: constant cost, and nothing but a row id in the address."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet
from django.http import QueryDict

PAGE = 25


@dataclass(frozen=True)
class Page:
    """One page of rows; `previous_url` leads to the first page, `next_url` to the following one (empty: none)."""

    rows: list[Any]
    previous_url: str
    next_url: str


def page_of(queryset: QuerySet, query: QueryDict, *, order: tuple[str, ...], size: int = PAGE) -> Page:
    """Return the rows behind `?after=<id>` in `order`, whose last field must be unique. Two queries at most.

    An id that is no row of this list shows the first page.
    """
    rows, anchor = queryset.order_by(*order), _anchor(queryset, query.get("after", ""), order)
    if anchor is not None:
        rows = rows.filter(_behind(anchor, order))
    found = list(rows[: size + 1])
    more, found = len(found) > size, found[:size]
    return Page(
        rows=found,
        previous_url=_address(query) if anchor is not None else "",
        next_url=_address(query, after=str(found[-1].pk)) if more else "",
    )


def _anchor(queryset: QuerySet, text: str, order: tuple[str, ...]) -> tuple[Any, ...] | None:
    try:
        key = UUID(text)
    except ValueError:
        return None
    return queryset.filter(pk=key).values_list(*(name.lstrip("-") for name in order)).first()


def _behind(anchor: tuple[Any, ...], order: tuple[str, ...]) -> Q:
    """Rows behind the anchor: larger in the first field, or equal there and larger in the next, and so on."""
    condition, equal = Q(), Q()
    for name, value in zip(order, anchor, strict=True):
        field, step = name.lstrip("-"), "lt" if name.startswith("-") else "gt"
        condition |= equal & Q(**{f"{field}__{step}": value})
        equal &= Q(**{field: value})
    return condition


def _address(query: QueryDict, **changes: str) -> str:
    kept = query.copy()
    kept.pop("after", None)
    for name, value in changes.items():
        kept[name] = value
    return f"?{kept.urlencode()}"

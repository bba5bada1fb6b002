"""Pages by key instead of page numbers: no COUNT(*), and rows that arrive meanwhile move nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from uuid import UUID

from django.db import models
from django.http import HttpRequest

M = TypeVar("M", bound=models.Model)


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


def keyset_page(request: HttpRequest, queryset: models.QuerySet[M], *, size: int = 25) -> Page[M]:
    """Return one page of rows, newest first, by their time-ordered primary key; one query.

    `?after=<id>` gives the rows older than that one, `?before=<id>` the rows newer; other parameters are kept.
    An id that is none starts at the newest.
    """
    after, before = _uuid(request.GET.get("after")), _uuid(request.GET.get("before"))
    if before is not None:
        newer = list(queryset.filter(pk__gt=before).order_by("pk")[: size + 1])
        rows = newer[:size][::-1]
        return Page(
            rows,
            _url(request, "before", rows[0]) if len(newer) > size else "",
            _url(request, "after", rows[-1]) if rows else "",
        )
    older = queryset.filter(pk__lt=after) if after is not None else queryset
    found = list(older.order_by("-pk")[: size + 1])
    rows = found[:size]
    return Page(
        rows,
        _url(request, "before", rows[0]) if after is not None and rows else "",
        _url(request, "after", rows[-1]) if len(found) > size else "",
    )


def _uuid(value: str | None) -> UUID | None:
    try:
        return UUID(value) if value else None
    except ValueError:
        return None


def _url(request: HttpRequest, name: str, row: Any) -> str:
    params = request.GET.copy()
    for key in ("after", "before"):
        params.pop(key, None)
    params[name] = str(row.pk)
    return f"?{params.urlencode()}"

"""Rows of the log in id order, as the database stores them: past the model, since a check must not trust its conversions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection

from audit.macs import COLUMNS, Row, instant, stored_row
from audit.triggers import TABLE

BATCH = 5_000
BEFORE_ALL = -(2**63)
_SELECT = f"SELECT {', '.join(COLUMNS)} FROM {TABLE} WHERE "  # noqa: S608 - names of ours


def records_in(ranges: Iterable[tuple[int, int]]) -> Iterator[list[Any]]:
    """Yield the rows of each range, one range after the other, as plain values that `stored_row` and JSON understand."""
    for first, last in ranges:
        after = first - 1
        while after < last:
            with connection.cursor() as cursor:
                cursor.execute(_SELECT + "id > %s AND id <= %s ORDER BY id LIMIT %s", [after, last, BATCH])
                batch = cursor.fetchall()
            for record in batch:
                yield [_plain(value) for value in record]
            if len(batch) < BATCH:
                break
            after = batch[-1][0]


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return instant(value)
    return str(value) if isinstance(value, UUID) else value


def rows_after(after: int, limit: int) -> list[Row]:
    """Return up to `limit` rows with a larger id, in id order."""
    with connection.cursor() as cursor:
        cursor.execute(_SELECT + "id > %s ORDER BY id LIMIT %s", [after, limit])
        return [stored_row(record) for record in cursor.fetchall()]


def rows_in(ranges: Iterable[tuple[int, int]]) -> list[Row]:
    """Return the rows whose id lies in one of the ranges (both ends included), in id order."""
    found: list[Row] = []
    waiting = list(ranges)
    with connection.cursor() as cursor:
        while waiting:
            some, waiting = waiting[:100], waiting[100:]
            clause = " OR ".join(["id BETWEEN %s AND %s"] * len(some))
            cursor.execute(f"{_SELECT}{clause}", [end for pair in some for end in pair])
            found += [stored_row(record) for record in cursor.fetchall()]
    return sorted(found, key=lambda row: row.id)


class Stream:
    """All rows after an id, read in batches, one look ahead; memory stays flat."""

    def __init__(self, after: int = BEFORE_ALL, batch: int = BATCH) -> None:
        self._after, self._batch = after, batch
        self._rows: Iterator[Row] = iter(())
        self._ended = False
        self.head: Row | None = None
        self.pop()

    def pop(self) -> Row | None:
        """Return the present row and step to the next."""
        row, self.head = self.head, next(self._rows, None)
        if self.head is None and not self._ended:
            batch = rows_after(self._after, self._batch)
            self._ended = len(batch) < self._batch
            if batch:
                self._after = batch[-1].id
                self._rows = iter(batch)
                self.head = next(self._rows)
        return row

    def up_to(self, last_id: int) -> list[Row]:
        """Return the rows up to an id, which is included."""
        found: list[Row] = []
        while self.head is not None and self.head.id <= last_id:
            row = self.pop()
            if row is not None:
                found.append(row)
        return found

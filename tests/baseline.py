"""The test database as the migrations left it, and the way back to that after a test that commits.

Django's own flush empties every table and then sends `post_migrate`, which makes all content types, permissions and schedules
anew: more work than most tests. Here only what a test changed is put back, and rows that migrations made are there again.
"""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.core.management.color import no_style
from django.db import OperationalError, connection, transaction

from audit import triggers

_columns: dict[str, str] = {}  # table -> its columns for SQL, without those that the database computes
_rows: dict[str, list[tuple[Any, ...]]] = {}  # table -> its rows after the migrations


def remember() -> None:
    """Keep the rows of every table; for the moment right after the migrations.

    Where no test asks for the database, none was made: tests with processes have their own.
    """
    try:
        if not connection.introspection.table_names():
            return
    except OperationalError:
        return
    for model in apps.get_models(include_auto_created=True):
        meta = model._meta
        if meta.managed and not meta.proxy:
            columns = [_quoted(field.column) for field in meta.local_concrete_fields if not field.generated]
            _columns[meta.db_table] = ", ".join(columns)
    _rows.update((table, _rows_of(table)) for table in _columns)


def restore() -> None:
    """Put every table back to the rows that were remembered, and the triggers of the audit log back into place."""
    changed = _changed()
    if changed & {triggers.TABLE, triggers.SEALS}:
        triggers.drop()  # they refuse deletion
    try:
        if changed:
            flush = connection.ops.sql_flush(no_style(), sorted(changed), reset_sequences=False, allow_cascade=False)
            connection.ops.execute_sql_flush(flush)
            with transaction.atomic(), connection.constraint_checks_disabled():
                for table in changed:
                    _insert(table, _rows[table])
    finally:
        triggers.install()


def _changed() -> set[str]:
    empty = [table for table, rows in _rows.items() if not rows]
    with connection.cursor() as cursor:
        cursor.execute("SELECT " + ", ".join(f"EXISTS (SELECT 1 FROM {_quoted(table)})" for table in empty))
        no_longer = {table for table, has_rows in zip(empty, cursor.fetchone(), strict=True) if has_rows}
    return no_longer | {table for table, rows in _rows.items() if rows and _rows_of(table) != rows}


def _rows_of(table: str) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {_columns[table]} FROM {_quoted(table)} ORDER BY 1")
        return list(cursor.fetchall())


def _insert(table: str, rows: list[tuple[Any, ...]]) -> None:
    if rows:
        marks = ", ".join(["%s"] * len(rows[0]))
        with connection.cursor() as cursor:
            cursor.executemany(f"INSERT INTO {_quoted(table)} ({_columns[table]}) VALUES ({marks})", rows)


def _quoted(name: str) -> str:
    return connection.ops.quote_name(name)

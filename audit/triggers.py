"""Triggers that refuse change of the audit log in the database itself, for SQLite and MariaDB.

Installed after every migrate, since SQLite drops them when a migration rebuilds the table. A trigger that is there but says
something else counts as missing.
"""

from __future__ import annotations

import re
from typing import Any

from django.db import connections

TABLE = "audit_auditevent"
SEALS = "audit_auditseal"
MESSAGE = "audit rows are append-only"

_KEYS = {TABLE: "id", SEALS: "sequence"}
_PREFIX = {TABLE: "audit", SEALS: "audit_seal"}


def _sqlite(table: str) -> dict[str, str]:
    prefix, key = _PREFIX[table], _KEYS[table]
    refuse = f"BEGIN SELECT RAISE(ABORT, '{MESSAGE}'); END"
    return {
        f"{prefix}_no_update": f"CREATE TRIGGER {prefix}_no_update BEFORE UPDATE ON {table} {refuse}",
        f"{prefix}_no_delete": f"CREATE TRIGGER {prefix}_no_delete BEFORE DELETE ON {table} {refuse}",
        # REPLACE INTO deletes without the delete trigger; the insert trigger sees the row that would be replaced.
        f"{prefix}_no_replace": (
            f"CREATE TRIGGER {prefix}_no_replace BEFORE INSERT ON {table} "
            f"WHEN EXISTS (SELECT 1 FROM {table} WHERE {key} = NEW.{key}) {refuse}"
        ),
    }


def _mysql(table: str) -> dict[str, str]:
    prefix = _PREFIX[table]
    refuse = f"FOR EACH ROW SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = '{MESSAGE}'"
    return {
        f"{prefix}_no_update": f"CREATE TRIGGER {prefix}_no_update BEFORE UPDATE ON {table} {refuse}",
        f"{prefix}_no_delete": f"CREATE TRIGGER {prefix}_no_delete BEFORE DELETE ON {table} {refuse}",
    }


def wanted(vendor: str, table: str = "") -> dict[str, str]:
    """Return trigger name -> CREATE statement for a database vendor; of one table, or of both."""
    make = _sqlite if vendor == "sqlite" else _mysql
    return {name: sql for each in _KEYS if table in ("", each) for name, sql in make(each).items()}


def present(using: str = "default") -> set[str]:
    """Return the names of the audit triggers that exist in the database and do what they should.

    MariaDB shows what a trigger does only to accounts that may change triggers; for the others its name has to do.
    """
    connection = connections[using]
    expected = wanted(connection.vendor)
    return {
        name
        for name, body in _stored(using).items()
        if name in expected and (body is None or _says(expected[name], body))
    }


def install(using: str = "default", **kwargs: Any) -> None:
    """Create the triggers that are missing and replace those that say something else; safe to run again."""
    connection = connections[using]
    tables = set(connection.introspection.table_names())
    good, stored = present(using), _stored(using)
    with connection.cursor() as cursor:
        for table in _KEYS:
            if table not in tables:
                continue
            for name, statement in wanted(connection.vendor, table).items():
                if name in good:
                    continue
                if name in stored:
                    cursor.execute(f"DROP TRIGGER {name}")
                cursor.execute(statement)


def drop(using: str = "default") -> None:
    """Remove the triggers; for test databases that are flushed between tests."""
    connection = connections[using]
    with connection.cursor() as cursor:
        for name in wanted(connection.vendor):
            cursor.execute(f"DROP TRIGGER IF EXISTS {name}")


def _stored(using: str) -> dict[str, str | None]:
    """Return name -> statement (SQLite) or body (MariaDB; None if hidden) of every trigger on the audit tables."""
    connection = connections[using]
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute(
                "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name IN (%s, %s)", list(_KEYS)
            )
        else:
            cursor.execute(
                "SELECT trigger_name, action_statement FROM information_schema.triggers "
                "WHERE event_object_schema = DATABASE() AND event_object_table IN (%s, %s)",
                list(_KEYS),
            )
        return {name: None if body is None else str(body) for name, body in cursor.fetchall()}


def _says(statement: str, stored: str) -> bool:
    """True when what the database stores is what `statement` creates; MariaDB stores only what follows FOR EACH ROW."""
    return _plain(stored) in (_plain(statement), _plain(statement.partition("FOR EACH ROW ")[2]))


def _plain(sql: str) -> str:
    return re.sub(r"\s+", " ", sql).strip().lower()

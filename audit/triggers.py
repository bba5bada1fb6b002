"""Triggers that refuse change of the audit log in the database itself, for SQLite and MariaDB.

Installed after every migrate, since SQLite drops them when a migration rebuilds the table.
"""

from __future__ import annotations

from typing import Any

from django.db import connections

TABLE = "audit_auditevent"
MESSAGE = "audit rows are append-only"

_SQLITE = {
    "audit_no_update": f"CREATE TRIGGER audit_no_update BEFORE UPDATE ON {TABLE} BEGIN SELECT RAISE(ABORT, '{MESSAGE}'); END",
    "audit_no_delete": f"CREATE TRIGGER audit_no_delete BEFORE DELETE ON {TABLE} BEGIN SELECT RAISE(ABORT, '{MESSAGE}'); END",
    # REPLACE INTO deletes without the delete trigger; the insert trigger sees the row that would be replaced.
    "audit_no_replace": (
        f"CREATE TRIGGER audit_no_replace BEFORE INSERT ON {TABLE} "
        f"WHEN EXISTS (SELECT 1 FROM {TABLE} WHERE id = NEW.id) BEGIN SELECT RAISE(ABORT, '{MESSAGE}'); END"
    ),
}
_MYSQL = {
    "audit_no_update": (
        f"CREATE TRIGGER audit_no_update BEFORE UPDATE ON {TABLE} FOR EACH ROW "
        f"SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = '{MESSAGE}'"
    ),
    "audit_no_delete": (
        f"CREATE TRIGGER audit_no_delete BEFORE DELETE ON {TABLE} FOR EACH ROW "
        f"SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = '{MESSAGE}'"
    ),
}


def wanted(vendor: str) -> dict[str, str]:
    """Return trigger name -> CREATE statement for a database vendor."""
    return _SQLITE if vendor == "sqlite" else _MYSQL


def present(using: str = "default") -> set[str]:
    """Return the names of the audit triggers that exist in the database."""
    connection = connections[using]
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = %s", [TABLE])
        else:
            cursor.execute(
                "SELECT trigger_name FROM information_schema.triggers "
                "WHERE event_object_schema = DATABASE() AND event_object_table = %s",
                [TABLE],
            )
        return {row[0] for row in cursor.fetchall()}


def install(using: str = "default", **kwargs: Any) -> None:
    """Create the triggers that are missing; safe to run again."""
    connection = connections[using]
    if TABLE not in connection.introspection.table_names():
        return
    existing = present(using)
    with connection.cursor() as cursor:
        for name, statement in wanted(connection.vendor).items():
            if name not in existing:
                cursor.execute(statement)


def drop(using: str = "default") -> None:
    """Remove the triggers; for test databases that are flushed between tests."""
    connection = connections[using]
    with connection.cursor() as cursor:
        for name in wanted(connection.vendor):
            cursor.execute(f"DROP TRIGGER IF EXISTS {name}")

"""What an installation held at one moment, to begin another with: seconds, where migrating takes a good part of a minute."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

COLUMNS = (
    "SELECT column_name FROM information_schema.columns WHERE table_schema = DATABASE() AND table_name = %s"
    " AND extra NOT LIKE '%%GENERATED%%' ORDER BY ordinal_position"
)


class Snapshot:
    """The files of an installation and, where its database is on a MariaDB server, every table with rows and triggers."""

    def __init__(self, directory: Path, cursor: Any = None) -> None:
        """Remember what is there now. `cursor`: of the database, unless it is a file in the directory."""
        self._files = directory.with_name(f"{directory.name}-snapshot")
        shutil.copytree(directory, self._files)
        self._tables: list[tuple[str, str, list[tuple[Any, ...]]]] = []  # how it is made and filled, and its rows
        self._triggers: list[str] = []
        if cursor is None:
            return

        def rows(statement: str, *values: str) -> list[tuple[Any, ...]]:
            cursor.execute(statement, values or None)
            return list(cursor.fetchall())

        for (table,) in rows("SHOW TABLES"):
            columns = [f"`{name}`" for (name,) in rows(COLUMNS, table)]
            fill = f"INSERT INTO `{table}` ({', '.join(columns)}) VALUES ({', '.join(['%s'] * len(columns))})"
            made = rows(f"SHOW CREATE TABLE `{table}`")[0][1]
            self._tables.append((made, fill, rows(f"SELECT {', '.join(columns)} FROM `{table}`")))
        for name, *_rest in rows("SHOW TRIGGERS"):
            self._triggers.append(rows(f"SHOW CREATE TRIGGER `{name}`")[0][2])

    def restore(self, directory: Path, cursor: Any = None) -> None:
        """Put it into another directory and, with a cursor, into its empty database."""
        shutil.copytree(self._files, directory, dirs_exist_ok=True)
        if cursor is None:
            return
        cursor.execute("SET foreign_key_checks = 0")
        for made, fill, rows in self._tables:
            cursor.execute(made)
            if rows:
                cursor.executemany(fill, rows)
        for trigger in self._triggers:
            cursor.execute(trigger)
        cursor.execute("SET foreign_key_checks = 1")
        cursor.execute("COMMIT")

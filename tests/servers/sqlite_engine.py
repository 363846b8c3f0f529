"""SQLite as an engine: a database in memory, statements by EXPLAIN, which compiles and runs none.

SQLite takes an unknown name in double quotes for a string; that is not found here.
"""

from __future__ import annotations

import sqlite3

VIEWS = "SELECT '\"' || replace(name, '\"', '\"\"') || '\"' FROM sqlite_master WHERE type = 'view'"


class SQLite:
    """A database in memory, a new one for each schema."""

    def __init__(self) -> None:
        self._database = sqlite3.connect(":memory:", isolation_level=None)
        self.name = f"SQLite {sqlite3.sqlite_version}"

    def load(self, ddl: str) -> None:
        """Replace the schema by what the DDL makes. Raises ValueError with the complaint."""
        self._database.close()
        self._database = sqlite3.connect(":memory:", isolation_level=None)
        try:
            self._database.executescript(ddl)
        except sqlite3.Error as error:
            raise ValueError(str(error)) from error

    def prepare(self, statement: str) -> str:
        """Return the complaint about a statement, empty where it prepares."""
        try:
            self._database.execute(f"EXPLAIN {statement}")
        except (sqlite3.Error, sqlite3.Warning) as error:
            return str(error)
        return ""

    def try_definition(self, statement: str) -> str:
        """Return the complaint about CREATE or ALTER, empty where it works; undo it."""
        complaint = self.prepare(statement)  # which also says that it is one statement
        if complaint:
            return complaint
        self._database.execute("BEGIN")
        try:
            self._database.execute(statement)
            # A view's names are resolved when it is used.
            for (view,) in self._database.execute(VIEWS).fetchall():
                self._database.execute(f"EXPLAIN SELECT * FROM {view}")
        except sqlite3.Error as error:
            return str(error)
        finally:
            self._database.execute("ROLLBACK")
        return ""

    def close(self) -> None:
        """Drop the database."""
        self._database.close()

"""SQLite as a judge: a statement is prepared on an empty database made from the parsed schema.

The database is in memory and made by CREATE statements of our own. An authorizer lets SQLite read
the schema's tables and call listed functions, and nothing else; EXPLAIN compiles the statement and
does not run it. What SQLite says it would read is compared with what the scope check found.
"""

from __future__ import annotations

import sqlite3
import threading
from collections import OrderedDict
from typing import Final

from sqlstrictd.schema.names import fold
from sqlstrictd.schema.render import create_statements
from sqlstrictd.schema.types import Schema
from sqlstrictd.verify.functions import FUNCTIONS

ENGINE: Final = f"sqlite {sqlite3.sqlite_version}"

# Databases kept per thread; the one of a 15-table schema takes about 100 KB.
_KEPT: Final = 16
_LIMITS: Final = {
    sqlite3.SQLITE_LIMIT_LENGTH: 1 << 20,
    sqlite3.SQLITE_LIMIT_SQL_LENGTH: 20_000,
    sqlite3.SQLITE_LIMIT_EXPR_DEPTH: 1000,
    sqlite3.SQLITE_LIMIT_COMPOUND_SELECT: 100,
    sqlite3.SQLITE_LIMIT_ATTACHED: 0,
    sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER: 0,
    sqlite3.SQLITE_LIMIT_TRIGGER_DEPTH: 0,
    sqlite3.SQLITE_LIMIT_WORKER_THREADS: 0,
}
# SQLite calls functions for CURRENT_DATE and its like too.
_FUNCTIONS: Final = frozenset(map(fold, FUNCTIONS["sqlite"])) | {
    "current_date",
    "current_time",
    "current_timestamp",
}
# A guard: EXPLAIN lists a program and needs one step a line, a query that ran would need more.
_MOST_STEPS: Final = 1_000_000


class _Authorizer:
    """Lets SQLite read the tables of one schema and call listed functions; notes what it reads."""

    def __init__(self, schema: Schema) -> None:
        self.reads: set[tuple[str, str]] = set()
        self._tables = {fold(table.name) for table in schema.tables}

    def __call__(
        self,
        action: int,
        first: str | None,
        second: str | None,
        database: str | None,
        _: str | None,
    ) -> int:
        if action in (sqlite3.SQLITE_SELECT, sqlite3.SQLITE_RECURSIVE):
            return sqlite3.SQLITE_OK
        if action == sqlite3.SQLITE_FUNCTION and fold(second or "") in _FUNCTIONS:
            return sqlite3.SQLITE_OK
        if action == sqlite3.SQLITE_READ and not second:
            return sqlite3.SQLITE_OK  # a table or query of which no column is read
        if action == sqlite3.SQLITE_READ and fold(first or "") in self._tables:
            self.reads.add((fold(first or ""), fold(second or "")))
            return sqlite3.SQLITE_OK
        return sqlite3.SQLITE_DENY


class Database:
    """The empty database of one schema; for one thread."""

    def __init__(self, schema: Schema) -> None:
        # The same thread frees it, or the interpreter when that thread has ended.
        self._connection = sqlite3.connect(
            ":memory:", isolation_level=None, cached_statements=0, check_same_thread=False
        )
        self._connection.execute("PRAGMA trusted_schema = OFF")
        self._connection.execute("BEGIN")
        for statement in create_statements(schema):
            self._connection.execute(statement)
        self._connection.execute("COMMIT")
        for limit, value in _LIMITS.items():
            self._connection.setlimit(limit, value)
        self._authorizer = _Authorizer(schema)
        self._connection.set_authorizer(self._authorizer)
        self._connection.set_progress_handler(lambda: 1, _MOST_STEPS)

    def prepare(self, sql: str) -> tuple[str, set[tuple[str, str]]]:
        """Prepare one statement.

        Returns SQLite's error (empty where there is none), and the folded (table, column) pairs
        that the statement would read.
        """
        self._authorizer.reads.clear()
        try:
            self._connection.execute(f"EXPLAIN {sql}").close()
        except sqlite3.Error as error:
            return str(error) or type(error).__name__, set()
        return "", set(self._authorizer.reads)

    def count_tables(self) -> int:
        """Return how many tables the database has; it never changes."""
        self._connection.set_authorizer(None)
        (count,) = self._connection.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()
        self._connection.set_authorizer(self._authorizer)
        return int(count)

    def close(self) -> None:
        """Free the database."""
        self._connection.close()

    def __del__(self) -> None:
        self._connection.close()


class _Databases(threading.local):
    """The databases of one thread, the least lately used first."""

    def __init__(self) -> None:
        self.kept: OrderedDict[str, Database] = OrderedDict()

    def find(self, schema: Schema) -> Database:
        database = self.kept.get(schema.fingerprint)
        if database is None:
            database = self.kept[schema.fingerprint] = Database(schema)
            while len(self.kept) > _KEPT:
                self.kept.popitem(last=False)[1].close()
        self.kept.move_to_end(schema.fingerprint)
        return database


_databases = _Databases()


def prepare(sql: str, schema: Schema) -> tuple[str, set[tuple[str, str]]]:
    """Prepare a statement on a schema's database, which is made at the first call and kept."""
    return _databases.find(schema).prepare(sql)

"""SQLite as a judge: an empty database in memory, made by CREATE statements of our own.

An authorizer lets SQLite read the schema's tables, call listed functions, and compile one kind of
statement and nothing else; EXPLAIN compiles the statement and does not run it. What SQLite says it
would read is compared with what the scope check found.
"""

from __future__ import annotations

import sqlite3
from typing import Final

from sqlstrictd.schema.names import fold
from sqlstrictd.schema.render import create_statements
from sqlstrictd.schema.types import Schema
from sqlstrictd.verify import row_functions
from sqlstrictd.verify.rules import rules_of

NAME: Final = f"sqlite {sqlite3.sqlite_version}"

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
# SQLite calls functions for CURRENT_DATE and for operators too.
_IMPLICIT: Final = frozenset("current_date current_time current_timestamp like glob -> ->>".split())
# What it calls on its own tables when it compiles an ALTER TABLE.
_ALTERING: Final = frozenset(
    "printf substr length like glob sqlite_rename_test sqlite_rename_quotefix sqlite_rename_column"
    " sqlite_rename_table sqlite_drop_column".split()
)
_ROW_FUNCTIONS: Final = row_functions.names_of("sqlite")
_MASTERS: Final = frozenset({"sqlite_master", "sqlite_temp_master"})
# What a kind of statement does beside reading: actions on tables of the schema, ...
_CHANGES: Final = {
    "insert": sqlite3.SQLITE_INSERT,
    "update": sqlite3.SQLITE_UPDATE,
    "delete": sqlite3.SQLITE_DELETE,
}
# ... and actions on new tables, views and indexes, which go with changes of the list of tables.
_DEFINES: Final = {
    "create_table": (sqlite3.SQLITE_CREATE_TABLE, sqlite3.SQLITE_CREATE_INDEX),
    "create_view": (sqlite3.SQLITE_CREATE_VIEW,),
    "create_index": (sqlite3.SQLITE_CREATE_INDEX, sqlite3.SQLITE_REINDEX),
    "alter_table": (sqlite3.SQLITE_ALTER_TABLE,),
}
# A guard: EXPLAIN lists a program and needs one step a line, a query that ran would need more.
_MOST_STEPS: Final = 1_000_000


class _Authorizer:
    """Lets SQLite compile statements of one kind on one schema; notes what they read."""

    def __init__(self, schema: Schema) -> None:
        self.kind = "select"
        self.reads: set[tuple[str, str]] = set()
        self._tables = {fold(table.name) for table in schema.tables}
        self._new = ""
        functions = rules_of("sqlite").functions | rules_of("ansi").functions
        self._functions = frozenset(map(fold, functions)) | _IMPLICIT

    def begin(self, kind: str) -> None:
        """Forget the last statement; the next one is of this kind."""
        self.kind, self._new = kind, ""
        self.reads.clear()

    def __call__(
        self,
        action: int,
        first: str | None,
        second: str | None,
        database: str | None,
        _: str | None,
    ) -> int:
        table, column = fold(first or ""), fold(second or "")
        if action in (sqlite3.SQLITE_SELECT, sqlite3.SQLITE_RECURSIVE):
            return sqlite3.SQLITE_OK
        if action == sqlite3.SQLITE_FUNCTION:
            is_listed = column in self._functions
            is_own = self.kind == "alter_table" and column in _ALTERING
            return sqlite3.SQLITE_OK if is_listed or is_own else sqlite3.SQLITE_DENY
        if action == sqlite3.SQLITE_READ and not second:
            return sqlite3.SQLITE_OK  # a table or query of which no column is read
        if action == sqlite3.SQLITE_READ and table in _ROW_FUNCTIONS and table not in self._tables:
            return sqlite3.SQLITE_OK
        if action == sqlite3.SQLITE_READ and table in self._tables:
            self.reads.add((table, column))
            return sqlite3.SQLITE_OK
        if action == _CHANGES.get(self.kind) and table in self._tables:
            return sqlite3.SQLITE_OK
        if self._defines(action, table):
            return sqlite3.SQLITE_OK
        return sqlite3.SQLITE_DENY

    def _defines(self, action: int, table: str) -> bool:
        """Whether this is part of a definition of the kind at hand."""
        actions = _DEFINES.get(self.kind)
        if actions is None:
            return False
        if action in actions:
            if action == sqlite3.SQLITE_CREATE_TABLE and not self._new:
                self._new = table
            return True
        if action in (sqlite3.SQLITE_INSERT, sqlite3.SQLITE_UPDATE):
            return table in _MASTERS
        if action == sqlite3.SQLITE_READ:
            is_own_check = self.kind == "alter_table" and table == "pragma_quick_check"
            return table in _MASTERS or is_own_check or (bool(self._new) and table == self._new)
        return False


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
        for name in sorted(_ROW_FUNCTIONS):
            # Their tables are made at their first use, which the authorizer would refuse.
            self._connection.execute(f"SELECT 1 FROM {name}('[]')").close()
        for limit, value in _LIMITS.items():
            self._connection.setlimit(limit, value)
        self._authorizer = _Authorizer(schema)
        self._connection.set_authorizer(self._authorizer)
        self._connection.set_progress_handler(lambda: 1, _MOST_STEPS)

    def prepare(self, sql: str, kind: str = "select") -> tuple[str, frozenset[tuple[str, str]]]:
        """Prepare one statement of a kind.

        Returns SQLite's error (empty where there is none), and the folded (table, column) pairs
        that the statement would read.
        """
        self._authorizer.begin(kind)
        try:
            self._connection.execute(f"EXPLAIN {sql}").close()
        except sqlite3.Error as error:
            return str(error) or type(error).__name__, frozenset()
        return "", frozenset(self._authorizer.reads)

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

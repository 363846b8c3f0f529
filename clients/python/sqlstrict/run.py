"""Runs one statement on the user's own SQLite file, read only, because the user asked for it.

Three walls, none of which trusts the statement: the file is opened read only; SQLite's authorizer
allows reading alone, so that ATTACH, PRAGMA, writes and extensions are refused when the statement
is prepared; and rows, time and the size of a value are limited. Virtual tables cannot be read,
as they do more than read; nor are they described to the daemon. Only `ask --run` calls it.
"""

from __future__ import annotations

import sqlite3
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlstrict.errors import QueryError
from sqlstrict.introspect import connect_read_only, explain

MAX_VALUE_BYTES = 16 * 2**20
# SQLite asks every so many steps of its virtual machine whether to go on; 10,000 take well under
# a millisecond.
_STEPS_PER_LOOK = 10_000
_ALLOWED = (sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_RECURSIVE)
# Functions that reach out of the database, wherever a build of SQLite has them.
_DENIED_FUNCTIONS = ("load_extension", "fts3_tokenizer", "readfile", "writefile", "edit")


@dataclass(frozen=True, slots=True)
class Rows:
    """What a statement returned. With `is_truncated` there are more rows than were asked for."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    is_truncated: bool


def run_read_only(
    database: Path, sql: str, *, max_rows: int = 100, timeout_s: float = 30.0
) -> Rows:
    """Run one statement that only reads. Raises `QueryError`."""
    clock = _Clock(time.monotonic() + timeout_s)
    try:
        connection = connect_read_only(database)
        try:
            connection.execute("PRAGMA query_only = ON")
            connection.execute("PRAGMA trusted_schema = OFF")
            connection.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
            connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, MAX_VALUE_BYTES)
            connection.set_authorizer(_authorize)
            connection.set_progress_handler(clock.is_over, _STEPS_PER_LOOK)
            cursor = connection.execute(sql)
            rows = cursor.fetchmany(max_rows + 1)
            columns = tuple(column[0] for column in cursor.description or ())
        finally:
            connection.close()
    except (sqlite3.Error, sqlite3.Warning) as error:
        code = getattr(error, "sqlite_errorcode", None)
        if code == sqlite3.SQLITE_INTERRUPT and not clock.has_ended:
            # Ctrl-C. While SQLite works, Python's signal handlers run in our progress handler, and
            # sqlite3 drops what that raises; all that is left is that somebody interrupted it.
            raise KeyboardInterrupt from error
        if clock.has_ended:
            message = f"stopped after {timeout_s:g} s; give it more time with --timeout"
            raise QueryError(message, reason="QUERY_TIMEOUT") from error
        if "not authorized" in str(error) or "prohibited" in str(error):
            message = f"refused: the statement does more than read ({error})"
            raise QueryError(message, reason="QUERY_REFUSED") from error
        raise QueryError(f"{database}: {explain(error)}", reason="QUERY_FAILED") from error
    return Rows(columns, tuple(rows[:max_rows]), len(rows) > max_rows)


class _Clock:
    """SQLite's progress handler: ends the statement at a deadline."""

    def __init__(self, deadline: float) -> None:
        self._deadline = deadline
        self.has_ended = False

    def is_over(self) -> bool:
        self.has_ended = time.monotonic() > self._deadline
        return self.has_ended


def _authorize(
    action: int, first: str | None, second: str | None, schema: str | None, trigger: str | None
) -> int:
    is_function = action == sqlite3.SQLITE_FUNCTION
    if is_function and (second or "").lower() not in _DENIED_FUNCTIONS:
        return sqlite3.SQLITE_OK
    return sqlite3.SQLITE_OK if action in _ALLOWED else sqlite3.SQLITE_DENY

"""A SQLite file -> the CREATE TABLE statements of its ordinary tables, as text for the daemon.

The daemon never opens a user's database; this and `introspect_postgres.py`, `introspect_mysql.py`
and `introspect_duckdb.py` are the only places that read a schema from one, and they read nothing
else. What these four share is here. The file is opened read only. Views, virtual tables and their
shadow tables are left out and named in a warning, because the daemon cannot answer from them.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlstrict.errors import SourceError

MAGIC = b"SQLite format 3\0"

# Kinds of `PRAGMA table_list` that are not described, and what they are called in the warning.
_LEFT_OUT = {"view": "view", "virtual": "virtual table"}


@dataclass(frozen=True, slots=True)
class Introspection:
    """The DDL of a database, and one line for each kind of thing that was left out of it."""

    ddl: str
    warnings: tuple[str, ...]

    @classmethod
    def of(
        cls, place: object, statements: Sequence[str], warnings: tuple[str, ...]
    ) -> Introspection:
        """Join statements, each of which gets its semicolon.

        Raises `SourceError` where there are none.
        """
        if not statements:
            raise SourceError(
                f"{place} has no table to ask about{''.join(f'; {line}' for line in warnings)}",
                reason="NO_TABLES",
            )
        return cls("".join(f"{sql};\n" for sql in statements), warnings)


def left_out(place: str, names_by_kind: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """Say what was left out: a line for each kind that has names."""
    return tuple(
        f"{place}: {_plural(kind, len(names))} left out: {', '.join(names)}"
        for kind, names in names_by_kind.items()
        if names
    )


def _plural(kind: str, count: int) -> str:
    noun, blank, rest = kind.partition(" of ")
    return f"{noun}{'s' if count > 1 else ''}{blank}{rest}"


def missing_extra(database: str, extra: str) -> SourceError:
    """Make the error that says which extra reads such a database."""
    return SourceError(
        f"reading {database} needs a driver: pip install 'sqlstrict[{extra}]'",
        reason="EXTRA_MISSING",
    )


def without_password(address: str) -> str:
    """Return a database's address as it may be shown: no password, no options."""
    shown = re.sub(r"^([^:/?#]+://[^/?#]*?):[^/?#]*@", r"\1@", address)
    return shown.partition("?")[0]


def read_sqlite_schema(path: Path) -> Introspection:
    """Read the tables of a SQLite file, in the order in which they were created.

    Raises `SourceError` where the file cannot be opened, is damaged, or has no table.
    """
    try:
        connection = connect_read_only(path)
        try:
            kinds = dict(connection.execute("SELECT name, type FROM pragma_table_list"))
            created = connection.execute(
                "SELECT name, sql FROM sqlite_master WHERE type IN ('table', 'view')"
                " AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY rowid"
            ).fetchall()
        finally:
            connection.close()
    except sqlite3.Error as error:
        raise SourceError(f"{path}: {explain(error)}", reason="DATABASE_UNREADABLE") from error
    statements = [sql for name, sql in created if kinds.get(name) == "table"]
    names_by_kind = {
        called: [name for name, _ in created if kinds.get(name) == kind]
        for kind, called in _LEFT_OUT.items()
    }
    return Introspection.of(path, statements, left_out(path.name, names_by_kind))


def explain(error: Exception) -> str:
    """Return SQLite's message, with what to do where it is known."""
    if getattr(error, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return f"{error}; another program is writing to it, try again when it is done"
    return str(error)


def connect_read_only(path: Path) -> sqlite3.Connection:
    """Open a SQLite file so that nothing can be written to it. Raises `sqlite3.Error`.

    Text that is no UTF-8 is read with replacement characters instead of failing.
    """
    # as_uri encodes '?', '#' and '%', which would otherwise end the path or be decoded.
    uri = f"{path.resolve().as_uri()}?mode=ro"
    connection = sqlite3.connect(uri, uri=True, isolation_level=None)
    connection.text_factory = lambda value: value.decode("utf-8", "replace")
    return connection

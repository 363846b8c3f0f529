"""A SQLite file -> the CREATE statements of its tables and views, as text for the daemon.

The daemon never opens a user's database; this and `introspect_postgres.py`, `introspect_mysql.py`
and `introspect_duckdb.py` are the only places that read a schema from one, and they read nothing
else. What these four share is here. The file is opened read only. Of a view its columns and types
are told, and not its query, which may hold data. Virtual tables and their shadow tables are left
out and named in a warning, because the daemon cannot answer from them.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlstrict.errors import SourceError

MAGIC = b"SQLite format 3\0"

# The pieces of a type that may stand in a CAST: words, numbers, values of an enum, quoted names.
_TYPE_PIECE = re.compile(r"""[\w .,+-]+|'(?:[^'\\]|'')*'|"[^"]*"|`[^`]*`|[()\[\]]""")


_JOINS_BY_NAME = re.compile(r"\b(USING|NATURAL)\b", re.IGNORECASE)
_VALUES = re.compile(
    r"""(?P<text>[xX]?'(?:[^']|'')*')|(?P<name>"(?:[^"]|"")*"|`[^`]*`|\[[^\]]*\]|[^\W\d]\w*)"""
    r"|--[^\n]*|/\*.*?\*/|[\d.]*\d[\w.]*",
    re.DOTALL,
)


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


def create_view(
    name: str,
    columns: Sequence[tuple[str, str]],
    reads: Mapping[str, Sequence[str]] | None = None,
) -> str:
    """Write a view that has these columns, each a quoted name and a type, and no rows of any.

    `name` is quoted too. A column has no type where the daemon could not read it. `reads` are the
    columns that the real view reads, by table, all quoted: they stand against changes.
    """
    values = [
        f"{f'CAST(NULL AS {declared})' if _is_type(declared) else 'NULL'} AS {column}"
        for column, declared in columns
    ]
    found = [
        f"EXISTS (SELECT {', '.join(read) or '1'} FROM {table})"
        for table, read in (reads or {}).items()
    ]
    where = f" WHERE {' AND '.join(found)}" if found else ""
    return f"CREATE VIEW {name} AS SELECT {', '.join(values)}{where}"


def name_in_use(name: str) -> str:
    """Write, for the daemon, that something which is no table of the schema has a name."""
    return f"CREATE SEQUENCE {name}"


def _without_values(sql: str) -> str:
    """Leave out of a statement what may be data: strings, numbers and comments."""
    return _VALUES.sub(lambda found: found["name"] or ("''" if found["text"] else " 0 "), sql)


def _is_type(declared: str) -> bool:
    """Whether a declared type is one piece of text that a CAST can hold."""
    depth = at = 0
    while at < len(declared):
        piece = _TYPE_PIECE.match(declared, at)
        if piece is None:
            return False
        depth += (piece[0] == "(") - (piece[0] == ")")
        if depth < 0:
            return False
        at = piece.end()
    return depth == 0 and (declared[:1].isalpha() or declared[:1] == '"')


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
    """Read the tables and views of a SQLite file, in the order in which they were created.

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
            beside = connection.execute(
                "SELECT tbl_name, sql FROM sqlite_master WHERE type IN ('index', 'trigger')"
                " AND sql IS NOT NULL ORDER BY type, rowid"
            ).fetchall()
            views = {
                name: _describe_view(connection, name, query)
                for name, query in created
                if kinds.get(name) == "view"
            }
        finally:
            connection.close()
    except sqlite3.Error as error:
        raise SourceError(f"{path}: {explain(error)}", reason="DATABASE_UNREADABLE") from error
    found = [sql if kinds.get(name) == "table" else views.get(name, "") for name, sql in created]
    kept = {name for name, _ in created if kinds.get(name) in ("table", "view")}
    statements = [sql for sql in found if sql]
    if statements:
        statements += [_without_values(sql) for table, sql in beside if table in kept]
        # SQLite looks at every view when it changes a table, and so must know of broken ones.
        statements += [f"CREATE VIEW {_quote(name)}" for name, sql in views.items() if not sql]
        statements += [
            name_in_use(_quote(name))
            for name, kind in sorted(kinds.items())
            if kind in ("virtual", "shadow")
        ]
    names_by_kind = {
        "view": [name for name, sql in views.items() if not sql],
        "virtual table": [name for name, _ in created if kinds.get(name) == "virtual"],
    }
    return Introspection.of(path, statements, left_out(path.name, names_by_kind))


def _describe_view(connection: sqlite3.Connection, name: str, query: str) -> str:
    """Write a view's columns as a view; empty where SQLite itself cannot tell them."""
    try:
        columns = connection.execute(
            "SELECT name, type FROM pragma_table_info(?)", [name]
        ).fetchall()
    except sqlite3.Error:
        return ""  # it reads what is not there, or calls what only its own program has
    reads: dict[str, dict[str, None]] = {}

    def note(action: int, table: str | None, column: str | None, *_: object) -> int:
        if action == sqlite3.SQLITE_READ and table and table != name:
            read = reads.setdefault(_quote(table), {})
            if column:
                read[_quote(column)] = None
        return sqlite3.SQLITE_OK

    connection.set_authorizer(note)
    try:
        connection.execute(f"EXPLAIN SELECT * FROM {_quote(name)}")
    finally:
        connection.set_authorizer(None)
    if _JOINS_BY_NAME.search(query):  # of such a pair of columns SQLite tells one
        for table, read in reads.items():
            listed = "SELECT name FROM pragma_table_info(?)"
            for (column,) in connection.execute(listed, [table[1:-1].replace('""', '"')]):
                read[_quote(column)] = None
    told = [(_quote(column), type_) for column, type_ in columns]
    return create_view(_quote(name), told, {table: list(read) for table, read in reads.items()})


def _quote(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


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

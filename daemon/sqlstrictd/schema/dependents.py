"""What stands on a table against a change of it, and which names are taken, engine by engine.

`verify/definitions.py` asks before ALTER TABLE and for every new name, and the grammar of
definitions writes nothing that is refused here. The rules were tried on SQLite 3.40, PostgreSQL 15,
MariaDB 10.11 and DuckDB; those of MySQL 8 were not tried. Where engines of a dialect differ, or the
schema does not say enough, the answer is that it stands against it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from sqlstrictd.schema.cursor import show
from sqlstrictd.schema.names import fold
from sqlstrictd.schema.types import Schema, Table, Use, UseKind

# The engines that rewrite what reads a table when its columns change, or fail.
_REWRITING: Final = ("sqlite", "ansi")
_IN_WORDS: Final[dict[UseKind, str]] = {
    "index": "an index",
    "unique index": "an index",
    "unique": "a key",
    "primary": "a key",
    "foreign": "a foreign key",
    "check": "a CHECK",
    "own check": "a CHECK",
    "computed": "a computed column",
    "view": "a view",
    "trigger": "a trigger",
    "partition": "the division of the table",
}
# PostgreSQL shortens both parts of a name that it makes itself to about half of its 63 bytes.
_KEPT_OF_NAME: Final = 28


def against_drop(schema: Schema, table: Table, column: str, dialect: str) -> str:
    """Say what stands against dropping a column; empty where nothing does."""
    if dialect == "duckdb" and (reason := _binds_table(schema, table)):
        return reason
    for use in table.uses:
        if column in use.columns and _holds_column(use, dialect):
            return _say(use)
    if dialect == "duckdb" and _is_before_key(table, column):
        return "a key of a later column"
    return _unread(schema, dialect)


def against_rename(schema: Schema, table: Table, column: str, dialect: str) -> str:
    """Say what stands against giving a column another name; empty where nothing does."""
    for use in table.uses:
        if dialect in _REWRITING and use.kind in ("view", "trigger"):
            return _say(use)  # whose other names the new one may meet
        holds = ("check", "own check", "computed", "partition")
        if dialect == "mysql" and column in use.columns and use.kind in holds:
            return _say(use)
        if dialect == "duckdb" and use.kind == "computed":
            return _say(use)
        if dialect == "duckdb" and column in use.columns and use.kind == "foreign":
            return _say(use)
    if dialect == "duckdb":
        if any(column in key.columns for key in table.foreign_keys):
            return "a foreign key"
        return _binds_table(schema, table)
    return _unread(schema, dialect)


def against_table_rename(schema: Schema, table: Table, dialect: str) -> str:
    """Say what stands against giving a table another name; empty where nothing does."""
    return _binds_table(schema, table) if dialect == "duckdb" else _unread(schema, dialect)


def is_taken(schema: Schema, name: str, dialect: str, indexed: Table | None = None) -> bool:
    """Whether something that is no table has a name already.

    `indexed` is the table of a new index; without it the name is a new table's, view's or
    constraint's.
    """
    folded = fold(name)
    if folded in {fold(other) for other in (*schema.other_names, *schema.unread_views)}:
        return True
    if dialect == "duckdb" and indexed is None:
        return False
    if dialect == "mysql":
        return indexed is not None and _is_taken_in(indexed, folded)
    tables = [table for table in schema.tables if not table.is_view]
    if any(folded == fold(taken) for table in tables for taken in _names(table, dialect)):
        return True
    return dialect in ("postgres", "ansi") and any(_may_be_made(table, folded) for table in tables)


def is_constraint_taken(schema: Schema, name: str, dialect: str) -> bool:
    """Whether the name of a new constraint is taken, by another one or in the way of its index."""
    names = {fold(use.name) for table in schema.tables for use in table.uses}
    return fold(name) in names or is_taken(schema, name, dialect)


def index_names(schema: Schema, dialect: str) -> Iterator[str]:
    """Yield names that no new table or index should have, for the grammar."""
    yield from (*schema.other_names, *schema.unread_views)
    for table in schema.tables:
        yield from (use.name for use in table.uses if use.name and use.kind not in _READERS)
        if dialect == "mysql":
            yield from filter(None, (first_of(use) for use in _keys(table)))


_READERS: Final = ("view", "trigger", "computed", "check", "own check")


def first_of(use: Use) -> str:
    """The column that MySQL names a key after."""
    return use.columns[0] if use.columns else ""


def _holds_column(use: Use, dialect: str) -> bool:
    """Whether a use of a column stands against dropping it."""
    if dialect == "postgres":  # which drops keys, indexes and checks with their columns
        return use.kind in ("computed", "view", "trigger", "partition")
    if use.kind in ("computed", "partition", "foreign"):
        return True
    is_joint = len(use.columns) > 1
    if dialect == "mysql":
        return is_joint and use.kind in ("unique", "unique index", "check")
    if dialect == "duckdb":
        return use.kind in ("unique", "primary") or (is_joint and use.kind == "check")
    return use.kind != "own check"


def _binds_table(schema: Schema, table: Table) -> str:
    """Say what binds the whole of a table in DuckDB."""
    for use in table.uses:
        if use.kind in ("index", "unique index"):
            return _say(use)
    return "a foreign key of a table" if table.name in schema.referenced_tables else ""


def _is_before_key(table: Table, column: str) -> bool:
    """Whether a key has a column behind this one, which DuckDB would have to count anew."""
    names = table.column_names
    keys = (table.primary_key, *(use.columns for use in table.uses if use.kind == "unique"))
    return any(names.index(name) > names.index(column) for key in keys for name in key)


def _unread(schema: Schema, dialect: str) -> str:
    if dialect in _REWRITING and schema.unread_views:
        return f"the view {show(schema.unread_views[0])}, which could not be read,"
    return ""


def _names(table: Table, dialect: str) -> Iterator[str]:
    """Yield the names that a table's indexes have beside those of tables."""
    kinds = ["index", "unique index"]
    if dialect in ("postgres", "ansi"):
        kinds += ["unique", "primary"]
    for use in table.uses:
        if use.kind in kinds and use.name:
            yield use.name


def _may_be_made(table: Table, folded: str) -> bool:
    """Whether PostgreSQL may have made a name, for a key, index or sequence without one."""
    unnamed = {use.kind for use in table.uses if not use.name}
    named = {use.kind for use in table.uses if use.name}
    ends = ["seq"]
    ends += ["pkey"] if table.primary_key and "primary" not in named else []
    ends += ["key", "excl"] if "unique" in unnamed else []
    ends += ["idx"] if unnamed & {"index", "unique index"} else []
    start = re.escape(fold(table.name)[:_KEPT_OF_NAME])
    return re.fullmatch(rf"{start}.*_({'|'.join(ends)})\d*", folded, re.DOTALL) is not None


def _keys(table: Table) -> Iterator[Use]:
    """Yield what MySQL keeps an index for, foreign keys too."""
    for use in table.uses:
        if use.kind in ("index", "unique index", "unique", "foreign"):
            yield use
    for key in table.foreign_keys:
        yield Use("foreign", "", key.columns)


def _is_taken_in(table: Table, folded: str) -> bool:
    """Whether an index of a MySQL table has a name, or may have been given it."""
    if folded in ("primary", "gen_clust_index"):
        return True
    for use in _keys(table):
        if use.name and fold(use.name) == folded:
            return True
        made = "|".join(re.escape(fold(column)) for column in use.columns)
        if not use.name and made and re.fullmatch(rf"({made})(_\d+)?", folded):
            return True
    return False


def _say(use: Use) -> str:
    what = _IN_WORDS[use.kind]
    shows_name = use.name and use.kind != "trigger"
    return f"{what} ({show(use.name)})" if shows_name else what

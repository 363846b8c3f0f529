"""The embedded engines as judges: a statement is prepared on an empty database of our own making.

SQLite judges its own dialect, and standard SQL where it knows all that a statement calls; DuckDB
judges its own where its package is installed. PostgreSQL and MySQL are not embedded. Databases are
kept per thread and schema, the least lately used are closed first.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import Final, Protocol

from sqlstrictd.schema.scan import Token
from sqlstrictd.schema.types import Schema
from sqlstrictd.verify import duckdb_engine, sqlite_engine
from sqlstrictd.verify.rules import rules_of

# Kept per thread: SQLite's takes about 100 KB for 15 tables, DuckDB's some megabytes.
_KEPT: Final = {"sqlite": 16, "duckdb": 4}
# What standard SQL writes in words of its own, and SQLite does not know.
_STANDARD_WORDS: Final = ("DATE", "TIME", "TIMESTAMP", "INTERVAL", "FETCH")


@dataclass(frozen=True, slots=True)
class Prepared:
    """What an engine said: its error (empty where there is none), and what it would read.

    `reads` are folded (table, column) pairs; None where the engine does not tell.
    """

    engine: str
    error: str
    reads: frozenset[tuple[str, str]] | None = None


class Database(Protocol):
    """The empty database of one schema, in one engine; for one thread."""

    def prepare(self, sql: str, kind: str) -> tuple[str, frozenset[tuple[str, str]] | None]:
        """Prepare one statement of a kind; returns the error and what it would read."""
        ...

    def close(self) -> None:
        """Free the database."""
        ...


class _Databases(threading.local):
    """The databases of one thread, by engine and schema."""

    def __init__(self) -> None:
        self.kept: dict[str, OrderedDict[str, Database]] = {name: OrderedDict() for name in _KEPT}

    def find(self, engine: str, schema: Schema) -> Database:
        kept = self.kept[engine]
        database = kept.get(schema.fingerprint)
        if database is None:
            make = sqlite_engine.Database if engine == "sqlite" else duckdb_engine.Database
            database = kept[schema.fingerprint] = make(schema)
            while len(kept) > _KEPT[engine]:
                kept.popitem(last=False)[1].close()
        kept.move_to_end(schema.fingerprint)
        return database


_databases = _Databases()


def prepare(
    sql: str, tokens: tuple[Token, ...], schema: Schema, dialect: str, kind: str
) -> Prepared | None:
    """Prepare a statement; None where no engine here can judge it."""
    if dialect == "duckdb" and duckdb_engine.is_installed():
        error, reads = _databases.find("duckdb", schema).prepare(sql, kind)
        return Prepared(duckdb_engine.name(), error, reads)
    if dialect == "sqlite" or (dialect == "ansi" and _is_known_to_sqlite(tokens)):
        error, reads = _databases.find("sqlite", schema).prepare(sql, kind)
        return Prepared(sqlite_engine.NAME, error, reads)
    return None


def _is_known_to_sqlite(tokens: tuple[Token, ...]) -> bool:
    """Whether SQLite has every function and form of a statement in standard SQL."""
    standard, sqlite = rules_of("ansi").functions, rules_of("sqlite").functions
    for token, following in zip(tokens, [*tokens[1:], None], strict=True):
        if token.kind != "word" or following is None:
            continue
        word = token.value.upper()
        if following.is_symbol("(") and word in standard and word not in sqlite:
            return False
        if word in _STANDARD_WORDS and following.kind in ("string", "word"):
            return False
        if word in ("ROLLUP", "CUBE", "BOTH", "LEADING", "TRAILING"):
            return False
        if word in ("INTERSECT", "EXCEPT") and following.is_word("ALL"):
            return False
    return not _has_worded_substring(tokens)


def _has_worded_substring(tokens: tuple[Token, ...]) -> bool:
    """Whether SUBSTRING(x FROM 1) stands there: a FROM in parentheses without a SELECT."""
    opened: list[bool] = []
    for token, before in zip(tokens, [None, *tokens[:-1]], strict=True):
        if token.is_symbol("("):
            opened.append(before is not None and before.is_word("SUBSTRING", "TRIM", "EXTRACT"))
        elif token.is_symbol(")") and opened:
            opened.pop()
        elif token.is_word("FROM") and opened and opened[-1]:
            return True
    return False

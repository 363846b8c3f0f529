"""Where a schema comes from, as the user names it -> what the daemon is told.

One rule for every command that takes a schema:

    -                            DDL on standard input
    postgresql://...             refused by name, like duckdb: and mysql: (later work)
    a/path, shop.db, shop.sql    a file, by its separator or suffix: a SQLite database or DDL
    shop                         a registered name

A file without a separator and without one of the suffixes is written `./shop`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sqlstrict.errors import SourceError, UnsupportedSource
from sqlstrict.introspect import MAGIC, read_sqlite_schema

# As in the contract.
MAX_DDL_BYTES = 2**20
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")

_DATABASE_SUFFIXES = (".db", ".db3", ".s3db", ".sqlite", ".sqlite3", ".sl3")
_TEXT_SUFFIXES = (".sql", ".ddl", ".txt")
_LATER = {
    "postgresql": "PostgreSQL",
    "postgres": "PostgreSQL",
    "duckdb": "DuckDB",
    "mysql": "MySQL",
    "mariadb": "MariaDB",
}
_INSTEAD = "save its CREATE TABLE statements in a .sql file and name that"


@dataclass(frozen=True, slots=True)
class SchemaSource:
    """A schema: either its registered `name`, or its `ddl` and the `place` that it was read from.

    `database` is set when that place is a SQLite file. `warnings` name what was left out of it.
    """

    name: str | None = None
    ddl: str | None = None
    place: str = ""
    database: Path | None = None
    warnings: tuple[str, ...] = ()


def resolve_source(text: str, read_stdin: Callable[[], bytes]) -> SchemaSource:
    """Read a schema from where the user says. Raises `SourceError`."""
    if text == "-":
        return _from_text(read_stdin(), "standard input")
    scheme = re.match(r"([A-Za-z][A-Za-z0-9+]*):", text)
    if scheme:
        kind = scheme[1].lower().partition("+")[0]
        if kind in _LATER:
            raise _unsupported(f"{_LATER[kind]} databases are not read yet")
        if "://" in text:
            raise _unsupported(f"{scheme[1]}:// is not a place that schemas are read from")
    if means_file(text):
        return _from_file(Path(text).expanduser())
    if NAME.fullmatch(text):
        return SchemaSource(name=text)
    raise SourceError(
        f"{text!r} is neither a file nor a schema's name (1 to 64 letters, digits, '.', '_' and"
        f" '-', first a letter or digit); a file is written ./{text}",
        reason="SOURCE_NAME",
    )


def means_file(text: str) -> bool:
    """Say whether this names a file, and so never a registered schema."""
    return os.sep in text or text.lower().endswith(_DATABASE_SUFFIXES + _TEXT_SUFFIXES)


def _from_file(path: Path) -> SchemaSource:
    try:
        with path.open("rb") as file:
            content = file.read(MAX_DDL_BYTES + 1)
    except OSError as error:
        raise SourceError(f"{path}: {error.strerror}", reason="FILE_UNREADABLE") from error
    is_new_database = not content and path.suffix.lower() in _DATABASE_SUFFIXES
    if content.startswith(MAGIC) or is_new_database:
        found = read_sqlite_schema(path)
        return SchemaSource(ddl=found.ddl, place=str(path), database=path, warnings=found.warnings)
    if content[8:12] == b"DUCK":
        raise _unsupported(f"{path} is a DuckDB file, and these are not read yet")
    if path.suffix.lower() in _DATABASE_SUFFIXES:
        raise SourceError(
            f"{path} is not a SQLite database; if it holds CREATE TABLE statements, name it .sql",
            reason="SOURCE_FORMAT",
        )
    return _from_text(content, str(path))


def _from_text(content: bytes, place: str) -> SchemaSource:
    if len(content) > MAX_DDL_BYTES:
        raise SourceError(
            f"{place} is larger than 1 MiB; keep its CREATE TABLE statements alone",
            reason="SCHEMA_TOO_LARGE",
        )
    if b"\0" in content:
        raise SourceError(f"{place} is neither a SQLite database nor text", reason="SOURCE_FORMAT")
    try:
        ddl = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise SourceError(
            f"{place}, line {line}: not UTF-8 text; save it as UTF-8", reason="SOURCE_FORMAT"
        ) from error
    if not ddl.strip():
        raise SourceError(f"{place} is empty; it needs CREATE TABLE statements", reason="NO_TABLES")
    return SchemaSource(ddl=ddl, place=place)


def _unsupported(what: str) -> UnsupportedSource:
    return UnsupportedSource(f"{what}; {_INSTEAD}", reason="SOURCE_UNSUPPORTED")

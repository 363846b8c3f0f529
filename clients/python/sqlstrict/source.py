"""Where a schema comes from, as the user names it -> what the daemon is told.

One rule for every command that takes a schema:

    -                            DDL on standard input
    postgresql://host/database   a PostgreSQL database; mysql:// a MySQL or MariaDB database
    duckdb:///shop.duckdb        a DuckDB file (duckdb:////data/shop.duckdb from the root)
    a/path, shop.db, shop.sql    a file, by its separator or suffix: a SQLite or DuckDB file, or DDL
    shop                         a registered name

A file without a separator and without one of the suffixes is written `./shop`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import unquote

from sqlstrict.errors import SourceError, UnsupportedSource
from sqlstrict.introspect import MAGIC, Introspection, read_sqlite_schema, without_password
from sqlstrict.introspect_duckdb import is_duckdb, read_duckdb_schema
from sqlstrict.introspect_mysql import read_mysql_schema
from sqlstrict.introspect_postgres import read_postgres_schema

# As in the contract.
MAX_DDL_BYTES = 2**20
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")

_DATABASE_SUFFIXES = (".db", ".db3", ".s3db", ".sqlite", ".sqlite3", ".sl3")
_DUCKDB_SUFFIXES = (".duckdb", ".ddb")
_SUFFIXES = (*_DATABASE_SUFFIXES, *_DUCKDB_SUFFIXES, ".sql", ".ddl", ".txt")
# The dialect of a database's address, by its scheme without a driver (postgresql+psycopg://).
_DIALECTS = {
    "postgresql": "postgres",
    "postgres": "postgres",
    "duckdb": "duckdb",
    "mysql": "mysql",
    "mariadb": "mysql",
}
_INSTEAD = "save its CREATE TABLE statements in a .sql file and name that"


@dataclass(frozen=True, slots=True)
class SchemaSource:
    """A schema: either its registered `name`, or its `ddl` and the `place` that it was read from.

    `database` is set when that place is a SQLite file. `dialect` is the DDL's, where the place says
    so, and else empty. `warnings` name what was left out of it.
    """

    name: str | None = None
    ddl: str | None = None
    place: str = ""
    database: Path | None = None
    dialect: str = ""
    warnings: tuple[str, ...] = ()


def resolve_source(text: str, read_stdin: Callable[[], bytes]) -> SchemaSource:
    """Read a schema from where the user says. Raises `SourceError`."""
    if text == "-":
        return _from_text(read_stdin(), "standard input")
    scheme = re.match(r"([A-Za-z][A-Za-z0-9+]*):", text)
    if scheme:
        dialect = _DIALECTS.get(scheme[1].lower().partition("+")[0])
        if dialect is not None:
            return _from_database(text, dialect)
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
    return os.sep in text or text.lower().endswith(_SUFFIXES)


def _from_database(address: str, dialect: str) -> SchemaSource:
    if "://" not in address:
        raise SourceError(
            f"{address}: an address has // behind the colon, as duckdb:///shop.duckdb",
            reason="SOURCE_NAME",
        )
    if dialect == "duckdb":
        rest = unquote(address.partition("://")[2].partition("?")[0])
        if not rest.startswith("/") or rest == "/":
            raise SourceError(
                f"{address}: write duckdb:///shop.duckdb, or four slashes and a path from the root",
                reason="SOURCE_NAME",
            )
        return _from_duckdb(Path(rest[1:]).expanduser(), address)
    read = read_postgres_schema if dialect == "postgres" else read_mysql_schema
    return _introspected(read(address), without_password(address), dialect)


def _from_duckdb(path: Path, place: str) -> SchemaSource:
    return _introspected(read_duckdb_schema(path), place, "duckdb")


def _introspected(found: Introspection, place: str, dialect: str) -> SchemaSource:
    if len(found.ddl.encode()) > MAX_DDL_BYTES:
        raise SourceError(
            f"{place} has CREATE TABLE statements of more than 1 MiB; save those that matter in a"
            " .sql file and name that",
            reason="SCHEMA_TOO_LARGE",
        )
    return SchemaSource(ddl=found.ddl, place=place, dialect=dialect, warnings=found.warnings)


def _from_file(path: Path) -> SchemaSource:
    try:
        with path.open("rb") as file:
            content = file.read(MAX_DDL_BYTES + 1)
    except OSError as error:
        raise SourceError(f"{path}: {error.strerror}", reason="FILE_UNREADABLE") from error
    is_new_database = not content and path.suffix.lower() in _DATABASE_SUFFIXES
    if content.startswith(MAGIC) or is_new_database:
        found = read_sqlite_schema(path)
        source = _introspected(found, str(path), "sqlite")
        return replace(source, database=path)
    if is_duckdb(content):
        return _from_duckdb(path, str(path))
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

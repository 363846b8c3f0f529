"""A DuckDB file -> the CREATE statements of its tables, as DuckDB itself writes them, and views.

`source.py` calls it for `duckdb:///file` addresses and for files that DuckDB wrote. The file is
opened read only, no extension is loaded, and no table's rows are read. Of a view its columns and
types are told, and not its query, which may hold data.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sqlstrict.errors import SourceError
from sqlstrict.introspect import Introspection, create_view, left_out, missing_extra

# What a DuckDB file has behind its first eight bytes.
_MAGIC = b"DUCK"

_SETTINGS: dict[str, Any] = {
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "threads": 1,
}
_TABLES = """
    SELECT schema_name, table_name, sql, comment FROM duckdb_tables()
    WHERE database_name = current_database() AND NOT internal ORDER BY table_oid"""
_INDEXES = """
    SELECT sql FROM duckdb_indexes()
    WHERE database_name = current_database() AND schema_name = current_schema()
      AND sql IS NOT NULL ORDER BY index_oid"""
_COMMENTS = """
    SELECT table_name, column_name, comment FROM duckdb_columns()
    WHERE database_name = current_database() AND schema_name = current_schema()
      AND NOT internal AND comment IS NOT NULL ORDER BY table_oid, column_index"""
_VIEWS = """
    SELECT view_name, comment FROM duckdb_views()
    WHERE database_name = current_database() AND schema_name = current_schema() AND NOT internal
    ORDER BY view_oid"""
_VIEW_COLUMNS = """
    SELECT column_name, data_type FROM duckdb_columns()
    WHERE database_name = current_database() AND schema_name = current_schema()
      AND NOT internal AND table_name = ? ORDER BY column_index"""


def is_duckdb(content: bytes) -> bool:
    """Say whether a file that begins so is DuckDB's."""
    return content[8:].startswith(_MAGIC)


def read_duckdb_schema(path: Path) -> Introspection:
    """Read the tables of a DuckDB file. Raises `SourceError`: no driver, no such file, no table."""
    try:
        import duckdb
    except ImportError as error:
        raise missing_extra("DuckDB", "duckdb") from error
    try:
        if not path.is_file():
            raise SourceError(f"{path}: No such file", reason="FILE_UNREADABLE")
        connection = duckdb.connect(str(path), read_only=True, config=_SETTINGS)
        try:
            connection.execute("SET enable_external_access = false")
            return _describe(connection, path)
        finally:
            connection.close()
    except duckdb.Error as error:
        message = " ".join(str(error).split())
        raise SourceError(f"{path}: {message}", reason="DATABASE_UNREADABLE") from error


def _describe(connection: Any, path: Path) -> Introspection:
    (current,) = connection.execute("SELECT current_schema()").fetchone()
    found = connection.execute(_TABLES).fetchall()
    tables = [row for row in found if row[0] == current]
    comments = {
        name: [f"COMMENT ON TABLE {_quote_name(name)} IS {_quote(comment)}"] if comment else []
        for _, name, _, comment in tables
    }
    for name, column, comment in connection.execute(_COMMENTS).fetchall():
        if name in comments:
            target = f"{_quote_name(name)}.{_quote_name(column)}"
            comments[name].append(f"COMMENT ON COLUMN {target} IS {_quote(comment)}")
    statements = [
        statement
        for _, name, sql, _ in tables
        for statement in (sql.rstrip().removesuffix(";"), *comments[name])
    ]
    statements += [
        sql.rstrip().removesuffix(";") for (sql,) in connection.execute(_INDEXES).fetchall()
    ]
    unknown = []
    for name, comment in connection.execute(_VIEWS).fetchall():
        columns = connection.execute(_VIEW_COLUMNS, [name]).fetchall()
        if columns:
            told = [(_quote_name(column), declared) for column, declared in columns]
            statements.append(create_view(_quote_name(name), told))
        else:
            unknown.append(name)  # it reads what is not there
        if columns and comment:
            statements.append(f"COMMENT ON VIEW {_quote_name(name)} IS {_quote(comment)}")
    others = {
        "view": unknown,
        "table of another schema": [f"{row[0]}.{row[1]}" for row in found if row[0] != current],
    }
    return Introspection.of(str(path), statements, left_out(path.name, others))


def _quote_name(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _quote(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"

"""DuckDB as a judge, where its package is installed: an empty database in memory.

It sees no file, loads no extension and has one thread; nothing of that can be set again. EXPLAIN
binds the statement and does not run it, and the optimizer, which computes constants, is off.
"""

from __future__ import annotations

import re
from functools import cache
from importlib.util import find_spec
from typing import Final

from sqlstrictd import dialects
from sqlstrictd.schema.names import quote_name
from sqlstrictd.schema.types import Column, Schema, Table

# A declared type that is plain words and numbers, as DECIMAL(10, 2) or INTEGER[].
_PLAIN_TYPE: Final = re.compile(r"[A-Z][A-Z0-9_ ]*(\(\d+(, ?\d+)?\))?[A-Z0-9_ ]*(\[\])*", re.ASCII)
_NESTED_TYPE: Final = re.compile(r"(STRUCT|MAP)\([A-Z0-9_ ,()\[\]]+", re.ASCII)
_TYPES: Final = {
    "X": "BIGINT",
    "N": "DOUBLE",
    "T": "VARCHAR",
    "D": "DATE",
    "S": "TIMESTAMP",
    "B": "BOOLEAN",
    "J": "JSON",
}
_SETTINGS: Final = (
    "SET threads = 1",
    "SET memory_limit = '256MB'",
    "SET autoinstall_known_extensions = false",
    "SET autoload_known_extensions = false",
    "PRAGMA disable_optimizer",
)
_LOCKS: Final = ("SET enable_external_access = false", "SET lock_configuration = true")
_STATEMENT_TYPES: Final = {
    "select": "SELECT",
    "insert": "INSERT",
    "update": "UPDATE",
    "delete": "DELETE",
    "create_table": "CREATE",
    "create_view": "CREATE",
    "create_index": "CREATE",
    "alter_table": "ALTER",
}


@cache
def is_installed() -> bool:
    """Whether DuckDB's package is here."""
    return find_spec("duckdb") is not None


@cache
def name() -> str:
    """Return the engine's name and version."""
    import duckdb

    return f"duckdb {duckdb.__version__}"


def _is_nested(type_: str) -> bool:
    """Whether a type is one STRUCT(...) or MAP(...), maybe with [] after it, in plain names."""
    if not _NESTED_TYPE.fullmatch(type_):
        return False
    depth = 0
    for index, character in enumerate(type_):
        depth += (character == "(") - (character == ")")
        if character == ")" and depth == 0:
            return not type_[index + 1 :].strip("[]")
    return False


class Database:
    """The empty database of one schema; for one thread."""

    def __init__(self, schema: Schema) -> None:
        # Imported late: most daemons never need it, and the package is an extra.
        import duckdb

        self._duckdb = duckdb
        self._connection = duckdb.connect(":memory:")
        for statement in _SETTINGS:
            self._connection.execute(statement)
        for table in schema.tables:
            self._create(table)
        for statement in _LOCKS:
            self._connection.execute(statement)

    def prepare(self, sql: str, kind: str = "select") -> tuple[str, None]:
        """Bind one statement of a kind; returns DuckDB's error, empty where there is none."""
        try:
            statements = self._connection.extract_statements(sql)
            found = [statement.type.name for statement in statements]
            if found != [_STATEMENT_TYPES[kind]]:
                return f"it is no single {kind} to DuckDB", None
            self._connection.execute(f"EXPLAIN {sql}").fetchall()
        except self._duckdb.Error as error:
            lines = str(error).splitlines()
            return lines[0] if lines else type(error).__name__, None
        return "", None

    def close(self) -> None:
        """Free the database."""
        self._connection.close()

    def _create(self, table: Table) -> None:
        columns = [
            f"{quote_name(column.name, 'duckdb', always=True)} {self._type(column)}"
            for column in table.columns
        ]
        if table.primary_key:
            key = ", ".join(quote_name(name, "duckdb", always=True) for name in table.primary_key)
            columns.append(f"PRIMARY KEY ({key})")
        name_ = quote_name(table.name, "duckdb", always=True)
        self._connection.execute(f"CREATE TABLE {name_} ({', '.join(columns)})")

    def _type(self, column: Column) -> str:
        """Return the declared type where DuckDB has it, else one that holds the same values."""
        if _PLAIN_TYPE.fullmatch(column.type) or _is_nested(column.type):
            try:
                self._connection.execute(f"SELECT CAST(NULL AS {column.type})").fetchall()
            except self._duckdb.Error:
                pass
            else:
                return column.type
        return _TYPES.get(dialects.value_class(column.type, dialects.get("duckdb")), "VARCHAR")

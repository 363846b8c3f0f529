"""A parsed schema to DDL of another dialect, so that the same schemas exist in every engine.

`soundness.py` calls it. Tables, columns, keys and closed lists of values stay. Schemas written for
SQLite know few types, and a strict engine has many, so columns of one class are spread over the
types of that class, by their names: the same column gets the same type every time. Keys keep to
one type a class, so that they can refer to each other. A foreign key that the dialect would not
take (to columns that are no primary key, or around a circle of tables) is left out.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from graphlib import CycleError, TopologicalSorter

from sqlstrictd import dialects
from sqlstrictd.dialects import value_class
from sqlstrictd.schema.names import fold, quote_name, quote_string
from sqlstrictd.schema.types import Column, ForeignKey, Schema, Table

# By class of the declared type; the first is that of keys. What is not here is text.
TYPES: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "postgres": {
        "X": ("INTEGER", "BIGINT", "NUMERIC(12, 2)", "SMALLINT", "DOUBLE PRECISION", "REAL"),
        "N": ("DOUBLE PRECISION", "REAL"),
        "B": ("BOOLEAN",),
        "D": ("DATE",),
        "S": ("TIMESTAMP", "DATE", "TIMESTAMPTZ", "TIME"),
        "J": ("JSONB",),
        "T": (
            *("VARCHAR(64)", *("TEXT",) * 6, *("VARCHAR(255)",) * 4, "CHAR(10)"),
            *("JSONB", "JSON", "TEXT[]", "UUID"),
        ),
    },
    "duckdb": {
        "X": ("INTEGER", "BIGINT", "DECIMAL(12, 2)", "SMALLINT", "DOUBLE", "HUGEINT"),
        "N": ("DOUBLE", "REAL"),
        "B": ("BOOLEAN",),
        "D": ("DATE",),
        "S": ("TIMESTAMP", "DATE", "TIMESTAMPTZ", "TIME"),
        "J": ("JSON",),
        "T": (
            *(*("VARCHAR",) * 8, *("TEXT",) * 3, "VARCHAR(255)"),
            *("JSON", "JSON", "VARCHAR[]", "UUID"),
        ),
    },
    "mysql": {
        "X": ("INT", "BIGINT", "DECIMAL(12, 2)", "SMALLINT", "DOUBLE", "FLOAT"),
        "N": ("DOUBLE", "FLOAT"),
        "B": ("BOOLEAN",),
        "D": ("DATE",),
        "S": ("DATETIME", "DATE", "TIMESTAMP NULL", "TIME"),
        "J": ("JSON",),
        "T": ("VARCHAR(64)", *("TEXT",) * 6, *("VARCHAR(255)",) * 4, "CHAR(10)", "JSON"),
    },
}


def port(schema: Schema, dialect: str) -> str:
    """Write the schema as CREATE TABLE statements of PostgreSQL, DuckDB or MariaDB.

    Raises:
        KeyError: there are no types for that dialect.
    """
    types = TYPES[dialect]
    kept = _creatable(schema)
    statements = []
    for table in _in_order(schema, kept):
        keys = {fold(name) for key in kept[fold(table.name)] for name in key.columns}
        keys |= {fold(name) for name in table.primary_key}
        keys |= _referred_to(schema, table)
        lines = [
            _define(table, column, fold(column.name) in keys, types, schema.dialect, dialect)
            for column in table.columns
        ]
        if table.primary_key:
            lines.append(f"PRIMARY KEY ({_list(table.primary_key, dialect)})")
        for key in kept[fold(table.name)]:
            lines.append(
                f"FOREIGN KEY ({_list(key.columns, dialect)}) REFERENCES"
                f" {_name(key.referenced_table, dialect)}"
                f" ({_list(key.referenced_columns, dialect)})"
            )
        body = ",\n  ".join(lines)
        statements.append(f"CREATE TABLE {_name(table.name, dialect)} (\n  {body}\n);\n")
    return "\n".join(statements)


def _define(
    table: Table,
    column: Column,
    is_key: bool,
    types: Mapping[str, tuple[str, ...]],
    source: str,
    dialect: str,
) -> str:
    """Write a column's definition."""
    letter = value_class(column.type, dialects.get(source))
    choice = types.get(letter, types["T"])
    # Values that are checked are text; a key refers to others of its class.
    place = 0 if is_key or column.values else zlib.crc32(f"{table.name}.{column.name}".encode())
    written = f"{_name(column.name, dialect)} {choice[place % len(choice)]}"
    if column.values and choice is types["T"]:
        values = ", ".join(quote_string(value, dialect) for value in column.values)
        written += f" CHECK ({_name(column.name, dialect)} IN ({values}))"
    return written


def _creatable(schema: Schema) -> dict[str, list[ForeignKey]]:
    """Return by folded table the foreign keys that every engine takes, spelt as what they name."""
    source = dialects.get(schema.dialect)
    kept: dict[str, list[ForeignKey]] = {}
    graph: dict[str, set[str]] = {fold(table.name): set() for table in schema.tables}
    for table in schema.tables:
        keys = kept[fold(table.name)] = []
        for key in table.foreign_keys:
            other = schema.table(key.referenced_table)
            if other is None or list(map(fold, other.primary_key)) != list(
                map(fold, key.referenced_columns)
            ):
                continue
            pairs = [
                (table.column(name), other.column(of))
                for name, of in zip(key.columns, key.referenced_columns, strict=True)
            ]
            if any(
                mine is None
                or its is None
                or value_class(mine.type, source) != value_class(its.type, source)
                for mine, its in pairs
            ):
                continue
            if other is not table:
                graph[fold(table.name)].add(fold(other.name))
                if not _is_sortable(graph):
                    graph[fold(table.name)].discard(fold(other.name))
                    continue
            keys.append(
                ForeignKey(
                    tuple(mine.name for mine, _ in pairs if mine),
                    other.name,
                    tuple(its.name for _, its in pairs if its),
                )
            )
    return kept


def _in_order(schema: Schema, kept: Mapping[str, list[ForeignKey]]) -> list[Table]:
    """Return the tables, each after those that it refers to."""
    graph = {
        fold(table.name): {
            fold(key.referenced_table)
            for key in kept[fold(table.name)]
            if fold(key.referenced_table) != fold(table.name)
        }
        for table in schema.tables
    }
    tables = {fold(table.name): table for table in schema.tables}
    return [tables[name] for name in TopologicalSorter(graph).static_order()]


def _is_sortable(graph: Mapping[str, set[str]]) -> bool:
    try:
        TopologicalSorter(graph).prepare()
    except CycleError:
        return False
    return True


def _referred_to(schema: Schema, table: Table) -> set[str]:
    """Return the folded columns of a table that foreign keys of any table name."""
    return {
        fold(name)
        for other in schema.tables
        for key in other.foreign_keys
        if fold(key.referenced_table) == fold(table.name)
        for name in key.referenced_columns
    }


def _name(name: str, dialect: str) -> str:
    return quote_name(name, dialect, always=True)


def _list(names: tuple[str, ...], dialect: str) -> str:
    return ", ".join(_name(name, dialect) for name in names)

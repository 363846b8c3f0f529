"""What an engine says of an expression: does it prepare, and is its result of the class said?

A judge is an engine with a table of columns of every class. PostgreSQL tells the class by functions
that take no other, DuckDB names the type; the untyped engines only say whether it prepares.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from servers.engine import RealEngine
from sqlstrictd.dialects import get, value_class

# Declared types by class, and the columns of the table: x1, x2, ... in that order.
TYPES: Mapping[str, Mapping[str, Sequence[str]]] = {
    "postgres": {
        "X": ("INTEGER", "BIGINT", "SMALLINT", "NUMERIC(10,2)", "SERIAL"),
        "N": ("REAL", "DOUBLE PRECISION", "FLOAT"),
        "T": ("TEXT", "VARCHAR(20)", "CHAR(5)", "CHARACTER VARYING(5)"),
        "D": ("DATE",),
        "S": ("TIMESTAMP", "TIMESTAMPTZ", "TIMESTAMP(3) WITH TIME ZONE"),
        "B": ("BOOLEAN",),
        "J": ("JSONB",),
        "O": ("TIME", "UUID", "INTERVAL", "INTEGER[]", "BYTEA", "INET"),
        "L": ("TEXT[]",),
        "U": ("JSON", "POINT", "XML"),
    },
    "duckdb": {
        "X": ("INTEGER", "BIGINT", "SMALLINT", "DECIMAL(10,2)", "TINYINT", "HUGEINT", "UBIGINT"),
        "N": ("REAL", "DOUBLE", "FLOAT"),
        "T": ("TEXT", "VARCHAR(20)", "CHAR(5)"),
        "D": ("DATE",),
        "S": ("TIMESTAMP", "TIMESTAMPTZ", "DATETIME", "TIMESTAMP_MS"),
        "B": ("BOOLEAN",),
        "J": ("JSON",),
        "O": ("TIME", "UUID", "INTERVAL", "INTEGER[]", "BLOB", "ENUM('a','b')"),
        "L": ("VARCHAR[]",),
    },
    "mysql": {
        "X": ("INT", "BIGINT UNSIGNED", "SMALLINT(5)", "DECIMAL(10,2)", "YEAR"),
        "N": ("FLOAT", "DOUBLE"),
        "T": ("TEXT", "VARCHAR(20)", "CHAR(5)", "ENUM('a','b')", "SET('a','b')"),
        "D": ("DATE",),
        "S": ("DATETIME", "TIMESTAMP"),
        "B": ("BOOLEAN",),
        "J": ("JSON",),
        "O": ("TIME", "BLOB"),
        "U": ("POINT",),
    },
    "sqlite": {
        "X": ("INTEGER", "BIGINT", "NUMERIC(10,2)"),
        "N": ("REAL", "DOUBLE PRECISION"),
        "T": ("TEXT", "VARCHAR(20)"),
        "D": ("DATE",),
        "S": ("DATETIME", "TIMESTAMP"),
        "B": ("BOOLEAN",),
        "J": ("JSON",),
        "O": ("BLOB", ""),
    },
    "ansi": {
        "X": ("INTEGER", "BIGINT", "SMALLINT", "NUMERIC(10,2)"),
        "N": ("REAL", "DOUBLE PRECISION", "FLOAT"),
        "T": ("VARCHAR(20)", "CHARACTER(5)", "CHARACTER VARYING(5)"),
        "D": ("DATE",),
        "S": ("TIMESTAMP", "TIMESTAMP WITH TIME ZONE"),
        "B": ("BOOLEAN",),
        "O": ("TIME", "INTERVAL"),
    },
}
LITERALS: Mapping[str, Sequence[str]] = {
    "X": ("5", "2.5", "123456789"),
    "N": ("0.5",),
    "T": ("'abc'",),
    "D": ("DATE '2020-02-29'",),
    "S": ("TIMESTAMP '2020-01-01 10:00:00'",),
    "B": ("TRUE",),
}
# PostgreSQL: a function for each class that takes what belongs to it and nothing else.
_TAKES = (
    ("x", "numeric", "boolean"),
    ("n", "double precision", "boolean"),
    ("t", "text", "boolean"),
    ("d", "date", "boolean"),
    ("s", "timestamp", "boolean"),
    ("s", "timestamptz", "boolean"),
    ("s", "date", "integer"),  # a date would become a timestamp; this one cannot stand in NOT
    ("b", "boolean", "boolean"),
    ("j", "jsonb", "boolean"),
)


class Judge:
    """An engine that holds table `t`, with one column for each type and a key `id`."""

    def __init__(self, dialect: str, engine: RealEngine) -> None:
        self.dialect = get(dialect)
        self.engine = engine
        types = TYPES[dialect]
        self.columns = {
            letter: [f"{letter.lower()}{number}" for number in range(1, len(types[letter]) + 1)]
            for letter in types
        }
        self._declared = [
            f"{column} {declared}"
            for letter in types
            for column, declared in zip(self.columns[letter], types[letter], strict=True)
        ]
        self.ddl = f"CREATE TABLE t (id INTEGER PRIMARY KEY, {', '.join(self._declared)});"

    @property
    def operands(self) -> dict[str, list[str]]:
        """Columns and literals by class, as the grammar may write them."""
        literals = LITERALS if self.dialect.name != "sqlite" else {**LITERALS, "D": (), "S": ()}
        operands = {c: [*names, *literals.get(c, ())] for c, names in self.columns.items()}
        return self._widen(operands)

    @property
    def column_operands(self) -> dict[str, list[str]]:
        """Columns alone by class."""
        return self._widen(self.columns)

    def _widen(self, operands: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
        """Exact numbers are numbers too; in untyped dialects all but what is apart is one class."""
        widened = {c: list(names) for c, names in operands.items()}
        if self.dialect.is_typed or self.dialect.name == "ansi":
            widened["N"] += widened["X"]
            return widened
        mixed = [o for c, names in widened.items() if c not in self.dialect.apart for o in names]
        return {c: widened[c] if c in self.dialect.apart else mixed for c in widened}

    def complaint(self, text: str, result: str, clause: str = "") -> str:
        """Return what is wrong with an expression; empty where it prepares and is of that class."""
        return self.engine.prepare(f"SELECT {text} AS z FROM t{clause}")


class PostgresJudge(Judge):
    """PostgreSQL, for its own dialect and for the standard's."""

    def __init__(self, dialect: str, engine: RealEngine) -> None:
        super().__init__(dialect, engine)
        self.ddl += "".join(
            f"CREATE FUNCTION is_{name}({taken}) RETURNS {result} LANGUAGE sql"
            f" AS 'SELECT {'1' if result == 'integer' else 'TRUE'}';"
            for name, taken, result in _TAKES
        )

    def complaint(self, text: str, result: str, clause: str = "") -> str:
        wrong = super().complaint(text, result, clause)
        if wrong or result in "OU":
            return wrong
        asked = f"SELECT NOT is_{result.lower()}({text}) AS z FROM t{clause}"
        wrong = self.engine.prepare(asked)
        return wrong and f"it is not of class {result}: {wrong}"


class DuckDBJudge(Judge):
    """DuckDB; `database` is a connection of its own, which names the types of results."""

    def __init__(self, engine: RealEngine, database: Any) -> None:
        super().__init__("duckdb", engine)
        self._database = database
        database.execute(self.ddl)

    def complaint(self, text: str, result: str, clause: str = "") -> str:
        query = f"SELECT {text} AS z FROM t{clause}"
        wrong = self.engine.prepare(query)
        if wrong:
            return wrong
        told = self._database.execute(f"DESCRIBE {query}").fetchall()[0][1]
        found = value_class(told, self.dialect)
        if found == result or (found, result) == ("X", "N"):
            return ""
        return f"it is {told}, not of class {result}"

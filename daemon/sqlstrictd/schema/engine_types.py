"""A declared type -> the type that our own CREATE statement gives the column on a real engine.

A type that the engine has is kept, without lengths, for no statement depends on them; STRUCT, MAP
and lists are written anew from their parts. Any other type becomes one of its value class, so that
the engine judges expressions as the type check does. `render.py` calls it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from typing import Final

from sqlstrictd import dialects
from sqlstrictd.schema.names import fold, quote_name, quote_string
from sqlstrictd.schema.nested_types import rewrite_nested
from sqlstrictd.schema.types import Column

# What makes a column one that the engine alone fills.
GENERATED: Final = {
    "sqlite": " GENERATED ALWAYS AS (NULL)",
    "ansi": " GENERATED ALWAYS AS (NULL)",
    "postgres": " GENERATED ALWAYS AS (NULL) STORED",
    "mysql": " GENERATED ALWAYS AS (NULL)",
    "duckdb": " GENERATED ALWAYS AS (NULL)",
}

# Types as the engines have them, in upper case and without arguments.
_KNOWN: Final = {
    "postgres": re.compile(
        r"SMALLINT|INT|INTEGER|BIGINT|INT[248]|NUMERIC|DECIMAL|DEC|REAL|DOUBLE PRECISION|FLOAT"
        r"|FLOAT[48]|TEXT|VARCHAR|CHARACTER VARYING|CHARACTER|CHAR|BPCHAR|NAME|DATE|BOOL|BOOLEAN"
        r"|TIME|TIMETZ|TIMESTAMP|TIMESTAMPTZ|TIME(STAMP)? WITH(OUT)? TIME ZONE|INTERVAL|UUID|BYTEA"
        r"|JSON|JSONB|XML|INET|CIDR|MACADDR|MONEY|BIT|BIT VARYING|VARBIT|TSVECTOR|TSQUERY|POINT"
        r"|LINE|LSEG|BOX|PATH|POLYGON|CIRCLE|OID|(INT4|INT8|NUM|TS|TSTZ|DATE)(MULTI)?RANGE"
    ),
    "duckdb": re.compile(
        r"U?(TINY|SMALL|BIG|HUGE)?INT|U?INTEGER|INT[1248]|SHORT|LONG|NUMERIC|DECIMAL|REAL|FLOAT"
        r"|FLOAT[48]|DOUBLE|DOUBLE PRECISION|VARCHAR|TEXT|CHAR|BPCHAR|STRING|DATE|TIME|TIMETZ"
        r"|TIMESTAMP(TZ|_S|_MS|_NS)?|DATETIME|TIME(STAMP)? WITH(OUT)? TIME ZONE|INTERVAL|BOOL"
        r"|BOOLEAN|LOGICAL|BLOB|BYTEA|BINARY|VARBINARY|UUID|JSON|BIT|BITSTRING"
    ),
    "mysql": re.compile(
        r"((TINY|SMALL|MEDIUM|BIG)?INT|INTEGER|DECIMAL|NUMERIC|FLOAT|DOUBLE|REAL)( UNSIGNED)?"
        r"|BIT|YEAR|CHAR|(TINY|MEDIUM|LONG)?(TEXT|BLOB)|BINARY|DATE|TIME|DATETIME|TIMESTAMP|JSON"
        r"|BOOL|BOOLEAN|GEOMETRY|POINT|LINESTRING|POLYGON|MULTIPOINT|MULTILINESTRING|MULTIPOLYGON"
        r"|GEOMETRYCOLLECTION"
    ),
}
# What stands for a type that the engine does not have, by its value class.
_BY_CLASS: Final = {
    "postgres": dict(
        X="NUMERIC", N="DOUBLE PRECISION", T="TEXT", D="DATE", S="TIMESTAMP", B="BOOLEAN",
        J="JSONB", O="TEXT", U="JSON",
    ),
    "duckdb": dict(
        X="BIGINT", N="DOUBLE", T="VARCHAR", D="DATE", S="TIMESTAMP", B="BOOLEAN", J="JSON",
        O="VARCHAR", U="VARCHAR",
    ),
    "mysql": dict(
        X="DECIMAL", N="DOUBLE", T="TEXT", D="DATE", S="DATETIME", B="BOOLEAN", J="JSON",
        O="TEXT", U="GEOMETRY",
    ),
}  # fmt: skip
# PostgreSQL's words for an integer with a default.
_SERIALS: Final = {
    "SERIAL": "INTEGER", "SERIAL4": "INTEGER", "BIGSERIAL": "BIGINT", "SERIAL8": "BIGINT",
    "SMALLSERIAL": "SMALLINT", "SERIAL2": "SMALLINT",
}  # fmt: skip
_ARGUMENTS: Final = re.compile(r"\([^()]*\)")
_BRACKETS: Final = re.compile(r"(\[\d*\])+\Z")


def engine_type(column: Column, dialect: str) -> str:
    """Return the type to write for a column, empty where SQLite is to have none.

    Raises:
        UnsupportedDialect: there is no dialect of that name.
    """
    dialects.get(dialect)
    if dialect not in _KNOWN:
        return affinity(column.type)
    if dialect == "mysql" and column.type in ("ENUM", "SET") and column.values:
        return f"{column.type}({_list_values(column.values, dialect)})"
    if _is_enum(column, dialect):
        if dialect == "postgres":
            return quote_name(_enum_name(column), dialect, always=True)
        return f"ENUM({_list_values(column.values, dialect)})"
    if dialect == "duckdb":
        return rewrite_nested(column.type, _scalar_in_duckdb)
    brackets = _BRACKETS.search(column.type) if dialect == "postgres" else None
    suffix = brackets[0] if brackets else ""
    return _scalar(column.type.removesuffix(suffix), dialect) + suffix


def enum_types(columns: Iterable[Column], dialect: str) -> list[str]:
    """Write the CREATE TYPE statements of the enums that columns need; PostgreSQL names them."""
    found: dict[str, dict[str, None]] = {}
    for column in columns:
        if dialect == "postgres" and _is_enum(column, dialect):
            # A CHECK may leave one column fewer values than the enum has.
            found.setdefault(_enum_name(column), {}).update(dict.fromkeys(column.values))
    return [
        f"CREATE TYPE {quote_name(name, dialect, always=True)} AS ENUM "
        f"({_list_values(values, dialect)})"
        for name, values in found.items()
    ]


def _is_enum(column: Column, dialect: str) -> bool:
    """Whether the column's values are those of an enum, and not only of a CHECK on another type."""
    if not column.values or column.has_number_values or not column.type:
        return False
    is_other = dialects.value_class(column.type, dialects.get(dialect)) == "O"
    return is_other and not _KNOWN[dialect].fullmatch(_bare(column.type))


def _enum_name(column: Column) -> str:
    """The enum's own name; one that is declared with its values is named by them."""
    if column.type in ("ENUM", "SET"):
        return "enum " + hashlib.sha256("\n".join(column.values).encode()).hexdigest()[:12]
    return fold(column.type)


def _list_values(values: Iterable[str], dialect: str) -> str:
    return ", ".join(quote_string(value, dialect) for value in values)


def _scalar_in_duckdb(declared: str) -> str:
    return _scalar(declared, "duckdb")


def _scalar(declared: str, dialect: str) -> str:
    bare = _SERIALS.get(_bare(declared), _bare(declared))
    if _KNOWN[dialect].fullmatch(bare):
        return bare
    letter = dialects.value_class(declared, dialects.get(dialect))
    return _BY_CLASS[dialect][letter]


def _bare(declared: str) -> str:
    """A type without its arguments."""
    bare, count = declared, 1
    while count:
        bare, count = _ARGUMENTS.subn(" ", bare)
    return " ".join(bare.split())


def affinity(declared: str) -> str:
    """Return SQLite's affinity for a declared type, by its documented rules; empty for no type.

    Source: https://www.sqlite.org/datatype3.html, section 3.1.
    """
    word = declared.upper()
    if "INT" in word:
        return "INTEGER"
    if any(part in word for part in ("CHAR", "CLOB", "TEXT")):
        return "TEXT"
    if not word:
        return ""
    if "BLOB" in word:
        return "BLOB"
    if any(part in word for part in ("REAL", "FLOA", "DOUB")):
        return "REAL"
    return "NUMERIC"

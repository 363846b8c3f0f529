"""A schema as text: what the model reads in its prompt, and what SQLite prepares statements on.

`prompt.py`'s callers and `train/` use the two prompt renderings, so the model is asked as it was
trained; `verify/` runs `create_statements` on an empty database. Comments, defaults, checks and
nullability are left out: no expression and no free text of the user's comes back from here.
"""

from __future__ import annotations

import re
from typing import Final, Literal, get_args

from sqlstrictd.schema.names import quote_name, quote_string
from sqlstrictd.schema.types import ForeignKey, Schema, Table

Rendering = Literal["compact", "ddl"]
RENDERINGS: Final[tuple[str, ...]] = get_args(Rendering)

# A declared type that is plain words and numbers, as VARCHAR(20) or DOUBLE PRECISION.
_PLAIN_TYPE: Final = re.compile(r"[A-Z][A-Z0-9_ ]*(\(\d+(, ?\d+)?\))?[A-Z0-9_ ]*", re.ASCII)


def render(schema: Schema, rendering: Rendering) -> str:
    """Render a schema for the prompt in the way that the model's file names.

    Raises:
        ValueError: no such rendering.
    """
    if rendering == "compact":
        return render_compact(schema)
    if rendering == "ddl":
        return render_ddl(schema)
    raise ValueError(f"no rendering {rendering!r}; choose from {', '.join(RENDERINGS)}")


def render_compact(schema: Schema) -> str:
    """Render a schema as `Table 'orders' (id, price)`, one table a line.

    Column names stand as they must be written in SQL, in double quotes where they need them.
    """
    return "\n".join(
        f"Table {quote_string(table.name)} ({', '.join(map(quote_name, table.column_names))})"
        for table in schema.tables
    )


def render_ddl(schema: Schema) -> str:
    """Render a schema as short CREATE TABLE statements with types and keys, one a line."""
    return "\n".join(map(_create_for_prompt, schema.tables))


def create_statements(schema: Schema) -> list[str]:
    """Write the statements that make the schema's tables in an empty SQLite database.

    Every name is quoted, and a type is one of SQLite's five affinities, so nothing in them is text
    that the user can choose. Keys are left out: no statement needs them to prepare.
    """
    return [_create_for_engine(table) for table in schema.tables]


def _create_for_prompt(table: Table) -> str:
    items = []
    for column in table.columns:
        declared = column.type if _PLAIN_TYPE.fullmatch(column.type) else ""
        key = " PRIMARY KEY" if table.primary_key == (column.name,) else ""
        items.append(f"{quote_name(column.name)} {declared}".rstrip() + key)
    if len(table.primary_key) > 1:
        items.append(f"PRIMARY KEY ({_list_names(table.primary_key)})")
    items.extend(map(_render_foreign_key, table.foreign_keys))
    return f"CREATE TABLE {quote_name(table.name)} ({', '.join(items)});"


def _render_foreign_key(key: ForeignKey) -> str:
    return (
        f"FOREIGN KEY ({_list_names(key.columns)}) REFERENCES "
        f"{quote_name(key.referenced_table)}({_list_names(key.referenced_columns)})"
    )


def _list_names(names: tuple[str, ...]) -> str:
    return ", ".join(map(quote_name, names))


def _create_for_engine(table: Table) -> str:
    columns = ", ".join(
        f"{quote_name(column.name, always=True)} {affinity(column.type)}".rstrip()
        for column in table.columns
    )
    return f"CREATE TABLE {quote_name(table.name, always=True)} ({columns})"


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

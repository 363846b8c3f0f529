"""A schema as text: what the model reads in its prompt, and what SQLite prepares statements on.

`prompt.py`'s callers and `train/` use the two prompt renderings, so the model is asked as it was
trained; `verify/` runs `create_statements` on an empty database. Defaults, nullability and all
expressions are left out; of the user's free text, only short comments reach the prompt, as strings.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Final, Literal, get_args

from sqlstrictd.schema.engine_types import GENERATED, engine_type, enum_types
from sqlstrictd.schema.names import quote_name, quote_string
from sqlstrictd.schema.types import Column, ForeignKey, Schema, Table

Rendering = Literal["compact", "ddl"]
RENDERINGS: Final[tuple[str, ...]] = get_args(Rendering)

# Longer lists cost more of the prompt than they help.
MAX_SHOWN_VALUES: Final = 160
MAX_SHOWN_COMMENT: Final = 80
# Types that are declared with their values.
VALUE_TYPES: Final = frozenset({"ENUM", "SET"})

# Arguments of a type that are no numbers, as in GEOMETRY(POINT,4326).
_OTHER_ARGUMENTS: Final = re.compile(r"\((?![-+\d,]*\))[^']*\)")
_BRACKETS: Final = re.compile(r"(?:\[\d*\])*\Z")
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

    Column names stand as they must be written in SQL, in quotes where they need them. The form has
    no place for values and comments: models that know it were trained without.
    """
    return "\n".join(
        f"Table {quote_string(table.name)} ({_list_names(table.column_names, schema.dialect)})"
        for table in schema.tables
    )


def render_ddl(schema: Schema) -> str:
    """Render a schema as short CREATE TABLE statements with types and keys, one a line.

    Views are tables here: models are trained on tables, and who reads makes no difference. A
    column's closed list of values and its comment stand behind it, while they are short.
    """
    return "\n".join(_create_for_prompt(table, schema.dialect) for table in schema.tables)


def render_definitions(schema: Schema) -> str:
    """Render a schema as `render_ddl` does, for people: views are views, and loadable as such.

    Array types and indexes are there too. Of what is kept in part only (conditions of CHECK, what
    triggers do) nothing is written.
    """
    lines = []
    for table in schema.tables:
        if table.is_view:
            lines.append(_create_view(table, schema))
        else:
            lines.append(_create_for_prompt(table, schema.dialect, is_whole=True))
            lines.extend(_create_indexes(table, schema.dialect))
    return "\n".join(lines)


def create_statements(schema: Schema, dialect: str = "sqlite") -> list[str]:
    """Write the statements that make the schema's tables in an empty database of that dialect.

    Every name is quoted, and every type is one of the engine's own or an enum made here, so nothing
    in them is text that the user can choose, but for the values of enums, which are quoted too. A
    primary key is there only where statements depend on it (PostgreSQL's GROUP BY). A generated
    column is one here too, so that no statement may write it. A view becomes a table: what reads it
    prepares alike, and what writes to it is refused before.

    Raises:
        UnsupportedDialect: there is no dialect of that name.
    """
    columns = (column for table in schema.tables for column in table.columns)
    tables = [_create_for_engine(table, dialect) for table in schema.tables]
    return enum_types(columns, dialect) + tables


def _create_for_prompt(table: Table, dialect: str, *, is_whole: bool = False) -> str:
    items = []
    for column in table.columns:
        key = " PRIMARY KEY" if table.primary_key == (column.name,) else ""
        name = quote_name(column.name, dialect)
        type_ = _shown_type(column, dialect) if is_whole else _prompt_type(column, dialect)
        declared = f"{name} {type_}".rstrip()
        items.append(declared + key + _hints(column, dialect))
    if len(table.primary_key) > 1:
        items.append(f"PRIMARY KEY ({_list_names(table.primary_key, dialect)})")
    items.extend(_render_foreign_key(key, dialect) for key in table.foreign_keys)
    if is_whole:
        items.extend(_unique_keys(table, dialect))
    comment = _comment(table.comment, dialect)
    return f"CREATE TABLE {quote_name(table.name, dialect)} ({', '.join(items)}){comment};"


def _unique_keys(table: Table, dialect: str) -> Iterator[str]:
    for use in table.uses:
        if use.kind == "unique":
            label = f"CONSTRAINT {quote_name(use.name, dialect)} " if use.name else ""
            yield f"{label}UNIQUE ({_list_names(use.columns, dialect)})"


def _create_indexes(table: Table, dialect: str) -> Iterator[str]:
    """Write indexes with the columns that they use, whether in an expression or not."""
    for use in table.uses:
        if use.kind in ("index", "unique index") and use.columns:
            kind = "UNIQUE INDEX" if use.kind == "unique index" else "INDEX"
            label = f"{quote_name(use.name, dialect)} " if use.name else ""
            on = f"{quote_name(table.name, dialect)} ({_list_names(use.columns, dialect)})"
            yield f"CREATE {kind} {label}ON {on};"


def _create_view(table: Table, schema: Schema) -> str:
    """Write a view as `schema/views.py` reads it: its columns and types, and what it reads."""
    dialect = schema.dialect
    columns = []
    for column in table.columns:
        declared = _shown_type(column, dialect)
        value = f"CAST(NULL AS {declared})" if declared else "NULL"
        columns.append(f"{value} AS {quote_name(column.name, dialect)}{_hints(column, dialect)}")
    name, comment = quote_name(table.name, dialect), _comment(table.comment, dialect)
    reads = [
        f"EXISTS (SELECT {_list_names(use.columns, dialect) or '1'} "
        f"FROM {quote_name(other.name, dialect)})"
        for other in schema.tables
        for use in other.uses
        if use.kind == "view" and use.name == table.name
    ]
    where = f" WHERE {' AND '.join(reads)}" if reads else ""
    return f"CREATE VIEW {name}{comment} AS SELECT {', '.join(columns)}{where};"


def _shown_type(column: Column, dialect: str) -> str:
    """A type as `_prompt_type` writes it, with the brackets of an array."""
    brackets = _BRACKETS.search(column.type)
    suffix = brackets[0] if brackets else ""
    bare = replace(column, type=column.type.removesuffix(suffix))
    written = _prompt_type(bare, dialect)
    return written + suffix if written else ""


def _prompt_type(column: Column, dialect: str) -> str:
    """A type as words and numbers; other arguments, and arrays, help no model."""
    if column.type in VALUE_TYPES and _are_short(column, dialect):
        return f"{column.type}({_list_values(column.values, dialect)})"
    bare = _OTHER_ARGUMENTS.sub("", column.type)
    return bare if _PLAIN_TYPE.fullmatch(bare) else ""


def _hints(column: Column, dialect: str) -> str:
    check = ""
    if column.type not in VALUE_TYPES and _are_short(column, dialect):
        name = quote_name(column.name, dialect)
        check = f" CHECK ({name} IN ({_written_values(column, dialect)}))"
    return check + _comment(column.comment, dialect)


def _are_short(column: Column, dialect: str) -> bool:
    return 0 < len(_written_values(column, dialect)) <= MAX_SHOWN_VALUES


def _written_values(column: Column, dialect: str) -> str:
    if column.has_number_values:
        return ", ".join(column.values)
    return _list_values(column.values, dialect)


def _comment(comment: str, dialect: str) -> str:
    if not comment:
        return ""
    is_long = len(comment) > MAX_SHOWN_COMMENT
    shown = comment[: MAX_SHOWN_COMMENT - 3].rstrip() + "..." if is_long else comment
    return f" COMMENT {quote_string(shown, dialect)}"


def _render_foreign_key(key: ForeignKey, dialect: str) -> str:
    parent = quote_name(key.referenced_table, dialect)
    columns, parents = (
        _list_names(names, dialect) for names in (key.columns, key.referenced_columns)
    )
    return f"FOREIGN KEY ({columns}) REFERENCES {parent}({parents})"


def _list_names(names: tuple[str, ...], dialect: str, *, always: bool = False) -> str:
    return ", ".join(quote_name(name, dialect, always=always) for name in names)


def _list_values(values: tuple[str, ...], dialect: str) -> str:
    return ", ".join(quote_string(value, dialect) for value in values)


def _create_for_engine(table: Table, dialect: str) -> str:
    items = [_column_for_engine(column, dialect) for column in table.columns]
    if table.primary_key and dialect == "postgres":
        items.append(f"PRIMARY KEY ({_list_names(table.primary_key, dialect, always=True)})")
    return f"CREATE TABLE {quote_name(table.name, dialect, always=True)} ({', '.join(items)})"


def _column_for_engine(column: Column, dialect: str) -> str:
    name = quote_name(column.name, dialect, always=True)
    written = f"{name} {engine_type(column, dialect)}".rstrip()
    return written + (GENERATED[dialect] if column.is_generated else "")

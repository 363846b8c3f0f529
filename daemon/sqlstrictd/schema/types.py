"""What a schema is, once parsed: frozen values that every other part of the daemon reads.

Made by `ddl.py`; read by `render.py`, `link.py`, `constraint/`, `verify/` and `train/`. Names are
kept exactly as the user spelled them, without quotes; quoting is the writer's work.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any, Final, Literal, get_args

from sqlstrictd.schema.names import fold

_OPTIONAL: Final = frozenset(
    {"values", "comment", "has_number_values", "is_generated", "is_view", "uses"}
)

# "own check" stands inside of the one column that it names; "computed" is a generated column.
UseKind = Literal[
    "index", "unique index", "unique", "primary", "foreign", "check", "own check", "computed",
    "view", "trigger", "partition",
]  # fmt: skip
USE_KINDS: Final[tuple[str, ...]] = get_args(UseKind)


@dataclass(frozen=True)
class Column:
    """A column: its name and its declared type (upper case, empty where none is declared).

    `values` is the closed list that a CHECK or an enum type allows, as plain text without quotes;
    empty where there is none. `has_number_values` says that they are numbers, to be written bare.
    `comment` is one line of the user's own words. No statement may write a generated column.
    """

    name: str
    type: str = ""
    not_null: bool = False
    values: tuple[str, ...] = ()
    comment: str = ""
    has_number_values: bool = False
    is_generated: bool = False


@dataclass(frozen=True)
class ForeignKey:
    """Columns of this table that refer to as many columns of another (or of the same) table."""

    columns: tuple[str, ...]
    referenced_table: str
    referenced_columns: tuple[str, ...]


@dataclass(frozen=True)
class Use:
    """Something that stands on columns of a table, and so against some changes of it.

    `name` is empty where none is given. Columns are those named anywhere in it, in expressions and
    conditions too; what it says of them is not kept. `views.py` reads what else reads a table.
    """

    kind: UseKind
    name: str
    columns: tuple[str, ...]


@dataclass(frozen=True)
class Table:
    """A table with its columns in order. Every name in its keys is one of its columns' names.

    A view is a table that can only be read: it has no keys, and no statement may write, index or
    change it.
    """

    name: str
    columns: tuple[Column, ...]
    primary_key: tuple[str, ...] = ()
    foreign_keys: tuple[ForeignKey, ...] = ()
    comment: str = ""
    is_view: bool = False
    uses: tuple[Use, ...] = ()

    @cached_property
    def column_names(self) -> tuple[str, ...]:
        """The names of the columns in order."""
        return tuple(column.name for column in self.columns)

    def column(self, name: str) -> Column | None:
        """The column of that name under `names.fold`; None where there is none."""
        return self._by_name.get(fold(name))

    @cached_property
    def _by_name(self) -> dict[str, Column]:
        return {fold(column.name): column for column in self.columns}


@dataclass(frozen=True)
class Schema:
    """Tables and views in the order of the DDL, and the dialect that they are declared in.

    Table names, and the column names within a table, are distinct under `names.fold`; every
    foreign key refers to a table and columns that are here. `other_names` are those of sequences,
    types and the like, which new tables cannot have; `unread_views` are views that were left out.
    """

    dialect: str
    tables: tuple[Table, ...]
    warnings: tuple[str, ...] = ()
    other_names: tuple[str, ...] = ()
    unread_views: tuple[str, ...] = ()

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of the canonical form, 64 hexadecimal digits; warnings do not count."""
        tables = [asdict(table, dict_factory=_without_blanks) for table in self.tables]
        canonical: dict[str, Any] = {"dialect": self.dialect, "tables": tables}
        for name in ("other_names", "unread_views"):
            if getattr(self, name):
                canonical[name] = getattr(self, name)
        return hashlib.sha256(json.dumps(canonical, sort_keys=True).encode()).hexdigest()

    @cached_property
    def referenced_tables(self) -> frozenset[str]:
        """The names of the tables that foreign keys refer to."""
        return frozenset(key.referenced_table for one in self.tables for key in one.foreign_keys)

    def table(self, name: str) -> Table | None:
        """The table of that name under `names.fold`; None where there is none."""
        return self._by_name.get(fold(name))

    @cached_property
    def _by_name(self) -> dict[str, Table]:
        return {fold(table.name): table for table in self.tables}


def _without_blanks(fields: list[tuple[str, Any]]) -> dict[str, Any]:
    """Leave out what is not known, so that a schema's fingerprint outlives new fields."""
    return {name: value for name, value in fields if name not in _OPTIONAL or value}

"""One table or view while it is read, with the keys that are settled when all tables are known.

The readers of CREATE and ALTER fill it; `draft.py` makes a schema of all of them.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Final

from sqlstrictd.schema.cursor import Cursor, show
from sqlstrictd.schema.names import fold
from sqlstrictd.schema.scan import Token
from sqlstrictd.schema.types import Column, Use, UseKind
from sqlstrictd.schema.values import ClosedList

# SQLite's own limit on the columns of a table.
MAX_COLUMNS: Final = 2000


@dataclass(frozen=True, slots=True)
class TableName:
    """A table's name as written, with the folded namespace before it, if any."""

    token: Token
    namespace: str = ""


@dataclass(frozen=True, slots=True)
class KeyDraft:
    """A foreign key whose parent is not looked up yet; without parent columns it means its key."""

    columns: tuple[Token, ...]
    parent: TableName
    parent_columns: tuple[Token, ...]


@dataclass(frozen=True, slots=True)
class UseDraft:
    """Something that stands on columns; which, its folded words tell when all are known."""

    kind: UseKind
    name: str
    words: frozenset[str]
    uses_all: bool = False


@dataclass(slots=True)
class TableDraft:
    """A table that is being read."""

    name: TableName
    columns: dict[str, Column] = field(default_factory=dict)
    primary_key: tuple[Token, ...] = ()
    foreign_keys: list[KeyDraft] = field(default_factory=list)
    checks: list[ClosedList] = field(default_factory=list)
    comment: str = ""
    is_view: bool = False
    uses: list[UseDraft] = field(default_factory=list)
    # Of a view that tells its columns itself: the tables that it reads, and their columns' words.
    reads: list[tuple[TableName, frozenset[str]]] = field(default_factory=list)

    def add_column(self, cursor: Cursor, name: Token, column: Column) -> None:
        """Add a column.

        Raises:
            SchemaError: the table has a column of that name already, or as many as it may have.
        """
        if fold(column.name) in self.columns:
            raise cursor.error(
                f"Column {show(column.name)} is defined twice in {show(self.name.token.value)}.",
                name.start,
            )
        if len(self.columns) == MAX_COLUMNS:
            raise cursor.error(
                f"Table {show(self.name.token.value)} has more than {MAX_COLUMNS} columns.",
                name.start,
            )
        self.columns[fold(column.name)] = column

    def column(self, cursor: Cursor, name: Token) -> Column:
        """Return the column of that name.

        Raises:
            SchemaError: the table has none.
        """
        self.find_columns(cursor, (name,))
        return self.columns[fold(name.value)]

    def replace_column(self, cursor: Cursor, name: Token, column: Column) -> None:
        """Put a column in the place of the one of that name.

        Raises:
            SchemaError: the table has none.
        """
        known = self.column(cursor, name)
        self.columns[fold(name.value)] = replace(column, name=known.name)

    def add_check(self, lists: list[ClosedList]) -> None:
        """Note the closed lists of a CHECK."""
        self.checks.extend(lists)

    def find_use(self, draft: UseDraft) -> Use:
        """Return a use with the table's own spelling of the columns that it names."""
        is_used = (
            column.name for folded, column in self.columns.items()
            if draft.uses_all or folded in draft.words
        )  # fmt: skip
        used = tuple(is_used)
        if draft.kind == "own check" and len(used) > 1:
            return Use("check", draft.name, used)
        return Use(draft.kind, draft.name, used)

    def comment_last(self, comment: str) -> None:
        """Give the column that was added last a comment, if it has none yet."""
        folded, column = next(reversed(self.columns.items()))
        if comment and not column.comment:
            self.columns[folded] = replace(column, comment=comment)

    def find_columns(self, cursor: Cursor, names: tuple[Token, ...]) -> tuple[str, ...]:
        """Return the table's own spelling of columns named in one of its keys.

        Raises:
            SchemaError: the table has no column of that name.
        """
        for name in names:
            if fold(name.value) not in self.columns:
                raise cursor.error(
                    f"Table {show(self.name.token.value)} has no column {show(name.value)}.",
                    name.start,
                )
        return tuple(self.columns[fold(name.value)].name for name in names)


@dataclass(frozen=True, slots=True)
class ViewDraft:
    """A view whose columns only its query tells; without a query they cannot be known."""

    name: TableName
    columns: tuple[str, ...]
    query: str
    offset: int
    words: frozenset[str] = frozenset()
    has_star: bool = False

"""Tables as they are read, and the schema that they become once all of them are known.

Keys may refer to tables that come later, and names may carry a namespace that turns out to be the
only one, so both are settled at the end. `ddl.py` fills the drafts.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Final

from sqlstrictd.schema.cursor import Cursor, show
from sqlstrictd.schema.named_types import NamedTypes
from sqlstrictd.schema.names import fold
from sqlstrictd.schema.scan import Token
from sqlstrictd.schema.types import Column, ForeignKey, Schema, Table
from sqlstrictd.schema.values import ClosedList

MAX_TABLES: Final = 2000
# SQLite's own limit on the columns of a table.
MAX_COLUMNS: Final = 2000

# Namespaces that a database has by itself: a name in one of them means the same without it.
_DEFAULT_NAMESPACES: Final = frozenset({"main", "temp", "public", "dbo"})


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


@dataclass(slots=True)
class TableDraft:
    """A table that is being read."""

    name: TableName
    columns: dict[str, Column] = field(default_factory=dict)
    primary_key: tuple[Token, ...] = ()
    foreign_keys: list[KeyDraft] = field(default_factory=list)
    checks: list[ClosedList] = field(default_factory=list)
    comment: str = ""

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


class SchemaDraft:
    """The tables read so far, and what was left out on the way."""

    def __init__(self, cursor: Cursor) -> None:
        self._cursor = cursor
        self._tables: dict[tuple[str, str], TableDraft] = {}
        self._left_out: dict[str, list[int]] = {}
        self._warnings: list[str] = []
        self.types = NamedTypes()

    def find(self, name: TableName) -> TableDraft | None:
        """Return the table of that name and namespace, None where there is none."""
        return self._tables.get(_key(name))

    def add(self, table: TableDraft) -> None:
        """Add a table.

        Raises:
            SchemaError: there is a table of that name already, or as many as there may be.
        """
        token = table.name.token
        if _key(table.name) in self._tables:
            raise self._cursor.error(f"Table {show(token.value)} is defined twice.", token.start)
        if fold(token.value).startswith("sqlite_"):
            raise self._cursor.error("Names that begin with sqlite_ are SQLite's own.", token.start)
        if not table.columns:
            raise self._cursor.error(f"Table {show(token.value)} has no columns.", token.start)
        if len(self._tables) == MAX_TABLES:
            message = f"The schema has more than {MAX_TABLES} tables."
            raise self._cursor.error(message, token.start)
        self._tables[_key(table.name)] = table

    def remove(self, name: TableName) -> None:
        """Forget a table, if it is there."""
        self._tables.pop(_key(name), None)

    def leave_out(self, kind: str, offset: int) -> None:
        """Note that a statement of this kind was passed over."""
        self._left_out.setdefault(kind, []).append(self._cursor.line(offset))

    def warn(self, message: str, offset: int) -> None:
        """Note something of one place that was left out."""
        self._warnings.append(f"line {self._cursor.line(offset)}: {message}")

    def build(self, dialect: str) -> Schema:
        """Settle namespaces and keys.

        Raises:
            SchemaError: no tables, tables of several namespaces, or a key on a missing column.
        """
        if not self._tables:
            message = "There is no CREATE TABLE statement in the text."
            if self._warnings:
                message = f"No table is left to ask about: {self._warnings[0]}."
            raise self._cursor.error(message, 0)
        self._keep_one_namespace()
        tables = tuple(self._build_table(table) for table in self._tables.values())
        left_out = [_describe_left_out(kind, lines) for kind, lines in self._left_out.items()]
        return Schema(dialect, tables, (*left_out, *self._warnings))

    def _keep_one_namespace(self) -> None:
        """Keep the tables of one namespace: without it, the names of others would not be found.

        That is the one that needs no naming; else the only one.
        """
        found = dict.fromkeys(namespace for namespace, _ in self._tables)
        if len(found) == 1:
            (only,) = found
            if only:
                self._warnings.append(
                    f"tables of {show(only)} are named without it: statements need it as the "
                    "default (search path, or database in use)"
                )
            return
        if "" not in found:
            first, second = (
                next(table for key, table in self._tables.items() if key[0] == namespace)
                for namespace in list(found)[:2]
            )
            names = f"{_full_name(first.name)} and {_full_name(second.name)}"
            raise self._cursor.error(
                f"The tables are of several namespaces ({names}). Give the tables of one "
                "namespace only.",
                second.name.token.start,
            )
        left = [table for (namespace, _), table in self._tables.items() if namespace]
        self._tables = {key: table for key, table in self._tables.items() if not key[0]}
        names = ", ".join(_full_name(table.name) for table in left[:5])
        more = ", ..." if len(left) > 5 else ""
        self.warn(f"tables of other namespaces left out: {names}{more}", left[0].name.token.start)

    def _build_table(self, table: TableDraft) -> Table:
        keys = (self._build_key(table, key) for key in table.foreign_keys)
        return Table(
            name=table.name.token.value,
            columns=tuple(self._build_column(table, column) for column in table.columns.values()),
            primary_key=table.find_columns(self._cursor, table.primary_key),
            foreign_keys=tuple(key for key in keys if key is not None),
            comment=table.comment,
        )

    def _build_column(self, table: TableDraft, column: Column) -> Column:
        """Settle a column's named type, and narrow it to the values that its checks leave."""
        column = self.types.resolve(column)
        for check in table.checks:
            if check.column == fold(column.name):
                left = tuple(value for value in column.values if value in check.values)
                values, has_numbers = left or check.values, check.is_numbers
                column = replace(column, values=values, has_number_values=has_numbers)
        return column

    def _build_key(self, table: TableDraft, key: KeyDraft) -> ForeignKey | None:
        columns = table.find_columns(self._cursor, key.columns)
        parent = self._find_parent(table, key.parent)
        offset = key.parent.token.start
        label = f"foreign key of {show(table.name.token.value)} left out"
        parent_name = show(key.parent.token.value)
        if parent is None:
            self.warn(f"{label}: there is no table {parent_name}", offset)
            return None
        named = key.parent_columns or parent.primary_key
        if any(fold(name.value) not in parent.columns for name in named):
            self.warn(f"{label}: {parent_name} has no such column", offset)
            return None
        if len(named) != len(columns):
            self.warn(f"{label}: it has another number of columns than {parent_name}'s", offset)
            return None
        return ForeignKey(
            columns, parent.name.token.value, parent.find_columns(self._cursor, named)
        )

    def _find_parent(self, child: TableDraft, name: TableName) -> TableDraft | None:
        """Look a parent up; without a namespace it is in its child's."""
        namespace = _namespace(name) or child.name.namespace
        return self.find(TableName(name.token, namespace))


def _namespace(name: TableName) -> str:
    return "" if name.namespace in _DEFAULT_NAMESPACES else name.namespace


def _key(name: TableName) -> tuple[str, str]:
    return _namespace(name), fold(name.token.value)


def _full_name(name: TableName) -> str:
    return show(f"{name.namespace}.{name.token.value}" if name.namespace else name.token.value)


def _describe_left_out(kind: str, lines: list[int]) -> str:
    if len(lines) == 1:
        return f"line {lines[0]}: {kind} left out"
    shown = ", ".join(map(str, lines[:5])) + (", ..." if len(lines) > 5 else "")
    return f"lines {shown}: {len(lines)} of {kind} left out"

"""Tables as they are read, and the schema that they become once all of them are known.

Keys may refer to tables that come later, and names may carry a namespace that turns out to be the
only one, so both are settled at the end. `ddl.py` fills the drafts; `views.py` adds views to what
`build` returns.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from sqlstrictd.schema.cursor import Cursor, show
from sqlstrictd.schema.named_types import NamedTypes
from sqlstrictd.schema.names import fold
from sqlstrictd.schema.table_draft import KeyDraft, TableDraft, TableName, UseDraft, ViewDraft
from sqlstrictd.schema.types import Column, ForeignKey, Schema, Table, Use

MAX_TABLES: Final = 2000

# Namespaces that a database has by itself: a name in one of them means the same without it.
_DEFAULT_NAMESPACES: Final = frozenset({"main", "temp", "public", "dbo"})


class SchemaDraft:
    """The tables and views read so far, and what was left out on the way."""

    def __init__(self, cursor: Cursor) -> None:
        self._cursor = cursor
        self._tables: dict[tuple[str, str], TableDraft] = {}
        self._views: dict[tuple[str, str], ViewDraft] = {}
        self._left_out: dict[str, list[int]] = {}
        self._warnings: list[tuple[int, str]] = []
        self._triggers: list[UseDraft] = []
        self._other_names: dict[str, None] = {}
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

    def add_view(self, view: TableDraft | ViewDraft, offset: int) -> None:
        """Add a view, in the place of one of that name; a table's name it cannot have."""
        known = self.find(view.name)
        if known is not None and not known.is_view:
            shown = show(view.name.token.value)
            self.warn(f"view {shown} left out: there is a table of its name", offset)
            return
        self.remove(view.name)
        if isinstance(view, TableDraft):
            self.add(view)
        else:
            self._views[_key(view.name)] = view

    def views_beside(self, schema: Schema) -> Iterator[ViewDraft]:
        """Yield the views whose query is to be followed; those of other namespaces are left out."""
        kept = {namespace for namespace, _ in self._tables} or {""}
        for (namespace, _), view in self._views.items():
            if namespace in kept or not schema.tables:
                yield view
            else:
                self.warn(
                    f"view of another namespace left out: {_full_name(view.name)}", view.offset
                )

    def remove(self, name: TableName) -> None:
        """Forget a table or view, if it is there."""
        self._tables.pop(_key(name), None)
        self._views.pop(_key(name), None)

    def note_name(self, name: str) -> None:
        """Note the name of something that is not kept, and that no new table can have."""
        self._other_names[name] = None

    def note_trigger(self, name: str, words: frozenset[str], *, uses_all: bool) -> None:
        """Note something that is not kept but reads tables; its words tell which."""
        self._triggers.append(UseDraft("trigger", name, words, uses_all))

    def leave_out(self, kind: str, offset: int) -> None:
        """Note that a statement of this kind was passed over."""
        self._left_out.setdefault(kind, []).append(self._cursor.line(offset))

    def warn(self, message: str, offset: int) -> None:
        """Note something of one place that was left out."""
        self._warnings.append((offset, f"line {self._cursor.line(offset)}: {message}"))

    def build(self, dialect: str) -> Schema:
        """Settle namespaces and keys; the views whose query is to be followed are not in it yet.

        Raises:
            SchemaError: tables of several namespaces, or a key on a missing column.
        """
        if self._tables:
            self._keep_one_namespace()
        readers = self._readers()
        tables = tuple(self._build_table(table, readers) for table in self._tables.values())
        return Schema(dialect, tables, other_names=tuple(self._other_names))

    def finish(self, schema: Schema) -> Schema:
        """Return a built schema with what was left out of it.

        Raises:
            SchemaError: there are no tables.
        """
        if not schema.tables:
            message = "There is no CREATE TABLE statement in the text."
            if self._warnings:
                message = f"No table is left to ask about: {min(self._warnings)[1]}."
            raise self._cursor.error(message, 0)
        left_out = [_describe_left_out(kind, lines) for kind, lines in self._left_out.items()]
        # In the order of their places: views are settled last and may stand anywhere.
        ordered = [message for _, message in sorted(self._warnings)]
        return replace(schema, warnings=(*left_out, *ordered))

    def _keep_one_namespace(self) -> None:
        """Keep the tables of one namespace: without it, the names of others would not be found.

        That is the one that needs no naming; else the only one.
        """
        found = dict.fromkeys(namespace for namespace, _ in self._tables)
        if len(found) == 1:
            (only,) = found
            if only:
                message = (
                    f"tables of {show(only)} are named without it: statements need it as the "
                    "default (search path, or database in use)"
                )
                self._warnings.append((-1, message))
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

    def _readers(self) -> dict[str, list[UseDraft]]:
        """What of views and triggers names a table, by the table's folded name."""
        views = (
            UseDraft("view", view.name.token.value, view.words, view.has_star)
            for view in self._views.values()
        )
        found: dict[str, list[UseDraft]] = {}
        for reader in (*views, *self._triggers):
            for word in reader.words:
                found.setdefault(word, []).append(reader)
        for view in self._tables.values():
            for name, words in view.reads:
                reader = UseDraft("view", view.name.token.value, words)
                found.setdefault(fold(name.token.value), []).append(reader)
        return found

    def _build_table(self, table: TableDraft, readers: dict[str, list[UseDraft]]) -> Table:
        keys = [self._build_key(table, key) for key in table.foreign_keys]
        for draft, key in zip(table.foreign_keys, keys, strict=True):
            if key is None:  # the database has it all the same
                words = frozenset(fold(column.value) for column in draft.columns)
                table.uses.append(UseDraft("foreign", "", words))
        return Table(
            name=table.name.token.value,
            columns=tuple(self._build_column(table, column) for column in table.columns.values()),
            primary_key=table.find_columns(self._cursor, table.primary_key),
            foreign_keys=tuple(key for key in keys if key is not None),
            comment=table.comment,
            is_view=table.is_view,
            uses=() if table.is_view else tuple(self._build_uses(table, readers)),
        )

    def _build_uses(self, table: TableDraft, readers: dict[str, list[UseDraft]]) -> Iterator[Use]:
        """Settle what stands on a table: its own, and what of views and triggers names it."""
        yield from map(table.find_use, table.uses)
        yield from map(table.find_use, readers.get(fold(table.name.token.value), ()))

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

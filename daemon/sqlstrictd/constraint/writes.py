"""Statements that write: INSERT, UPDATE and DELETE, and the way to those that define.

The table comes first in them, so each table has rules of its own and needs no candidates. Exact
ones are held to what each column takes: its class, its length and its values, NULL only where it
may be, no column twice and none that the engine fills. Drafts name any of the table's own columns.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlstrictd.constraint.assembly import Assembly
from sqlstrictd.constraint.column_definitions import NewColumns
from sqlstrictd.constraint.column_literals import (
    Literals,
    WrittenColumn,
    written_columns,
    written_values,
)
from sqlstrictd.constraint.create_table import NewTables
from sqlstrictd.constraint.index_and_alter import Definitions
from sqlstrictd.constraint.insert_select import Inserted
from sqlstrictd.constraint.scopes import Scope
from sqlstrictd.constraint.skeleton import Change
from sqlstrictd.constraint.terminals import any_of, literal
from sqlstrictd.policy import Policy
from sqlstrictd.schema.names import quote_name
from sqlstrictd.schema.types import Schema, Table

_MAX_ROWS = 20
# Assignments and columns of a draft.
_MAX_COLUMNS = 40
# Up to here a draft's INSERT has as many values as columns.
_MAX_COUNTED = 16


@dataclass(frozen=True)
class Target:
    """A table that may be written, and the label of the scope that sees it alone."""

    table: Table
    scope: str


def needs_queries(policy: Policy) -> bool:
    """Whether statements of an allowed kind hold a whole query."""
    return bool(policy.kinds & {"select", "insert", "create_view"})


def needs_of_writes(assembly: Assembly) -> tuple[str, ...]:
    """Name the rules of a scope that statements which write are made of."""
    kinds = [f"{rule}_{k}" for k in assembly.manner.classes for rule in ("v", "case", "tot")]
    return (*kinds, "cond", "tests_0", "source_0", "order")


class Writes:
    """Writes the statements of one grammar that change something, as far as a policy allows."""

    def __init__(self, assembly: Assembly, schema: Schema, policy: Policy) -> None:
        self._assembly = assembly
        self._manner = assembly.manner
        self._dialect = assembly.manner.dialect
        self._schema = schema
        self._policy = policy
        self._kinds = policy.kinds & self._dialect.kinds
        self._literals = Literals(assembly)
        columns = NewColumns(assembly, self._literals)
        self._definitions = Definitions(assembly, schema, columns)
        self._tables = NewTables(assembly, schema, columns, self._definitions.words)

    def exact(
        self,
        targets: Sequence[Target],
        scopes: Sequence[Scope],
        change: Change | None,
        head: str,
        view: str,
    ) -> list[str]:
        """Write the exact statements that write.

        `head` is the WITH of queries, `view` the rule of a view's query, both as bodies; each may
        be empty.
        """
        found: list[str] = []
        for target in targets:
            if target.table.is_view:
                continue  # it can only be read
            name = quote_name(target.table.name, self._dialect.name)
            if "update" in self._kinds:
                found += self._update(target, name, change)
            if "delete" in self._kinds:
                found.append(f"{literal('DELETE FROM ' + name)} {self._where(target.scope)}")
            if "insert" in self._kinds:
                found += self._insert(target, name, scopes, change, head)
            if "create_index" in self._kinds:
                found += self._definitions.create_index(target.table, change)
            if "alter_table" in self._kinds:
                found += self._definitions.alter(target.table)
        if "create_table" in self._kinds:
            found += self._tables.exact(change)
        if "create_view" in self._kinds and view:
            found.append(f'"CREATE VIEW " NEWNAME " AS " {head} {view}')
        return found

    def draft(self, tables: Sequence[Table], scope: str) -> list[str]:
        """Write the statements of a draft that write; the rule `query` is any query."""
        found: list[str] = []
        self._add_draft_values(scope)
        for number, table in enumerate(one for one in tables if not one.is_view):
            name = quote_name(table.name, self._dialect.name)
            columns = [c for c in written_columns(table, self._dialect) if not c.is_generated]
            if columns and self._kinds & {"insert", "update"}:
                names = any_of(quote_name(c.name, self._dialect.name) for c in columns)
                own = self._assembly.terminals.define(f"OWN{number}_", names)
                if "update" in self._kinds:
                    found.append(self._draft_update(number, name, own, columns, scope))
                if "insert" in self._kinds:
                    is_whole = len(columns) == len(table.columns)
                    found += self._draft_insert(name, own, len(columns), is_whole)
            if "delete" in self._kinds:
                found.append(f"{literal('DELETE FROM ' + name)} {self._where(scope)}")
            if "create_index" in self._kinds:
                found += self._definitions.create_index(table, None, is_draft=True)
            if "alter_table" in self._kinds:
                found += self._definitions.alter(table, is_draft=True)
        if "create_table" in self._kinds:
            found += self._tables.draft()
        if "create_view" in self._kinds:
            listed = '(" (" ALIAS (", " ALIAS){0,29} ")")?'
            found.append(f'"CREATE VIEW " NEWNAME {listed} " AS " query')
        return found

    def _where(self, scope: str) -> str:
        where = f'" WHERE " tests_0_{scope}'
        return f"({where})?" if self._policy.allows_unfiltered else where

    def _update(self, target: Target, name: str, change: Change | None) -> list[str]:
        """Write UPDATE: the columns in the order of the draft, or of the table."""
        columns = {}
        for column in written_columns(target.table, self._dialect):
            values = [] if column.is_generated else self._new_values(column, target)
            if values:
                columns[column.name] = " | ".join(values)
        orders = [tuple(columns)] if columns else []
        if change is not None and change.table == target.table.name:
            own = tuple(one for one in change.columns if one in columns)
            if own and own != tuple(one for one in columns if one in own):
                orders.append(own)
        found = []
        for number, order in enumerate(orders):
            rule = f"sets_{target.scope}_{number}"
            for at, one in enumerate(order):
                later = f'(", " {rule}_{at + 1})?' if at + 1 < len(order) else ""
                set_rule = f"set_{target.scope}_{list(columns).index(one)}"
                if not number:
                    equals = literal(quote_name(one, self._dialect.name) + " = ")
                    self._assembly.add(set_rule, f"{equals} ({columns[one]})")
                self._assembly.add(f"{rule}_{at}", f"{set_rule} {later}")
                if at + 1 < len(order):
                    self._assembly.add(f"{rule}_{at}", f"{rule}_{at + 1}")
            head = literal(f"UPDATE {name} SET ")
            found.append(f"{head} {rule}_0 {self._where(target.scope)}")
        return found

    def _new_values(self, column: WrittenColumn, target: Target) -> list[str]:
        """Write what UPDATE may set a column to."""
        found = self._literals.of(column)
        if column.values:
            if column.letter == "T" or not self._manner.is_typed:
                value, scope = found[0], target.scope
                arm = f'"WHEN " cond_{scope} (AO cond_{scope}){{0,2}} " THEN " {value}'
                found.append(f'"CASE " {arm} (" " {arm}){{0,4}} " ELSE " {value} " END"')
        elif column.letter in "OU" and (self._manner.is_typed or column.letter == "U"):
            same = [
                quote_name(one.name, self._dialect.name)
                for one in written_columns(target.table, self._dialect)
                if one.type == column.type and one.name != column.name
            ]
            found += [any_of(same)] if same else []
        else:
            k = self._manner.of("N" if column.letter == "X" else column.letter)
            rules = [f"v_{k}", f"case_{k}"]
            found += [f"{r}_{target.scope}" for r in rules if self._assembly.has(r, target.scope)]
            inner = self._assembly.inner(f"one_{k}_1", target.scope)
            found += [f'"(" {inner} ")"'] if inner else []
        if column.is_nullable and found:
            found.append('"NULL"')
        return found

    def _insert(
        self,
        target: Target,
        name: str,
        scopes: Sequence[Scope],
        change: Change | None,
        with_: str,
    ) -> list[str]:
        """Write INSERT into the columns that a draft lists, or all, or all but the key."""
        columns = {one.name: one for one in written_columns(target.table, self._dialect)}
        free = {n: one for n, one in columns.items() if not one.is_generated}
        lists = []
        if change is not None and change.table == target.table.name:
            lists.append(tuple(one for one in change.columns if one in free))
        lists += [tuple(free), tuple(n for n, one in free.items() if not one.is_key)]
        lists.append(tuple(n for n, one in free.items() if not one.is_nullable))
        values = {n: self._inserted_values(one) for n, one in free.items()}
        lists.append(tuple(n for n in free if values[n]))
        rows = Inserted(self._assembly, self._literals)
        found = []
        for number, listed in enumerate(filter(None, dict.fromkeys(lists))):
            names = ", ".join(quote_name(n, self._dialect.name) for n in listed)
            head = f"{literal('INSERT INTO ' + name)} {literal(f' ({names})')}"
            if listed == tuple(columns):
                head += "?"
            if all(values[n] for n in listed):
                row = '"(" ' + ' ", " '.join(f"({values[n]})" for n in listed) + ' ")"'
                rule = f"row_{target.scope}_{number}"
                self._assembly.add(rule, row)
                found.append(f'{head} " VALUES " {rule} (", " {rule}){{0,{_MAX_ROWS - 1}}}')
            rule = f"rows_of_{target.scope}_{number}"
            chosen = [columns[n] for n in listed]
            query = change.query if change is not None else None
            queries = [text for scope in scopes for text in rows.queries(chosen, scope, query)]
            if query is not None and query.sides:
                queries.append(rows.compound(chosen, scopes, f"side_of_{target.scope}_{number}"))
            queries = [text for text in queries if text]
            if queries:
                self._assembly.add(rule, *queries)
                found.append(f'{head} " " {with_} {rule}')
        return found

    def _inserted_values(self, column: WrittenColumn) -> str:
        """Write what a row of VALUES may give a column; empty where nothing is known."""
        found = self._literals.of(column)
        if not column.values and column.letter not in "OUJ":
            k = self._manner.of("N" if column.letter == "X" else column.letter)
            inner = f"one_{k}_1"
            if self._assembly.stands(inner):
                found.append(f'"(" {inner} ")"')
        if column.is_nullable:
            found.append('"NULL"')
        return " | ".join(found)

    def _add_draft_values(self, scope: str) -> None:
        calls = " | ".join(
            one for letter in "DS" for one in self._literals.of_class(letter) if "STRING" not in one
        )
        text = self._literals.text(240)
        query = ' | "(" one_v_1 ")"' if self._assembly.stands("one_v_1") else ""
        dates = "".join(f" | {t}" for k, t in self._dialect.literals.items() if k in "DS")
        shared = f'NUM | {text} | "NULL" | BOOL | {calls}{dates}{query}'
        self._assembly.add("draftvalue", shared)
        self._assembly.add("newvalue", f"v_v_{scope} | case_v_{scope} | draftvalue")

    def _draft_update(
        self, number: int, name: str, own: str, columns: Sequence[WrittenColumn], scope: str
    ) -> str:
        sets = [f'{own} " = " newvalue']
        closed = [one for one in columns if one.values]
        if closed:
            free = any_of(quote_name(c.name, self._dialect.name) for c in columns if not c.values)
            sets = [f'({free}) " = " newvalue'] if free else []
            for one in closed:
                spelled = literal(quote_name(one.name, self._dialect.name))
                values = any_of(written_values(one, self._dialect.name))
                sets.append(f'{spelled} " = " ({values} | "NULL" | case_v_{scope})')
        self._assembly.add(f"set_{number}", *sets)
        more = f'(", " set_{number}){{0,{_MAX_COLUMNS - 1}}}'
        return f"{literal(f'UPDATE {name} SET ')} set_{number} {more} {self._where(scope)}"

    def _draft_insert(self, name: str, own: str, n_columns: int, is_whole: bool) -> list[str]:
        """Write INSERT with as many values as columns, as far as those can be counted."""
        head = literal(f"INSERT INTO {name}")
        further = f'(", " {own}){{0,{_MAX_COLUMNS - 1}}}'
        found = [f'{head} (" (" {own} {further} ")")? " " query']
        for count in range(1, min(n_columns, _MAX_COUNTED) + 1):
            listed = f'" (" {own} {_times(own, count - 1)} ")"'
            is_all = is_whole and count == n_columns
            found.append(f"{head} {f'({listed})?' if is_all else listed} {self._rows(count)}")
        if n_columns > _MAX_COUNTED:
            row = f'"(" draftvalue (", " draftvalue){{{_MAX_COUNTED},{_MAX_COLUMNS - 1}}} ")"'
            listed = f'(" (" {own} (", " {own}){{{_MAX_COUNTED},{_MAX_COLUMNS - 1}}} ")")?'
            found.append(f'{head} {listed} " VALUES " {row} (", " {row}){{0,{_MAX_ROWS - 1}}}')
        return found

    def _rows(self, count: int) -> str:
        """Name the rule of VALUES with rows of so many values."""
        name = f"rows_of_{count}"
        if name not in self._assembly.rule_names():
            row = f'"(" draftvalue {_times("draftvalue", count - 1)} ")"'
            self._assembly.add(name, f'" VALUES " {row} (", " {row}){{0,{_MAX_ROWS - 1}}}')
        return name


def _times(text: str, count: int) -> str:
    return f'(", " {text}){{{count}}}' if count else ""

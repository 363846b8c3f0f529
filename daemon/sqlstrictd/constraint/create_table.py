"""CREATE TABLE: the columns and keys that a draft named, or, in a draft, any.

Names alone cannot be kept apart by a grammar, so an exact one takes those of its draft, each once,
and leaves types and constraints open. What refers to another table has the type of the key there.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from sqlstrictd.constraint.assembly import Assembly, alias_terminal
from sqlstrictd.constraint.column_definitions import NewColumns
from sqlstrictd.constraint.skeleton import Change, Reference
from sqlstrictd.constraint.terminals import any_of, literal
from sqlstrictd.schema.names import quote_name
from sqlstrictd.schema.types import Schema

# Columns of a draft; tables that a new one may refer to though no draft says so.
_MAX_COLUMNS = 30
_MAX_REFERENCES = 60
# Types that can stand beside REFERENCES as the schema declares them.
_PLAIN_TYPE = re.compile(r"[A-Z][A-Z0-9 ]*(\(\d+(, ?\d+)?\))?")
_KEY = '(" NOT NULL"? " PRIMARY KEY" | " PRIMARY KEY" " NOT NULL")'
_SERIALS = {"SERIAL": "INTEGER", "BIGSERIAL": "BIGINT", "SMALLSERIAL": "SMALLINT"}


class NewTables:
    """Writes the CREATE TABLE of one grammar; `words` cannot be new names."""

    def __init__(
        self, assembly: Assembly, schema: Schema, columns: NewColumns, words: Iterable[str]
    ) -> None:
        self._assembly = assembly
        self._schema = schema
        self._dialect = assembly.manner.dialect
        self._columns = columns
        self._words = frozenset(words)

    def exact(self, change: Change | None) -> list[str]:
        """Write a CREATE TABLE of the columns that a draft named, or of two where there is none."""
        if change is None or not change.columns:
            change = Change(columns=("id",))
            more = '(", " NEWOTHER " " typed)?'
            self._assembly.terminals.define("NEWOTHER", alias_terminal([*self._words, "id"]))
        else:
            more = ""
        self._columns.add_tails()
        primary = change.keys[0] if change.keys else ()
        refers = {one.columns[0]: one for one in change.references if len(one.columns) == 1}
        keyed = {name for key in change.keys for name in key}
        many = [one for one in change.references if len(one.columns) > 1]
        for at, name in reversed(list(enumerate(change.columns))):
            is_last = at + 1 == len(change.columns)
            for state in ("open", "closed"):
                after = f"after_{state}" if is_last else f'", " column_{state}_{at + 1}'
                own = self._column(name, name in keyed, refers.get(name), many)
                self._assembly.add(f"column_{state}_{at}", f"({own}) {after}")
            if not primary:
                after = "after_closed" if is_last else f'", " column_closed_{at + 1}'
                key = self._primary(name, refers.get(name), many)
                self._assembly.add(f"column_open_{at}", f"({key}) {after}")
        self._assembly.add("after_closed", f"{more} {self._constraints(change)}")
        listed = f'(", " "PRIMARY KEY " {self._listed(primary)})?' if primary else ""
        self._assembly.add("after_open", f"{more} {listed} {self._constraints(change)}")
        return ['"CREATE TABLE " NEWNAME " (" column_open_0 ")"']

    def draft(self) -> list[str]:
        """Write the CREATE TABLE of a draft."""
        self._columns.add_tails()
        names = 'NEWCOLUMN (", " NEWCOLUMN){0,4}'
        target = self._draft_targets()
        check = '" CHECK (" NEWCOLUMN (checked_x | checked_t | checked_d) ")"'
        forms = " | ".join(name for name, _ in self._columns.forms)
        keys = " | ".join(self._counted_keys())
        self._assembly.add(
            "newcolumn",
            f'NEWCOLUMN " " (typed | ({forms}) {_KEY} {f"| {keys}" if keys else ""})'
            f" ({check})? ({target})?",
        )
        named = '("CONSTRAINT " NEWNAME " ")?'
        further = (
            f'{named} ("PRIMARY KEY (" {names} ")" | "UNIQUE (" {names} ")"'
            f' | "FOREIGN KEY (" {names} ")" ({target}) | {check.replace(" CHECK", "CHECK")})'
        )
        self._assembly.add("newconstraint", further)
        return [
            f'"CREATE TABLE " NEWNAME " (" newcolumn (", " newcolumn){{0,{_MAX_COLUMNS - 1}}}'
            ' (", " newconstraint){0,6} ")"'
        ]

    def _draft_targets(self) -> str:
        """Write REFERENCES to any table, by its key where it has one."""
        for table in self._schema.tables:
            own = table.primary_key
            head = f" REFERENCES {self._name(table.name)}"
            if own:
                self._assembly.add("target", literal(f"{head} ({self._names(own)})"), literal(head))
                continue
            columns = any_of(map(self._name, table.column_names))
            self._assembly.add("target", f'{literal(f"{head} (")} ({columns}) ")"')
        return f"target {self._actions(may_be_null=True)}"

    def _counted_keys(self) -> list[str]:
        """Write the types, with PRIMARY KEY, of keys that the engine counts up."""
        if self._dialect.name == "sqlite":
            return ['"INTEGER" " PRIMARY KEY" " AUTOINCREMENT"']
        if self._dialect.name != "mysql":
            return []
        counted = '" NOT NULL"? " AUTO_INCREMENT" " PRIMARY KEY"'
        counted += ' | " PRIMARY KEY" " AUTO_INCREMENT"'
        return [f'("INT" | "INTEGER" | "BIGINT") ({counted})']

    def _column(
        self, name: str, is_keyed: bool, refers: Reference | None, many: Iterable[Reference]
    ) -> str:
        """Write a column of a new table: a type, and what may follow it."""
        new = literal(self._name(name) + " ")
        forced = self._forced_type(name, refers, many)
        if forced:
            return f"{new} {literal(forced)} plain_tail {self._inline(refers)}"
        found = []
        for form_name, form in self._columns.forms:
            if is_keyed and not form.is_key:
                continue
            check = self._columns.check(name, form)
            found.append(f"{new} tail_{form_name} {check}".strip())
        for reference in self._references() if not is_keyed else ():
            found.append(f"{new} {reference}")
        return " | ".join(found)

    def _primary(self, name: str, refers: Reference | None, many: Iterable[Reference]) -> str:
        """Write a column of a new table that is its primary key."""
        new = literal(self._name(name) + " ")
        if forced := self._forced_type(name, refers, many):
            return f"{new} {literal(forced)} {_KEY} {self._inline(refers, is_null=False)}"
        forms = " | ".join(form_name for form_name, form in self._columns.forms if form.is_key)
        found = [f"{new} ({forms}) {_KEY}"]
        found += [f"{new} {counted}" for counted in self._counted_keys()]
        return " | ".join(found)

    def _constraints(self, change: Change) -> str:
        """Write the constraints that the draft has; each of them may be left out."""
        found = [f'(", " "UNIQUE " {self._listed(key)})?' for key in change.keys[1:]]
        for one in change.references:
            if self._types_of(one):
                target = self._target(one)
                on = self._actions(may_be_null=self._dialect.name != "mysql")
                found.append(f'(", " "FOREIGN KEY " {self._listed(one.columns)} {target} {on})?')
        return " ".join(found)

    def _inline(self, refers: Reference | None, is_null: bool = True) -> str:
        if refers is None or not self._types_of(refers):
            return ""
        may_be_null = is_null and self._dialect.name != "mysql"
        return f"({self._target(refers)} {self._actions(may_be_null)})?"

    def _target(self, one: Reference) -> str:
        return literal(f" REFERENCES {self._name(one.table)} ({self._names(one.referenced)})")

    def _references(self) -> list[str]:
        """Name the rule of references to the tables with a key of one column, with its type."""
        name = "reference"
        if name not in self._assembly.rule_names():
            for table in self._schema.tables[:_MAX_REFERENCES]:
                one = Reference(("",), table.name, table.primary_key)
                types = self._types_of(one) if len(table.primary_key) == 1 else ()
                if types:
                    on = self._actions(may_be_null=self._dialect.name != "mysql")
                    text = f'{literal(types[0])} " NOT NULL"? {self._target(one)} {on}'
                    self._assembly.add(name, text)
        return [name] if name in self._assembly.rule_names() else []

    def _actions(self, may_be_null: bool) -> str:
        if self._dialect.name == "duckdb":
            return ""
        null = ' | "SET NULL"' if may_be_null else ""
        action = f'("CASCADE" | "RESTRICT" | "NO ACTION"{null})'
        return f'(" ON DELETE " {action})? (" ON UPDATE " {action})?'

    def _forced_type(self, name: str, refers: Reference | None, many: Iterable[Reference]) -> str:
        """The type that a column has for what it refers to; empty where it is free."""
        for one in (*([refers] if refers else []), *many):
            if name in one.columns and self._types_of(one):
                return self._types_of(one)[one.columns.index(name)]
        return ""

    def _types_of(self, one: Reference) -> tuple[str, ...]:
        """The types of what a foreign key refers to; empty if one cannot be written."""
        table = self._schema.table(one.table)
        if table is None or len(one.referenced) != len(one.columns):
            return ()
        if not table.primary_key and self._dialect.name not in ("sqlite", "ansi"):
            return ()
        found = []
        for name in one.referenced:
            column = table.column(name)
            if column is None:
                return ()
            declared = _SERIALS.get(column.type, column.type)
            if self._dialect.name == "sqlite":
                declared = declared or "INTEGER"
            if column.values or not _PLAIN_TYPE.fullmatch(declared):
                return ()
            found.append(declared)
        return tuple(found)

    def _listed(self, names: Iterable[str]) -> str:
        return literal(f"({self._names(names)})")

    def _names(self, names: Iterable[str]) -> str:
        return ", ".join(map(self._name, names))

    def _name(self, name: str) -> str:
        return quote_name(name, self._dialect.name)

"""Statements that change rows or tables: INSERT, UPDATE, DELETE, CREATE and ALTER.

The table comes first in them, so each target has rules of its own and needs no candidates. A target
is a table with its scope; a draft has one target that stands for all tables.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sqlstrictd.constraint.assembly import Assembly
from sqlstrictd.constraint.scopes import ScopeColumn
from sqlstrictd.constraint.terminals import any_of, literal
from sqlstrictd.policy import Policy
from sqlstrictd.schema.names import quote_name

# Assignments of one UPDATE, columns of one INSERT and of one CREATE TABLE.
_MAX_COLUMNS = 12
_MAX_ROWS = 5


@dataclass(frozen=True)
class Target:
    """A table that may be written: its name as a rule body, its scope, and its columns in order.

    Without columns, any name that the terminal `column` matches may be written in any order, and
    whether the statement fits the table is judged afterwards.
    """

    table: str
    scope: str
    columns: tuple[ScopeColumn, ...]
    column: str = ""
    inserted: tuple[str, ...] = ()  # the columns that INSERT is to name, where they are known


def add_writes(
    assembly: Assembly, targets: Iterable[Target], policy: Policy, statements: list[str]
) -> None:
    """Add the statements that the policy allows, beyond queries."""
    _Writes(assembly, policy).add(list(targets), statements)


class _Writes:
    def __init__(self, assembly: Assembly, policy: Policy) -> None:
        self._assembly = assembly
        self._manner = assembly.manner
        self._dialect = assembly.manner.dialect
        self._policy = policy

    def add(self, targets: list[Target], statements: list[str]) -> None:
        kinds = self._policy.kinds & self._dialect.kinds
        for target in targets:
            if "update" in kinds:
                statements += self._update(target)
            if "delete" in kinds:
                statements.append(f'"DELETE FROM " {target.table} {self._where(target)}')
            if "insert" in kinds:
                statements += self._insert(target)
            if "create_index" in kinds:
                statements.append(self._create_index(target))
            if "alter_table" in kinds:
                statements += self._alter(target)
        if "create_table" in kinds:
            statements.append(self._create_table(targets))
        if "create_view" in kinds and "query" in self._assembly.rule_names():
            statements.append('"CREATE VIEW " NEWNAME " AS " query')

    def _where(self, target: Target) -> str:
        where = f'" WHERE " tests_0_{target.scope}'
        return f"({where})?" if self._policy.allows_unfiltered else where

    def _value(self, target: Target, column: ScopeColumn | None, has_scope: bool) -> str:
        """Write what a column may be set to."""
        if column is None or not self._manner.is_typed:
            parts = ["NUM", "STR", '"NULL"']
            if column is not None and column.values:
                parts = [any_of(_texts(column, self._dialect.name)), '"NULL"']
            if has_scope:
                parts += [f"v_v_{target.scope}", f"case_v_{target.scope}"]
                parts += ['"(" one_v_1 ")"'] if self._assembly.stands("one_v_1") else []
            return f"({' | '.join(parts)})"
        k = column.letter.lower()
        parts = ['"NULL"']
        written = self._assembly.terminals.literal("n" if k == "x" else k)
        if column.values:
            parts.append(any_of(_texts(column, self._dialect.name)))
        elif written:
            parts.append(written)
        if has_scope and not column.values:
            found = "n" if k == "x" else k
            for rule in (f"v_{found}", f"case_{found}"):
                if self._assembly.has(rule, target.scope):
                    parts.append(f"{rule}_{target.scope}")
        return f"({' | '.join(parts)})"

    def _update(self, target: Target) -> list[str]:
        head = f'"UPDATE " {target.table} " SET " '
        if not target.columns:
            value = self._value(target, None, True)
            one = f'{target.column} " = " {value}'
            return [f'{head} {one} (", " {one}){{0,{_MAX_COLUMNS - 1}}} {self._where(target)}']
        # Each column at most once: in the table's order.
        rule = f"sets_{target.scope}"
        name = self._dialect.name
        for at, column in reversed(list(enumerate(target.columns))):
            value = self._value(target, column, True)
            one = f"{literal(quote_name(column.name, name) + ' = ')} {value}"
            later = f'(", " {rule}_{at + 1})?' if at + 1 < len(target.columns) else ""
            self._assembly.add(f"{rule}_{at}", f"{one} {later}")
            if at + 1 < len(target.columns):
                self._assembly.add(f"{rule}_{at}", f"{rule}_{at + 1}")
        return [f"{head} {rule}_0 {self._where(target)}"]

    def _insert(self, target: Target) -> list[str]:
        head = f'"INSERT INTO " {target.table}'
        if not target.columns:
            found = []
            listed = f'" (" {target.column} (", " {target.column}){{0,{_MAX_COLUMNS - 1}}} ")"'
            value = self._value(target, None, False)
            row = f'"(" {value} (", " {value}){{0,{_MAX_COLUMNS - 1}}} ")"'
            found.append(f'{head} ({listed})? " VALUES " {row} (", " {row}){{0,{_MAX_ROWS - 1}}}')
            if "query" in self._assembly.rule_names():
                found.append(f'{head} ({listed})? " " query')
            return found
        by_name = {column.name: column for column in target.columns}
        lists = [tuple(by_name)]
        if target.inserted and set(target.inserted) <= set(by_name):
            lists.insert(0, tuple(dict.fromkeys(target.inserted)))
        if len(by_name) > 1:
            lists.append(tuple(by_name)[1:])
        found = []
        for names in dict.fromkeys(lists):
            chosen = [by_name[one] for one in names]
            listed = literal(
                " (" + ", ".join(quote_name(c.name, self._dialect.name) for c in chosen) + ")"
            )
            is_all = len(chosen) == len(by_name)
            row = '"(" ' + ' ", " '.join(self._value(target, c, False) for c in chosen) + ' ")"'
            head_list = f"({listed})?" if is_all and names == tuple(by_name) else listed
            found.append(f'{head} {head_list} " VALUES " {row} (", " {row}){{0,{_MAX_ROWS - 1}}}')
        return found

    def _create_index(self, target: Target) -> str:
        column = target.column or any_of(
            quote_name(c.name, self._dialect.name) for c in target.columns if c.letter not in "UJ"
        )
        # No column twice: an index of one or two.
        one = f"({column})"
        more = f'(", " {one})?' if not target.columns else ""
        return (
            f'"CREATE " ("UNIQUE ")? "INDEX " NEWNAME " ON " {target.table} " (" {one} {more} ")"'
        )

    def _alter(self, target: Target) -> list[str]:
        head = f'"ALTER TABLE " {target.table}'
        columns = target.column or any_of(
            quote_name(c.name, self._dialect.name) for c in target.columns
        )
        return [
            f'{head} " ADD COLUMN " NEWNAME " " COLUMNTYPE',
            f'{head} " RENAME COLUMN " ({columns}) " TO " NEWNAME',
            f'{head} " RENAME TO " NEWNAME',
            f'{head} " DROP COLUMN " ({columns})',
        ]

    def _create_table(self, targets: list[Target]) -> str:
        del targets
        column = 'NEWNAME " " COLUMNTYPE (" NOT NULL" | " UNIQUE")?'
        key = '(NEWNAME " " COLUMNTYPE " PRIMARY KEY" | NEWNAME " " COLUMNTYPE " NOT NULL"?)'
        return f'"CREATE TABLE " NEWNAME " (" {key} (", " {column}){{0,{_MAX_COLUMNS - 1}}} ")"'


def _texts(column: ScopeColumn, dialect: str) -> list[str]:
    from sqlstrictd.schema.names import quote_string

    return [quote_string(value, dialect) for value in column.values]

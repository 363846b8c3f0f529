"""The queries that INSERT may take its rows from: as many columns as it names, each of its class.

`writes.py` asks for them by the columns to be filled and the scope to read from. Where the draft
says which of its outputs are aggregates, the others are what its query groups by.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlstrictd.constraint.assembly import Assembly
from sqlstrictd.constraint.column_literals import Literals, WrittenColumn
from sqlstrictd.constraint.scopes import Scope
from sqlstrictd.constraint.skeleton import Defined
from sqlstrictd.constraint.terminals import literal
from sqlstrictd.schema.names import fold, quote_name


class Inserted:
    """Writes queries for INSERT."""

    def __init__(self, assembly: Assembly, literals: Literals) -> None:
        self._assembly = assembly
        self._manner = assembly.manner
        self._literals = literals

    def queries(
        self, columns: Sequence[WrittenColumn], scope: Scope, draft: Defined | None
    ) -> list[str]:
        """Return the bodies of queries over a scope that give these columns their values."""
        at = scope.label
        if scope.outer or not self._assembly.has("source_0", at):
            return []
        found = []
        plain = [self._item(one, scope, is_literal=True) for one in columns]
        if all(plain):
            order = f"(order_{at} limit)?" if self._assembly.has("order", at) else ""
            found.append(f'"SELECT " {_list(plain)} source_0_{at} {order}')
        distinct = [self._item(one, scope, is_literal=False) for one in columns]
        if all(distinct) and not any(one.letter in "UJ" for one in columns):
            found.append(f'"SELECT " "DISTINCT " {_list(distinct)} source_0_{at}')
        outputs = draft.outputs if draft is not None else ()
        if len(outputs) == len(columns) and any(one.is_total for one in outputs):
            mixed = [
                self._total(one) if output.is_total else self._item(one, scope, is_literal=False)
                for one, output in zip(columns, outputs, strict=True)
            ]
            keys = [str(number) for number, one in enumerate(outputs, 1) if not one.is_total]
            groups = f'" GROUP BY {", ".join(keys)}"' if keys else ""
            texts = [text.replace("@", at) for text in mixed]
            if all(self._has_total(one, at) for one, o in zip(columns, outputs, strict=True)
                   if o.is_total) and all(texts):  # fmt: skip
                found.append(f'"SELECT " {_list(texts)} source_0_{at} {groups}')
        return found

    def compound(self, columns: Sequence[WrittenColumn], scopes: Sequence[Scope], rule: str) -> str:
        """Add the sides of a set operation over scopes; return its body, empty where none is.

        No literals in them: a side's column has the type of its own side first.
        """
        sides = []
        for scope in scopes:
            if scope.outer or not self._assembly.has("source_0", scope.label):
                continue
            items = [self._item(one, scope, is_literal=False) for one in columns]
            if all(items):
                sides.append(f'"SELECT " {_list(items)} source_0_{scope.label}')
        if not sides or any(one.letter in "UJ" for one in columns):
            return ""
        self._assembly.add(rule, *sides)
        return f"{rule} (SETOP {rule}){{1,2}}"

    def _item(self, column: WrittenColumn, scope: Scope, is_literal: bool) -> str:
        """Write what of a scope may fill a column; empty where nothing may."""
        literals = self._literals.of(column)
        if column.is_nullable:
            literals.append('"NULL"')
        parts = self._expressions(column, scope)
        return " | ".join([*parts, *literals] if is_literal else parts)

    def _expressions(self, column: WrittenColumn, scope: Scope) -> list[str]:
        is_own = column.values or column.letter == "U"
        if is_own or (column.letter == "O" and self._manner.is_typed):
            return self._alike(column, scope)
        k = self._manner.of("N" if column.letter == "X" else column.letter)
        rules = (f"v_{k}", f"case_{k}")
        return [f"{r}_{scope.label}" for r in rules if self._assembly.has(r, scope.label)]

    def _alike(self, column: WrittenColumn, scope: Scope) -> list[str]:
        """Spell the columns of a scope that hold the same type and closed list of values."""
        dialect = self._manner.dialect.name
        names = [fold(c.name) for one in scope.instances for c in one.columns]
        spelled = []
        for one in scope.instances:
            for c in one.columns:
                if c.type != column.type or c.values != column.values:
                    continue
                name = literal(quote_name(c.name, dialect))
                spelled.append(f"{literal(one.qualifier(dialect) + '.')} {name}")
                if names.count(fold(c.name)) == 1:
                    spelled.append(name)
        return spelled

    def _total(self, column: WrittenColumn) -> str:
        k = self._manner.of("N" if column.letter == "X" else column.letter)
        return f"tot_{k}_@"

    def _has_total(self, column: WrittenColumn, at: str) -> bool:
        if column.values:
            return False
        return self._assembly.has(self._total(column).removesuffix("_@"), at)


def _list(parts: Sequence[str]) -> str:
    return ' ", " '.join(f"({one})" for one in parts)

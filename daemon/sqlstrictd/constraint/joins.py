"""The FROM clauses of a scope: its tables in every order that keys allow, each join with its ON.

Where no order is linked by keys throughout, tables that no key links join on any two columns.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from sqlstrictd.constraint.lark import literal
from sqlstrictd.constraint.sets import JoinKey, JoinKeys
from sqlstrictd.constraint.styles import Instance, Scope, Style
from sqlstrictd.schema.names import fold, quote_name
from sqlstrictd.schema.types import Schema


class FromClauses:
    """Writes the rules `from_LABEL` of scopes; remembers the ON rules that they share."""

    def __init__(self, schema: Schema, keys: JoinKeys, column_terminals: dict[str, str]) -> None:
        self._schema = schema
        self._keys = keys
        self._columns = column_terminals
        self._shared: dict[tuple[Instance, Instance, bool], str] = {}
        self._rules: list[str] = []

    def rules(self, scope: Scope) -> list[str]:
        """Write the rules of one scope, with those ON rules that no earlier scope needed."""
        self._rules = []
        declarations = [""] if scope.style is Style.PLAIN else [" AS "]
        if scope.style is Style.INITIALS:
            declarations.append(" ")
        starts = [
            self._clause(scope, f"{scope.label}{n}", how) for n, how in enumerate(declarations)
        ]
        return [f"from_{scope.label}: {' | '.join(starts)}", *self._rules]

    def _clause(self, scope: Scope, label: str, declaration: str) -> str:
        """Write the rules for one way of declaring aliases; return the name of the first."""
        everything = frozenset(range(len(scope.instances)))
        for may_be_any in (False, True):
            written: dict[frozenset[int], list[str]] = {}
            for at, instance in enumerate(scope.instances):
                if at == 0 or not scope.is_ordered:
                    written[frozenset({at})] = [_declare(instance, declaration)]
            for size in range(2, len(scope.instances) + 1):
                for chosen in map(frozenset, combinations(range(len(scope.instances)), size)):
                    joins = list(
                        self._last_joins(scope, label, chosen, written, declaration, may_be_any)
                    )
                    if joins:
                        written[chosen] = joins
            if everything in written:
                break
        for chosen, alternatives in written.items():
            self._rules.append(f"{_rule(label, chosen)}: {' | '.join(alternatives)}")
        return _rule(label, everything)

    def _last_joins(
        self,
        scope: Scope,
        label: str,
        chosen: frozenset[int],
        written: dict[frozenset[int], list[str]],
        declaration: str,
        may_be_any: bool,
    ) -> Iterator[str]:
        for last in sorted(chosen):
            before = chosen - {last}
            if before not in written or (scope.is_ordered and last != max(chosen)):
                continue
            instance = scope.instances[last]
            conditions = [
                rule
                for other in sorted(before)
                if (rule := self._condition(scope.instances[other], instance, may_be_any))
            ]
            if conditions:
                on = " | ".join(conditions)
                yield f'{_rule(label, before)} JOIN {_declare(instance, declaration)} " ON " ({on})'

    def _condition(self, left: Instance, right: Instance, may_be_any: bool) -> str:
        """Name the rule for what joins two instances, written once; empty where nothing does."""
        keys = self._keys.between(left.table, right.table)
        if left.table == right.table:
            names = self._column_names(left.table)
            keys = [*keys, *(key.flipped() for key in keys)]
            keys += [JoinKey((name,), (name,)) for name in names]
        if not keys and not may_be_any:
            return ""
        shared = (left, right, not keys)
        if shared not in self._shared:
            name = f"on_{len(self._shared)}"
            self._shared[shared] = name
            if keys:
                self._write_keys(name, left, right, keys)
            else:
                one, other = left.qualifier, right.qualifier
                a, b = self._columns[left.table], self._columns[right.table]
                self._rules.append(
                    f"{name}: {literal(one + '.')} {a} {literal(f' = {other}.')} {b}"
                    f" | {literal(other + '.')} {b} {literal(f' = {one}.')} {a}"
                )
        return self._shared[shared]

    def _write_keys(self, name: str, left: Instance, right: Instance, keys: list[JoinKey]) -> None:
        """Write a rule of one equation that a key gives, and of one more beside it."""
        pairs = {
            pair: None
            for key in keys
            for pair in zip(key.left_columns, key.right_columns, strict=True)
        }
        same = {fold(column): column for column in self._column_names(right.table)}
        more = dict(pairs)
        for column in self._column_names(left.table):
            if left.table != right.table and fold(column) in same:
                more[column, same[fold(column)]] = None
        first = " | ".join(_equation(left, right, pair) for pair in pairs)
        if len(more) == 1:
            self._rules.append(f"{name}: {first}")
            return
        second = " | ".join(_equation(left, right, pair) for pair in more)
        self._rules.append(f'{name}: ({first}) (" AND " ({second}))?')

    def _column_names(self, table: str) -> tuple[str, ...]:
        found = self._schema.table(table)
        return found.column_names if found else ()


def _equation(left: Instance, right: Instance, pair: tuple[str, str]) -> str:
    """Write two columns as equal, either way round."""
    sides = [(left.qualifier, quote_name(pair[0])), (right.qualifier, quote_name(pair[1]))]
    return " | ".join(
        f"{literal(a + '.')} {literal(x)} {literal(f' = {b}.')} {literal(y)}"
        for (a, x), (b, y) in (sides, sides[::-1])
    )


def _declare(instance: Instance, declaration: str) -> str:
    table = literal(quote_name(instance.table))
    return f"{table} {literal(declaration + instance.alias)}" if instance.alias else table


def _rule(label: str, chosen: frozenset[int]) -> str:
    return f"from_{label}_{sum(1 << at for at in chosen)}"

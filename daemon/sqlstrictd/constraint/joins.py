"""The FROM clauses of a scope: its tables in every order that keys allow, each join with its ON.

Where no order is linked by keys throughout, tables that no key links join on any two columns.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
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
        self._shared: dict[tuple[str, Instance, Instance], str] = {}
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
            others = [scope.instances[other] for other in sorted(before)]
            first = [self._first_condition(other, instance, may_be_any) for other in others]
            if not any(first):
                continue
            on = " | ".join(filter(None, first))
            further = [self._second(other, instance, len(others) == 1) for other in others]
            second = " | ".join(filter(None, further))
            also = f'(" AND " ({second}))?' if second else ""
            joined = _declare(instance, declaration)
            yield f'{_rule(label, before)} JOIN {joined} " ON " ({on}) {also}'

    def _first_condition(self, left: Instance, right: Instance, may_be_any: bool) -> str:
        """Name the rule for what joins two instances; empty where nothing does."""
        keys = self._keys.between(left.table, right.table)
        pairs = _column_pairs(keys)
        if left.table == right.table:
            pairs += _column_pairs([key.flipped() for key in keys])
            pairs += [(name, name) for name in self._column_names(left.table)]
        if pairs:
            return self._share("first", left, right, pairs)
        if not may_be_any:
            return ""
        one, other = f"{left.qualifier}.", f"{right.qualifier}."
        a, b = self._columns[left.table], self._columns[right.table]
        text = (
            f"{literal(one)} {a} {literal(f' = {other}')} {b}"
            f" | {literal(other)} {b} {literal(f' = {one}')} {a}"
        )
        return self._name_rule("any", left, right, text)

    def _second(self, left: Instance, right: Instance, is_alone: bool) -> str:
        """Name the rule for a further condition: another key, or columns of the same name.

        Empty where there is none; `is_alone` says that no other instance gave the first one.
        """
        pairs = _column_pairs(self._keys.between(left.table, right.table))
        same = {fold(name): name for name in self._column_names(right.table)}
        for name in self._column_names(left.table):
            if left.table != right.table and fold(name) in same:
                pairs.append((name, same[fold(name)]))
        pairs = list(dict.fromkeys(pairs))
        if not pairs or (is_alone and len(pairs) == 1):
            return ""
        return self._share("second", left, right, pairs)

    def _share(
        self, kind: str, left: Instance, right: Instance, pairs: list[tuple[str, str]]
    ) -> str:
        text = " | ".join(_equation(left, right, pair) for pair in dict.fromkeys(pairs))
        return self._name_rule(kind, left, right, text)

    def _name_rule(self, kind: str, left: Instance, right: Instance, text: str) -> str:
        """Write a rule that all scopes with the same two instances share; return its name."""
        shared = (kind, left, right)
        if shared not in self._shared:
            self._shared[shared] = f"on_{len(self._shared)}"
            self._rules.append(f"{self._shared[shared]}: {text}")
        return self._shared[shared]

    def _column_names(self, table: str) -> tuple[str, ...]:
        found = self._schema.table(table)
        return found.column_names if found else ()


def _column_pairs(keys: Iterable[JoinKey]) -> list[tuple[str, str]]:
    return [pair for key in keys for pair in zip(key.left_columns, key.right_columns, strict=True)]


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

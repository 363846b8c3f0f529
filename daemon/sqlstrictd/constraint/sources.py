"""The FROM clauses of a scope: its sources in every order allowed, each join with its condition.

Sources join on keys; two that no key links join on any two columns of one class. Columns of the
statement's own tables join by their names.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice, permutations

from sqlstrictd.constraint.scopes import Instance, Scope, ScopeColumn
from sqlstrictd.constraint.sets import FromSet, JoinKeys
from sqlstrictd.constraint.terminals import Terminals, any_of, literal
from sqlstrictd.dialects.facts import STATEMENT_WORDS
from sqlstrictd.schema.names import fold, quote_name

Pairs = tuple[tuple[str, str], ...]

# Orders of one set of tables that a grammar spells out.
MAX_ORDERS = 8
# Pairs of columns that one join may be on where nothing links two sources.
_MAX_PAIRS = 400
ALWAYS = frozenset({"INNER JOIN", "LEFT OUTER JOIN"})  # other words for joins that all have
JOINS = ("JOIN", "INNER JOIN", "LEFT JOIN", "LEFT OUTER JOIN", "RIGHT JOIN", "FULL JOIN")


class FromRules:
    """Writes the rule `from` of scopes; `body` names the rule of a derived table's query."""

    def __init__(
        self, keys: JoinKeys, terminals: Terminals, is_typed: bool, body: Callable[[str], str]
    ) -> None:
        self._keys = keys
        self._dialect = terminals.dialect
        self._is_typed = is_typed
        self._body = body
        words = [word for word in JOINS if word in self._dialect.joins or word in ALWAYS]
        terminals.define("JOINED", any_of(f" {word} " for word in words))
        terminals.define("INNERJOINED", any_of([" JOIN ", " INNER JOIN "]))
        # SQLite alone takes commas and joins without a condition among others.
        further = [", ", " JOIN "] if self._dialect.name == "sqlite" else []
        terminals.define("CROSSED", any_of([" CROSS JOIN ", *further]))

    def rules(self, scope: Scope, is_inner: bool = False) -> list[str]:
        """Write the alternatives of a scope's FROM clause; `is_inner` leaves outer joins out."""
        found = [self._clause(order, scope.pairs) for order in scope.orders]
        return [one.replace("JOINED", "INNERJOINED") for one in found] if is_inner else found

    def _clause(self, order: tuple[Instance, ...], pairs: Pairs) -> str:
        text = self._declare(order[0])
        for at in range(1, len(order)):
            if self._dialect.name != "sqlite" and all(o.joined == "cross" for o in order[at:]):
                # ON sees no further to the left than a comma, so there are commas or joins.
                commas = " ".join(f'", " {self._declare(one)}' for one in order[at:])
                joins = [self._join(order, number, pairs) for number in range(at, len(order))]
                return f"{text} ({commas} | {' '.join(joins)})"
            text += f" {self._join(order, at, pairs)}"
        return text.strip()

    def _join(self, order: tuple[Instance, ...], at: int, pairs: Pairs) -> str:
        """Write how one source is joined to those before it."""
        instance = order[at]
        last = '(" AND " cond_@){0,2}' if at == len(order) - 1 else ""
        first = self._first(order[:at], instance, pairs)
        joined = f'JOINED {self._declare(instance)} " ON " ({first}) {last}'
        if instance.joined != "cross" and first:
            return joined
        crossed = f"CROSSED {self._declare(instance)}"
        return f"({crossed} | {joined})" if first else crossed

    def _declare(self, instance: Instance) -> str:
        name = quote_name(instance.name, self._dialect.name)
        alias = quote_name(instance.alias, self._dialect.name) if instance.alias else ""
        body = self._body(instance.name) if instance.is_defined else ""
        if body:
            called = quote_name(instance.label, self._dialect.name)
            return f'"(" {body} ")" ({self._called(called)})'
        return f"{literal(name)} ({self._called(alias)})" if alias else literal(name)

    def _called(self, alias: str) -> str:
        """Write an alias with AS, and without where that can only be an alias."""
        needs_as = alias.upper() in self._dialect.alias_words | STATEMENT_WORDS
        return any_of([f" AS {alias}"] + ([] if needs_as else [f" {alias}"]))

    def _first(self, before: tuple[Instance, ...], instance: Instance, pairs: Pairs) -> str:
        """Write what joins an instance to those before it; empty where nothing can."""
        linked = [text for one in before for text in self._keyed(one, instance)]
        linked += self._paired((*before, instance), pairs)
        if not linked:
            linked = [
                text for one in before for text in islice(self._alike(one, instance), _MAX_PAIRS)
            ]
        return " | ".join(dict.fromkeys(linked))

    def _keyed(self, left: Instance, right: Instance) -> Iterator[str]:
        if left.is_defined or right.is_defined:
            names = {fold(column.name): column for column in right.columns}
            for column in left.columns:
                other = names.get(fold(column.name))
                if other is not None and self._fit(column.letter, other.letter):
                    yield self._equation(left, right, column.name, other.name)
            return
        keys = self._keys.between(left.name, right.name)
        if left.name == right.name:
            keys = [*keys, *(key.flipped() for key in keys)]
        letters = {fold(column.name): column.letter for column in left.columns}
        others = {fold(column.name): column.letter for column in right.columns}
        for key in keys:
            pairs = list(zip(key.left_columns, key.right_columns, strict=True))
            pairs = [
                (a, b) for a, b in pairs if self._fit(letters.get(fold(a)), others.get(fold(b)))
            ]
            for a, b in pairs:
                yield self._equation(left, right, a, b)
            if len(pairs) > 1:
                both = [self._equation(left, right, a, b, is_flipped=False) for a, b in pairs]
                yield ' " AND " '.join(f"({one})" for one in both)
        if left.name == right.name:
            for column in left.columns:
                if self._fit(column.letter, column.letter):
                    yield self._equation(left, right, column.name, column.name)

    def _paired(self, visible: tuple[Instance, ...], pairs: Pairs) -> Iterator[str]:
        """Yield the pairs of columns that the skeleton holds equal, where both exist and fit."""
        for one, other in pairs:
            left, right = self._find(visible, one), self._find(visible, other)
            if left is None or right is None or left is right:
                continue
            a, b = left[1], right[1]
            if self._fit(a.letter, b.letter) and (a.letter != "O" or a.type == b.type):
                texts = [self._spell(*left, one), self._spell(*right, other)]
                yield _equal(*texts)

    def _find(
        self, visible: tuple[Instance, ...], spelled: str
    ) -> tuple[Instance, ScopeColumn] | None:
        """Find the column that a name means, qualified or not."""
        label, _, name = fold(spelled).rpartition(".")
        found = [
            (one, column)
            for one in visible
            for column in one.columns
            if fold(column.name) == name and label in ("", fold(one.label))
        ]
        return found[0] if len(found) == 1 else None

    def _spell(self, instance: Instance, column: ScopeColumn, spelled: str) -> str:
        name = literal(quote_name(column.name, self._dialect.name))
        qualifier = literal(instance.qualifier(self._dialect.name) + ".")
        return f"{qualifier} {name}" if "." in spelled else name

    def _alike(self, left: Instance, right: Instance) -> Iterator[str]:
        """Yield pairs of columns that can be compared, same names first."""
        pairs = [
            (a.name, b.name)
            for a in left.columns
            for b in right.columns
            if self._fit(a.letter, b.letter) and (a.letter != "O" or a.type == b.type)
        ]
        pairs.sort(key=lambda pair: fold(pair[0]) != fold(pair[1]))
        for a, b in pairs:
            yield self._equation(left, right, a, b)

    def _fit(self, one: str | None, other: str | None) -> bool:
        if one is None or other is None:
            return False
        if not self._is_typed:
            return True
        one, other = one.replace("X", "N"), other.replace("X", "N")
        return (one == other and one not in "UJ") or {one, other} == {"D", "S"}

    def _equation(
        self, left: Instance, right: Instance, a: str, b: str, is_flipped: bool = True
    ) -> str:
        sides = [
            f"{literal(instance.qualifier(self._dialect.name) + '.')}"
            f" {literal(quote_name(column, self._dialect.name))}"
            for instance, column in ((left, a), (right, b))
        ]
        return _equal(*sides) if is_flipped else f'{sides[0]} " = " {sides[1]}'


def _equal(one: str, other: str) -> str:
    """Write two columns as equal, either way round."""
    return f'{one} " = " {other} | {other} " = " {one}'


def linked_orders(names: FromSet, keys: JoinKeys) -> list[FromSet]:
    """List orders in which each table after the first is linked to one that stands before it.

    Where there is none, every order; at most MAX_ORDERS.
    """
    orders = list(dict.fromkeys(islice(permutations(names), 200)))
    linked = [
        order
        for order in orders
        if all(
            any(keys.between(before, order[at]) for before in order[:at])
            for at in range(1, len(order))
        )
    ]
    return (linked or orders)[:MAX_ORDERS]

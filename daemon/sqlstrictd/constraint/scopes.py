"""Scopes: what the queries over one FROM clause see, as the rules that all others build on.

A scope is one copy of the expression rules under a label. This file writes the rules that differ
between scopes: the columns by value class (`c_K`, `b_K`), those with a closed list of values
(`vals`), the stars, and comparisons of columns that are of one type that no class covers (`ocmp`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from sqlstrictd.constraint.manner import Manner
from sqlstrictd.constraint.terminals import Terminals, any_of, literal
from sqlstrictd.dialects import value_class
from sqlstrictd.dialects.facts import Dialect
from sqlstrictd.schema.names import fold, quote_name, quote_string
from sqlstrictd.schema.types import Table

# Values of one column that the grammar spells out.
_MAX_VALUES = 60


@dataclass(frozen=True)
class ScopeColumn:
    """A column as the grammar knows it: its name, value class, type and closed list of values."""

    name: str
    letter: str
    type: str = ""
    values: tuple[str, ...] = ()
    is_generated: bool = False  # cannot be written

    def without_values(self) -> ScopeColumn:
        """The same column with no closed list of values."""
        return ScopeColumn(self.name, self.letter, self.type)


@dataclass(frozen=True)
class Instance:
    """A source of a FROM clause: a table (or one of the statement's own) under a qualifier."""

    name: str  # as the schema spells it
    alias: str
    columns: tuple[ScopeColumn, ...]
    joined: str = "on"
    is_defined: bool = False  # a table of the statement's own

    @property
    def label(self) -> str:
        """What it is called in its query."""
        return self.alias or self.name

    def qualifier(self, dialect: str) -> str:
        """What its columns are qualified with, as SQL."""
        return quote_name(self.label, dialect)


@dataclass(frozen=True)
class Scope:
    """The instances of a FROM clause in the orders they may be joined in, and what is around it."""

    label: str
    orders: tuple[tuple[Instance, ...], ...]
    outer: tuple[Instance, ...] = ()
    keys: tuple[str, ...] = ()
    order_aliases: tuple[str, ...] = ()
    pairs: tuple[tuple[str, str], ...] = ()
    # Keys that are expressions: how the skeleton has them, the rule's body, and the class.
    expressions: tuple[tuple[str, str, str], ...] = ()

    @property
    def instances(self) -> tuple[Instance, ...]:
        """The sources in their first order."""
        return self.orders[0]

    @property
    def labels(self) -> frozenset[str]:
        """The folded names that its sources are called by."""
        return frozenset(fold(one.label) for one in self.instances)


def table_columns(table: Table, dialect: Dialect) -> tuple[ScopeColumn, ...]:
    """Return the columns of a table with their value classes."""
    return tuple(
        ScopeColumn(
            column.name,
            value_class(column.type, dialect),
            column.type,
            # A number is compared in more ways than with equals; a SET holds several of its values.
            () if column.has_number_values or column.type == "SET" else column.values,
            column.is_generated,
        )
        for column in table.columns
    )


def spellings(
    scope: Scope, dialect: str, fits: Callable[[Instance, ScopeColumn], bool]
) -> Iterator[tuple[str, ScopeColumn]]:
    """Yield how each column of a scope that fits may be written, as bodies of rules."""
    counts = Counter(fold(c.name) for one in scope.instances for c in one.columns)
    for one in scope.instances:
        for column in one.columns:
            if fits(one, column):
                bare = literal(quote_name(column.name, dialect))
                # Two terminals, as everywhere: one would hide the qualifier from the lexer.
                yield f"{literal(one.qualifier(dialect) + '.')} {bare}", column
                if counts[fold(column.name)] == 1:
                    yield bare, column


class ColumnRules:
    """Writes the column rules of scopes; terminals of equal content are shared among them."""

    def __init__(self, manner: Manner, terminals: Terminals) -> None:
        self._dialect = manner.dialect
        self._is_typed = manner.is_typed
        self._apart = manner.apart
        self._terminals = terminals
        self._named: dict[str, str] = {}

    def rules(self, scope: Scope) -> dict[str, list[str]]:
        """Write the rules of one scope, by name without the label."""
        found: dict[str, list[str]] = {}
        for prefix, columns in self._spellings(scope):
            self.add(found, prefix, columns)
        if self._is_typed and ("c_x" in found or "c_n" in found):
            numbers = found.setdefault("c_n", [])
            if "c_x" in found:
                numbers.append("c_x_@")
            if "b_x" in found:
                found.setdefault("b_n", []).append("b_x_@")
        self._add_comparisons(found, scope)
        found["star"] = [
            f'{literal(one.qualifier(self._dialect.name) + ".")} "*"' for one in scope.instances
        ]
        # No DISTINCT over what cannot be compared.
        if all(column.letter not in "UJ" for one in scope.instances for column in one.columns):
            found["evenstar"] = ["star_@"]
            found["allstar"] = ['"*"']
        return found

    def _spellings(self, scope: Scope) -> Iterable[tuple[str, list[ScopeColumn]]]:
        """Yield qualifiers, as literals, with the columns that may follow; empty for bare names."""
        counts = Counter(fold(c.name) for one in scope.instances for c in one.columns)
        bare = [c for one in scope.instances for c in one.columns if counts[fold(c.name)] == 1]
        yield "", bare
        for one in (*scope.instances, *scope.outer):
            yield literal(one.qualifier(self._dialect.name) + "."), list(one.columns)

    def add(self, found: dict[str, list[str]], prefix: str, columns: list[ScopeColumn]) -> None:
        """Add the columns that may follow a prefix to rules by name without the label."""
        by_class: dict[str, list[ScopeColumn]] = {}
        for column in columns:
            k = column.letter.lower() if self._is_typed else "v"
            if column.letter in self._apart:
                k = column.letter.lower()
            by_class.setdefault(k, []).append(column)
        for k, own in by_class.items():
            found.setdefault(f"c_{k}", []).append(f"{prefix} {self._terminal(own)}".strip())
            free = [column for column in own if not column.values]
            if free and k not in "ouj":
                found.setdefault(f"b_{k}", []).append(f"{prefix} {self._terminal(free)}".strip())
        if self._dialect.array_start:
            self._add_arrays(found, prefix, columns)
        for column in columns:
            if column.values:
                self._add_values(found, prefix, column)

    def _add_arrays(
        self, found: dict[str, list[str]], prefix: str, columns: list[ScopeColumn]
    ) -> None:
        """Add arrays by the class of their elements; `own` ones are of the type of literals."""
        by_rule: dict[str, list[ScopeColumn]] = {}
        for column in columns:
            element = column.type.upper().removesuffix("[]")
            if element == column.type.upper() or element.endswith("]"):
                continue
            k = value_class(element, self._dialect).lower() if self._is_typed else "v"
            by_rule.setdefault(f"arr_{k}", []).append(column)
            if element in ("TEXT", "INTEGER", "INT", "INT4"):
                by_rule.setdefault(f"own_{k}", []).append(column)
        if "arr_x" in by_rule:
            by_rule["arr_n"] = by_rule.get("arr_n", []) + by_rule["arr_x"]
        for rule, own in by_rule.items():
            found.setdefault(rule, []).append(f"{prefix} {self._terminal(own)}".strip())

    def _add_values(self, found: dict[str, list[str]], prefix: str, column: ScopeColumn) -> None:
        texts = [quote_string(one, self._dialect.name) for one in column.values[:_MAX_VALUES]]
        name = self._share(any_of(texts), "VAL")
        spelled = f"{prefix} {self._terminal([column])}".strip()
        found.setdefault("vals", []).append(
            f'{spelled} (EQ {name} | IN {name} (", " {name}){{0,15}} ")")'
        )

    def _add_comparisons(self, found: dict[str, list[str]], scope: Scope) -> None:
        """Let columns of one type that no class covers equal each other."""
        if not self._is_typed:
            return
        by_type: dict[str, list[str]] = {}
        alone = next(columns for prefix, columns in self._spellings(scope) if not prefix)
        for one in (*scope.instances, *scope.outer):
            prefix = literal(one.qualifier(self._dialect.name) + ".")
            for column in one.columns:
                if column.letter == "O" and column.type:
                    text = f"{prefix} {self._terminal([column])}"
                    by_type.setdefault(column.type, []).append(text)
        for type_, texts in by_type.items():
            written = self._dialect.other_literals.get(type_.split("(")[0])
            if written:
                bare = [self._terminal([c]) for c in alone if c.letter == "O" and c.type == type_]
                either = " | ".join([*texts, *bare])
                found.setdefault("ocmp", []).append(f"({either}) CMP {written}")
            if len(texts) > 1:
                either = " | ".join(texts)
                found.setdefault("ocmp", []).append(f"({either}) EQ ({either})")

    def _terminal(self, columns: list[ScopeColumn]) -> str:
        names = [quote_name(column.name, self._dialect.name) for column in columns]
        return self._share(any_of(names), "C")

    def _share(self, body: str, prefix: str) -> str:
        if body not in self._named:
            self._named[body] = self._terminals.define(f"{prefix}_{len(self._named)}", body)
        return self._named[body]

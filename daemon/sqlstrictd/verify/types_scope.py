"""What the names of a query stand for, with their types: sources, their columns, and look-up.

`scope.py` has said before that every name is in scope and means one thing; this finds the type of
it and the query that it belongs to. Filled by `types_queries.py`, asked by `types_expressions.py`
and `grouping.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from sqlglot import exp

from sqlstrictd.schema.names import fold
from sqlstrictd.schema.types import Table


class Wrong(Exception):
    """A statement's first mistake, with the node that it is nearest to."""

    def __init__(self, message: str, node: exp.Expr | None) -> None:
        super().__init__(message)
        self.message = message
        self.node = node


@dataclass(frozen=True, slots=True)
class Value:
    """An expression's type, with what else its place may ask for.

    `literal` is the text of a literal in quotes that has no type yet; `items` are the values of a
    row in parentheses. `modifier` is what its type is bounded by, "(10,2)", where the dialect asks
    for that; most expressions lose it.
    """

    type: str
    literal: str | None = None
    items: tuple[Value, ...] = ()
    modifier: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Output:
    """One output column of a query: its folded name (empty where it has none) and its value.

    `node` is its expression; what a star stands for has a `meaning` in its place.
    """

    name: str
    value: Value
    node: exp.Expr | None = None
    meaning: Meaning | None = None


Outputs = tuple[Output, ...]


@dataclass(eq=False, slots=True)
class TypedSource:
    """One table or query of a FROM clause: its label and its columns by folded name."""

    label: str
    columns: dict[str, Value]
    table: Table | None = None


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a column's name stands for: the query, the source in it, the column, and its value."""

    scope: TypedScope
    source: TypedSource
    column: str
    value: Value


@dataclass(eq=False, slots=True)
class TypedScope:
    """The sources of one query, those of the queries around it, and where the check stands in it.

    `merged` holds columns that USING or NATURAL made one, with the source that they are read from.
    """

    parent: TypedScope | None
    ctes: dict[str, Outputs]
    sources: list[TypedSource] = field(default_factory=list)
    merged: dict[str, tuple[TypedSource, Value]] = field(default_factory=dict)
    aliases: dict[str, Output] = field(default_factory=dict)
    windows: frozenset[str] = frozenset()
    clause: str = "FROM"
    in_aggregate: bool = False
    in_window: bool = False
    has_aggregates: bool = False

    def find(self, column: exp.Column) -> Meaning | None:
        """Look a column's name up here and in the queries around."""
        level: TypedScope | None = self
        while level is not None:
            found = level.find_here(column)
            if found is not None:
                return found
            level = level.parent
        return None

    def find_here(self, column: exp.Column) -> Meaning | None:
        """Look a column's name up in this query alone."""
        name = fold(column.name)
        if column.table:
            label = fold(column.table)
            for source in self.sources:
                if source.label == label and name in source.columns:
                    return Meaning(self, source, name, source.columns[name])
            return None
        if name in self.merged:
            source, value = self.merged[name]
            return Meaning(self, source, name, value)
        for source in self.sources:
            if name in source.columns:
                return Meaning(self, source, name, source.columns[name])
        return None

    def columns(self, label: str = "") -> Iterator[tuple[TypedSource, str, Value]]:
        """Yield source, name and value of what a star stands for."""
        seen: set[str] = set()
        if not label:
            for name, (source, value) in self.merged.items():
                seen.add(name)
                yield source, name, value
        for source in self.sources:
            if not label or source.label == label:
                for name, value in source.columns.items():
                    if name not in seen:
                        yield source, name, value

"""What the FROM clause of a query offers, and how a name is looked up in it and outside it.

The rules are SQLite's: the innermost query that has the column wins; an output's alias counts only
where no table has a column of that name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sqlstrictd.schema.names import fold
from sqlstrictd.schema.types import Table

# The names of a query's output columns; None for an expression without a name.
Outputs = tuple[str | None, ...]
# The statement's own tables (WITH), by folded name.
Ctes = Mapping[str, Outputs]


@dataclass(slots=True)
class Source:
    """One table, or query in parentheses, of a FROM clause.

    `columns` maps folded names to names as spelled. `hidden` holds those that USING or NATURAL
    merged with an earlier source's. `table` is None unless it is a table of the schema. A source
    that is not known takes every name, so that one mistake is reported once.
    """

    label: str
    columns: dict[str, str]
    table: Table | None = None
    hidden: set[str] = field(default_factory=set)
    is_known: bool = True

    def has(self, column: str) -> bool:
        """Whether it has a column of this folded name."""
        return column in self.columns or not self.is_known


@dataclass(slots=True)
class Scope:
    """The sources of one query, those of the queries around it, and its visible aliases."""

    parent: Scope | None
    ctes: Ctes
    sources: list[Source] = field(default_factory=list)
    aliases: frozenset[str] = frozenset()

    def find(self, column: str, label: str | None) -> list[Source]:
        """Return the sources that a folded name may mean here; two or more are ambiguous."""
        if label is not None:
            return [s for s in self.sources if s.label == label and s.has(column)]
        return [s for s in self.sources if s.has(column) and column not in s.hidden]


def source_of_outputs(label: str, outputs: Outputs, declared: Sequence[str] = ()) -> Source:
    """Make a source of a query's outputs, under the names of a column list where there is one."""
    columns: dict[str, str] = {}
    for name in declared or outputs:
        if name is not None:
            columns.setdefault(fold(name), name)
    return Source(label, columns)


def source_of_table(label: str, table: Table) -> Source:
    """Make a source of a table of the schema."""
    return Source(label, {fold(name): name for name in table.column_names}, table)


def unknown_source(label: str) -> Source:
    """Make a source that stands for a table nobody knows."""
    return Source(label, {}, is_known=False)

"""What the FROM clause of a query offers, and how a name is looked up in it.

Names are the dialect's keys (`names.py`). Filled by `from_clause.py`, asked by `columns.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sqlstrictd.schema.types import Table


@dataclass(frozen=True, slots=True)
class Output:
    """An output column of a query: its key and name, both empty where it has no name."""

    key: str
    name: str


Outputs = tuple[Output, ...]
# The queries of WITH clauses that can be seen, by label.
Ctes = Mapping[str, Outputs]

UNNAMED = Output("", "")


@dataclass(slots=True)
class Source:
    """One table, or query in parentheses, of a FROM clause.

    `columns` maps keys to names as spelled; keys in `doubled` stand for two columns or more.
    `hidden` holds those that USING or NATURAL merged with an earlier source's. `table` is None
    unless it is a table of the schema. A source that is not known takes every name, so that one
    mistake is reported once. `shown` is its label as spelled.
    A namespace may stand before the label where it is the table's own name (`is_by_name`).
    """

    label: str
    shown: str
    columns: dict[str, str]
    table: Table | None = None
    doubled: frozenset[str] = frozenset()
    hidden: set[str] = field(default_factory=set)
    is_known: bool = True
    # Names of all its columns in order, doubled ones and those without a name included.
    outputs: Outputs = ()
    is_by_name: bool = False

    def has(self, key: str) -> bool:
        """Whether it has a column of this key."""
        return key in self.columns or not self.is_known


@dataclass(slots=True)
class Scope:
    """The sources of one query, those of the queries around it, and its visible aliases."""

    parent: Scope | None
    ctes: Ctes
    sources: list[Source] = field(default_factory=list)
    aliases: frozenset[str] = frozenset()
    windows: frozenset[str] = frozenset()

    def find(self, key: str, label: str | None) -> list[Source]:
        """Return the sources that a key may mean here; two or more are ambiguous."""
        if label is not None:
            return [s for s in self.sources if s.label == label and s.has(key)]
        return [s for s in self.sources if s.has(key) and key not in s.hidden]

    def part(self, start: int) -> Scope:
        """Return this scope with only the sources from an index on, as ON of a join sees it."""
        return Scope(self.parent, self.ctes, self.sources[start:], self.aliases, self.windows)


def source_of_outputs(label: str, shown: str, outputs: Outputs) -> Source:
    """Make a source of a query's outputs."""
    columns: dict[str, str] = {}
    doubled = set()
    for output in outputs:
        if output.key in columns:
            doubled.add(output.key)
        elif output.name:
            columns[output.key] = output.name
    return Source(label, shown, columns, doubled=frozenset(doubled), outputs=outputs)


def source_of_table(label: str, shown: str, table: Table, columns: dict[str, str]) -> Source:
    """Make a source of a table of the schema, with its columns by key."""
    outputs = tuple(Output(key, name) for key, name in columns.items())
    return Source(label, shown, columns, table, outputs=outputs)


def unknown_source(label: str, shown: str) -> Source:
    """Make a source that stands for a table nobody knows."""
    return Source(label, shown, {}, is_known=False)


def rename(outputs: Outputs, declared: Sequence[Output]) -> Outputs:
    """Return outputs under the names of a column list, which may be shorter."""
    return (*declared, *outputs[len(declared) :])

"""What to say of a name that nothing in scope has, or that too much has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sqlglot import exp

from sqlstrictd.schema.cursor import show
from sqlstrictd.schema.types import Schema
from sqlstrictd.verify.nearest import find_nearest
from sqlstrictd.verify.sources import Scope, Source

# A schema with more columns is not searched for likenesses outside the query's own tables.
_MOST_CANDIDATES: Final = 20_000


@dataclass(frozen=True, slots=True)
class Finding:
    """A message on one node of the tree."""

    message: str
    node: exp.Expr
    nearest: tuple[str, ...] = ()


def describe_ambiguous(column: exp.Column, key: str, found: list[Source]) -> Finding:
    """Say which sources have a column that only one may have."""
    candidates = tuple(f"{source.shown}.{source.columns[key]}" for source in found)
    if len(candidates) == 1:
        message = f"{show(candidates[0])} is ambiguous: two columns have that name."
        return Finding(message, column.this)
    message = f"{show(column.name)} is ambiguous: {' and '.join(map(show, candidates))}."
    return Finding(message, column.this, candidates)


def describe_missing(
    column: exp.Column, label: str | None, scope: Scope, schema: Schema
) -> Finding:
    """Say where a column was looked for, and which are most like it."""
    sources = [source for level in _levels(scope) for source in level.sources]
    if label is not None:
        sources = [source for source in sources if source.label == label]
        if not sources:
            return describe_label(column, scope)
    where = ", ".join(show(source.shown) for source in sources[:3] if source.shown)
    message = f"There is no column {show(column.name)} in {where or 'scope here'}."
    if column.this.args.get("quoted") and not column.table:
        message += " Strings are written in single quotes."
    near = [f"{source.shown}.{name}" for source in sources for name in source.columns.values()]
    nearest = find_nearest(column.name, near)
    if not nearest and sum(len(table.columns) for table in schema.tables) <= _MOST_CANDIDATES:
        far = [f"{table.name}.{name}" for table in schema.tables for name in table.column_names]
        nearest = find_nearest(column.name, far)
    return Finding(message, column.this, nearest)


def describe_label(column: exp.Column, scope: Scope) -> Finding:
    """Say that a column's table is not in FROM, and what is."""
    labels = [source.shown for level in _levels(scope) for source in level.sources]
    message = f"{show(column.table)} is no table or alias of this FROM clause."
    return Finding(message, column.args["table"], find_nearest(column.table, labels))


def _levels(scope: Scope) -> list[Scope]:
    levels = [scope]
    while levels[-1].parent is not None:
        levels.append(levels[-1].parent)
    return levels

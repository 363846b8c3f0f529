"""Which FROM sets a statement itself names: one for each SELECT in it, at every level.

Used where the statement is known and the question is whether the constraint lets it be written:
`Check`'s `writable` and the benches. It judges nothing: names that are no tables of the schema are
left out.
"""

from __future__ import annotations

import sqlglot
from sqlglot import exp

from sqlstrictd.constraint.sets import FromSet, sorted_set
from sqlstrictd.schema.types import Schema


def from_sets_of(statement: str | exp.Expr, schema: Schema) -> list[FromSet]:
    """List the FROM sets of a statement, outermost first, each once.

    Raises:
        sqlglot.errors.SqlglotError: the text is no SQL.
    """
    tree = _parse(statement, schema.dialect) if isinstance(statement, str) else statement
    found: dict[FromSet, None] = {}
    for select in tree.find_all(exp.Select):
        names = []
        for source in _sources(select):
            table = schema.table(source.name) if isinstance(source, exp.Table) else None
            if table is not None:
                names.append(table.name)
        if names:
            found[sorted_set(tuple(names))] = None
    return list(found)


def _parse(text: str, dialect: str) -> exp.Expr:
    tree: exp.Expr = sqlglot.parse_one(text, dialect="" if dialect == "ansi" else dialect)
    return tree


def _sources(select: exp.Select) -> list[exp.Expr]:
    """The tables and subqueries that one SELECT reads from, in order."""
    clause = select.args.get("from_")
    sources = [clause.this] if clause is not None else []
    return [*sources, *(join.this for join in select.args.get("joins") or [])]

"""Which queries stand in and around a query of a parsed statement.

`reading.py` asks.
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp


def leaves(query: exp.Expr | None) -> list[exp.Select]:
    """Return the queries of a set operation in order; empty where one of them is no plain query."""
    pending, found = [query], []
    while pending:
        node = pending.pop()
        if isinstance(node, exp.SetOperation):
            pending += [node.expression, node.this]
        elif isinstance(node, exp.Subquery):
            pending.append(node.this)
        elif isinstance(node, exp.Select):
            found.append(node)
        else:
            return []
    return found


def own_columns(select: exp.Select) -> Iterator[exp.Column]:
    """Yield the columns of a query, without those of queries inside of it."""
    pending: list[exp.Expr] = list(select.iter_expressions())
    while pending:
        node = pending.pop()
        if isinstance(node, exp.Column):
            yield node
        elif not isinstance(node, exp.Query):
            pending += list(node.iter_expressions())


def around(select: exp.Select) -> Iterator[exp.Expr]:
    """Yield the queries around a query, the nearest first; an UPDATE or DELETE is one as well."""
    node = select.parent
    while node is not None:
        if isinstance(node, exp.Select | exp.Update | exp.Delete):
            yield node
        node = node.parent

"""Queries in WITH RECURSIVE: whether one reads itself, and whether it does so as engines allow.

SQLite judges its own. To the others a recursive query is `start UNION [ALL] step`, where the step
reads the whole once, by its name in FROM, and neither groups, sorts nor limits.
"""

from __future__ import annotations

from sqlglot import exp

from sqlstrictd.verify.names import Names


def refers_to(body: exp.Expr, name: exp.Expr, names: Names) -> bool:
    """Whether a query reads a table of this name anywhere inside."""
    return _count(body, name, names) > 0


def explain_recursion(body: exp.Expr, name: exp.Expr, dialect: str, names: Names) -> str:
    """Say what is wrong with a query that reads itself; empty where nothing is."""
    if not isinstance(body, exp.SetOperation):
        return "A recursive query is two queries joined by UNION or UNION ALL."
    if dialect == "sqlite":
        return ""
    start, step = body.this, body.expression
    while isinstance(step, exp.Subquery) and not step.args.get("alias"):
        step = step.this
    if not isinstance(body, exp.Union) or _has(body, "order", "limit", "offset", "with_"):
        return "A recursive query is two queries joined by UNION or UNION ALL."
    if refers_to(start, name, names):
        return "The first part of a recursive query cannot read the whole."
    if not isinstance(step, exp.Select) or _has(
        step, "group", "having", "distinct", "order", "limit", "offset", "with_", "windows"
    ):
        return "The second part of a recursive query can only select, join and filter."
    if any(node.parent_select is step for node in step.find_all(exp.AggFunc, exp.Window)):
        return "The second part of a recursive query cannot aggregate."
    clause = step.args.get("from_")
    direct, joins = _sources(clause.this if clause is not None else None, step)
    if any(join.side.upper() in ("LEFT", "RIGHT", "FULL") for join in joins):
        return "The second part of a recursive query can only have inner joins."
    label = names.label(name)
    n_direct = sum(
        isinstance(node, exp.Table) and names.label(node.this) == label for node in direct
    )
    if n_direct != 1 or _count(step, name, names) != 1:
        return "The second part of a recursive query reads the whole once, in its own FROM."
    return ""


def _sources(first: exp.Expr | None, holder: exp.Expr) -> tuple[list[exp.Expr], list[exp.Join]]:
    """What a FROM clause reads, and its joins, those in parentheses included (as dumps write)."""
    joins = list(holder.args.get("joins") or ())
    tables, inner = [], list(joins)
    for node in [first, *(join.this for join in joins)]:
        if isinstance(node, exp.Subquery) and isinstance(node.this, exp.Table | exp.Subquery):
            below, within = _sources(node.this, node.this)
            tables += below
            inner += within
        elif node is not None:
            tables.append(node)
    return tables, inner


def _count(body: exp.Expr, name: exp.Expr, names: Names) -> int:
    label = names.label(name)
    return sum(
        isinstance(table.this, exp.Identifier) and names.label(table.this) == label
        for table in body.find_all(exp.Table)
    )


def _has(node: exp.Expr, *keys: str) -> bool:
    return any(node.args.get(key) for key in keys)

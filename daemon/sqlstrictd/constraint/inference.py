"""The value class of an expression of somebody's statement, as far as the dialect's facts tell.

A guess for the grammar's sake, which then holds the model to it; what a statement's types really
are is judged by `verify/`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from sqlglot import exp

from sqlstrictd.dialects import get, value_class
from sqlstrictd.dialects.facts import Dialect

# A column's class letter; empty where it is not known.
Resolve = Callable[[exp.Column], str]


def infer_class(node: exp.Expr, resolve: Resolve, dialect: Dialect) -> str:
    """Return the class letter of an expression; T where nothing tells."""
    while isinstance(node, exp.Paren | exp.Filter | exp.Window | exp.Neg):
        node = node.this
    if isinstance(node, exp.Column):
        return resolve(node) or "T"
    if isinstance(node, exp.Literal):
        return "T" if node.is_string else "X"
    if isinstance(node, exp.Boolean | exp.Predicate | exp.Connector | exp.Not):
        return "B"
    if isinstance(node, exp.Count):
        return "X"
    if isinstance(node, exp.Add | exp.Sub | exp.Mul | exp.Div | exp.Mod):
        sides = {
            infer_class(node.left, resolve, dialect),
            infer_class(node.right, resolve, dialect),
        }
        moved = sides & {"D", "S"}
        return dialect.interval_result.get(moved.pop(), "S") if moved else "N"
    if isinstance(node, exp.Cast):
        return value_class(node.to.sql(dialect.parser).upper(), dialect)
    if isinstance(node, exp.Case):
        arms = [arm.args["true"] for arm in node.args.get("ifs") or ()]
        arms += [node.args["default"]] if node.args.get("default") else []
        known = [arm for arm in arms if not isinstance(arm, exp.Null)]
        return infer_class(known[0], resolve, dialect) if known else "T"
    if isinstance(node, exp.Subquery) and isinstance(node.this, exp.Select):
        items = node.this.expressions
        return infer_class(items[0].unalias(), resolve, dialect) if items else "T"
    name = node.sql(dialect.parser).split("(")[0].strip().upper()
    result = _results(dialect.name).get(name, "T")
    if result != "K":
        return result
    inner = node.this if isinstance(node.this, exp.Expr) else None
    return infer_class(inner, resolve, dialect) if inner is not None else "T"


@lru_cache(maxsize=8)
def _results(name: str) -> dict[str, str]:
    """The result class of each function by name; the widest where there are several."""
    facts = get(name)
    found: dict[str, str] = {}
    for call in (*facts.calls, *facts.aggregates, *facts.windows):
        for word in call.names.split():
            old = found.get(word.upper())
            found[word.upper()] = "N" if {old, call.result} == {"X", "N"} else call.result
    return found

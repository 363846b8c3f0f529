"""What sqlglot's parser makes of a few forms, taken back to what is written.

It reads VALUES in WITH as SELECT * FROM (VALUES ...), and `<> ALL (array)` as a call of a function
named ALL. Both trees of a statement, that of `tree.py` and that of `types_parse.py`, go through
this before anything else looks at them.
"""

from __future__ import annotations

from typing import Final

from sqlglot import exp

_QUANTIFIERS: Final[dict[str, type[exp.Expr]]] = {"ALL": exp.All, "ANY": exp.Any, "SOME": exp.Any}


def as_written(tree: exp.Expr) -> exp.Expr:
    """Return a tree with the nodes of what stands in the statement; changes it in place."""
    for node in list(tree.find_all(exp.Select, exp.Anonymous)):
        if isinstance(node, exp.Anonymous):
            made = _QUANTIFIERS.get(str(node.this).upper())
            if made is not None and len(node.expressions) == 1:
                _replace(node, made(this=node.expressions[0]))
            continue
        values = _wrapped_values(node)
        if values is None:
            continue
        values.set("alias", None)
        if node is tree:
            tree = values
        _replace(node, values)
    return tree


def _wrapped_values(node: exp.Expr) -> exp.Expr | None:
    """The VALUES that a SELECT was made around; None where somebody wrote the SELECT."""
    clause = node.args.get("from_")
    values = clause.this if clause is not None else None
    if not isinstance(values, exp.Values):
        return None
    alias = values.args.get("alias")
    name = alias.this if alias is not None else None
    is_made = isinstance(name, exp.Identifier) and "start" not in name.meta
    return values if is_made else None


def _replace(node: exp.Expr, other: exp.Expr) -> None:
    other.pop()
    node.replace(other)

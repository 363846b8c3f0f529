"""A query of somebody's statement to the columns that it gives: names, value classes and types.

`reading.py` asks for them to say what tables of the statement's own have. A guess where the facts
of the dialect do not tell.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlglot import exp

from sqlstrictd.constraint.inference import infer_class
from sqlstrictd.constraint.scopes import ScopeColumn
from sqlstrictd.constraint.skeleton import Output, one_spelling
from sqlstrictd.dialects.facts import Dialect
from sqlstrictd.schema.names import fold


def outputs_of(
    select: exp.Select, sources: Mapping[str, Sequence[ScopeColumn]], dialect: Dialect
) -> list[Output]:
    """Read the outputs of a query over sources, given by their folded labels."""

    def resolve(column: exp.Column) -> ScopeColumn | None:
        label = fold(column.table)
        for known in [sources.get(label, ())] if label else sources.values():
            for one in known:
                if fold(one.name) == fold(column.name):
                    return one
        return None

    def letter_of(column: exp.Column) -> str:
        known = resolve(column)
        return known.letter if known is not None else ""

    found: list[Output] = []
    for item in select.expressions:
        if item.is_star:
            wanted = fold(item.table) if isinstance(item, exp.Column) else ""
            for label, columns in sources.items():
                if wanted in ("", label):
                    found += [
                        Output(c.name, _plain(c.letter), type=one_spelling(c.type)) for c in columns
                    ]
            continue
        value = item.unalias()
        known = resolve(value) if isinstance(value, exp.Column) else None
        type_ = one_spelling(known.type) if known is not None else _type_of(value, dialect)
        letter = _plain(infer_class(value, letter_of, dialect))
        found.append(Output(item.alias_or_name, letter, _is_total(item), type_))
    return found


def _type_of(node: exp.Expr, dialect: Dialect) -> str:
    """The type of what says it by itself; empty for the rest."""
    while isinstance(node, exp.Paren | exp.Neg):
        node = node.this
    if isinstance(node, exp.Literal):
        return "TEXT" if node.is_string else "INTEGER" if node.is_int else ""
    if isinstance(node, exp.Cast):
        return one_spelling(node.to.sql(dialect.parser).upper())
    return "TEXT" if isinstance(node, exp.DPipe) else ""


def _plain(letter: str) -> str:
    return "N" if letter in ("X", "") else letter


def _is_total(item: exp.Expr) -> bool:
    """Whether an aggregate computes it, and not over a window."""
    return any(
        not isinstance(found.parent, exp.Window | exp.Filter)
        or (
            isinstance(found.parent, exp.Filter) and not isinstance(found.parent.parent, exp.Window)
        )
        for found in item.find_all(exp.AggFunc)
    )

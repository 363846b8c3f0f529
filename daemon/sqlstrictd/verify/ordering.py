"""Constants among the terms of ORDER BY and GROUP BY: numbers of outputs, or nothing sensible."""

from __future__ import annotations

from enum import Enum

from sqlglot import exp

_CONSTANTS = (exp.Literal, exp.Null, exp.Boolean)


class Ordinal(Enum):
    """What a term is that is no number of an output: no constant at all, or another one."""

    NONE = 0
    OTHER = 1


def read_ordinal(term: exp.Expr) -> int | Ordinal:
    """Return the number that a term is; engines read or refuse other constants, each its way."""
    while isinstance(term, exp.Ordered | exp.Collate | exp.Paren):
        term = term.this
    if isinstance(term, exp.Neg) and isinstance(term.this, exp.Literal):
        return Ordinal.OTHER
    if not isinstance(term, _CONSTANTS):
        return Ordinal.NONE
    if isinstance(term, exp.Literal) and not term.is_string and str(term.this).isdecimal():
        return int(term.this)
    return Ordinal.OTHER

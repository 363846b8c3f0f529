"""The functions that the grammar offers in each dialect, with the shapes of their arguments.

Only functions that read their arguments and nothing else are here: none that touches files, loads
code or depends on chance. `expressions.py` turns the tables into rules.

An argument is one letter: `e` an expression, `w` a column or a literal, `i` an integer, `s` a
string, `f` a date format, `d` a time value. `p` is an integer that may be left out, `m` up to two
date modifiers.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Functions:
    """What one dialect offers: scalar functions by shape, aggregates, constants, CAST types."""

    scalars: tuple[tuple[str, str], ...]
    aggregates: tuple[str, ...]
    constants: tuple[str, ...]
    types: tuple[str, ...]
    has_group_concat: bool


SQLITE = Functions(
    scalars=(
        ("ABS LOWER UPPER LENGTH TRIM LTRIM RTRIM", "e"),
        ("ROUND", "e p"),
        ("COALESCE IFNULL NULLIF", "e w"),
        ("SUBSTR SUBSTRING", "e i p"),
        ("REPLACE", "e s s"),
        ("INSTR", "e s"),
        ("MIN MAX", "e w"),
        ("STRFTIME", "f d m"),
        ("DATE TIME DATETIME JULIANDAY", "d m"),
    ),
    aggregates=("SUM", "AVG", "MIN", "MAX", "TOTAL"),
    constants=("CURRENT_DATE", "CURRENT_TIMESTAMP"),
    types=("INTEGER", "REAL", "TEXT", "NUMERIC", "FLOAT", "INT", "DATE", "VARCHAR", "DECIMAL"),
    has_group_concat=True,
)

ANSI = Functions(
    scalars=(
        ("ABS LOWER UPPER LENGTH TRIM", "e"),
        ("ROUND", "e p"),
        ("COALESCE NULLIF", "e w"),
        ("SUBSTR SUBSTRING", "e i p"),
        ("REPLACE", "e s s"),
    ),
    aggregates=("SUM", "AVG", "MIN", "MAX"),
    constants=("CURRENT_DATE", "CURRENT_TIMESTAMP"),
    types=("INTEGER", "REAL", "NUMERIC", "FLOAT", "DATE", "VARCHAR", "DECIMAL"),
    has_group_concat=False,
)

# What the grammar of each dialect is made of; a dialect that is not here is not written.
DIALECTS = {"sqlite": SQLITE, "ansi": ANSI}

"""Conditions on two columns at once: `(a, b) IN (SELECT ...)`, as people ask for the last of each.

    duo_KL_1   a query inside that returns two columns of these classes

Only in the outermost WHERE: deeper down each pair of classes would be one more copy of the rules.
"""

from __future__ import annotations

from itertools import product

from sqlstrictd.constraint.manner import Manner
from sqlstrictd.constraint.template import Template
from sqlstrictd.constraint.terminals import Terminals


def pairs_of(is_typed: bool) -> list[tuple[str, str]]:
    """Return the classes that two columns are compared in."""
    return list(product("nt", "ntds")) if is_typed else [("v", "v")]


def add_rows(t: Template, manner: Manner, terminals: Terminals) -> None:
    """Add the conditions on two columns, and the queries that they may be held against."""
    for a, b in pairs_of(manner.is_typed):
        both = f'"(" c_{a}_@ ", " c_{b}_@ ")"'
        written = f'"(" {terminals.literal(a)} ", " {terminals.literal(b)} ")"'
        t.add("cond_@", f"{both} EQ {written}")
        if manner.dialect.name != "sqlite":  # which has no rows in a list
            t.add("cond_@", f'{both} IN {written} (", " {written}){{0,7}} ")"')
        t.add("test_0_@", f'{both} IN duo_{a}{b}_1~ ")"')
        columns = f'"SELECT " DISTINCT? c_{a}_@ ", " c_{b}_@ source_1_@'
        last = f'"SELECT " c_{a}_@ ", " agg_{b}_@ source_1_@'
        if manner.is_strict:
            t.add(f"duo_{a}{b}_1_@", columns, f'{last} " GROUP BY 1" having_1_@?')
        else:
            t.add(f"duo_{a}{b}_1_@", columns, f"{last} groups_@ having_1_@?")

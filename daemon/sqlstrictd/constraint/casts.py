"""CAST, and what a dialect has beside it: TRY_CAST and `x::TYPE`.

They go into the calls (`f1_K`, `f2_K`) of the class that they result in, and into what stands over
aggregates (`h_K`, `mix_K`).
"""

from __future__ import annotations

from sqlstrictd.constraint.manner import Manner
from sqlstrictd.constraint.template import Template
from sqlstrictd.constraint.terminals import Terminals, any_of


def add_casts(t: Template, manner: Manner, terminals: Terminals) -> None:
    """Add the casts of columns, calls and aggregates."""
    dialect = manner.dialect
    word = '"CAST("'
    if dialect.has_try_cast:
        word = terminals.define("CASTING", any_of(["CAST(", "TRY_CAST("]))
    for letter, types in dialect.cast_types.items():
        known = dialect.cast_sources.get(letter, "") if manner.is_typed else "V"
        if not types or not known:
            continue
        result, name = manner.of(letter), terminals.types(letter, types, manner.is_typed)
        for k in known.replace("X", "").replace("O", "").lower():
            for level in (0, 1):
                rule = f"f{level + 1}_{result}_@"
                t.add(rule, f'{word} a{level}_{k}_@ " AS " {name} ")"')
                if k in "nv":
                    t.add(rule, f'{word} split_{k}_@ " AS " {name} ")"' if level else "")
                if k in "tv":
                    t.add(rule, f'{word} jt_{k}_@ " AS " {name} ")"')
        if dialect.has_colon_cast:
            short = _after_colons(terminals, letter, types, manner)
            _add_colons(t, manner, letter, known, short)


def _after_colons(terminals: Terminals, letter: str, types: tuple[str, ...], manner: Manner) -> str:
    """Name the types that may follow `::`, where people write them in either case."""
    if not manner.is_typed:
        types = tuple(t for names in manner.dialect.cast_types.values() for t in names)
        letter = ""
    return terminals.define(f"SHORTTYPE{letter}", any_of([*types, *map(str.lower, types)]))


def _add_colons(t: Template, manner: Manner, letter: str, known: str, short: str) -> None:
    result = manner.of(letter)
    for k in known.replace("X", "").replace("O", "").lower():
        t.add(f"f1_{result}_@", f'c_{k}_@ "::" {short}')
        t.add(f"f2_{result}_@", f'simple_{k}_@ "::" {short}')
        if k in "tv":
            t.add(f"f1_{result}_@", f'"(" jt_{k}_@ ")" "::" {short}')
    if letter not in "XN":
        return
    numbers = manner.of("N")
    t.add(f"h_{result}_@", f'agg_{numbers}_@ "::" {short}')
    # Aggregates cast before they are divided or rounded: COUNT(a)::FLOAT / COUNT(b).
    t.add(f"mix_{numbers}_@", f'agg_{numbers}_@ "::" {short} (OP mixed_{numbers}_@){{0,2}}')
    if manner.is_typed and letter == "X":
        t.add("mix_x_@", f'agg_n_@ "::" {short}')

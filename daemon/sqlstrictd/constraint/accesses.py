"""What follows a column and binds to it: JSON paths, array elements, time zones.

    jt_K   bare JSON access     arr_K  array with elements of a class (given by the scope)

An access goes into the calls of its class (`f1_K`, `f2_K`), in parentheses where dialects differ in
how tightly it binds; bare, it stands where nothing but a comparison follows.
"""

from __future__ import annotations

import re

from sqlstrictd.constraint.manner import Manner
from sqlstrictd.constraint.template import Template
from sqlstrictd.constraint.terminals import Terminals


def add_accesses(t: Template, manner: Manner, terminals: Terminals) -> None:
    """Add the rules of what binds to a column or a call."""
    if manner.dialect.json_access:
        _add_json(t, manner)
    if manner.dialect.array_start:
        _add_arrays(t, manner, terminals)
    for letter, suffix in manner.dialect.suffixes.items():
        k = manner.of(letter)
        t.add(f"f2_{k}_@", f"simple_{k}_@ {suffix}")  # where no cast can follow


def _add_json(t: Template, manner: Manner) -> None:
    access, dialect = manner.dialect.json_access, manner.dialect
    column = "c_j_@" if manner.has_json else "c_v_@"
    step = f"({access['J']}){{0,2}}" if "J" in access else ""
    for letter, text in access.items():
        k = manner.of(letter)
        t.add(f"jt_{k}_@", f"{column} {step} ({text})")
        # Between other operators only in parentheses: they bind differently by dialect. In a call
        # the parser of the checks takes a bare arrow for a function's own.
        t.add(f"f1_{k}_@", f'"(" jt_{k}_@ ")"')
        t.add(f"f2_{k}_@", f'"(" jt_{k}_@ ")"')
        t.add("plain_@", f"jt_{k}_@")
        if letter == "T":
            t.add("keyed_by_@", f"jt_{k}_@")
            t.add("term_@", f"jt_{k}_@")
            t.add("byterm_@", f"jt_{k}_@")
        if dialect.name != "duckdb":  # where -> binds less than =
            t.add(f"l_{k}_@", f"jt_{k}_@")
            if letter == "T":
                t.add("cond_@", f"jt_{k}_@ LIKE STR", f"jt_{k}_@ ISNULL")
    if dialect.json_test:
        t.add("cond_@", f"{column} {step} {dialect.json_test}")


def _add_arrays(t: Template, manner: Manner, terminals: Terminals) -> None:
    dialect = manner.dialect
    terminals.define("ELEMENT", "/[1-9][0-9]?/")
    terminals.define("ANYOF", r"/ANY ?\(/")
    words = "|".join(re.escape(word) for word in dialect.array_operators)
    terminals.define("ARRAYOP", f"/ ({words}) /")
    start = f'"{dialect.array_start}"'
    for k in "xntdsb" if manner.is_typed else "v":
        for level in (1, 2):
            t.add(f"f{level}_{k}_@", f'arr_{k}_@ "[" ELEMENT "]"')
        t.add("array_@", f"arr_{k}_@")
        literal = {"n": "NUM", "x": "WHOLE", "t": "STR", "v": "(NUM | STR)"}.get(k, "")
        if not literal:
            continue
        t.add("cond_@", f'({literal} | c_{k}_@) EQ ANYOF arr_{k}_@ ")"')
        # Arrays are compared with those of their own type alone, which for literals is one of two.
        if k in "xtv":
            items = f'{literal} (", " {literal}){{0,7}}'
            t.add("cond_@", f'own_{k}_@ ARRAYOP {start} {items} "]"')

"""The conditions of one scope: comparisons by class, and how AND, OR and parentheses join them.

`cond` is one comparison without a subquery; `test_N` one at query depth N, which may hold a query
of depth N + 1; `tests_N` what stands after WHERE. `having_N` compares aggregates. The rules of the
queries inside (`one_K_N~`, `rows_N~`) are given by the scope, which may see those around it.
"""

from __future__ import annotations

from sqlstrictd.constraint.manner import Manner
from sqlstrictd.constraint.template import Template
from sqlstrictd.constraint.terminals import Terminals


def add_conditions(t: Template, manner: Manner, terminals: Terminals, deepest: int) -> None:
    """Add the conditions of queries at depths 0 to `deepest`."""
    _add_comparisons(t, manner, terminals)
    for depth in range(deepest + 1):
        _add_tests(t, manner, depth, deepest)
        _add_having(t, manner, terminals, depth, deepest)


def _add_comparisons(t: Template, manner: Manner, terminals: Terminals) -> None:
    literals = {k: terminals.literal(k) for k in ("ntdsb" if manner.is_typed else "v")}
    for k, text in literals.items():
        if k == "b":
            t.add("cond_@", "c_b_@", '"NOT " c_b_@', "c_b_@ EQ BOOL", "f2_b_@")
            continue
        t.add(f"right_{k}_@", text, f"c_{k}_@", f"f1_{k}_@")
        if k in "nv":
            t.add(f"right_{k}_@", f"pair_{k}_@")
        if k == "v":
            t.add("right_v_@", "shift_v_@")
        if k in "ds":
            t.add(f"right_{k}_@", f"shift_{k}_@", "f1_s_@", "shift_s_@")
        t.add(f"list_{k}_@", f'{text} (", " {text}){{0,15}} ")"')
        t.add(
            "cond_@",
            f"l_{k}_@ CMP right_{k}_@",
            f"l_{k}_@ IN list_{k}_@",
            f'v_{k}_@ BETWEEN bound_{k}_@ " AND " bound_{k}_@',
        )
        t.add(f"bound_{k}_@", text, f"c_{k}_@", f"shift_{k}_@", f"f1_{k}_@")
    for letter in "DS":
        written = manner.dialect.literals.get(letter)
        if written:
            t.add(f"right_{manner.of(letter)}_@", written)
            t.add(f"bound_{manner.of(letter)}_@", written)
    text = "t" if manner.is_typed else "v"
    t.add("cond_@", "vals_@", f"(c_{text}_@ | f2_{text}_@) LIKE STR", "any_@ ISNULL")
    t.add("cond_@", f"(c_{text}_@ | f2_{text}_@) LIKE c_{text}_@")
    if not manner.is_typed:
        t.add("cond_@", "l_v_@ EQ BOOL", "c_v_@", '"NOT " c_v_@')
        # A closed list of values holds against columns too, and in arithmetic.
        t.add("cond_@", "c_v_@ CMP c_v_@")
    else:
        t.add("cond_@", "c_t_@ CMP c_t_@", "f2_n_@ ISNULL", "f2_t_@ ISNULL")
    for letter, operators in manner.dialect.matching_operators.items():
        k = manner.of(letter)
        words = "|".join(_escape(word) for word in operators)
        name = terminals.define(f"MATCH{letter}", f"/ ({words}) /")
        t.add("cond_@", f"(c_{k}_@ | f2_{k}_@) {name} STR")
    for letter, operators in manner.dialect.regex_operators.items():
        k = manner.of(letter)
        words = "|".join(_escape(word) for word in operators)
        name = terminals.define(f"REGEXP{letter}", f"/ ({words}) /")
        t.add("cond_@", f"(c_{k}_@ | f2_{k}_@) {name} REGEX")


def _escape(word: str) -> str:
    return "".join(f"\\{c}" if c in r"~*.?+()[]{}|^$/\\!" else c for c in word)


def _add_tests(t: Template, manner: Manner, depth: int, deepest: int) -> None:
    d, inner = depth, depth + 1
    t.add(f"test_{d}_@", "cond_@")
    if depth < deepest:
        for k in "ntds" if manner.is_typed else "v":
            query = f'"(" one_{k}_{inner}~ ")"'
            t.add(
                f"test_{d}_@",
                f"v_{k}_@ CMP {query}",
                f'(c_{k}_@ | f2_{k}_@) IN in_{k}_{inner}~ ")"',
                f'v_{k}_@ BETWEEN {query} " AND " {query}',
            )
        t.add(f"test_{d}_@", f'EXISTS rows_{inner}~ ")"', "ocmp_@")
    else:
        t.add(f"test_{d}_@", "ocmp_@")
    t.add(f"few_{d}_@", f'"(" test_{d}_@ (AO test_{d}_@){{1,3}} ")"')
    t.add(
        f"group_{d}_@",
        f"few_{d}_@",
        f'"(" (test_{d}_@ | few_{d}_@) (AO (test_{d}_@ | few_{d}_@)){{1,3}} ")"',
        f'"NOT (" test_{d}_@ (AO test_{d}_@){{0,3}} ")"',
    )
    one = f"(test_{d}_@ | group_{d}_@)"
    t.add(f"tests_{d}_@", f"{one} (AO {one}){{0,7}}")


def _add_having(
    t: Template, manner: Manner, terminals: Terminals, depth: int, deepest: int
) -> None:
    d, inner = depth, depth + 1
    # A query inside may not refer to a column of this one that is not grouped by.
    view = "" if manner.is_strict else "~"
    for k in "ntds" if manner.is_typed else "v":
        text = terminals.literal(k)
        t.add(
            f"grouped_{d}_@",
            f"tot_{k}_@ CMP ({text} | tot_{k}_@)",
            f'tot_{k}_@ BETWEEN {text} " AND " {text}',
            f"tot_{k}_@ ISNULL",
        )
        if depth < deepest:
            query = f'"(" one_{k}_{inner}{view} ")"'
            t.add(
                f"grouped_{d}_@", f"tot_{k}_@ CMP {query}", f'tot_{k}_@ IN in_{k}_{inner}{view} ")"'
            )
        if not manner.is_strict:
            t.add(
                f"grouped_{d}_@",
                f"c_{k}_@ CMP ({text} | c_{k}_@)",
                f"c_{k}_@ LIKE STR" if k in "tv" else "",
            )
            t.add(f"grouped_{d}_@", f"c_{k}_@ IN list_{k}_@", f"outname_@ CMP {text}")
    one = f"(grouped_{d}_@ | hgroup_{d}_@)"
    t.add(f"hgroup_{d}_@", f'"(" grouped_{d}_@ (AO grouped_{d}_@){{1,2}} ")"')
    t.add(f"having_{d}_@", f'" HAVING " {one} (AO {one}){{0,3}}')

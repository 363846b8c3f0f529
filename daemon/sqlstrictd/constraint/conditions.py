"""The conditions of one scope: comparisons by class, and how AND, OR and parentheses join them.

`cond` is one comparison without a subquery; `test_N` one at query depth N, which may hold a query
of depth N + 1; `tests_N` what stands after WHERE. `having_N` compares aggregates. The rules of the
queries inside (`one_K_N~`, `rows_N~`) are given by the scope, which may see those around it.
"""

from __future__ import annotations

from sqlstrictd.constraint.manner import Manner
from sqlstrictd.constraint.template import Template
from sqlstrictd.constraint.terminals import Terminals, any_of


def add_conditions(t: Template, manner: Manner, terminals: Terminals, deepest: int) -> None:
    """Add the conditions of queries at depths 0 to `deepest`."""
    _add_words(manner, terminals)
    _add_comparisons(t, manner, terminals)
    _add_flat(t, manner, terminals)
    for depth in range(deepest + 1):
        _add_tests(t, manner, depth, deepest)
        _add_having(t, manner, terminals, depth, deepest)


def _add_words(manner: Manner, terminals: Terminals) -> None:
    dialect = manner.dialect
    terminals.define("ISTRUE", "/ IS (NOT )?(TRUE|FALSE)/")
    terminals.define("NULLSAFE", any_of(f" {words} " for words in dialect.null_safe))
    terminals.define("COLLATED", any_of(f" COLLATE {name}" for name in dialect.collations))
    terminals.define("SPANNED", any_of(["AVG(", "SUM(", "MIN(", "MAX("]))
    terminals.define("QUANTIFIED", r"/(ALL|ANY|SOME) ?\(/")
    backslash = "" if dialect.has_backslash_escapes else "\\\\"
    terminals.define("ESCAPE", f"/ ESCAPE '[!|#^{backslash}]'/")


def _add_flat(t: Template, manner: Manner, terminals: Terminals) -> None:
    """Add conditions on columns alone, for where a condition is an argument."""
    for k in "ntds" if manner.is_typed else "v":
        text = terminals.literal(k)
        t.add("flat_@", f"b_{k}_@ CMP ({text} | c_{k}_@)", f"b_{k}_@ IN list_{k}_@")
        t.add("flat_@", f"b_{k}_@ LIKE STR" if k in "tv" else "")
    t.add("flat_@", "vals_@", "any_@ ISNULL")
    t.add("flats_@", "flat_@ (AO flat_@){0,2}")
    if manner.is_typed:
        t.add("in_b_@", "flats_@")
    elif manner.dialect.has_boolean_numbers or manner.dialect.is_typed:
        t.add("in_v_@", "flat_@")
    t.add("term_@", "any_@ ISNULL")


def _add_comparisons(t: Template, manner: Manner, terminals: Terminals) -> None:
    literals = {k: terminals.literal(k) for k in ("ntdsb" if manner.is_typed else "v")}
    for k, text in literals.items():
        if k == "b":
            t.add("cond_@", "c_b_@", '"NOT " c_b_@', "c_b_@ EQ BOOL", "f2_b_@", "c_b_@ ISTRUE")
            continue
        t.add(f"right_{k}_@", text, f"c_{k}_@", f"f1_{k}_@")
        if k in "nv":
            t.add(f"right_{k}_@", f"pair_{k}_@")
        if k == "v":
            t.add("right_v_@", "shift_v_@")
        if k in "ds":
            t.add(f"right_{k}_@", "shift_d_@", "f1_d_@", "f1_s_@", "shift_s_@")
        t.add(f"list_{k}_@", f'{text} (", " {text}){{0,15}} ")"')
        t.add(
            "cond_@",
            f"l_{k}_@ CMP right_{k}_@",
            f"l_{k}_@ IN list_{k}_@",
            f'v_{k}_@ BETWEEN bound_{k}_@ " AND " bound_{k}_@',
        )
        if manner.dialect.null_safe:
            t.add("cond_@", f"b_{k}_@ NULLSAFE ({text} | c_{k}_@)")
        t.add("cond_@", f'"NOT " l_{k}_@ CMP right_{k}_@')
        if manner.dialect.has_symmetric_between:
            t.add("cond_@", f'v_{k}_@ BETWEEN "SYMMETRIC " {text} " AND " {text}')
        t.add(f"bound_{k}_@", text, f"c_{k}_@", f"shift_{k}_@", f"f1_{k}_@")
    for letter in "DS":
        written = manner.dialect.literals.get(letter)
        if written and letter == "D" and manner.is_typed:
            t.add("right_s_@", written)
            t.add("bound_s_@", written, "shift_d_@")
        if written:
            t.add(f"right_{manner.of(letter)}_@", written)
            t.add(f"bound_{manner.of(letter)}_@", written)
    if manner.is_typed and "S" in manner.dialect.interval_result:
        _add_spans(t, manner)
    text = "t" if manner.is_typed else "v"
    t.add("cond_@", "vals_@", f"(c_{text}_@ | f2_{text}_@) LIKE STR", "any_@ ISNULL")
    t.add("cond_@", f"c_{text}_@ LIKE like_@", f"f2_{text}_@ LIKE like_@")
    t.add("cond_@", f"c_{text}_@ LIKE STR ESCAPE", f'"NOT " c_{text}_@ LIKE STR')
    t.add("like_@", f"c_{text}_@", f"f1_{text}_@", '("LOWER(" | "UPPER(") STR ")"')
    if terminals.has_concat:
        t.add("like_@", f"SHORT CAT simple_{text}_@ (CAT SHORT)?", f"simple_{text}_@ CAT SHORT")
    if manner.dialect.collations:
        t.add("cond_@", "b_v_@ COLLATED EQ right_v_@", "b_v_@ EQ STR COLLATED")
        t.add("term_@", "c_v_@ COLLATED")
    if not manner.is_typed:
        t.add("cond_@", "c_v_@ ISTRUE", "f2_v_@ ISNULL", "fb_@", '"NOT " fb_@')
        if manner.dialect.is_typed:
            t.add("cond_@", "chain_v_@ CMP interval")
        if manner.has_json:
            t.add("cond_@", "f2_j_@ CMP (NUM | STR)")
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


def _add_spans(t: Template, manner: Manner) -> None:
    """Add the time between two moments, without parentheses where nothing binds tighter."""
    t.add("span_@", 'simple_s_@ " - " simple_s_@')
    t.add("plain_@", "span_@")
    t.add("tot_o_@", 'SPANNED span_@ ")"', 'agg_s_@ " - " agg_s_@')
    if manner.dialect.literals.get("O"):
        t.add("cond_@", f"span_@ CMP {manner.dialect.literals['O']}")
    t.add("days_@", 'simple_d_@ " - " simple_d_@')
    t.add("plain_@", "days_@")
    t.add("keyed_by_@", "days_@")
    t.add("cond_@", "days_@ CMP WHOLE")


def _escape(word: str) -> str:
    return "".join(f"\\{c}" if c in r"~*.?+()[]{}|^$/\\!" else c for c in word)


def _add_tests(t: Template, manner: Manner, depth: int, deepest: int) -> None:
    d, inner, quantified = depth, depth + 1, manner.dialect.has_quantifiers
    t.add(f"test_{d}_@", "cond_@")
    if depth < deepest:
        for k in "ntds" if manner.is_typed else "v":
            query = f'"(" one_{k}_{inner}~ ")"'
            t.add(
                f"test_{d}_@",
                f"v_{k}_@ CMP {query}",
                f"v_{k}_@ CMP {query} OP SIZE" if k in "nv" else "",
                f'v_{k}_@ CMP QUANTIFIED in_{k}_{inner}~ ")"' if quantified else "",
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
            t.add(f"grouped_{d}_@", f"c_{k}_@ ISNULL", f"f2_{k}_@ CMP {text}")
    one = f"(grouped_{d}_@ | hgroup_{d}_@)"
    t.add(f"hgroup_{d}_@", f'"(" grouped_{d}_@ (AO grouped_{d}_@){{1,2}} ")"')
    t.add(f"having_{d}_@", f'" HAVING " {one} (AO {one}){{0,3}}')

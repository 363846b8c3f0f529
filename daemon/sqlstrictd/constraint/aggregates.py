"""The aggregates of one scope, and the expressions over them.

    in_K   what an aggregate is of       agg_K   aggregate      bare_K  the same without FILTER
    mix_K  arithmetic on aggregates that stands in a call       h_K     such a call
    tot_K  expression with at least one aggregate in it

Where GROUP BY must name what is selected, no column stands in them outside of an aggregate. `wsum`
and `wagg` are those that OVER may follow, with FILTER and without.
"""

from __future__ import annotations

from sqlstrictd.constraint.manner import Manner, spread
from sqlstrictd.constraint.template import Template
from sqlstrictd.constraint.terminals import Terminals

# Aggregates that take DISTINCT in every dialect that has them.
_DISTINCT = frozenset({"SUM", "AVG", "MIN", "MAX", "TOTAL", "GROUP_CONCAT", "ARRAY_AGG", "LIST"})
# Aggregates that take FILTER over a window in every dialect that has it.
_FILTERED = frozenset({"SUM", "AVG", "MIN", "MAX", "TOTAL"})
_PLACEHOLDERS = "XNTDSBJ"


def add_aggregates(t: Template, manner: Manner, terminals: Terminals) -> None:
    """Add the rules of aggregates and of expressions over them."""
    aggregates = _Aggregates(t, manner, terminals)
    aggregates.add()
    aggregates.add_totals()


class _Aggregates:
    def __init__(self, t: Template, manner: Manner, terminals: Terminals) -> None:
        self._t = t
        self._manner = manner
        self._dialect = manner.dialect
        self._terminals = terminals

    def add(self) -> None:
        t, manner = self._t, self._manner
        for k in "nxtdsb" if manner.is_typed else "v":
            inside = [f"a1_{k}_@"]
            if k in "nv":
                inside += [f"chain_{k}_@", "SIZE"]
            if k in "ntdv":
                inside.append(f"case_{k}_@")
            t.add(f"in_{k}_@", *inside)
        t.add("count_@", '"COUNT(" c_u_@ ")"', '"COUNT(" c_j_@ ")"')
        for k in manner.classes:
            t.add("ine_@", f"in_{k}_@" if k != "j" else "")
        if manner.is_typed:
            t.add("ine_@", "c_o_@")
        t.add("count_@", '"COUNT(" ("*" | DISTINCT? ine_@) ")"')
        t.add(f"bare_{manner.of('X')}_@", "count_@")
        t.add("wcount_@", '"COUNT(" ("*" | ine_@) ")"')
        t.add(f"wsum_{manner.of('X')}_@", "wcount_@")
        for call in self._dialect.aggregates:
            codes = call.arguments.split()
            for poly in spread(call, "NTDS" if manner.is_typed else "V"):
                letter = poly if codes[0].rstrip("?*") == "K" else codes[0].rstrip("?*")
                first = "ine_@" if letter == "E" else f"in_{manner.of(letter)}_@"
                rest = ""
                for code in reversed(codes[1:]):
                    bare = code.rstrip("?*")
                    # A second expression is a column: of a constant there is nothing to tell.
                    one = f"c_{manner.of(bare)}_@" if len(bare) == 1 else bare
                    rest = f'", " {one} {rest}'.rstrip()
                    if "?" in code:
                        rest = f"({rest})?"
                result = manner.of(poly if call.result == "K" else call.result)
                plain = self._terminals.call(call.names, f"{first} {rest}".rstrip())
                if call.is_window:
                    kind = "wsum" if _FILTERED.issuperset(call.names.split()) else "wagg"
                    t.add(f"{kind}_{result}_@", plain)
                if codes[1:] and "?" not in codes[1]:
                    t.add(f"bare_{result}_@", plain)
                    continue
                once = "DISTINCT? " if _DISTINCT.issuperset(call.names.split()) else ""
                t.add(f"bare_{result}_@", self._terminals.call(call.names, f"{once}{first}"))
                if rest:
                    t.add(f"bare_{result}_@", self._terminals.call(call.names, f"{first} {rest}"))
        for form in self._dialect.aggregate_forms:
            text = form.text
            for letter in _PLACEHOLDERS:
                text = text.replace(f"{{{letter}}}", f"a1_{manner.of(letter)}_@")
            t.add(f"bare_{manner.of(form.result)}_@", text)
        where = (
            '(" FILTER (WHERE " cond_@ (AO cond_@){0,2} ")")?' if self._dialect.has_filter else ""
        )
        for k in (*manner.classes, *("xo" if manner.is_typed else "")):
            t.add(f"agg_{k}_@", f"bare_{k}_@ {where}".rstrip())
        if manner.is_typed:
            t.add("agg_n_@", "agg_x_@")
            t.add("wagg_n_@", "wagg_x_@")
            t.add("wsum_n_@", "wsum_x_@")

    def add_totals(self) -> None:
        """Add expressions over aggregates; none holds a column outside of them when strict."""
        t, manner = self._t, self._manner
        loose = "" if manner.is_strict else f"c_{manner.of('N')}_@"
        k = manner.of("N")
        op = "OP"
        t.add(f"mixed_{k}_@", f"agg_{k}_@", "SIZE", loose, *self._over_null())
        t.add(
            f"mix_{k}_@",
            f"agg_{k}_@ ({op} mixed_{k}_@){{0,2}}",
            f"SIZE {op} agg_{k}_@ ({op} mixed_{k}_@)?",
        )
        t.add(f"mix_{k}_@", f'"(" agg_{k}_@ {op} mixed_{k}_@ ")" {op} mixed_{k}_@')
        t.add(f"mix_{k}_@", f"{self._cast_mix()}" if self._cast_mix() else "")
        if manner.is_typed:
            t.add("mix_x_@", "agg_x_@ (OPX (agg_x_@ | SIZE)){0,2}", "SIZE OPX agg_x_@")
            if self._dialect.division_result == "X":
                beside = "OP (agg_x_@ | SIZE)"
                t.add("mix_x_@", f"agg_x_@ {beside}", f"SIZE {op} agg_x_@ {beside}")
            for other in "tds":
                t.add(f"mix_{other}_@", f"agg_{other}_@")
        for call in self._dialect.calls:
            codes = call.arguments.split()
            if not codes:
                continue
            for poly in spread(call, "NTDS" if manner.is_typed else "V"):
                letter = codes[0].rstrip("?*")
                letter = poly if letter == "K" else letter
                if len(letter) > 1 or (letter not in "NXTDS" and letter != "V"):
                    continue
                rest = ""
                for code in reversed(codes[1:]):
                    bare = code.rstrip("?*")
                    bare = poly if bare == "K" else bare
                    one = bare if len(bare) > 1 else self._terminals.literal(bare.lower(), True)
                    if not one or bare == "E":
                        rest = ""
                        if "?" not in code and "*" not in code:
                            break
                        continue
                    rest = f'", " {one} {rest}'.rstrip()
                    if "?" in code:
                        rest = f"({rest})?"
                else:
                    result = manner.of(poly if call.result == "K" else call.result)
                    text = f"mix_{manner.of(letter)}_@ {rest}".rstrip()
                    t.add(f"h_{result}_@", self._terminals.call(call.names, text))
        for letter, types in self._dialect.cast_types.items():
            if letter in "XN" and types:
                name = self._terminals.types(letter, types, manner.is_typed)
                t.add(f"h_{manner.of(letter)}_@", f'"CAST(" mix_{k}_@ " AS " {name} ")"')
        if manner.is_typed:
            t.add("h_n_@", "h_x_@")
        t.add(f"held_{k}_@", f"agg_{k}_@", f"h_{k}_@", f'"(" mix_{k}_@ ")"')
        t.add(f"beside_{k}_@", f"held_{k}_@", "SIZE", loose)
        t.add(
            f"tot_{k}_@",
            f"held_{k}_@ ({op} beside_{k}_@){{0,3}}",
            f"SIZE {op} held_{k}_@ ({op} beside_{k}_@){{0,2}}",
        )
        if loose:
            t.add(f"tot_{k}_@", f"{loose} {op} held_{k}_@ ({op} beside_{k}_@)?")
        for other in "tdsbjo" if manner.is_typed else "":
            t.add(f"tot_{other}_@", f"agg_{other}_@", f"h_{other}_@")
        for j in "nt" if manner.is_typed else "v":
            result = self._terminals.literal(j, True)
            arm = f'"WHEN " tot_{k}_@ CMP NUM " THEN " {result}'
            t.add(
                f"tot_{j}_@",
                f'"CASE " {arm} (" " {arm}){{0,3}} (" ELSE " {result})? " END"',
            )

    def _over_null(self) -> list[str]:
        """Divisors that people guard: SUM(a) / NULLIF(COUNT(b), 0)."""
        k = self._manner.of("N")
        return [f'"NULLIF(" agg_{k}_@ ", " INT ")"']

    def _cast_mix(self) -> str:
        """Aggregates cast before they are divided: CAST(COUNT(a) AS REAL) / COUNT(b)."""
        k = self._manner.of("N")
        types = self._dialect.cast_types.get("N") or self._dialect.cast_types.get("X") or ()
        if not types:
            return ""
        name = self._terminals.types("N", types, self._manner.is_typed)
        return f'"CAST(" agg_{k}_@ " AS " {name} ")" (OP mixed_{k}_@){{0,2}}'

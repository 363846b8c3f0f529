"""The queries of one scope: select list, source, grouping and order, at each depth of nesting.

`query_N` is a query with any columns; `one_K_N` has one column of class K and stands in
parentheses, `in_K_N` the same after IN; `rows_N` stands after EXISTS; `member_V` is a side of a set
operation whose columns have the classes V. Where GROUP BY must name what is selected, a query
either has no aggregate, or nothing else, or groups by positions, or by columns that its select list
then keeps to (`keyed_N`, whose rules come from `group_keys.py`). Depth 0 is the statement itself.
"""

from __future__ import annotations

from sqlstrictd.constraint.manner import Manner
from sqlstrictd.constraint.template import Template
from sqlstrictd.constraint.terminals import Terminals

# Most plain columns before the aggregates of a query that groups by positions.
_POSITIONS = 3


def add_queries(
    t: Template, manner: Manner, terminals: Terminals, deepest: int, vectors: tuple[str, ...]
) -> None:
    """Add the queries at depths 0 to `deepest`, and members for these vectors of classes."""
    _Queries(t, manner, terminals, deepest).add(vectors)


class _Queries:
    def __init__(self, t: Template, manner: Manner, terminals: Terminals, deepest: int) -> None:
        self._t = t
        self._manner = manner
        self._terminals = terminals
        self._deepest = deepest
        self._kinds = "ntds" if manner.is_typed else "v"
        self._nulls = " NULLS?" if manner.dialect.has_nulls_order else ""
        self._named = '(" AS " ALIAS)?'

    def add(self, vectors: tuple[str, ...]) -> None:
        self._add_items()
        self._add_orders()
        for depth in range(self._deepest + 1):
            self._add_source(depth)
            self._add_query(depth)
            if depth:
                self._add_inner(depth)
        for vector in vectors:
            self._add_member(vector)
        # All columns of one scope on both sides: as many, of the same classes.
        side = '"SELECT " DISTINCT? allstar_@ source_0_@'
        self._t.add("stars_@", f"{side} SETOP {side}")

    def _add_items(self) -> None:
        t, manner, named = self._t, self._manner, self._named
        for k in (*manner.classes, *("x" if manner.is_typed else "")):
            t.add("plain_@", f"v_{k}_@" if k != "x" else "", f"case_{k}_@", f"wide_{k}_@")
            t.add("even_@", f"v_{k}_@" if k not in "xj" else "", f"case_{k}_@", f"wide_{k}_@")
            t.add("total_@", f"tot_{k}_@" if k != "x" else "")
        t.add("total_@", "tot_o_@")
        t.add(
            "plain_@",
            "v_o_@",
            "c_u_@",
            "NUM",
            "SHORT",
            '"NULL"',
            "cond_@" if not manner.is_typed else "",
        )
        t.add("even_@", "c_o_@", "NUM", "SHORT")
        t.add("total_@", f"wtot_{manner.of('N')}_@")
        for depth in range(self._deepest + 1):
            inner = depth + 1
            if depth < self._deepest:
                k = manner.of("N")
                view = "" if manner.is_strict else "~"
                t.add(f"scalar_{depth}_@", f'"(" one_{k}_{inner}~ ")"')
                t.add(f"ratio_{depth}_@", f'tot_{k}_@ OP "(" one_{k}_{inner}{view} ")" (OP SIZE)?')
                t.add(f"rest_{depth}_@", f"scalar_{depth}_@", f"v_{k}_@ OP scalar_{depth}_@")
                t.add(f"rest_{depth}_@", f'EXISTS rows_{inner}~ ")"')
                if manner.is_typed:
                    t.add(f"rest_{depth}_@", f'"(" one_t_{inner}~ ")"')
            even = f"(even_@ | rest_{depth}_@) {named}"
            total = f"(total_@ | ratio_{depth}_@) {named}"
            t.add(
                f"plain_{depth}_@",
                "star_@",
                f"(plain_@ | rest_{depth}_@) {named}",
                "plain_@ " + named,
            )
            t.add(f"even_{depth}_@", "evenstar_@", even, "even_@ " + named)
            t.add(f"total_{depth}_@", total, "total_@ " + named)
            # MySQL takes the bare star in the first place alone.
            t.add(f"plains_{depth}_@", f'("*" | plain_{depth}_@) (", " plain_{depth}_@){{0,14}}')
            t.add(f"evens_{depth}_@", f'even_{depth}_@ (", " even_{depth}_@){{0,14}}', "allstar_@")
            t.add(f"totals_{depth}_@", f'total_{depth}_@ (", " total_{depth}_@){{0,9}}')
            for k in self._kinds:
                t.add("keyed_by_@", f"v_{k}_@", f"case_{k}_@")
            t.add("key_@", f"keyed_by_@ {named}")
            either = f"(plain_{depth}_@ | total_{depth}_@)"
            t.add(f"items_{depth}_@", f'("*" | {either}) (", " {either}){{0,14}}')

    def _add_orders(self) -> None:
        t = self._t
        way = f"WAY?{self._nulls}"
        for k in self._kinds:
            t.add("term_@", f"c_{k}_@", f"chain_{k}_@", f"f2_{k}_@" if k not in "nv" else "")
            t.add("term_@", f"case_{k}_@" if k in "ntv" else "", f"wide_{k}_@")
            t.add("byterm_@", f"c_{k}_@", f"chain_{k}_@", f"f2_{k}_@" if k not in "nv" else "")
            t.add("byterm_@", f"case_{k}_@" if k in "ntv" else "")
            t.add("totterm_@", f"tot_{k}_@")
        t.add("term_@", "c_b_@", "c_o_@", "outname_@", "outplace_@")
        t.add("byterm_@", "c_b_@", "c_o_@", "outplace_@", "outname_@")
        t.add("place_@", f'" ORDER BY " "1" {way}')
        t.add("order_@", f'" ORDER BY " (term_@ | "1") {way} (", " term_@ {way}){{0,4}}')
        t.add(
            "gorder_@",
            f'" ORDER BY " (term_@ | totterm_@ | "1") {way}'
            f' (", " (term_@ | totterm_@) {way}){{0,4}}',
        )
        t.add("torder_@", f'" ORDER BY " (totterm_@ | "1") {way} (", " totterm_@ {way}){{0,3}}')
        t.add("groups_@", '" GROUP BY " byterm_@ (", " byterm_@){0,5}')

    def _add_source(self, d: int) -> None:
        self._t.add(f"where_{d}_@", f'" WHERE " tests_{d}_@')
        self._t.add(f"source_{d}_@", f'" FROM " from_@ where_{d}_@?')

    def _add_query(self, d: int) -> None:
        t, source, limit = self._t, f"source_{d}_@", "limit" if self._may_limit(d) else ""
        select = '"SELECT "'
        if not self._manner.is_strict:
            t.add(
                f"query_{d}_@",
                f"{select} DISTINCT? items_{d}_@ {source} order_@? {limit}",
                f"{select} totals_{d}_@ {source} torder_@ {limit}",
                f"{select} DISTINCT? items_{d}_@ {source} groups_@ having_{d}_@? gorder_@? {limit}",
            )
            t.add(f"query_{d}_@", f"named_{d}_@")
            return
        t.add(
            f"query_{d}_@",
            f"named_{d}_@",
            f"{select} plains_{d}_@ {source} order_@? {limit}",
            f"{select} DISTINCT evens_{d}_@ {source} place_@? {limit}",
            f"{select} totals_{d}_@ {source} having_{d}_@? torder_@? {limit}",
            f"keyed_{d}_@",
        )
        for n in range(1, _POSITIONS + 1):
            keys = ' ", " '.join(["key_@"] * n)
            positions = ", ".join(map(str, range(1, n + 1)))
            t.add(
                f"query_{d}_@",
                f'{select} {keys} (", " total_{d}_@){{0,6}} {source} " GROUP BY {positions}"'
                f" having_{d}_@? torder_@? {limit}",
            )

    def _may_limit(self, d: int) -> bool:
        return d == 0 or self._manner.dialect.has_limit_in_subquery

    def _add_inner(self, d: int) -> None:
        t, source, strict = self._t, f"source_{d}_@", self._manner.is_strict
        for k in self._kinds:
            t.add(f"value_{k}_@", f"v_{k}_@", f"case_{k}_@" if k in "ntdv" else "")
            whole = [f"value_{k}_@ {source}", f"tot_{k}_@ {source}"]
            if k in "nv":
                whole.append(f"SIZE {source}")
            for text in whole:
                t.add(f"half_{k}_{d}_@", f'"SELECT " DISTINCT? {text}')
            grouped = f"groups_@ having_{d}_@?"
            if strict:
                t.add(f"grp_{k}_{d}_@", f'"SELECT " v_{k}_@ {source} " GROUP BY 1" having_{d}_@?')
                t.add(f"ord_{k}_{d}_@", f'"SELECT " value_{k}_@ {source} order_@')
            else:
                for text in whole:
                    t.add(f"grp_{k}_{d}_@", f'"SELECT " DISTINCT? {text} {grouped}')
                t.add(f"ord_{k}_{d}_@", f'"SELECT " DISTINCT? value_{k}_@ {source} order_@')
            t.add(
                f"one_{k}_{d}_@",
                f"half_{k}_{d}_@ limit",
                f"grp_{k}_{d}_@ {'torder_@' if strict else 'gorder_@'}? limit",
                f"ord_{k}_{d}_@ limit",
            )
            # Sides of a set operation in parentheses; order and limit would be the whole's.
            sides = [f"half_{k}_{d}_@", f"grp_{k}_{d}_@"]
            inside = sides
            if self._manner.dialect.has_limit_in_subquery:
                inside = [f"one_{k}_{d}_@"]
            t.add(f"in_{k}_{d}_@", *inside)
            t.add(f"side_{k}_{d}_@", *sides)
        t.add(f"rows_{d}_@", f'"SELECT " ("*" | "1" | any_@) {source}')

    def _add_member(self, vector: str) -> None:
        t = self._t
        columns, totals, plain = [], [], []
        for k in vector:
            t.add(
                f"mcol_{k}_@", f"v_{k}_@", "SHORT" if k in "tv" else "", "NUM" if k in "nv" else ""
            )
            t.add(f"meither_{k}_@", f"mcol_{k}_@", f"tot_{k}_@")
            columns.append(f"meither_{k}_@ {self._named}")
            plain.append(f"mcol_{k}_@ {self._named}")
            totals.append(f"tot_{k}_@ {self._named}")
        source = "source_0_@"
        if self._manner.is_strict:
            t.add(
                f"member_{vector}_@",
                f'"SELECT " DISTINCT? {_list(plain)} {source}',
                f'"SELECT " {_list(totals)} {source}',
            )
            if len(vector) <= _POSITIONS:
                positions = ", ".join(map(str, range(1, len(vector) + 1)))
                evens = _list([f"v_{k}_@ {self._named}" for k in vector])
                t.add(
                    f"member_{vector}_@",
                    f'"SELECT " {evens} {source} " GROUP BY {positions}" having_0_@?',
                )
        else:
            t.add(
                f"member_{vector}_@",
                f'"SELECT " DISTINCT? {_list(columns)} {source} (groups_@ having_0_@?)?',
            )


def _list(parts: list[str]) -> str:
    return ' ", " '.join(parts)

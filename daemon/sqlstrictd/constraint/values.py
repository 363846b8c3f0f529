"""The values of one scope: columns, arithmetic, calls and CASE.

One set of rules for each value class (see dialects/facts.py); in a dialect without types all
classes are one, `v`. Levels, not recursion, bound the nesting: `a0` is an argument without a call,
`f1` a call over such arguments, `a1` an argument that may hold such a call, `f2` a call over those.

    c_K   column          a0_K a1_K  argument      f1_K f2_K  call        v_K    value
    b_K   column without a closed list of values   l_K        left side of a comparison
    now_K  the clock, as CURRENT_DATE              simple_K   column, clock or call
    fc_K   a call `f1` that holds a column

`c_K` and `b_K` are given by the scope (`scopes.py`), `cond` by `conditions.py`.
"""

from __future__ import annotations

from sqlstrictd.constraint.accesses import add_accesses
from sqlstrictd.constraint.casts import add_casts
from sqlstrictd.constraint.manner import Manner, spread
from sqlstrictd.constraint.template import Template
from sqlstrictd.constraint.terminals import Terminals, any_of
from sqlstrictd.dialects.facts import Call

_PLACEHOLDERS = "XNTDSBJ"


def add_values(t: Template, manner: Manner, terminals: Terminals) -> None:
    """Add the rules of values: no aggregate, no window and no query in them."""
    _Values(t, manner, terminals).add()


class _Values:
    def __init__(self, t: Template, manner: Manner, terminals: Terminals) -> None:
        self._t = t
        self._manner = manner
        self._dialect = manner.dialect
        self._terminals = terminals
        self._comparable = "NTDSB" if manner.is_typed else "V"

    def add(self) -> None:
        for k in "nx" if self._manner.is_typed else "v":
            self._add_numbers(k)
        if self._manner.is_typed:
            self._add_other_classes()
        if self._manner.has_json:
            t = self._t
            t.add("a0_j_@", "c_j_@")
            t.add("a1_j_@", "a0_j_@", "f1_j_@")
            t.add("v_j_@", "c_j_@", "f2_j_@")
        add_accesses(self._t, self._manner, self._terminals)
        self._add_any()
        self._add_clock()
        for k in self._manner.classes:
            self._t.add(f"plain0_{k}_@", f"c_{k}_@", f"now_{k}_@")
            self._t.add(f"simple_{k}_@", f"c_{k}_@", f"f1_{k}_@")
        if self._manner.is_typed:
            self._t.add("plain0_x_@", "c_x_@")
            self._t.add("simple_x_@", "c_x_@", "f1_x_@")
        for level in (0, 1):
            for call in self._dialect.calls:
                self._add_call(f"f{level + 1}", call, level)
            for form in self._dialect.forms:
                self._add_form(f"f{level + 1}", form.text, form.result, level)
        add_casts(self._t, self._manner, self._terminals)
        self._add_cases()

    def _add_numbers(self, k: str) -> None:
        t, op = self._t, {"x": "OPX", "v": "OPV"}.get(k, "OP")
        signs = [*"+-*/", *(sign for signs in self._dialect.operators.values() for sign in signs)]
        self._terminals.define("OPV", any_of(f" {sign} " for sign in dict.fromkeys(signs)))
        pair = [f"c_{k}_@ {op} atom_{k}_@", f"SIZE {op} c_{k}_@"]
        if k == "v" and self._terminals.has_concat:
            pair += ["c_v_@ CAT (c_v_@ | SHORT)", "SHORT CAT c_v_@"]
        t.add(f"atom_{k}_@", f"c_{k}_@", "SIZE")
        t.add(f"pair_{k}_@", *pair)
        t.add(f"a0_{k}_@", f"c_{k}_@", f"pair_{k}_@")
        t.add(f"a1_{k}_@", f"a0_{k}_@", f"f1_{k}_@ ({op} atom_{k}_@)?", f"f1_{k}_@ {op} f1_{k}_@")
        if k != "x":
            both = f'"(" simple_{k}_@ {op} simple_{k}_@ ")" {op} (c_{k}_@ | SIZE)'
            t.add(f"split_{k}_@", both, f"f1_{k}_@ {op} f1_{k}_@")
            t.add(f"a1_{k}_@", f"split_{k}_@")
        if k == "x":
            t.add("f1_n_@", "f1_x_@")
            t.add("f2_n_@", "f2_x_@")
            return
        # Chains: with a column or a call in them, for what is constant is one number.
        t.add(f"sum_{k}_@", f"part_{k}_@ {op} part_{k}_@ ({op} part_{k}_@){{0,2}}")
        t.add(f"part_{k}_@", f"c_{k}_@", "SIZE", f"f1_{k}_@")
        t.add(f"term_{k}_@", f"c_{k}_@", "SIZE", f"f2_{k}_@", f'"(" sum_{k}_@ ")"')
        more = f"({op} term_{k}_@)"
        t.add(
            f"chain_{k}_@",
            f"c_{k}_@ {more}{{1,3}}",
            f"f2_{k}_@ {more}{{0,3}}",
            f'"(" sum_{k}_@ ")" {more}{{0,3}}',
            f"SIZE {op} term_{k}_@ {more}{{0,2}}",
        )
        if k == "n":
            t.add("chain_n_@", 'c_x_@ " % " INT', 'f2_x_@ " % " INT')
        elif self._terminals.has_concat:
            joined = "(c_v_@ | SHORT | f2_v_@)"
            t.add("chain_v_@", f"c_v_@ (CAT {joined}){{1,4}}", f"f2_v_@ (CAT {joined}){{1,4}}")
            t.add("chain_v_@", f"SHORT CAT {joined} (CAT {joined}){{0,3}}")
        t.add(f"v_{k}_@", f"c_{k}_@", f"chain_{k}_@")
        t.add(f"l_{k}_@", f"b_{k}_@", f"chain_{k}_@")
        self._add_shifts()

    def _add_other_classes(self) -> None:
        t = self._t
        for k in "tdsb":
            t.add(f"a0_{k}_@", f"c_{k}_@")
            t.add(f"a1_{k}_@", f"a0_{k}_@", f"f1_{k}_@")
            t.add(f"v_{k}_@", f"c_{k}_@", f"f2_{k}_@")
            t.add(f"l_{k}_@", f"b_{k}_@", f"f2_{k}_@")
        if self._terminals.has_concat:
            t.add("a0_t_@", "c_t_@ CAT (c_t_@ | SHORT)")
            joined = "(c_t_@ | SHORT | f2_t_@)"
            t.add("cat_@", f"c_t_@ (CAT {joined}){{1,4}}", f"f2_t_@ (CAT {joined}){{1,4}}")
            t.add("cat_@", "c_t_@ (CAT SHORT)? CAT c_n_@ (CAT SHORT)?")
            t.add("cat_@", f"SHORT CAT (c_t_@ | f2_t_@) (CAT {joined}){{0,3}}")
            t.add("v_t_@", "cat_@")
            t.add("l_t_@", "cat_@")
        t.add("v_o_@", "c_o_@", "f2_o_@")

    def _add_clock(self) -> None:
        """Add the day and the moment of the query, as arguments that need no column."""
        dialect = self._dialect
        for call in dialect.calls:
            if not call.arguments and call.result in "DS":
                k = self._manner.of(call.result)
                self._t.add(f"now_{k}_@", self._terminals.call(call.names, ""))
        for form in dialect.forms:
            if form.text.startswith('"CURRENT_') and form.result in "DS":
                self._t.add(f"now_{self._manner.of(form.result)}_@", form.text)
        for k in "ds" if self._manner.is_typed else "v":
            self._t.add(f"a0_{k}_@", f"now_{k}_@")
            if dialect.interval:  # which makes a moment of a day too
                result = "s" if self._manner.is_typed else "v"
                self._t.add(f"a0_{result}_@", f"now_{k}_@ PLUSMINUS interval")

    def _add_shifts(self) -> None:
        """Add dates moved by intervals."""
        if not self._dialect.interval:
            return
        if not self._manner.is_typed:
            self._t.add("shift_v_@", f"(simple_v_@{self._written('D')}) PLUSMINUS interval")
            self._t.add("shift_v_@", "now_v_@ PLUSMINUS WIDTH")
            self._t.add("chain_v_@", "shift_v_@")
            self._t.add("a1_v_@", "shift_v_@")
            return
        for source, result in self._dialect.interval_result.items():
            k, r = self._manner.of(source), self._manner.of(result)
            written = self._written(source)
            self._t.add(f"shift_{r}_@", f"(simple_{k}_@{written}) PLUSMINUS interval")
        # Days are counted by whole numbers too.
        self._t.add("shift_d_@", "simple_d_@ PLUSMINUS WIDTH")
        for r in "ds":
            self._t.add(f"v_{r}_@", f"shift_{r}_@")
            self._t.add(f"l_{r}_@", f"shift_{r}_@")
            self._t.add(f"a1_{r}_@", f"shift_{r}_@")

    def _written(self, letter: str) -> str:
        """The literals of a class, as a further alternative."""
        text = self._dialect.literals.get(letter, "")
        return f" | {text}" if text else ""

    def _add_any(self) -> None:
        """Add what may be of any class: `any` a column, `ae0` and `ae1` arguments."""
        for k in (*self._manner.classes, "o", "u"):
            self._t.add("any_@", f"c_{k}_@")
            if k not in "uj":
                self._t.add("some_@", f"c_{k}_@")  # what can be compared
            for level in (0, 1):
                held = f"c_{k}_@" if k in "ou" else f"a{level}_{k}_@"
                self._t.add(f"ae{level}_@", held)

    def _argument(self, code: str, level: int, position: int, poly: str, is_many: bool) -> str:
        if len(code) > 1:
            return code
        if code == "E":
            return f"(ae{level}_@ | SHORT)" if position else f"ae{level}_@"
        if code == "L":
            return f"arr_{poly.lower()}_@" if poly else "array_@"
        letter = poly if code == "K" else code
        k = self._manner.of(letter)
        if code == "B":
            return f"(a{level}_{k}_@ | flats_@)"
        # Even where classes are one, a length is no text.
        literal = self._terminals.literal(letter.lower(), is_short=True)
        if self._manner.is_typed and letter in self._dialect.literals:
            literal = self._dialect.literals[letter]
        is_open = (position > 0 or (is_many and letter in "TV")) and literal
        return f"(a{level}_{k}_@ | {literal})" if is_open else f"a{level}_{k}_@"

    def _add_call(self, rule: str, call: Call, level: int) -> None:
        codes = call.arguments.split()
        for poly in spread(call, self._comparable):
            text = ""
            for position, code in reversed(list(enumerate(codes))):
                bare = code.rstrip("?*")
                one = self._argument(bare, level, position, poly, "*" in code)
                many = f'(", " {one}){{0,3}}' if "*" in code else ""
                comma = '", " ' if position else ""
                text = f"{comma}{one} {many} {text}".rstrip()
                if "?" in code:
                    text = f"({text})?"
            k = self._manner.of(poly if call.result == "K" else call.result)
            body = self._terminals.call(call.names, text)
            self._add_call_body(rule, k, body)
            if call.result == "B":
                self._t.add("fb_@", body)

    def _add_form(self, rule: str, text: str, result: str, level: int) -> None:
        # Beside an operator no argument may have one of its own.
        is_operation = text.startswith('"("') or '{S} " - " {S}' in text
        for letter in _PLACEHOLDERS:
            k = self._manner.of(letter)
            simple = f"simple_{k}_@" if level else f"plain0_{k}_@"
            text = text.replace(f"{{{letter}}}", simple if is_operation else f"a{level}_{k}_@")
        text = text.replace("{E}", f"ae{level}_@")
        self._add_call_body(rule, self._manner.of(result), text)

    def _add_call_body(self, rule: str, k: str, body: str) -> None:
        """Add a call to its rule, or to that of the calls that hold a column (`fc`)."""
        if rule == "f1" and "_@" in body:
            self._t.add(f"fc_{k}_@", body)
            body = f"fc_{k}_@"
        self._t.add(f"{rule}_{k}_@", body)

    def _add_cases(self) -> None:
        for k in "ntd" if self._manner.is_typed else "v":
            literal = self._terminals.literal(k, is_short=True)
            first = [f"c_{k}_@", f"f1_{k}_@"]
            if k in "ntv":
                first.append(literal)
            if k in "nv":
                first.append(f"pair_{k}_@")
            self._t.add(f"then_{k}_@", *first)
            self._t.add(f"other_{k}_@", f"then_{k}_@", '"NULL"', literal)
            arm = '"WHEN " cond_@ (AO cond_@){0,2} " THEN "'
            self._t.add(
                f"case_{k}_@",
                f'"CASE " {arm} then_{k}_@ (" " {arm} other_{k}_@){{0,4}}'
                f' (" ELSE " other_{k}_@)? " END"',
            )
            for j in "nt" if self._manner.is_typed else "v":
                on = self._terminals.literal(j, is_short=True)
                arm = f'" WHEN " {on} " THEN "'
                self._t.add(
                    f"case_{k}_@",
                    f'"CASE " c_{j}_@ {arm} then_{k}_@ ({arm} other_{k}_@){{0,4}}'
                    f' (" ELSE " other_{k}_@)? " END"',
                )

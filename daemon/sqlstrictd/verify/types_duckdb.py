"""DuckDB's types, for where DuckDB is not installed: by classes, from the facts of the dialect.

DuckDB converts more than PostgreSQL does and less than MySQL: numbers among each other, dates to
timestamps, literals in quotes to what they are compared with, nothing to text but by ||. Types are
the classes of `dialects/facts.py` (I for whole numbers, N for all others), spans of time ("span"),
times of day ("time"), lists ("N[]") and others by their names.

Literals are read here, as in PostgreSQL: what DuckDB prepares and can never run (`id = 'abc'`) is
refused.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from sqlglot import exp

from sqlstrictd import dialects
from sqlstrictd.dialects import value_class
from sqlstrictd.dialects.facts import Call
from sqlstrictd.schema.cursor import show
from sqlstrictd.schema.types import Column
from sqlstrictd.verify.types_catalog import UNKNOWN, Context
from sqlstrictd.verify.types_literals import fits
from sqlstrictd.verify.types_rules import Called, Rules
from sqlstrictd.verify.types_scope import Value, Wrong

_NAMED: Final = {
    **dict.fromkeys(("int4", "int8"), "I"),
    **dict.fromkeys(("numeric", "float8"), "N"),
    "bool": "B",
    "text": "T",
    "date": "D",
    "interval": "span",
    "time": "time",
    **dict.fromkeys(("timestamp", "timestamptz"), "S"),
    "timetz": "time",
}
_WHOLE: Final = re.compile(r"U?(TINY|SMALL|BIG|HUGE)?INT(EGER|[1248])?|SHORT|LONG|SIGNED")
_NUMERIC: Final = frozenset("IN")
_SHOWN: Final = {
    "I": "whole number",
    "N": "number",
    "T": "text",
    "B": "boolean",
    "D": "date",
    "S": "timestamp",
}
_READ_AS: Final = {
    "I": "int8",
    "N": "numeric",
    "D": "date",
    "S": "timestamp",
    "B": "bool",
    "time": "time",
}
_WHOLES: Final = frozenset({"INT", "WIDTH", "PLACES"})
_COMPARED: Final = frozenset("= <> < <= > >=".split())
_MATCHED: Final = frozenset("~~ ~~* ~".split())
# What + and - make of two different types; numbers with numbers go without saying.
_SUMS: Final = {
    ("D", "I"): "D",
    ("D", "span"): "S",
    ("S", "span"): "S",
    ("time", "span"): "time",
    ("span", "span"): "span",
}
_DIFFERENCES: Final = {("D", "D"): "I", ("S", "S"): "span", ("D", "S"): "span", ("S", "D"): "span"}
# What is written with words between its arguments, or is no call among the facts.
_MORE: Final = (
    Call("CONCAT", "E E*", "T"),
    Call("CONCAT_WS", "T E*", "T"),
    Call("POSITION", "T T", "I"),
    Call("TRIM", "T T?", "T"),
    Call("SUBSTRING SUBSTR", "T INT INT?", "T"),
    Call("LEFT RIGHT", "T INT", "T"),
    Call("ABS", "N", "N"),
    Call("EXTRACT", "T S", "N"),
    Call("EXTRACT", "T SPAN", "N"),
    Call("EXTRACT", "T TIME", "N"),
)


class DuckDBRules(Rules):
    """DuckDB, as far as its facts go."""

    name = "duckdb"
    has_aliases_in_having = True
    has_strict_distinct = False
    branch_functions = frozenset({"COALESCE", "GREATEST", "LEAST", "IFNULL"})

    def __init__(self) -> None:
        self._facts = dialects.get("duckdb")
        groups = ((self._facts.aggregates, "a"), (self._facts.windows, "w"))
        self._calls: dict[str, list[tuple[Call, str]]] = {
            "COUNT": [(Call("COUNT", "E?", "I"), "a")]
        }
        for calls, kind in (((*self._facts.calls, *_MORE), "f"), *groups):
            for call in calls:
                for name in call.names.split():
                    self._calls.setdefault(name.upper(), []).append((call, kind))
        for name in ("PERCENTILE_CONT", "PERCENTILE_DISC"):
            self._calls[name] = [(Call(name, "N N", "N"), "o")]

    def column_type(self, column: Column) -> str:
        """Return the class of the declared type."""
        return self._read(column.type)

    def _read(self, written: str) -> str:
        upper = " ".join(written.upper().split("(")[0].split())
        if written.endswith("]"):
            return f"{self._read(written[: written.rindex('[')])}[]"
        if upper.startswith("TIME") and not upper.startswith("TIMESTAMP"):
            return "time"
        if upper == "INTERVAL":
            return "span"
        letter = value_class(written, self._facts)
        if letter == "X":
            return "I" if _WHOLE.fullmatch(upper) else "N"
        return upper if letter in "OU" else letter

    def operator(self, symbol: str, operands: Sequence[Value], node: exp.Expr) -> Value:
        """Decide by the classes of the operands."""
        if any(operand.items for operand in operands):
            return self._rows(symbol, operands, node)
        result = self._apply(symbol, [operand.type for operand in operands], operands, node)
        if result is None:
            shown = " and ".join(map(_show, operands))
            written = {"~~": "LIKE", "~~*": "ILIKE"}.get(symbol, symbol)
            raise Wrong(f"There is no operator {written} for {shown}; write a CAST.", node)
        return Value(result)

    def _rows(self, symbol: str, operands: Sequence[Value], node: exp.Expr) -> Value:
        if len(operands) != 2 or len(operands[0].items) != len(operands[1].items):
            raise Wrong("The two sides do not have as many columns.", node)
        for left, right in zip(operands[0].items, operands[1].items, strict=True):
            self.operator(symbol, (left, right), node)
        return Value("B")

    def _apply(
        self, symbol: str, types: list[str], operands: Sequence[Value], node: exp.Expr
    ) -> str | None:
        if len(types) == 1:
            return types[0] if types[0] in ("I", "N", "span") else None
        left, right = types
        if symbol in _COMPARED:
            matched = self.matched(operands)
            if matched is None:
                return "B" if _are_compared(set(types), node) else None
            self._check_literals(operands, matched, node)
            return "B"
        if symbol in _MATCHED:
            return "B" if {left, right} <= {"T", UNKNOWN} else None
        if symbol == "||":
            lists = [type_ for type_ in types if type_.endswith("[]")]
            return (lists[0] if len(set(types)) == 1 else None) if lists else "T"
        if symbol in ("->", "->>"):
            return {"->": "J", "->>": "T"}[symbol] if left in ("J", "T") else None
        if {left, right} <= _NUMERIC:
            return "I" if left == right == "I" and symbol not in ("/", "^") else "N"
        if symbol in ("*", "/"):
            return "span" if left == "span" and right in _NUMERIC else None
        if symbol == "-" and (left, right) in _DIFFERENCES:
            return _DIFFERENCES[left, right]
        if symbol in ("+", "-"):
            swapped = _SUMS.get((right, left)) if symbol == "+" else None
            return _SUMS.get((left, right)) or swapped
        return None

    def kinds(self, name: str) -> frozenset[str]:
        """Say what the facts have the function under."""
        return frozenset(kind for _, kind in self._calls.get(name.upper(), ()))

    def call(self, name: str, arguments: Sequence[Value], node: exp.Expr, wants: str) -> Called:
        """Find a call among the facts that takes the arguments."""
        kinds = {"w": "aw", "o": "o"}.get(wants, "fa")
        for call, kind in self._calls.get(name.upper(), ()):
            if kind in kinds:
                result = self._fit(call, arguments)
                if result is not None:
                    return Called(Value(result), kind)
        shown = ", ".join(map(_show, arguments)) or "no arguments"
        if wants != "w" and self.kinds(name) == {"w"}:
            raise Wrong(f"{name.upper()} needs OVER (...).", node)
        raise Wrong(f"There is no function {name.upper()} here for {shown}.", node)

    def _fit(self, call: Call, arguments: Sequence[Value]) -> str | None:
        """Return what a call results in, if it takes the arguments."""
        codes = call.arguments.split()
        least = sum(not code.endswith(("?", "*")) for code in codes)
        while codes and codes[-1].endswith("*") and len(codes) < len(arguments):
            codes.append(codes[-1])
        if not least <= len(arguments) <= len(codes):
            return None
        same: list[Value] = []
        for argument, code in zip(arguments, codes, strict=False):
            letter = code.rstrip("?*")
            if letter == "L" and "K" in codes:
                same.append(Value(argument.type.removesuffix("[]")))
            if letter == "K":
                same.append(argument)
            elif letter != "E" and not self._takes(letter, argument):
                return None
        known = self.matched(same) if same else ""
        if known is None:
            return None
        if call.result == "X":
            has_numbers = any(argument.type == "N" for argument in arguments)
            return "N" if has_numbers else "I"
        return known if call.result == "K" else call.result

    def _takes(self, letter: str, argument: Value) -> bool:
        if letter in ("SPAN", "TIME"):
            return argument.type == letter.lower()
        if len(letter) > 1:
            letter = "I" if letter in _WHOLES else "N" if letter == "SHARE" else "T"
        letter = "N" if letter == "X" else letter
        if argument.type == UNKNOWN:
            return argument.literal is None or letter == "T"
        if letter == "O":
            return True
        if letter == "L":
            return argument.type.endswith("[]")
        return argument.type == letter or (letter + argument.type) in ("SD", "NI")

    def matched(self, values: Sequence[Value]) -> str | None:
        """Return the class that values come to: a timestamp for dates, text for literals."""
        types = {value.type for value in values} - {UNKNOWN}
        if types in ({"D", "S"}, {"I", "N"}):
            return "S" if "S" in types else "N"
        if len(types) > 1:
            return None
        return types.pop() if types else "T"

    def common(self, values: Sequence[Value], what: str, node: exp.Expr) -> Value:
        """Match the classes of branches."""
        matched = self.matched(values)
        if matched is None:
            shown = ", ".join(dict.fromkeys(map(_show, values)))
            raise Wrong(f"{what} cannot be of different types: {shown}; write a CAST.", node)
        self._check_literals(values, matched, node)
        return Value(matched)

    def coerce(
        self, value: Value, target: str, what: str, node: exp.Expr, context: Context
    ) -> None:
        """Check a value against the class that its place wants."""
        fitting = {target, UNKNOWN, *{"B": "INT", "S": "D", "N": "I", "I": "N"}.get(target, "")}
        if value.items or value.type not in fitting:
            raise Wrong(f"{what} must be {_show(Value(target))}, not {_show(value)}.", node)
        self._check_literals((value,), target, node)

    def cast(self, value: Value, written: str, node: exp.Expr) -> Value:
        """Take any single value to the types that the facts have."""
        target = self._read(written)
        if value.items or value.type.endswith("[]") != target.endswith("[]"):
            raise Wrong(f"{_show(value)} cannot be cast to {show(written)}.", node)
        self._check_literals((value,), target, node)
        return Value(target)

    def declared(self, written: str, node: exp.Expr) -> str:
        """Read a declared type."""
        return self._read(written)

    def sort(self, value: Value, what: str, node: exp.Expr) -> None:
        """Everything can be compared and sorted."""

    def number(self, text: str) -> str:
        """Whole numbers are apart from others."""
        return "I" if text.isdigit() else "N"

    def named(self, name: str) -> str:
        """Return the class of one of PostgreSQL's types."""
        return _NAMED[name]

    def _check_literals(self, values: Sequence[Value], target: str, node: exp.Expr) -> None:
        read_as = _READ_AS.get(target)
        for value in values:
            if value.type == UNKNOWN and value.literal is not None and read_as is not None:
                if not fits(value.literal, read_as):
                    raise Wrong(f"A literal here is not a valid {_show(Value(target))}.", node)


def _are_compared(types: set[str], node: exp.Expr) -> bool:
    """Whether two different classes are compared: text with any other, but by = and <> alone."""
    if types == {"B", "I"}:
        return True
    is_list = any(type_.endswith("[]") for type_ in types)
    return isinstance(node, exp.EQ | exp.NEQ) and "T" in types and not is_list


def _show(value: Value) -> str:
    if value.items:
        return "a row"
    shown = "an untyped literal" if value.type == UNKNOWN else value.type
    return _SHOWN.get(shown, shown)

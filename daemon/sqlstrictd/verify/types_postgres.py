"""PostgreSQL's types: what its operators, functions and casts make of the types they are given.

It answers `types_expressions.py` from the server's own catalogue (`types_catalog.py`), chosen by
the server's rules (`types_resolve.py`), literals read as the server reads them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from sqlglot import exp

from sqlstrictd.schema.cursor import show
from sqlstrictd.schema.types import Column
from sqlstrictd.verify.types_catalog import UNKNOWN, Context, read_catalog
from sqlstrictd.verify.types_literals import fits
from sqlstrictd.verify.types_resolve import (
    Choice,
    choose_function,
    choose_operator,
    common_type,
)
from sqlstrictd.verify.types_rules import Called, Rules
from sqlstrictd.verify.types_scope import Value, Wrong

_NAMES: Final = {
    "BOOLEAN BOOL": "bool",
    "SMALLINT INT2 SMALLSERIAL SERIAL2": "int2",
    "INTEGER INT INT4 SERIAL SERIAL4": "int4",
    "BIGINT INT8 BIGSERIAL SERIAL8": "int8",
    "NUMERIC DECIMAL DEC": "numeric",
    "REAL FLOAT4": "float4",
    "DOUBLE_PRECISION FLOAT FLOAT8": "float8",
    "VARCHAR CHARACTER_VARYING CHAR_VARYING NATIONAL_CHARACTER_VARYING": "varchar",
    "CHAR CHARACTER BPCHAR NCHAR NATIONAL_CHARACTER": "bpchar",
    "TIMESTAMP TIMESTAMP_WITHOUT_TIME_ZONE": "timestamp",
    "TIMESTAMPTZ TIMESTAMP_WITH_TIME_ZONE": "timestamptz",
    "TIME TIME_WITHOUT_TIME_ZONE": "time",
    "TIMETZ TIME_WITH_TIME_ZONE": "timetz",
    "BIT_VARYING VARBIT": "varbit",
}
_TYPES: Final = {
    written.replace("_", " "): type_ for names, type_ in _NAMES.items() for written in names.split()
} | {
    name.upper(): name
    for name in (
        "money text name bytea date interval json jsonb jsonpath uuid inet cidr macaddr bit xml "
        "tsvector tsquery oid point int4range int8range numrange daterange tsrange tstzrange "
        "regconfig"
    ).split()
}
# Types without operators of their own, which the server reads as others.
_READ_AS: Final = {"varchar": "text", "cidr": "inet"}
# What cannot follow when an interval names a field, as in INTERVAL DAY TO SECOND.
_INTERVAL: Final = re.compile(r"INTERVAL( [A-Z ]+)?")


def read_type(written: str) -> str:
    """Return the server's name of a type as written; empty where it is not known."""
    text = re.sub(r"\([^)]*\)", " ", written.upper())
    text = re.sub(r"\bARRAY\b", "[]", text)
    n_dimensions = text.count("[")
    text = " ".join(re.sub(r"\[\s*\d*\s*\]", " ", text).split())
    if _INTERVAL.fullmatch(text):
        text = "INTERVAL"
    type_ = _TYPES.get(text, "")
    if type_ == "float8" and re.match(r"\s*FLOAT\s*\(\s*(1?\d|2[0-4])\s*\)", written.upper()):
        type_ = "float4"
    return f"{type_}[]" if type_ and n_dimensions else type_


class PostgresRules(Rules):
    """PostgreSQL 15."""

    name = "postgres"
    groups_by_primary_key = True
    branch_functions = frozenset({"COALESCE", "GREATEST", "LEAST"})

    def __init__(self) -> None:
        self._catalog = read_catalog("postgres")
        self._labels: dict[str, tuple[str, ...]] = {}

    def column_type(self, column: Column) -> str:
        """Read the declared type; what is not known is a type that only stands for itself."""
        found = read_type(column.type)
        if found:
            return found
        if not column.values:
            return f"other {column.type}"
        self._labels[f"enum {column.type}"] = column.values
        return f"enum {column.type}"

    def modifier(self, written: str) -> str:
        """Return the numbers in a type's parentheses; CHAR and BIT without any have one."""
        upper = " ".join(written.upper().split())
        if upper.startswith("INTERVAL"):
            return upper.removeprefix("INTERVAL").removesuffix("[]").strip()
        if upper.startswith("FLOAT"):
            return ""  # its number only chooses between two types
        found = re.search(r"\(\s*(\d+)\s*(,\s*\d+\s*)?\)", upper)
        if found is not None:
            is_exact = found[2] is None and upper.startswith(("NUM", "DEC"))
            return f"({found[1]},0)" if is_exact else "".join(found[0].split())
        return "(1)" if re.match(r"(N?CHAR|CHARACTER|BIT)\b(?! VARYING)", upper) else ""

    def operator(self, symbol: str, operands: Sequence[Value], node: exp.Expr) -> Value:
        """Choose the operator by its operands' types."""
        if any(operand.items for operand in operands):
            return self._rows(symbol, operands, node)
        types = [operand.type for operand in operands]
        choice = self._enums(symbol, types) or choose_operator(self._catalog, symbol, types)
        if choice is None:
            shown = " and ".join(_show(operand) for operand in operands)
            hint = "; write a CAST to one type" if len(operands) == 2 else ""
            raise Wrong(f"There is no operator {symbol} for {shown}{hint}.", node)
        self._check_literals(operands, choice.arguments, node)
        return Value(choice.result)

    def _enums(self, symbol: str, types: Sequence[str]) -> Choice | None:
        """Comparisons of an enum with itself or a literal; the catalogue has them for anyenum."""
        enums = {type_ for type_ in types if type_ != UNKNOWN}
        only = enums.pop() if len(enums) == 1 else ""
        if not only.startswith("enum ") or len(types) != 2:
            return None
        return choose_operator(self._catalog, symbol, (only, only))

    def _rows(self, symbol: str, operands: Sequence[Value], node: exp.Expr) -> Value:
        lengths = {len(operand.items) for operand in operands}
        if len(operands) != 2 or len(lengths) != 1:
            raise Wrong("The two sides do not have as many columns.", node)
        for left, right in zip(operands[0].items, operands[1].items, strict=True):
            self.operator(symbol, (left, right), node)
        return Value("bool")

    def kinds(self, name: str) -> frozenset[str]:
        """Say what the catalogue has the function under."""
        return frozenset(s.kind for s in self._catalog.functions.get(name.lower(), ()))

    def call(self, name: str, arguments: Sequence[Value], node: exp.Expr, wants: str) -> Called:
        """Choose the function by its arguments' types, among those that may stand here."""
        function = name.lower()
        signatures = self._catalog.functions.get(function, ())
        types = [argument.type for argument in arguments]
        if not signatures:
            raise Wrong(f"There is no function {name.upper()} that the check knows.", node)
        kinds = {"w": "aw", "o": "oh"}.get(wants, "fa")
        choice = choose_function(self._catalog, [s for s in signatures if s.kind in kinds], types)
        if choice is None and len(types) == 1 and types[0] == UNKNOWN and function in fits_names():
            # A type's name called with a literal is a cast: date('2020-01-01').
            self._check_literals(arguments, (function,), node)
            return Called(Value(function))
        if choice is None:
            raise Wrong(self._explain(name, arguments, wants), node)
        self._check_literals(arguments, choice.arguments, node)
        signature = choice.signature
        return Called(Value(choice.result), signature.kind, signature.is_set)

    def _explain(self, name: str, arguments: Sequence[Value], wants: str) -> str:
        kinds = {s.kind for s in self._catalog.functions[name.lower()]}
        if wants == "w" and kinds == {"f"}:
            return f"{name.upper()} is no window function: OVER cannot follow it."
        if not wants and kinds == {"w"}:
            return f"{name.upper()} needs OVER (...)."
        if not wants and kinds & {"o", "h"} and not kinds & {"f", "a"}:
            return f"{name.upper()} needs WITHIN GROUP (ORDER BY ...)."
        shown = ", ".join(_show(argument) for argument in arguments) or "no arguments"
        return f"There is no function {name.upper()} for {shown}; write a CAST where one is needed."

    def matched(self, values: Sequence[Value]) -> str | None:
        """Match the values' types."""
        return common_type(self._catalog, [value.type for value in values])

    def common(self, values: Sequence[Value], what: str, node: exp.Expr) -> Value:
        """Match the branches' types, and read untyped literals as the type that results."""
        result = self.matched(values)
        if result is None:
            shown = ", ".join(dict.fromkeys(map(_show, values)))
            raise Wrong(f"{what} cannot be of different types: {shown}; write a CAST.", node)
        self._check_literals(values, [result] * len(values), node)
        # What has to be converted first is bounded by nothing.
        bounds = {value.modifier if value.type == result else "" for value in values}
        return Value(result, modifier=bounds.pop() if len(bounds) == 1 else "")

    def coerce(
        self, value: Value, target: str, what: str, node: exp.Expr, context: Context
    ) -> None:
        """Check a value against the type that its place wants."""
        if value.items or not self._catalog.can_coerce(value.type, target, context):
            raise Wrong(f"{what} must be {target}, not {_show(value)}.", node)
        self._check_literals((value,), (target,), node)

    def cast(self, value: Value, written: str, node: exp.Expr) -> Value:
        """Cast where the catalogue, or text input and output, has a way."""
        target = read_type(written)
        if not target or re.search(r"SERIAL", written.upper()):
            raise Wrong(f"{show(written)} is no type that the check knows.", node)
        if value.items or not self._catalog.can_coerce(value.type, target, "explicit"):
            raise Wrong(f"{_show(value)} cannot be cast to {target}.", node)
        self._check_literals((value,), (target,), node)
        return Value(target, modifier=self.modifier(written))

    def declared(self, written: str, node: exp.Expr) -> str:
        """Read a declared type, SERIAL included."""
        type_ = read_type(written)
        if not type_:
            raise Wrong(f"{show(written)} is no type that the check knows.", node)
        return type_

    def sort(self, value: Value, what: str, node: exp.Expr) -> None:
        """Check that the type has an order."""
        for item in value.items:
            self.sort(item, what, node)
        type_ = value.type
        while type_.endswith("[]"):
            type_ = type_[:-2]
        type_ = _READ_AS.get(type_, type_)
        has_order = type_ in (UNKNOWN, "record") or type_.startswith("enum ")
        if not has_order and not type_.endswith("range"):
            found = self._catalog.operators["<"]
            has_order = any(signature.arguments == (type_, type_) for signature in found)
        if not has_order:
            raise Wrong(
                f"Values of type {value.type} cannot be compared or sorted in {what}.", node
            )

    def number(self, text: str) -> str:
        """Whole numbers are int4, int8 or numeric by their size, others numeric."""
        if not text.isdigit():
            return "numeric"
        if len(text) > 19:
            return "numeric"
        value = int(text)
        return "int4" if value < 2**31 else "int8" if value < 2**63 else "numeric"

    def _check_literals(
        self, values: Sequence[Value], targets: Sequence[str], node: exp.Expr
    ) -> None:
        """Check that every untyped literal is text of the type that it is read as."""
        for value, target in zip(values, targets, strict=True):
            if value.type != UNKNOWN or value.literal is None:
                continue
            if target in self._labels:
                if value.literal not in self._labels[target]:
                    raise Wrong(f"A literal here is no value of {_show(Value(target))}.", node)
                continue
            if target in ("", "anyelement"):
                raise Wrong("The type of a literal is not clear here; write a CAST.", node)
            if not fits(value.literal, target):
                raise Wrong(f"A literal here is not a valid {target}.", node)


def fits_names() -> frozenset[str]:
    """Return the names of types that may be called like functions."""
    return frozenset(
        {"date", "float4", "float8", "int2", "int4", "int8", "numeric", "text", "uuid"}
    )


def _show(value: Value) -> str:
    if value.items:
        return "a row"
    return "an untyped literal" if value.type == UNKNOWN else value.type.split(" ")[-1]

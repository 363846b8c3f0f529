"""Expressions of a form of their own: CASE, casts, COLLATE, intervals, arrays, time zones.

The part of `types_expressions.py` that no operator and no comparison needs; the parts of these
expressions are typed there.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Final

from sqlglot import exp

from sqlstrictd import dialects
from sqlstrictd.verify.lengths import cut_type, explain_lengths
from sqlstrictd.verify.types_catalog import UNKNOWN
from sqlstrictd.verify.types_rules import Rules
from sqlstrictd.verify.types_scope import TypedScope, Value, Wrong

_NULL: Final = Value(UNKNOWN)
# MySQL's functions whose second argument is an INTERVAL.
_ADDING: Final = frozenset({"DATE_ADD", "DATE_SUB", "ADDDATE", "SUBDATE"})
# What MySQL counts an interval in; written as words after the amount.
_MYSQL_UNITS: Final = frozenset(
    "MICROSECOND SECOND MINUTE HOUR DAY WEEK MONTH QUARTER YEAR SECOND_MICROSECOND "
    "MINUTE_MICROSECOND MINUTE_SECOND HOUR_MICROSECOND HOUR_SECOND HOUR_MINUTE DAY_MICROSECOND "
    "DAY_SECOND DAY_MINUTE DAY_HOUR YEAR_MONTH".split()
)


def _is_added(node: exp.Expr) -> bool:
    """Whether an INTERVAL stands where MySQL has it: in a sum, or in DATE_ADD."""
    parent = node.parent
    if isinstance(parent, exp.Anonymous):
        return parent.name.upper() in _ADDING and parent.expressions[1:] == [node]
    is_subtracted = isinstance(parent, exp.Sub) and parent.expression is node
    return is_subtracted or isinstance(parent, exp.Add)


def _has_mysql_unit(node: exp.Expr) -> bool:
    """Whether a unit follows the amount, and does not stand in a string with it."""
    unit = node.args.get("unit")
    is_whole = not node.meta.get("ends_in_string")
    return is_whole and unit is not None and unit.name.upper() in _MYSQL_UNITS


class Forms(ABC):
    """Types expressions by their parts, which a subclass types."""

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        # Casts to the type that a value has anyway, which mean the value itself.
        self.idle_casts: set[int] = set()
        self._bool = rules.named("bool")
        self._text = rules.named("text")

    @abstractmethod
    def value(self, node: exp.Expr, scope: TypedScope) -> Value:
        """Type one expression."""

    @abstractmethod
    def condition(self, node: exp.Expr, scope: TypedScope, what: str) -> None:
        """Type an expression that must be true or false."""

    @abstractmethod
    def _subquery(self, node: exp.Expr, scope: TypedScope) -> Value:
        """Type it; the class that knows queries does."""

    def _case(self, node: exp.Expr, scope: TypedScope) -> Value:
        operand = self.value(node.this, scope) if node.this is not None else None
        branches = []
        for branch in node.args["ifs"]:
            if operand is None:
                self.condition(branch.this, scope, "What follows WHEN")
            else:
                compared = Value(self._text) if operand.type == UNKNOWN else operand
                self.rules.operator("=", (compared, self.value(branch.this, scope)), branch)
            branches.append(self.value(branch.args["true"], scope))
        default = node.args.get("default")
        first = _NULL if default is None else self.value(default, scope)
        return self.rules.common((first, *branches), "The branches of CASE", node)

    def _cast(self, node: exp.Expr, scope: TypedScope) -> Value:
        target = node.args["to"]
        for parameter in target.find_all(exp.DataTypeParam):
            length = parameter.this
            if not isinstance(length, exp.Literal) or length.is_string or not length.name.isdigit():
                raise Wrong("The length of a type is a whole number.", node)
        written = target.meta.get("written") or target.sql(dialects.get(self.rules.name).parser)
        problem = explain_lengths(*cut_type(written), self.rules.name, declares=False)
        if problem:
            raise Wrong(problem, node)
        value = self.value(node.this, scope)
        result = self.rules.cast(value, written, node)
        # DuckDB groups by the cast itself, so only PostgreSQL's are passed over.
        is_idle = result == value and result.modifier == value.modifier and "(" not in written
        if self.rules.name == "postgres" and is_idle:
            self.idle_casts.add(id(node))
        return result

    def _collate(self, node: exp.Expr, scope: TypedScope) -> Value:
        value = self.value(node.this, scope)
        self.rules.coerce(value, self._text, "What stands before COLLATE", node, "implicit")
        return Value(self._text) if value.type == UNKNOWN else value

    def _escape(self, node: exp.Expr, scope: TypedScope) -> Value:
        result = self.value(node.this, scope)
        escape = self.value(node.expression, scope)
        self.rules.coerce(escape, self._text, "What follows ESCAPE", node, "implicit")
        return result

    def _interval(self, node: exp.Expr, scope: TypedScope) -> Value:
        amount, unit = node.this, node.args.get("unit")
        if self.rules.name == "postgres":
            text = node.meta.get("written")
            if text is None:
                raise Wrong("INTERVAL is followed by a string, as in INTERVAL '1 day'.", node)
            # A unit outside the string bounds the type.
            field = "" if node.meta["ends_in_string"] or unit is None else unit.sql().upper()
            value = Value(UNKNOWN, f"{text} {field}".strip())
            self.rules.coerce(value, "interval", "An INTERVAL", node, "implicit")
            return Value("interval", modifier=field)
        if self.rules.name == "mysql" and not _is_added(node):
            raise Wrong("INTERVAL stands after + or -, or in DATE_ADD or DATE_SUB.", node)
        if self.rules.name == "mysql" and not _has_mysql_unit(node):
            raise Wrong("INTERVAL is followed by an amount and a unit: INTERVAL 1 DAY.", node)
        if amount is not None:
            self.value(amount, scope)
        return Value(self.rules.named("interval"))

    def _array(self, node: exp.Expr, scope: TypedScope) -> Value:
        if len(node.expressions) == 1 and isinstance(node.expressions[0], exp.Query):
            only = self._subquery(node.expressions[0], scope)
            return Value(f"{only.type}[]", modifier=only.modifier)
        values = [self.value(item, scope) for item in node.expressions]
        if not values:
            raise Wrong("The type of an empty ARRAY is not clear; write a CAST.", node)
        element = self.rules.common(values, "The elements of ARRAY", node)
        type_ = element.type if element.type.endswith("[]") else f"{element.type}[]"
        return Value(type_, modifier=element.modifier)

    def _bracket(self, node: exp.Expr, scope: TypedScope) -> Value:
        value = self.value(node.this, scope)
        is_slice = any(isinstance(item, exp.Slice) for item in node.expressions)
        for item in node.expressions:
            for part in (item.this, item.expression) if is_slice else (item,):
                if part is not None:
                    index = self.value(part, scope)
                    if value.type != "jsonb":
                        self.rules.coerce(
                            index, self.rules.named("int4"), "An index", node, "assignment"
                        )
        if value.type == "jsonb":
            return value
        if self.rules.is_typed and not value.type.endswith("[]"):
            raise Wrong(f"Only arrays have elements, not {value.type}.", node)
        if is_slice:
            return value
        return Value(value.type.removesuffix("[]"), modifier=value.modifier)

    def _at_time_zone(self, node: exp.Expr, scope: TypedScope) -> Value:
        arguments = (self.value(node.args["zone"], scope), self.value(node.this, scope))
        return self.rules.call("timezone", arguments, node, "").value

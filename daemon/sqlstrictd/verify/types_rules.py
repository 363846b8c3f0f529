"""What the type check asks of a dialect, and the dialects that answer "anything goes".

`types_expressions.py` walks; a subclass of `Rules` says what an operator, a call or a cast makes of
the types that it is given. `Loose` is for engines that convert between all types (MySQL, SQLite):
there only the names of functions and the number of their arguments count.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlglot import exp

from sqlstrictd.schema.types import Column
from sqlstrictd.verify.types_arity import arities
from sqlstrictd.verify.types_catalog import Context
from sqlstrictd.verify.types_scope import Value, Wrong

ANY: Final = "any"


@dataclass(frozen=True, slots=True)
class Called:
    """What a call turned out to be: f scalar, a aggregate, w window, o and h with WITHIN GROUP."""

    value: Value
    kind: str = "f"
    is_set: bool = False


class Rules(ABC):
    """One dialect's answers. Every method raises Wrong where the engine would refuse."""

    name = ""
    # Whether types count at all; where they do not, most questions are not even asked.
    is_typed = True
    # Where an output's alias may be used besides ORDER BY.
    has_aliases_in_group = True
    has_aliases_in_having = False
    groups_by_primary_key = False
    has_strict_group_by = True
    # Whether an expression in GROUP BY is only known where it is all that SELECT returns.
    has_whole_group_keys = False
    # Whether SELECT DISTINCT sorts by what it returns alone.
    has_strict_distinct = True
    has_filter = True
    has_limit_in_subquery = True
    # Functions whose arguments come to one type, as the branches of CASE do.
    branch_functions: frozenset[str] = frozenset()

    @abstractmethod
    def column_type(self, column: Column) -> str:
        """Return the type of a column of the schema."""

    def modifier(self, written: str) -> str:
        """Return what a type is bounded by where recursive queries must keep to it: "(10,2)"."""
        return ""

    @abstractmethod
    def operator(self, symbol: str, operands: Sequence[Value], node: exp.Expr) -> Value:
        """Return what an operator makes of one operand or two."""

    @abstractmethod
    def kinds(self, name: str) -> frozenset[str]:
        """Return the kinds of a function: letters as in `Called`; none where it is not known."""

    @abstractmethod
    def call(self, name: str, arguments: Sequence[Value], node: exp.Expr, wants: str) -> Called:
        """Return what a function makes of its arguments.

        `wants` is "w" in front of OVER, "o" in front of WITHIN GROUP, and empty elsewhere.
        """

    @abstractmethod
    def matched(self, values: Sequence[Value]) -> str | None:
        """Return the type that values come to; None where there is none."""

    @abstractmethod
    def common(self, values: Sequence[Value], what: str, node: exp.Expr) -> Value:
        """Return the type that the branches of an expression come to."""

    @abstractmethod
    def coerce(
        self, value: Value, target: str, what: str, node: exp.Expr, context: Context
    ) -> None:
        """Check that a value may stand where a type is wanted; `what` names the place."""

    @abstractmethod
    def cast(self, value: Value, written: str, node: exp.Expr) -> Value:
        """Return what a cast to a type, as it is written, makes of a value."""

    @abstractmethod
    def declared(self, written: str, node: exp.Expr) -> str:
        """Return the type that a column is declared with in CREATE TABLE or ALTER TABLE."""

    @abstractmethod
    def sort(self, value: Value, what: str, node: exp.Expr) -> None:
        """Check that values of a type can be compared, grouped and sorted."""

    @abstractmethod
    def number(self, text: str) -> str:
        """Return the type of a number as written."""

    def named(self, name: str) -> str:
        """Return the type that this dialect has for one of PostgreSQL's names of types."""
        return name


# Operators that no row in parentheses may stand beside.
_NOT_OF_ROWS: Final = frozenset("+ - * / % || & | ^ << >> DIV MOD ~~ ~".split())


class Loose(Rules):
    """An engine that converts any type to any other."""

    is_typed = False

    def __init__(self, name: str) -> None:
        self.name = name
        self.has_aliases_in_having = name != "ansi"
        self.has_strict_group_by = name in ("mysql", "ansi")
        self.groups_by_primary_key = name == "ansi"  # as SQL has it since 1999
        self.has_strict_distinct = name == "mysql"
        self.has_whole_group_keys = name == "mysql"
        self.has_filter = name != "mysql"
        self.has_limit_in_subquery = name != "mysql"
        self._arities = arities(name)

    def column_type(self, column: Column) -> str:
        """Every column is of the one type."""
        return ANY

    def operator(self, symbol: str, operands: Sequence[Value], node: exp.Expr) -> Value:
        """Every operator takes every operand, but rows are compared alone, and of equal length."""
        lengths = {len(operand.items) for operand in operands}
        if len(lengths) > 1:
            raise Wrong("The two sides do not have as many columns.", node)
        if symbol.upper() in _NOT_OF_ROWS and lengths != {0}:
            raise Wrong(f"{symbol} does not take rows.", node)
        return Value(ANY)

    def kinds(self, name: str) -> frozenset[str]:
        """Say what the facts have the function under."""
        arity = self._arities.get(name.upper())
        return frozenset(arity.kinds if arity else "")

    def call(self, name: str, arguments: Sequence[Value], node: exp.Expr, wants: str) -> Called:
        """Check the number of arguments."""
        arity = self._arities.get(name.upper())
        if arity is None:
            raise Wrong(f"There is no function {name.upper()} that the check knows.", node)
        if any(argument.items for argument in arguments) and self.name != "sqlite":
            raise Wrong(f"{name.upper()} takes single values, not a row.", node)
        if not arity.least <= len(arguments) <= arity.most:
            raise Wrong(f"{name.upper()} takes {arity}, not {len(arguments)} arguments.", node)
        if wants == "w":
            if arity.kinds == "f":
                raise Wrong(f"{name.upper()} is no window function: OVER cannot follow it.", node)
            return Called(Value(ANY), "w")
        if arity.kinds == "w":
            raise Wrong(f"{name.upper()} needs OVER (...).", node)
        # MIN and MAX of two arguments or more are scalar in SQLite.
        is_scalar = "f" in arity.kinds and ("a" not in arity.kinds or len(arguments) > 1)
        return Called(Value(ANY), "f" if is_scalar else "a")

    def matched(self, values: Sequence[Value]) -> str | None:
        """All values are of the one type."""
        return ANY

    def common(self, values: Sequence[Value], what: str, node: exp.Expr) -> Value:
        """All branches are of the one type, and none is a row."""
        if any(value.items for value in values):
            raise Wrong(f"{what} are single values, not rows.", node)
        return Value(ANY)

    def coerce(
        self, value: Value, target: str, what: str, node: exp.Expr, context: Context
    ) -> None:
        """Take every single value."""
        if value.items:
            raise Wrong(f"{what} is one value, not a row.", node)

    def cast(self, value: Value, written: str, node: exp.Expr) -> Value:
        """Take every type that the tree check let through."""
        if value.items:
            raise Wrong("A row cannot be cast.", node)
        return Value(ANY)

    def declared(self, written: str, node: exp.Expr) -> str:
        """Take every type that the tree check let through."""
        return ANY

    def sort(self, value: Value, what: str, node: exp.Expr) -> None:
        """Everything can be sorted but a row in parentheses."""
        if value.items:
            raise Wrong(f"A row cannot stand in {what}; leave out its parentheses.", node)

    def number(self, text: str) -> str:
        """Numbers are of the one type too."""
        return ANY

    def named(self, name: str) -> str:
        """There is one type."""
        return ANY

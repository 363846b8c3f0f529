"""A WHERE that holds for every row is none: `WHERE 1 = 1`, `WHERE id = id`, `WHERE NOT FALSE`.

`check.py` asks it of UPDATE and DELETE. Constants are folded, and what is compared with itself is
equal (rows without a value do not count against it). Whatever depends on more than that is taken
for a condition: a statement is refused here only if its WHERE is certainly none.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Final, TypeAlias

from sqlglot import exp

from sqlstrictd.schema.names import fold

# A constant: a number (truths are 1 and 0), a string, or NULL.
_Constant: TypeAlias = Fraction | str | None
# What is no constant, or none that is known here.
_UNKNOWN: Final = object()

_TRUE: Final = Fraction(1)
_FALSE: Final = Fraction(0)
_TRUE_WORDS: Final = frozenset({"t", "true", "y", "yes", "on", "1"})
# Here a string is not compared with a number as a number.
_KEEPS_STRINGS: Final = frozenset({"sqlite", "ansi"})
_NUMERIC_TYPES: Final = exp.DataType.NUMERIC_TYPES | {exp.DataType.Type.BOOLEAN}
_COMPARISONS: Final = (exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE)
_CONTRARIES: Final = ((exp.NEQ, exp.EQ), (exp.GTE, exp.LT), (exp.GT, exp.LTE))
# What gives the same value each time that it stands in a statement.
_STEADY: Final = (
    exp.Binary, exp.Unary, exp.Column, exp.Identifier, exp.Literal, exp.Null, exp.Boolean, exp.In,
    exp.Between, exp.Tuple,
)  # fmt: skip
# What makes a SELECT without FROM return anything but its one row.
_ROW_CLAUSES: Final = ("from_", "where", "group", "having", "limit", "offset", "qualify", "with_")


def holds_always(condition: exp.Expr, dialect: str) -> bool:
    """Whether a condition on one table certainly holds for each of its rows."""
    return _Folding(dialect).truth(condition) is True


class _Folding:
    """Folds conditions by one dialect's rules."""

    def __init__(self, dialect: str) -> None:
        self._dialect = dialect

    def truth(self, node: exp.Expr | None) -> bool | None:
        """Whether a condition holds for every row (True) or for none (False), else None."""
        node = _bare(node)
        if isinstance(node, exp.Not):
            inner = self.truth(node.this)
            return None if inner is None else not inner
        if isinstance(node, exp.Or):
            return self._any(node)
        if isinstance(node, exp.And):
            left, right = (exp.Not(this=side.copy()) for side in (node.this, node.expression))
            found = self._any(exp.Or(this=left, expression=right))
            return None if found is None else not found
        if isinstance(node, _COMPARISONS):
            return self._comparison(node, _bare(node.this), _bare(node.expression))
        if isinstance(node, exp.NullSafeEQ | exp.NullSafeNEQ):
            same = self._equal(node.this, node.expression)
            return same if same is None or isinstance(node, exp.NullSafeEQ) else not same
        if isinstance(node, exp.Is):
            found = self._is(node.this, _bare(node.expression))
            return found if found is None or not node.args.get("negate") else not found
        if isinstance(node, exp.In):
            listed = [self._equal(node.this, item) for item in node.expressions]
            return True if True in listed else None
        if isinstance(node, exp.Between):
            low = exp.GTE(this=node.this.copy(), expression=node.args["low"].copy())
            high = exp.LTE(this=node.this.copy(), expression=node.args["high"].copy())
            return self.truth(exp.And(this=low, expression=high))
        if isinstance(node, exp.Like | exp.ILike):
            pattern = self._value(node.expression)
            takes_all = isinstance(pattern, str) and set(pattern) == {"%"}
            return not node.args.get("negate") if takes_all else None
        if isinstance(node, exp.Exists):
            return True if _is_one_row(_bare(node.this)) else None
        return self._truth_of_constant(self._value(node))

    def _any(self, node: exp.Or) -> bool | None:
        """An OR holds always with one side that does, or with a condition and its contrary."""
        parts = [_bare(part) for part in node.flatten()]
        truths = [self.truth(part) for part in parts]
        if True in truths:
            return True
        positive: set[str] = set()
        negative: set[str] = set()
        for part in parts:
            key, is_negated = _key(part)
            (negative if is_negated else positive).add(key)
        if (positive & negative) - {""}:
            return True
        return False if all(truth is False for truth in truths) else None

    def _comparison(self, node: exp.Expr, left: exp.Expr, right: exp.Expr) -> bool | None:
        allows_equal = isinstance(node, exp.EQ | exp.LTE | exp.GTE)
        if isinstance(node, exp.EQ | exp.NEQ):
            same = self._equal(left, right)
            return same if same is None or allows_equal else not same
        if _is_same(left, right):
            return allows_equal
        first, second = self._pair(left, right)
        if not isinstance(first, Fraction) or not isinstance(second, Fraction):
            return None
        if first == second:
            return allows_equal
        return (first < second) == isinstance(node, exp.LT | exp.LTE)

    def _equal(self, left: exp.Expr, right: exp.Expr) -> bool | None:
        left, right = _bare(left), _bare(right)
        if _is_same(left, right):
            return True
        first, second = self._pair(left, right)
        if isinstance(first, Fraction) and isinstance(second, Fraction):
            return first == second
        if isinstance(first, str) and isinstance(second, str):
            # Collations take letters for others; those of other words in ASCII they do not.
            if first == second:
                return True
            is_plain = first.isascii() and second.isascii()
            return False if is_plain and first.lower().strip() != second.lower().strip() else None
        return None

    def _pair(self, left: exp.Expr, right: exp.Expr) -> tuple[object, object]:
        """The constants that two sides are compared as."""
        pair = (self._value(left), self._value(right))
        if self._dialect not in _KEEPS_STRINGS and any(isinstance(v, Fraction) for v in pair):
            return _as_number(pair[0]), _as_number(pair[1])
        return pair

    def _is(self, left: exp.Expr, right: exp.Expr) -> bool | None:
        if isinstance(right, exp.Null):
            value = self._value(left)
            return None if value is _UNKNOWN else value is None
        if isinstance(right, exp.Boolean):
            truth = self.truth(left)
            return None if truth is None else truth == bool(right.this)
        return self._equal(left, right)

    def _truth_of_constant(self, value: object) -> bool | None:
        if isinstance(value, Fraction):
            return value != 0
        if isinstance(value, str):
            if self._dialect in ("postgres", "duckdb"):
                return True if value.strip().lower() in _TRUE_WORDS else None
            number = _as_number(value)
            return True if isinstance(number, Fraction) and number != 0 else None
        return None

    def _value(self, node: exp.Expr | None) -> object:
        """The constant that an expression comes to, or _UNKNOWN."""
        node = _bare(node)
        if isinstance(node, exp.Null):
            return None
        if isinstance(node, exp.Boolean):
            return _TRUE if node.this else _FALSE
        if isinstance(node, exp.Literal):
            return str(node.this) if node.is_string else _as_number(str(node.this))
        if isinstance(node, exp.Neg):
            value = self._value(node.this)
            return -value if isinstance(value, Fraction) else _UNKNOWN
        if isinstance(node, exp.Add | exp.Sub | exp.Mul):
            return _calculate(node, self._value(node.this), self._value(node.expression))
        if isinstance(node, exp.Cast):
            value = self._value(node.this)
            is_number = node.to.this in _NUMERIC_TYPES
            return value if is_number and isinstance(value, Fraction) else _UNKNOWN
        if isinstance(node, exp.Coalesce):
            values = (self._value(item) for item in (node.this, *node.expressions))
            return next((value for value in values if value is not None), None)
        if isinstance(node, exp.Case | exp.If):
            return self._branch(node)
        if isinstance(node, exp.Select) and _is_one_row(node) and len(node.expressions) == 1:
            return self._value(node.expressions[0].unalias())
        if isinstance(node, (exp.Not, exp.Or, exp.And, *_COMPARISONS, exp.Is, exp.In)):
            truth = self.truth(node)
            return _UNKNOWN if truth is None else _TRUE if truth else _FALSE
        return _UNKNOWN

    def _branch(self, node: exp.Case | exp.If) -> object:
        """The constant of the first branch that is always taken."""
        if isinstance(node, exp.If):
            arms, otherwise = [node], node.args.get("false")
        else:
            arms, otherwise = node.args.get("ifs") or [], node.args.get("default")
        for arm in arms:
            if node.this is not None and isinstance(node, exp.Case):
                truth = self._equal(node.this, arm.this)
            else:
                truth = self.truth(arm.this)
            if truth is None:
                return _UNKNOWN
            if truth:
                return self._value(arm.args.get("true"))
        return None if otherwise is None else self._value(otherwise)


def _bare(node: exp.Expr | None) -> exp.Expr:
    while isinstance(node, exp.Paren | exp.Subquery):
        node = node.this
    return node if node is not None else exp.Null()


def _as_number(value: object) -> object:
    """A number as written, or that a string is; anything else as it is."""
    if isinstance(value, str):
        try:
            return Fraction(value) if "/" not in value and len(value) < 40 else value
        except (ValueError, ZeroDivisionError):
            return value
    return value


def _calculate(node: exp.Expr, left: object, right: object) -> object:
    if not isinstance(left, Fraction) or not isinstance(right, Fraction):
        return _UNKNOWN
    if isinstance(node, exp.Mul):
        return left * right
    return left + right if isinstance(node, exp.Add) else left - right


def _is_one_row(node: exp.Expr) -> bool:
    return isinstance(node, exp.Select) and not any(node.args.get(key) for key in _ROW_CLAUSES)


def _is_same(left: exp.Expr, right: exp.Expr) -> bool:
    """Whether two expressions are the same, and the same each time."""
    return any(left.find_all(exp.Column)) and _text(left) == _text(right) != ""


def _text(node: exp.Expr) -> str:
    """An expression in one spelling; empty where it may differ from itself.

    There is one table, so what stands before a column's name tells nothing.
    """
    if not all(isinstance(inner, (*_STEADY, exp.Paren)) for inner in node.walk()):
        return ""
    same = node.copy()
    for column in same.find_all(exp.Column):
        column.set("table", None)
        name = column.name if column.this.args.get("quoted") else fold(column.name)
        column.this.replace(exp.to_identifier(name, quoted=True))
    for inner in list(same.find_all(exp.Paren)):
        if inner.parent is not None:
            inner.replace(inner.this)
    return same.sql()


def _key(node: exp.Expr) -> tuple[str, bool]:
    """A condition in one spelling, and whether it is the contrary of what is spelled."""
    is_negated = False
    while isinstance(node, exp.Not | exp.Paren):
        is_negated ^= isinstance(node, exp.Not)
        node = node.this
    if isinstance(node, exp.Is) and node.args.get("negate"):
        is_negated = not is_negated
        node = exp.Is(this=node.this.copy(), expression=node.expression.copy())
    for contrary, condition in _CONTRARIES:
        if isinstance(node, contrary):
            is_negated = not is_negated
            node = condition(this=node.this.copy(), expression=node.expression.copy())
            break
    return _text(node), is_negated

"""The type of every expression, found from its leaves up, or the first thing wrong with it.

It walks the tree of `types_parse.py`; what operators and functions make of types is the business
of the dialect's `Rules`. Queries inside expressions are handed to `types_queries.py`, calls to
`types_calls.py`; CASE, casts, intervals and arrays are typed by `types_forms.py`. What no method
here knows is refused.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator
from typing import Final

from sqlglot import exp

from sqlstrictd.verify.types_catalog import UNKNOWN
from sqlstrictd.verify.types_forms import Forms
from sqlstrictd.verify.types_operators import BINARY, CLOCK, COMPARISONS, LOGIC, UNARY
from sqlstrictd.verify.types_rules import Rules
from sqlstrictd.verify.types_scope import Meaning, Outputs, TypedScope, Value, Wrong

_NULL: Final = Value(UNKNOWN)
_BOTH_SIDES: Final = (exp.Any, exp.All)


def _walk(node: exp.Expr | None) -> Iterator[exp.Expr]:
    return iter(()) if node is None else node.walk()


class Typer(Forms):
    """Types the expressions of one statement; `types_queries.py` makes it whole."""

    def __init__(self, rules: Rules) -> None:
        super().__init__(rules)
        # What each column's node means, and which calls are aggregates: read by grouping.py.
        self.meanings: dict[int, Meaning] = {}
        self.aggregates: dict[int, TypedScope] = {}
        self._known: dict[type[exp.Expr], Callable[[exp.Expr, TypedScope], Value]] = {
            exp.Column: self._column,
            exp.Literal: self._literal,
            exp.RawString: lambda node, _: Value(UNKNOWN, str(node.this)),
            exp.ByteString: lambda node, _: Value(UNKNOWN, None),
            exp.Null: lambda node, _: _NULL,
            exp.Boolean: lambda node, _: Value(self._bool),
            exp.Paren: lambda node, scope: self.value(node.this, scope),
            exp.Alias: lambda node, scope: self.value(node.this, scope),
            exp.Tuple: self._row,
            exp.Not: self._not,
            exp.Is: self._is,
            exp.In: self._in,
            exp.Between: self._between,
            exp.Case: self._case,
            exp.Cast: self._cast,
            exp.TryCast: self._cast,
            exp.Collate: self._collate,
            exp.Escape: self._escape,
            exp.Interval: self._interval,
            exp.Exists: self._exists,
            exp.Subquery: self._subquery,
            exp.Select: self._subquery,
            exp.Union: self._subquery,
            exp.Array: self._array,
            exp.Bracket: self._bracket,
            exp.AtTimeZone: self._at_time_zone,
        }

    @abstractmethod
    def query(self, node: exp.Expr, parent: TypedScope | None, ctes: dict[str, Outputs]) -> Outputs:
        """Type a whole query: its output columns."""

    @abstractmethod
    def call(self, node: exp.Expr, scope: TypedScope) -> Value | None:
        """Type a call; None where the node is none."""

    def value(self, node: exp.Expr, scope: TypedScope) -> Value:
        """Type one expression."""
        kind = type(node)
        known = self._known.get(kind)
        if known is not None:
            return known(node, scope)
        if kind in BINARY:
            return self._binary(node, scope)
        if kind in UNARY:
            return self.rules.operator(UNARY[kind], (self.value(node.this, scope),), node)
        if kind in LOGIC:
            return self._logic(node, scope)
        if kind in CLOCK:
            return Value(self.rules.named(CLOCK[kind]))
        found = self.call(node, scope)
        if found is None:
            raise Wrong(f"The type check does not know {kind.__name__.upper()}.", node)
        return found

    def condition(self, node: exp.Expr, scope: TypedScope, what: str) -> None:
        """Type an expression that must be true or false."""
        value = self.value(node, scope)
        self.rules.coerce(value, self._bool, what, node, "assignment")

    def _column(self, node: exp.Expr, scope: TypedScope) -> Value:
        assert isinstance(node, exp.Column)
        output = scope.aliases.get(node.name.lower()) if not node.table else None
        meaning = scope.find_here(node)
        if meaning is None and output is not None:
            in_order = scope.clause == "ORDER BY" and self.rules.name == "mysql"
            if any(id(inner) in self.aggregates for inner in _walk(output.node)):
                if scope.in_aggregate:
                    raise Wrong(f"The aggregate {node.name} stands inside another.", node)
                if in_order:
                    raise Wrong(f"{node.name} is an aggregate: sort by it alone.", node)
            return output.value
        meaning = meaning or scope.find(node)
        if meaning is None:
            raise Wrong(f"The type of {node.name} is not known here.", node)
        self.meanings[id(node)] = meaning
        return meaning.value

    def _literal(self, node: exp.Expr, scope: TypedScope) -> Value:
        if node.args.get("is_string"):
            return Value(UNKNOWN, str(node.this))
        return Value(self.rules.number(str(node.this)))

    def _row(self, node: exp.Expr, scope: TypedScope) -> Value:
        return Value("record", items=tuple(self.value(item, scope) for item in node.expressions))

    def _logic(self, node: exp.Expr, scope: TypedScope) -> Value:
        """AND and OR; their chains are long, so by a loop."""
        pending, operands = [node], []
        while pending:
            inner = pending.pop()
            if isinstance(inner, LOGIC):
                pending += [inner.expression, inner.this]
            else:
                operands.append(inner)
        for operand in operands:
            self.condition(operand, scope, "What AND and OR join")
        return Value(self._bool)

    def _not(self, node: exp.Expr, scope: TypedScope) -> Value:
        self.condition(node.this, scope, "What follows NOT")
        return Value(self._bool)

    def _binary(self, node: exp.Expr, scope: TypedScope) -> Value:
        """An operator with two sides; the left one is the deep one of a chain, so by a loop."""
        chain = [node]
        while type(chain[-1].this) in BINARY:
            if isinstance(chain[-1], COMPARISONS) and isinstance(chain[-1].this, COMPARISONS):
                self._chained(chain[-1])
            chain.append(chain[-1].this)
        left = self.value(chain[-1].this, scope)
        for inner in reversed(chain):
            left = self._apply(inner, left, scope)
        return left

    def _chained(self, node: exp.Expr) -> None:
        if self.rules.is_typed:
            raise Wrong("A comparison is compared here; put one of them in parentheses.", node)

    def _apply(self, node: exp.Expr, left: Value, scope: TypedScope) -> Value:
        right_node, symbol = node.expression, BINARY[type(node)]
        if isinstance(node, COMPARISONS) and isinstance(right_node, COMPARISONS):
            self._chained(node)
        if isinstance(right_node, _BOTH_SIDES):
            result = self._quantified(symbol, left, right_node, scope)
            if result.type != self._bool:
                raise Wrong(f"{symbol} compares nothing; ANY and ALL need a comparison.", node)
            return result
        if left.items and isinstance(right_node, exp.Subquery):
            right = self._row_of(right_node, scope)
        else:
            right = self.value(right_node, scope)
        if node.args.get("escape") is not None:
            self.rules.coerce(
                self.value(node.args["escape"], scope), self._text, "ESCAPE", node, "implicit"
            )
        return self.rules.operator(symbol, (left, right), node)

    def _quantified(self, symbol: str, left: Value, node: exp.Expr, scope: TypedScope) -> Value:
        """`x = ANY (query)` or `x = ANY (array)`."""
        inside = node.this
        while isinstance(inside, exp.Paren):
            inside = inside.this
        if isinstance(inside, exp.Query):
            self._check_limit(inside)
            right = self._row_of(inside, scope)
            single = right.items[0] if len(right.items) == 1 else right
            return self.rules.operator(symbol, (left, single), node)
        value = self.value(inside, scope)
        if value.type == UNKNOWN:
            # The operator is chosen before the literal has a type; then that is an array of it.
            result = self.rules.operator(symbol, (left, Value(UNKNOWN)), node)
            self.rules.coerce(value, f"{left.type}[]", "What follows ANY", node, "implicit")
            return result
        if self.rules.is_typed and not value.type.endswith("[]"):
            raise Wrong("What follows ANY or ALL is a query or an array.", node)
        return self.rules.operator(symbol, (left, Value(value.type.removesuffix("[]"))), node)

    def _check_limit(self, node: exp.Expr) -> None:
        """MySQL has no LIMIT in a query after IN, ANY or ALL itself, only further inside."""
        while isinstance(node, exp.Subquery):
            node = node.this
        if node.args.get("limit") is not None and not self.rules.has_limit_in_subquery:
            message = "The dialect has no LIMIT in a query after IN, ANY or ALL; read it from a "
            raise Wrong(f"{message}query in FROM.", node)

    def _row_of(self, node: exp.Expr, scope: TypedScope) -> Value:
        """The row that a query stands for."""
        outputs = self.query(node, scope, scope.ctes)
        return Value("record", items=tuple(output.value for output in outputs))

    def _is(self, node: exp.Expr, scope: TypedScope) -> Value:
        if isinstance(node.expression, exp.Boolean):
            self.condition(node.this, scope, "What stands before IS TRUE or IS FALSE")
            return Value(self._bool)
        value = self.value(node.this, scope)
        if value.items and not self.rules.is_typed:
            raise Wrong("A row cannot stand before IS.", node)
        if not isinstance(node.expression, exp.Null):
            if self.rules.name not in ("sqlite", "ansi"):
                raise Wrong("IS is followed by NULL, TRUE or FALSE.", node)
            self.rules.operator("=", (value, self.value(node.expression, scope)), node)
        return Value(self._bool)

    def _in(self, node: exp.Expr, scope: TypedScope) -> Value:
        left = self.value(node.this, scope)
        query = node.args.get("query")
        if query is not None:
            self._check_limit(query)
            right = self._row_of(query, scope)
            if not left.items and len(right.items) != 1:
                raise Wrong("The query after IN returns more than one column.", node)
            single = right if left.items else right.items[0]
            return self.rules.operator("=", (left, single), node)
        if not node.expressions:
            raise Wrong("IN is followed by a query or a list in parentheses.", node)
        values = [self.value(item, scope) for item in node.expressions]
        constant = [
            value
            for value, item in zip(values, node.expressions, strict=True)
            if item.find(exp.Column) is None
        ]
        if len(constant) > 1 and not left.items:
            # Constants become one array, of the type that they and the left side come to, if any.
            matched = self.rules.matched((left, *constant))
            if matched is not None:
                self.rules.coerce(left, matched, "What stands before IN", node, "implicit")
                left = Value(matched)
        for value, item in zip(values, node.expressions, strict=True):
            self.rules.operator("=", (left, value), item)
        return Value(self._bool)

    def _between(self, node: exp.Expr, scope: TypedScope) -> Value:
        value = self.value(node.this, scope)
        low, high = self.value(node.args["low"], scope), self.value(node.args["high"], scope)
        if value.items and not self.rules.is_typed:
            raise Wrong("A row cannot stand before BETWEEN.", node)
        self.rules.operator(">=", (value, low), node)
        self.rules.operator("<=", (value, high), node)
        return Value(self._bool)

    def _exists(self, node: exp.Expr, scope: TypedScope) -> Value:
        self.query(node.this, scope, scope.ctes)
        return Value(self._bool)

    def _subquery(self, node: exp.Expr, scope: TypedScope) -> Value:
        outputs = self.query(node, scope, scope.ctes)
        if len(outputs) != 1:
            raise Wrong("A query that stands for one value returns more than one column.", node)
        return outputs[0].value

"""Calls: functions, aggregates with FILTER and WITHIN GROUP, windows; their types and their places.

An aggregate stands in SELECT, HAVING or ORDER BY, and not inside another; a window in SELECT or
ORDER BY alone. Both are found here, on the way to their types.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from sqlglot import exp

from sqlstrictd.verify.types_catalog import UNKNOWN
from sqlstrictd.verify.types_scope import TypedScope, Value, Wrong
from sqlstrictd.verify.types_windows import Windows

_AGGREGATE_KINDS: Final = frozenset("aoh")
_AGGREGATE_PLACES: Final = frozenset({"SELECT", "HAVING", "ORDER BY", "QUALIFY"})
_WINDOW_PLACES: Final = frozenset({"SELECT", "ORDER BY", "QUALIFY"})
_SET_PLACES: Final = frozenset({"SELECT", "ORDER BY", "GROUP BY", "FROM"})
_TRIMS: Final = {"": "btrim", "BOTH": "btrim", "LEADING": "ltrim", "TRAILING": "rtrim"}
_UNIT_FIRST: Final = frozenset({"TIMESTAMPDIFF", "TIMESTAMPADD"})


@contextmanager
def standing(scope: TypedScope, **places: object) -> Iterator[None]:
    """Change where the check stands in a query, for a while."""
    before = {name: getattr(scope, name) for name in places}
    for name, place in places.items():
        setattr(scope, name, place)
    try:
        yield
    finally:
        for name, place in before.items():
            setattr(scope, name, place)


class Calls(Windows):
    """The part of the check that types calls."""

    def call(self, node: exp.Expr, scope: TypedScope) -> Value | None:
        """Type a call; None where the node is none."""
        if isinstance(node, exp.Anonymous):
            return self._plain(node, scope, "")
        if isinstance(node, exp.Filter):
            return self._filter(node, scope)
        if isinstance(node, exp.WithinGroup):
            return self._within_group(node, scope)
        if isinstance(node, exp.Window):
            return self._window(node, scope)
        return self._worded(node, scope)

    def _worded(self, node: exp.Expr, scope: TypedScope) -> Value | None:
        """Calls that have words between their arguments."""
        if isinstance(node, exp.Substring):
            keys = ("this", "start", "length")
            parts = [node.args[key] for key in keys if node.args.get(key) is not None]
            return self._call("substring", parts, node, scope)
        if isinstance(node, exp.Trim):
            name = _TRIMS[str(node.args.get("position") or "").upper()]
            parts = [part for part in (node.this, node.args.get("expression")) if part is not None]
            return self._call(name if self.rules.name == "postgres" else "trim", parts, node, scope)
        if isinstance(node, exp.StrPosition):
            return self._call("position", [node.this, node.args["substr"]], node, scope)
        if isinstance(node, exp.Overlay):
            parts = [node.this, node.expression, node.args["from_"], node.args.get("for_")]
            return self._call("overlay", [p for p in parts if p is not None], node, scope)
        if isinstance(node, exp.Extract):
            value = self.value(node.expression, scope)
            field = Value(self.rules.named("text"))
            if not self.rules.is_typed:
                return field
            return self.rules.call("extract", (field, value), node, "").value
        if isinstance(node, exp.If) and self.rules.name != "postgres":
            self.condition(node.this, scope, "The first argument of IF")
            if node.args.get("false") is None:
                raise Wrong("IF takes a condition and two values.", node)
            values = [self.value(node.args[branch], scope) for branch in ("true", "false")]
            return self.rules.common(values, "The branches of IF", node)
        if isinstance(node, exp.GroupConcat):
            separator = node.args.get("separator")
            if separator is not None and not separator.is_string:
                raise Wrong("SEPARATOR is followed by a string.", node)
            return self._aggregate("group_concat", [node.this], node, scope, "")
        if isinstance(node, exp.Chr):
            return self._call("char", node.expressions, node, scope)
        if isinstance(node, exp.Overlaps):
            values = [self.value(side, scope) for side in (node.this, node.expression)]
            parts_ = [item for value in values for item in value.items]
            return self.rules.call("overlaps", parts_, node, "").value
        if isinstance(node, exp.MatchAgainst) and self.rules.name == "postgres":
            left, right = node.expressions[0], node.this
            operands = (self.value(left, scope), self.value(right, scope))
            return self.rules.operator("@@", operands, node)
        return None

    def _call(self, name: str, parts: list[exp.Expr], node: exp.Expr, scope: TypedScope) -> Value:
        return self.rules.call(name, [self.value(part, scope) for part in parts], node, "").value

    def _plain(self, node: exp.Anonymous, scope: TypedScope, wants: str) -> Value:
        name = str(node.name).upper()
        kinds = self.rules.kinds(name)
        # Of two arguments or more, SQLite's MIN and MAX are no aggregates.
        is_scalar = "f" in kinds and len(node.expressions) > 1
        if kinds & _AGGREGATE_KINDS and not is_scalar and wants != "w":
            return self._aggregate(name, node.expressions, node, scope, wants)
        for argument in node.expressions:
            if isinstance(argument, exp.Distinct | exp.Order):
                raise Wrong(f"{name} is no aggregate: its arguments stand alone.", argument)
            if isinstance(argument, exp.Star) and name != "COUNT":
                raise Wrong(f"{name} cannot take *.", node)
        stars = [part for part in node.expressions if not isinstance(part, exp.Star)]
        if name in self.rules.branch_functions:
            values = [self.value(part, scope) for part in stars]
            if not values:
                raise Wrong(f"{name} takes one argument or more.", node)
            result = self.rules.common(values, f"The arguments of {name}", node)
            if name in ("GREATEST", "LEAST"):
                self.rules.sort(result, name, node)
            return result
        if name == "NULLIF" and self.rules.is_typed and len(stars) == 2:
            left, right = (self.value(part, scope) for part in stars)
            self.rules.operator("=", (left, right), node)
            return Value("text") if left.type == UNKNOWN else left
        if name == "ARRAY" and len(stars) == 1 and isinstance(stars[0], exp.Query):
            only = self.query(stars[0], scope, scope.ctes)[0].value
            return Value(f"{only.type}[]", modifier=only.modifier)
        if name == "GROUPING":
            for part in stars:
                self.value(part, scope)
            return Value(self.rules.named("int4"))
        if name == "ROW":
            return Value("record", items=tuple(self.value(part, scope) for part in stars))
        if name in _UNIT_FIRST and stars and not self.rules.is_typed:
            # The unit is a word, which the parser takes for a column.
            values = [Value(self.rules.named("text"))]
            values += [self.value(part, scope) for part in stars[1:]]
        elif wants == "w":
            with standing(scope, in_window=True):
                values = [self.value(part, scope) for part in stars]
        else:
            values = [self._named(part, scope) for part in stars]
        called = self.rules.call(name, values, node, wants)
        if called.is_set and scope.clause not in _SET_PLACES:
            raise Wrong(f"{name} returns rows and cannot stand in {scope.clause}.", node)
        return called.value

    def _named(self, part: exp.Expr, scope: TypedScope) -> Value:
        if isinstance(part, exp.Kwarg):
            raise Wrong("Arguments by name are not known to the check; give them in order.", part)
        return self.value(part, scope)

    def _aggregate(
        self, name: str, parts: list[exp.Expr], node: exp.Expr, scope: TypedScope, wants: str
    ) -> Value:
        name = name.upper()
        if scope.in_aggregate:
            raise Wrong(f"The aggregate {name} stands inside another aggregate.", node)
        arguments, order, is_distinct = _unfold(parts)
        if any(isinstance(part, exp.Star) for part in arguments):
            if name != "COUNT" or len(arguments) > 1 or is_distinct:
                raise Wrong(f"{name} cannot take *.", node)
            arguments = []
        elif name == "COUNT" and not arguments and self.rules.name != "duckdb":
            raise Wrong("COUNT takes * or an argument.", node)
        with standing(scope, in_aggregate=True):
            values = [self.value(part, scope) for part in arguments]
            for term in order:
                value = self.value(term.this, scope)
                self.rules.sort(value, "ORDER BY", term)
        if is_distinct:
            for value in values:
                self.rules.sort(value, "DISTINCT", node)
            shown = {part.sql() for part in arguments}
            if self.rules.is_typed and any(term.this.sql() not in shown for term in order):
                raise Wrong("After DISTINCT, ORDER BY sorts by the arguments alone.", node)
            # Several arguments of COUNT are one row.
            values = values[:1] if name == "COUNT" and not self.rules.is_typed else values
        called = self.rules.call(name, values, node, wants)
        self._place(name, node, scope)
        return called.value

    def _place(self, name: str, node: exp.Expr, scope: TypedScope) -> None:
        """Note an aggregate in the query that it belongs to, which its columns tell."""
        meanings = [self.meanings.get(id(inner)) for inner in node.find_all(exp.Column)]
        owners = {id(meaning.scope) for meaning in meanings if meaning is not None}
        level: TypedScope | None = scope
        while level is not None and owners and id(level) not in owners:
            level = level.parent
        level = level or scope
        if level.clause not in _AGGREGATE_PLACES and not self.rules.is_typed:
            level = scope  # only the typed engines insist on the query that its columns are of
        if level.clause not in _AGGREGATE_PLACES or (level is not scope and level.in_aggregate):
            hint = "; put the condition into HAVING" if level.clause == "WHERE" else ""
            raise Wrong(f"The aggregate {name} cannot stand in {level.clause}{hint}.", node)
        level.has_aggregates = True
        self.aggregates[id(node)] = level

    def _filter(self, node: exp.Filter, scope: TypedScope) -> Value:
        inner = node.this
        call = inner.this if isinstance(inner, exp.WithinGroup) else inner
        kinds = self.rules.kinds(call.name) if isinstance(call, exp.Anonymous) else frozenset()
        if not kinds & _AGGREGATE_KINDS and not isinstance(call, exp.GroupConcat):
            raise Wrong("FILTER can only follow an aggregate.", node)
        if not self.rules.has_filter:
            raise Wrong("This dialect has no FILTER; put a CASE into the aggregate.", node)
        with standing(scope, clause="FILTER", in_aggregate=False):
            self.condition(node.expression.this, scope, "The condition of FILTER")
        value = self.value(inner, scope)
        level = self.aggregates.get(id(inner))
        if level is not None:
            self.aggregates[id(node)] = level
        return value

    def _within_group(self, node: exp.WithinGroup, scope: TypedScope) -> Value:
        call, order = node.this, node.expression
        if not isinstance(call, exp.Anonymous) or not isinstance(order, exp.Order):
            raise Wrong("WITHIN GROUP (ORDER BY ...) follows an aggregate.", node)
        if not self.rules.kinds(call.name) & frozenset("oh"):
            raise Wrong(f"WITHIN GROUP cannot follow {call.name.upper()}.", node)
        if scope.in_aggregate:
            raise Wrong(f"The aggregate {call.name.upper()} stands inside another.", node)
        with standing(scope, in_aggregate=True):
            values = [self.value(part, scope) for part in call.expressions]
            for term in order.expressions:
                value = self.value(term.this, scope)
                self.rules.sort(value, "ORDER BY", term)
                values.append(value)
        called = self.rules.call(call.name, values, node, "o")
        self._place(call.name.upper(), node, scope)
        return called.value

    def _window(self, node: exp.Window, scope: TypedScope) -> Value:
        inner = node.this
        while isinstance(inner, exp.IgnoreNulls | exp.RespectNulls):
            if self.rules.name == "postgres":
                raise Wrong("PostgreSQL has no IGNORE NULLS.", node)
            inner = inner.this
        if scope.clause not in _WINDOW_PLACES:
            raise Wrong(f"A window function cannot stand in {scope.clause}.", node)
        if scope.in_aggregate or scope.in_window:
            raise Wrong("A window function cannot stand inside another or an aggregate.", node)
        call = inner
        if isinstance(inner, exp.Filter):
            call = inner.this
            if "a" not in self.rules.kinds(call.name):
                raise Wrong("FILTER can only follow an aggregate.", inner)
            with standing(scope, clause="FILTER"):
                self.condition(inner.expression.this, scope, "The condition of FILTER")
        with standing(scope, in_window=True):
            self.window(node, scope)
        if not isinstance(call, exp.Anonymous):
            raise Wrong("OVER follows a call of a function.", node)
        return self._plain(call, scope, "w")


def _unfold(parts: list[exp.Expr]) -> tuple[list[exp.Expr], list[exp.Expr], bool]:
    """Take DISTINCT and ORDER BY from an aggregate's arguments."""
    arguments: list[exp.Expr] = []
    order: list[exp.Expr] = []
    is_distinct = False
    for part in parts:
        inner = part
        if isinstance(inner, exp.Order):
            order, inner = inner.expressions, inner.this
        if isinstance(inner, exp.Distinct):
            is_distinct = True
            arguments += inner.expressions
        elif inner is not None:
            arguments.append(inner)
    return arguments, order, is_distinct

"""Queries: what their FROM offers, what they return, and where each clause looks names up.

It hands each clause's expressions to `types_expressions.py` and each grouped query to
`grouping.py`. Outputs of derived tables and CTEs are typed here before those who read them.
"""

from __future__ import annotations

from typing import Final

from sqlglot import exp

from sqlstrictd.schema.names import fold
from sqlstrictd.schema.types import Schema
from sqlstrictd.verify.grouping import (
    Grouping,
    check_distinct_order,
    grouped_terms,
    key_of,
)
from sqlstrictd.verify.types_calls import standing
from sqlstrictd.verify.types_catalog import UNKNOWN
from sqlstrictd.verify.types_rules import Rules
from sqlstrictd.verify.types_scope import Meaning, Output, Outputs, TypedScope, Value, Wrong
from sqlstrictd.verify.types_sets import SetOperations, bare
from sqlstrictd.verify.types_windows import is_window_name

# A star of stars has no end; the scope check has a lower limit.
_MOST_COLUMNS: Final = 4000


class Queries(SetOperations):
    """The whole check of one statement's queries."""

    def __init__(self, schema: Schema, rules: Rules) -> None:
        super().__init__(rules)
        self.schema = schema

    def query(self, node: exp.Expr, parent: TypedScope | None, ctes: dict[str, Outputs]) -> Outputs:
        """Type a query that stands in another: what has no type yet becomes text."""
        outputs = self.members(node, parent, ctes)
        text = self.rules.named("text")
        return tuple(
            Output(o.name, Value(text), o.node) if o.value.type == UNKNOWN else o for o in outputs
        )

    def members(
        self, node: exp.Expr, parent: TypedScope | None, ctes: dict[str, Outputs]
    ) -> Outputs:
        """Type a query and leave its literals untyped, for the other members of a set operation."""
        while isinstance(node, exp.Subquery):
            ctes = self.with_clause(node, parent, ctes)
            node = node.this
        if not isinstance(node, exp.SetOperation | exp.Select | exp.Values):
            raise Wrong("Only a query may stand here.", node)
        ctes = self.with_clause(node, parent, ctes)
        if isinstance(node, exp.SetOperation):
            return self.compound(node, parent, ctes)
        if isinstance(node, exp.Values):
            return self.rows(node, TypedScope(parent, ctes))
        return self._select(node, TypedScope(parent, ctes))

    def _select(self, node: exp.Select, scope: TypedScope) -> Outputs:
        self.from_clause(node, scope)
        scope.windows = frozenset(fold(w.name) for w in node.args.get("windows") or ())
        if self.rules.name == "postgres":
            self._check_windows(node, scope)
        outputs = self._outputs(node, scope)
        aliases = {o.name: o for o in outputs if o.name and isinstance(o.node, exp.Alias)}
        self._condition(node, "where", "WHERE", scope, {})
        group = self._group(node, scope, outputs)
        names = aliases if self.rules.has_aliases_in_having else {}
        self._condition(node, "having", "HAVING", scope, names)
        self._condition(node, "qualify", "QUALIFY", scope, aliases)
        with standing(scope, clause="SELECT"):
            for window in node.args.get("windows") or ():
                self.window(window, scope)
        order = self._order(node, scope, outputs, aliases)
        self.limits(node, scope.ctes)
        self._distinct(node, scope, outputs, order)
        has_having = node.args.get("having") is not None
        if group is not None or scope.has_aggregates or has_having:
            terms = [o.meaning or o.node for o in outputs]
            check = Grouping(self, scope, node.args.get("group"), group or [], aliases)
            check.check(terms, "SELECT")
            check.check([node.args["having"].this] if has_having else [], "HAVING")
            qualify = node.args.get("qualify")
            check.check([qualify.this] if qualify is not None else [], "QUALIFY")
            check.check(order, "ORDER BY")
            check.check(list(node.args.get("windows") or ()), "WINDOW")
        return outputs

    def _check_windows(self, node: exp.Select, scope: TypedScope) -> None:
        for window in node.find_all(exp.Window):
            name = is_window_name(window)
            is_here = window.find_ancestor(exp.Select) is node
            if name and is_here and name not in scope.windows:
                raise Wrong(f"There is no window {name}.", window)

    def _outputs(self, node: exp.Select, scope: TypedScope) -> Outputs:
        outputs: list[Output] = []
        with standing(scope, clause="SELECT"):
            for item in node.expressions:
                if len(outputs) > _MOST_COLUMNS:
                    raise Wrong("The query has too many columns.", node)
                label = fold(item.table) if isinstance(item, exp.Column) else ""
                if isinstance(item, exp.Star) or (label and isinstance(item.this, exp.Star)):
                    for source, name, value in scope.columns(label):
                        meaning = Meaning(scope, source, name, value)
                        outputs.append(Output(name, value, item, meaning))
                    continue
                value = self.value(item, scope)
                if value.items and not self.rules.is_typed:
                    raise Wrong("A row cannot be returned as one column.", item)
                outputs.append(Output(_output_name(item), value, item))
        return tuple(outputs)

    def _condition(
        self,
        node: exp.Select,
        key: str,
        clause: str,
        scope: TypedScope,
        aliases: dict[str, Output],
    ) -> None:
        if node.args.get(key) is not None:
            with standing(scope, clause=clause, aliases=aliases):
                self.condition(node.args[key].this, scope, f"The condition of {clause}")

    def _group(
        self, node: exp.Select, scope: TypedScope, outputs: Outputs
    ) -> list[exp.Expr | Meaning] | None:
        """Return the expressions grouped by, each as it stands where it is defined."""
        group = node.args.get("group")
        if group is None:
            return None
        if group.args.get("all") or group.args.get("totals"):
            raise Wrong("The check does not know GROUP BY ALL.", group)
        if self.rules.name == "mysql" and any(isinstance(t, exp.Tuple) for t in group.expressions):
            raise Wrong("A row cannot stand in GROUP BY; leave out its parentheses.", group)
        terms: list[exp.Expr | Meaning] = []
        with standing(scope, clause="GROUP BY"):
            for term in grouped_terms(group):
                inner = bare(term)
                output = self._named_output(inner, scope, outputs, "GROUP BY")
                if output is not None:
                    terms.append(output.meaning or output.node or inner)
                    if output.node is not None and self.holds_aggregate(output.node, scope):
                        raise Wrong("An aggregate cannot stand in GROUP BY.", term)
                    self.rules.sort(output.value, "GROUP BY", term)
                    continue
                self.rules.sort(self.value(inner, scope), "GROUP BY", term)
                terms.append(inner)
        return terms

    def holds_aggregate(self, node: exp.Expr, scope: TypedScope) -> bool:
        """Whether an aggregate or a window of this query stands in an expression."""
        return any(
            self.aggregates.get(id(inner)) is scope or isinstance(inner, exp.Window)
            for inner in node.walk()
        )

    def _named_output(
        self, inner: exp.Expr, scope: TypedScope, outputs: Outputs, clause: str
    ) -> Output | None:
        """Return the output that a number or a bare name stands for in GROUP BY or ORDER BY."""
        if isinstance(inner, exp.Literal):
            if not inner.is_string:
                return self.ordinal(inner, outputs, clause)
            if self.rules.is_typed:
                raise Wrong(f"A string stands in {clause}; write a name or a number.", inner)
        if not isinstance(inner, exp.Column) or inner.table:
            return None
        if clause == "GROUP BY" and (
            not self.rules.has_aliases_in_group or scope.find_here(inner) is not None
        ):
            return None
        named = [o for o in outputs if o.name == fold(inner.name)]
        if self.rules.is_typed and len({key_of(o.meaning or o.node, self) for o in named}) > 1:
            raise Wrong(f"{clause} {inner.name} may mean several columns.", inner)
        return named[0] if named else None

    def _order(
        self, node: exp.Select, scope: TypedScope, outputs: Outputs, aliases: dict[str, Output]
    ) -> list[exp.Expr | Meaning]:
        """Return the expressions sorted by, each as it stands where it is defined."""
        terms: list[exp.Expr | Meaning] = []
        order = node.args.get("order")
        names = {} if self.rules.name == "postgres" else aliases
        with standing(scope, clause="ORDER BY", aliases=names):
            for term in order.expressions if order is not None else ():
                inner = bare(term.this)
                output = self._named_output(inner, scope, outputs, "ORDER BY")
                if output is not None:
                    self.rules.sort(output.value, "ORDER BY", term)
                    terms.append(output.meaning or output.node or inner)
                    continue
                self.rules.sort(self.value(inner, scope), "ORDER BY", term)
                terms.append(inner)
        return terms

    def _distinct(
        self,
        node: exp.Select,
        scope: TypedScope,
        outputs: Outputs,
        order: list[exp.Expr | Meaning],
    ) -> None:
        distinct = node.args.get("distinct")
        if distinct is None:
            return
        on = distinct.args.get("on")
        if on is not None:
            self._distinct_on(on, scope, outputs, order)
            return
        for output in outputs:
            self.rules.sort(output.value, "DISTINCT", output.node or node)
        check_distinct_order(self, outputs, order)

    def _distinct_on(
        self, on: exp.Expr, scope: TypedScope, outputs: Outputs, order: list[exp.Expr | Meaning]
    ) -> None:
        if self.rules.name not in ("postgres", "duckdb"):
            raise Wrong("This dialect has no DISTINCT ON.", on)
        keys = set()
        with standing(scope, clause="SELECT"):
            for item in on.expressions if isinstance(on, exp.Tuple) else (on,):
                output = self._named_output(bare(item), scope, outputs, "DISTINCT ON")
                if output is None:
                    self.rules.sort(self.value(item, scope), "DISTINCT ON", item)
                    keys.add(key_of(item, self))
                else:
                    keys.add(key_of(output.meaning or output.node, self))
        first = [key_of(term, self) for term in order][: len(keys)]
        if self.rules.name == "postgres" and not set(first) <= keys:
            raise Wrong("ORDER BY must start with the expressions of DISTINCT ON.", on)


def _output_name(item: exp.Expr) -> str:
    """The folded name of an output: its alias, else the column's own."""
    if isinstance(item, exp.Alias):
        return fold(item.alias)
    inner = bare(item)
    return fold(inner.name) if isinstance(inner, exp.Column) else ""

"""Every name of a query's tree resolved where it stands, or reported with its place.

Our own resolver: SQLite's prepare takes an unknown "name" in double quotes for a string, and knows
rowid and its own tables, so it is no proof; for PostgreSQL and MySQL there is no other. Queries are
visited by recursion (their nesting is capped before), expressions by a loop. Which clause sees the
outputs' aliases is each dialect's own.
"""

from __future__ import annotations

from typing import Final

from sqlglot import exp

from sqlstrictd.schema.cursor import show
from sqlstrictd.verify.ordering import Ordinal, read_ordinal
from sqlstrictd.verify.outputs import OutputResolver
from sqlstrictd.verify.recursion import explain_recursion, refers_to
from sqlstrictd.verify.sources import UNNAMED, Ctes, Output, Outputs, Scope, rename

# Clauses that see the outputs' aliases inside expressions; "bare" where only an alias alone may be.
_SEES_ALIASES: Final = {
    "sqlite": {"where": "all", "group": "all", "having": "all", "order": "all"},
    "duckdb": {"where": "all", "group": "all", "having": "all", "qualify": "all", "order": "all"},
    "mysql": {"group": "bare", "having": "all", "order": "all"},
    "postgres": {"group": "bare", "order": "bare"},
    "ansi": {"order": "all"},
}
_HAS_DISTINCT_ON: Final = frozenset({"postgres", "duckdb"})
# A list of columns after a name in WITH may name the first ones alone.
_TAKES_SHORT: Final = frozenset({"postgres", "duckdb"})


class Resolver(OutputResolver):
    """Resolves one statement's queries on one schema."""

    def resolve(self, tree: exp.Expr) -> Outputs:
        """Resolve a whole query; returns its outputs."""
        self._parenthesised(tree)
        return self.query(tree, None, Scope(None, {}))

    def query(self, node: exp.Expr, parent: Scope | None, scope: Scope) -> Outputs:
        """Resolve a query; names that it does not have itself are looked up in `parent`."""
        return self._query(node, parent, scope.ctes)

    def _query(self, node: exp.Expr, parent: Scope | None, ctes: Ctes) -> Outputs:
        while isinstance(node, exp.Subquery):
            ctes = self._with(node, parent, ctes)
            node = node.this
        if isinstance(node, exp.Values):
            return self._values(node, Scope(parent, ctes))
        ctes = self._with(node, parent, ctes)
        if isinstance(node, exp.SetOperation):
            return self._compound(node, parent, ctes)
        return self._select(node, Scope(parent, ctes))

    def _with(self, node: exp.Expr, parent: Scope | None, ctes: Ctes) -> Ctes:
        """Add the statement's own queries, each visible to those after it, or to itself."""
        clause = node.args.get("with_")
        if clause is None:
            return ctes
        visible = dict(ctes)
        may_recur = bool(clause.args.get("recursive")) or self.dialect == "sqlite"
        own: set[str] = set()
        for cte in clause.expressions:
            alias = cte.args["alias"]
            label = self.names.label(alias.this)
            declared = self.declared(cte)
            if label in own:
                self.report(f"WITH defines {show(alias.name)} twice.", alias.this)
            own.add(label)
            body = cte.this
            if may_recur and refers_to(body, alias.this, self.names):
                outputs = self._recursive(body, alias.this, label, declared, parent, visible)
            else:
                outputs = self._query(body, parent, visible)
            is_short = len(declared) < len(outputs) and self.dialect not in _TAKES_SHORT
            if declared and (len(declared) > len(outputs) or is_short):
                self.report("The list of columns is not as long as what it names.", alias.this)
            visible[label] = rename(outputs, declared)
            self.named_outputs(alias.this, visible[label])
        return visible

    def _recursive(
        self,
        body: exp.Expr,
        name: exp.Expr,
        label: str,
        declared: tuple[Output, ...],
        parent: Scope | None,
        ctes: Ctes,
    ) -> Outputs:
        """Resolve a query that reads itself by its name in its members after the first."""
        problem = explain_recursion(body, name, self.dialect, self.names)
        if problem:
            self.report(problem, name)
            return ()
        inner = self._with(body, parent, ctes)
        return self._compound(body, parent, inner, label, declared)

    def _compound(
        self,
        node: exp.Expr,
        parent: Scope | None,
        ctes: Ctes,
        label: str = "",
        declared: tuple[Output, ...] = (),
    ) -> Outputs:
        """Resolve a set operation; with a label, its later members may read the whole by it."""
        members = _members(node)
        outputs = self._query(members[0], parent, ctes)
        if label:
            ctes = {**ctes, label: rename(outputs, declared)}
        aliases = {output.key for output in outputs if output.name}
        for index, member in enumerate(members):
            self._parenthesised(member)
            if not isinstance(member, exp.Subquery) and _has_tail(member):
                self.report("ORDER BY and LIMIT stand after the last query, or inside ().", member)
            if index == 0:
                continue
            more = self._query(member, parent, ctes)
            if len(more) != len(outputs) and not self.problems:
                counts = f"{len(outputs)} and {len(more)}"
                self.report(f"The queries have not the same number of columns: {counts}.", member)
            if self.dialect == "sqlite":
                aliases.update(output.key for output in more if output.name)
        self._compound_order(node, len(outputs), Scope(None, ctes, aliases=frozenset(aliases)))
        return outputs

    def _parenthesised(self, node: exp.Expr) -> None:
        """Refuse parentheses around a query where the dialect has none.

        Those around a set operation may be the parser's own, for INTERSECT goes before UNION.
        """
        if self.facts.has_parenthesised_members or not isinstance(node, exp.Subquery):
            return
        if not isinstance(node.this, exp.SetOperation):
            self.report("A query cannot stand in parentheses here.", node)

    def _compound_order(self, node: exp.Expr, n_outputs: int, ordered: Scope) -> None:
        """ORDER BY of a set operation sees the names of outputs, and no tables."""
        order = node.args.get("order")
        for term in order.expressions if order is not None else ():
            if self._is_ordinal(term, n_outputs):
                continue
            if self.dialect != "sqlite" and not isinstance(_bare(term), exp.Column):
                self.report("Only a column of the result, or its number, can stand here.", term)
            else:
                self.expression(term, ordered)
        self._limits(node, ordered.ctes)

    def _values(self, node: exp.Values, scope: Scope) -> Outputs:
        widths = set()
        for row in node.expressions:
            values = row.expressions if isinstance(row, exp.Tuple) else [row]
            widths.add(len(values))
            for value in values:
                self.expression(value, scope)
        if len(widths) != 1:
            self.report("The rows of VALUES have not the same number of columns.", node)
        width = min(widths, default=0)
        if self.dialect in ("mysql", "ansi"):
            return (UNNAMED,) * width
        first = 0 if self.dialect == "duckdb" else 1
        stem = "col" if self.dialect == "duckdb" else "column"
        return tuple(Output(f"{stem}{first + i}", f"{stem}{first + i}") for i in range(width))

    def _select(self, node: exp.Expr, scope: Scope) -> Outputs:
        self.from_clause(node, scope)
        windows = node.args.get("windows") or ()
        scope.windows = frozenset(self.names.key(window.this) for window in windows)
        outputs = self.outputs(node, scope)
        self._distinct_on(node, scope, outputs)
        aliases = frozenset(
            self.names.key(item.args["alias"])
            for item in node.expressions
            if isinstance(item, exp.Alias)
        )
        sees = _SEES_ALIASES[self.dialect]
        for clause in ("where", "group", "having", "qualify"):
            if node.args.get(clause) is None:
                continue
            scope.aliases = aliases if sees.get(clause) == "all" else frozenset()
            if clause == "group":
                self._group(node.args[clause], scope, outputs, aliases)
            else:
                self.expression(node.args[clause], scope)
        scope.aliases = frozenset()
        for window in windows:
            self.expression(window, scope)
        self._order(node, scope, outputs, aliases)
        self._limits(node, scope.ctes)
        return outputs

    def _distinct_on(self, node: exp.Expr, scope: Scope, outputs: Outputs) -> None:
        """DISTINCT ON sees what ORDER BY does: outputs by number or name, then columns."""
        distinct = node.args.get("distinct")
        on = distinct.args.get("on") if distinct is not None else None
        if on is None:
            return
        if self.dialect not in _HAS_DISTINCT_ON:
            self.report("DISTINCT ON cannot stand here.", node)
        keys = {output.key for output in outputs if output.name}
        for term in on.expressions if isinstance(on, exp.Tuple) else (on,):
            bare = _bare(term)
            is_output = isinstance(bare, exp.Column) and not bare.table
            if self._is_ordinal(term, len(outputs)):
                continue
            if not (is_output and self.names.key(bare.this) in keys):
                self.expression(term, scope)

    def _group(
        self, group: exp.Expr, scope: Scope, outputs: Outputs, aliases: frozenset[str]
    ) -> None:
        """GROUP BY sees columns first, then aliases; it takes numbers of outputs too."""
        takes_bare = _SEES_ALIASES[self.dialect].get("group") == "bare"
        for term in group.expressions:
            if self._is_ordinal(term, len(outputs)):
                continue
            bare = _bare(term)
            if takes_bare and isinstance(bare, exp.Column) and not bare.table:
                key = self.names.key(bare.this)
                if key in aliases and not scope.find(key, None):
                    continue
            self.expression(term, scope)
        for key, value in group.args.items():
            if key != "expressions" and isinstance(value, list):
                for inner in value:
                    self.expression(inner, scope)

    def _order(
        self, node: exp.Expr, scope: Scope, outputs: Outputs, aliases: frozenset[str]
    ) -> None:
        """ORDER BY takes an alias alone before a column of the same name."""
        if _SEES_ALIASES[self.dialect].get("order") == "all":
            scope.aliases = aliases
        order = node.args.get("order")
        for term in order.expressions if order is not None else ():
            if self._is_ordinal(term, len(outputs)):
                continue
            bare = _bare(term)
            if isinstance(bare, exp.Column) and not bare.table:
                key = self.names.key(bare.this)
                if self._is_output(key, node, bare) or key in aliases:
                    continue
            self.expression(term, scope)

    def _is_output(self, key: str, node: exp.Expr, column: exp.Column) -> bool:
        """Whether one output has this name; reports it where several different ones have it."""
        if self.dialect == "sqlite":
            return False
        found = {
            item.unalias().sql(): item
            for item in node.expressions
            if self.name_output(item).key == key and not item.is_star
        }
        if len(found) > 1:
            self.report(f"{show(column.name)} is ambiguous: two outputs have that name.", column)
        only = next(iter(found.values()), None)
        return only is not None and not isinstance(only, exp.Column)

    def _is_ordinal(self, term: exp.Expr, n_outputs: int) -> bool:
        """Whether a term is the number of an output; reports constants that are none."""
        ordinal = read_ordinal(term)
        if ordinal is Ordinal.NONE:
            return False
        if isinstance(ordinal, int) and 1 <= ordinal <= n_outputs:
            return True
        elif self.dialect != "sqlite" or isinstance(ordinal, int):
            self.report(f"This is no number of an output; there are {n_outputs}.", term)
        return True

    def _limits(self, node: exp.Expr, ctes: Ctes) -> None:
        """LIMIT and OFFSET see no columns at all, and take numbers alone but in SQLite."""
        for key in ("limit", "offset"):
            limit = node.args.get(key)
            if limit is None:
                continue
            value = limit.args.get("count" if isinstance(limit, exp.Fetch) else "expression")
            is_number = isinstance(value, exp.Literal) and not value.is_string
            if self.dialect != "sqlite" and not (is_number and str(value.this).isdecimal()):
                self.report("Only a whole number can stand here.", limit)
            elif value is not None:
                self.expression(value, Scope(None, ctes))


def _members(node: exp.Expr) -> list[exp.Expr]:
    """Return the queries that a chain of set operations joins, in order."""
    members: list[exp.Expr] = []
    while isinstance(node, exp.SetOperation):
        members.append(node.expression)
        node = node.this
    return [node, *reversed(members)]


def _has_tail(node: exp.Expr) -> bool:
    return any(node.args.get(key) is not None for key in ("order", "limit", "offset"))


def _bare(term: exp.Expr) -> exp.Expr:
    """Return what is sorted or grouped by, without direction and parentheses."""
    while isinstance(term, exp.Ordered | exp.Collate | exp.Paren):
        term = term.this
    return term

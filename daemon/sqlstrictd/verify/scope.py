"""Every name of a statement's tree resolved where it stands, or reported with its place.

Our own resolver: SQLite's prepare takes an unknown "name" in double quotes for a string, and knows
rowid and its own tables, so it is no proof. Queries are visited by recursion (their nesting is
capped before), expressions by a loop (chains of operators are not).
"""

from __future__ import annotations

from typing import Final

from sqlglot import exp

from sqlstrictd.schema.cursor import show
from sqlstrictd.schema.draft import MAX_COLUMNS
from sqlstrictd.schema.names import fold
from sqlstrictd.schema.types import Schema
from sqlstrictd.verify.lexical import MAX_PROBLEMS, Reporter
from sqlstrictd.verify.missing import (
    Finding,
    describe_ambiguous,
    describe_label,
    describe_missing,
)
from sqlstrictd.verify.nearest import find_nearest
from sqlstrictd.verify.sources import (
    Ctes,
    Outputs,
    Scope,
    Source,
    source_of_outputs,
    source_of_table,
    unknown_source,
)
from sqlstrictd.verify.tree import column_list, find_offset, is_alias, is_group, output_name
from sqlstrictd.verify.verdict import Problem

# SQLite's own limit on the tables of a join.
MAX_SOURCES: Final = 64


class Resolver:
    """Resolves one statement on one schema; afterwards it holds what it found."""

    def __init__(self, schema: Schema, dialect: str, reporter: Reporter) -> None:
        self.problems: list[Problem] = []
        self.tables: set[str] = set()
        self.columns: set[str] = set()
        self._schema = schema
        self._reporter = reporter
        self._is_sqlite = dialect == "sqlite"

    def resolve(self, tree: exp.Expr) -> None:
        """Resolve a whole statement."""
        self._query(tree, None, {})

    def _query(self, node: exp.Expr, parent: Scope | None, ctes: Ctes) -> Outputs:
        """Resolve a query; names that it does not have itself are looked up in `parent`."""
        while isinstance(node, exp.Subquery):
            node = node.this
        if isinstance(node, exp.SetOperation):
            return self._compound(node, parent, self._with(node, parent, ctes))
        return self._select(node, Scope(parent, self._with(node, parent, ctes)))

    def _with(self, node: exp.Expr, parent: Scope | None, ctes: Ctes) -> Ctes:
        """Add the statement's own tables, each visible to itself and to those after it."""
        clause = node.args.get("with_")
        if clause is None:
            return ctes
        visible = dict(ctes)
        for cte in clause.expressions:
            alias = cte.args["alias"]
            name = fold(alias.name)
            declared = tuple(column.name for column in alias.args.get("columns") or ())
            body = cte.this
            if isinstance(body, exp.SetOperation):
                inner = self._with(body, parent, visible)
                outputs = self._compound(body, parent, inner, name, declared)
            else:
                outputs = self._query(body, parent, visible)
            visible[name] = declared or outputs
        return visible

    def _compound(
        self,
        node: exp.SetOperation,
        parent: Scope | None,
        ctes: Ctes,
        name: str = "",
        declared: Outputs = (),
    ) -> Outputs:
        """Resolve a set operation; with a name, its later members may read the whole by it."""
        members: list[exp.Expr] = []
        first: exp.Expr = node
        while isinstance(first, exp.SetOperation):
            members.append(first.expression)
            first = first.this
        members.append(first)
        members.reverse()
        outputs = self._query(members[0], parent, ctes)
        if name:
            ctes = {**ctes, name: declared or outputs}
        names = {fold(output) for output in outputs if output is not None}
        for member in members[1:]:
            more = self._query(member, parent, ctes)
            names.update(fold(output) for output in more if output is not None)
        self._compound_order(node, members, names, Scope(parent, ctes))
        return outputs

    def _compound_order(
        self, node: exp.SetOperation, members: list[exp.Expr], names: set[str], scope: Scope
    ) -> None:
        """ORDER BY of a set operation sees the names of its members' outputs, and no tables."""
        ordered = Scope(None, scope.ctes, aliases=frozenset(names))
        order = node.args.get("order")
        for term in order.expressions if order is not None else ():
            self._expression(term, ordered)
        self._limits(node, scope.ctes)

    def _select(self, node: exp.Expr, scope: Scope) -> Outputs:
        clause = node.args.get("from_")
        if clause is not None:
            self._source(clause.this, scope)
        self._joins(node, scope)
        outputs = self._outputs(node, scope)
        aliases = frozenset(
            fold(item.alias) for item in node.expressions if isinstance(item, exp.Alias)
        )
        if self._is_sqlite:  # standard SQL sees the outputs' aliases in ORDER BY alone
            scope.aliases = aliases
        for key in ("where", "group", "having"):
            if node.args.get(key) is not None:
                self._expression(node.args[key], scope)
        for window in node.args.get("windows") or ():
            self._expression(window, scope)
        scope.aliases = aliases
        order = node.args.get("order")
        for term in order.expressions if order is not None else ():
            if not is_alias(term, aliases):
                self._expression(term, scope)
        self._limits(node, scope.ctes)
        return outputs

    def _limits(self, node: exp.Expr, ctes: Ctes) -> None:
        """LIMIT and OFFSET see no columns at all."""
        for key in ("limit", "offset"):
            if node.args.get(key) is not None:
                self._expression(node.args[key], Scope(None, ctes))

    def _outputs(self, node: exp.Expr, scope: Scope) -> Outputs:
        outputs: list[str | None] = []
        for item in node.expressions:
            if len(outputs) > MAX_COLUMNS:
                break  # SQLite refuses that many; stars of stars would have no end
            if isinstance(item, exp.Star):
                outputs.extend(self._all_columns(scope.sources, is_qualified=False))
            elif isinstance(item, exp.Column) and isinstance(item.this, exp.Star):
                found = self._labelled(item, scope)
                outputs.extend(self._all_columns(found, is_qualified=True))
            else:
                self._expression(item, scope)
                outputs.append(output_name(item))
        if len(outputs) > MAX_COLUMNS:
            self._report(f"The query has more than {MAX_COLUMNS} columns.", node)
        return tuple(outputs)

    def _all_columns(self, sources: list[Source], *, is_qualified: bool) -> list[str]:
        names: list[str] = []
        for source in sources:
            if len(names) > MAX_COLUMNS:
                break
            for key, name in source.columns.items():
                if is_qualified or key not in source.hidden:
                    names.append(name)
                    self._record(source, name)
        return names

    def _labelled(self, star: exp.Column, scope: Scope) -> list[Source]:
        """Return the sources that the label of `label.*` names."""
        found = [source for source in scope.sources if source.label == fold(star.table)]
        if not found:
            self._add(describe_label(star, scope))
        return found

    def _source(self, node: exp.Expr, scope: Scope) -> None:
        """Add what stands in FROM or after JOIN to the scope; joins in parentheses one by one."""
        if isinstance(node, exp.Subquery) and is_group(node.this):
            if node.alias:
                self._report("Joins in parentheses cannot have an alias.", node)
            self._source(node.this, scope)
        elif isinstance(node, exp.Subquery):
            # A query in FROM sees those around this one, but not its neighbours.
            outputs = self._query(node.this, scope.parent, scope.ctes)
            source = source_of_outputs(fold(node.alias), outputs, column_list(node))
            scope.sources.append(source)
        elif isinstance(node, exp.Table) and isinstance(node.this, exp.Identifier):
            scope.sources.append(self._table(node, scope))
        else:
            self._report("Only tables and queries can stand in FROM.", node)
            scope.sources.append(unknown_source(""))
        self._joins(node, scope)

    def _joins(self, node: exp.Expr, scope: Scope) -> None:
        joins = node.args.get("joins") or ()
        if len(scope.sources) + len(joins) > MAX_SOURCES:
            self._report(f"More than {MAX_SOURCES} tables stand in FROM.", node)
            return
        for join in joins:
            self._join(join, scope)
            if not self._is_sqlite:
                self._on(join, scope)
        # To SQLite, ON is a condition on all the tables of FROM, those after it too.
        for join in joins if self._is_sqlite else ():
            self._on(join, scope)

    def _table(self, node: exp.Table, scope: Scope) -> Source:
        label = fold(node.alias or node.name)
        if node.args.get("db") is not None:
            self._report("A table's name cannot have another name before it.", node)
            return unknown_source(label)
        if column_list(node):
            self._report("A table's alias cannot have a list of columns.", node)
        outputs = scope.ctes.get(fold(node.name))
        if outputs is not None:
            return source_of_outputs(label, outputs)
        table = self._schema.table(node.name)
        if table is None:
            known = [table.name for table in self._schema.tables]
            message = f"There is no table {show(node.name)} in the schema."
            self._report(message, node.this, find_nearest(node.name, known))
            return unknown_source(label)
        self.tables.add(table.name)
        return source_of_table(label, table)

    def _join(self, join: exp.Join, scope: Scope) -> None:
        count = len(scope.sources)
        self._source(join.this, scope)
        left, right = scope.sources[:count], scope.sources[count:]
        if join.method.upper() == "NATURAL":
            names = {key: None for source in right for key in source.columns}
            for name in names:
                if any(name in source.columns for source in left):
                    self._merge(name, left, right)
        for identifier in join.args.get("using") or ():
            name = fold(identifier.name)
            if any(s.has(name) for s in left) and any(s.has(name) for s in right):
                self._merge(name, left, right)
            else:
                shown = show(identifier.name)
                self._report(f"There is no column {shown} on both sides of USING.", identifier)

    def _on(self, join: exp.Join, scope: Scope) -> None:
        if join.args.get("on") is not None:
            self._expression(join.args["on"], scope)

    def _merge(self, name: str, left: list[Source], right: list[Source]) -> None:
        """Note that a column of the joined sources is one with that of a source before them."""
        for side in (left, right):
            source = next((s for s in side if name in s.columns and name not in s.hidden), None)
            if source is not None:
                self._record(source, source.columns[name])
                if side is right:
                    source.hidden.add(name)

    def _expression(self, node: exp.Expr, scope: Scope) -> None:
        """Resolve every column below a node, and every query, which sees this scope from inside."""
        pending = [node]
        while pending:
            inner = pending.pop()
            if isinstance(inner, exp.Column):
                self._column(inner, scope)
            elif isinstance(inner, exp.Query):
                self._query(inner, scope, scope.ctes)
            else:
                pending.extend(reversed(list(inner.iter_expressions())))

    def _column(self, column: exp.Column, scope: Scope) -> None:
        if isinstance(column.this, exp.Star):
            self._labelled(column, scope)
            return
        if len(self.problems) >= MAX_PROBLEMS:
            return
        if column.args.get("db") is not None:
            self._report("A column's name can have one name before it, a table's.", column.this)
            return
        name = fold(column.name)
        label = fold(column.table) if column.table else None
        level: Scope | None = scope
        while level is not None:
            found = level.find(name, label)
            if len(found) > 1 and all(source.is_known for source in found):
                self._add(describe_ambiguous(column, found))
                return
            if found:
                self._record(found[0], found[0].columns.get(name))
                return
            if label is None and name in level.aliases:
                return
            level = level.parent
        self._add(describe_missing(column, scope, self._schema))

    def _record(self, source: Source, name: str | None) -> None:
        if source.table is not None and name is not None:
            self.columns.add(f"{source.table.name}.{name}")

    def _report(self, message: str, node: exp.Expr, nearest: tuple[str, ...] = ()) -> None:
        self._add(Finding(message, node, nearest))

    def _add(self, finding: Finding) -> None:
        offset = find_offset(finding.node)
        problem = self._reporter.problem("scope", finding.message, offset, finding.nearest)
        self.problems.append(problem)

"""Every name of a statement's tree resolved where it stands, or reported with its place.

Our own resolver: SQLite's prepare takes an unknown "name" in double quotes for a string, and knows
rowid and its own tables, so it is no proof. Queries are visited by recursion (their nesting is
capped before), expressions by a loop (chains of operators are not).
"""

from __future__ import annotations

from sqlglot import exp

from sqlstrictd.schema.cursor import show
from sqlstrictd.schema.names import fold
from sqlstrictd.schema.types import Schema
from sqlstrictd.verify.lexical import Reporter
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
from sqlstrictd.verify.tree import find_offset
from sqlstrictd.verify.verdict import Problem


class Resolver:
    """Resolves one statement on one schema; afterwards it holds what it found."""

    def __init__(self, schema: Schema, dialect: str, reporter: Reporter) -> None:
        self.problems: list[Problem] = []
        self.tables: set[str] = set()
        self.columns: set[str] = set()
        self._schema = schema
        self._reporter = reporter
        # Standard SQL sees an output's alias in ORDER BY alone, SQLite wherever rows are filtered.
        self._has_aliases_everywhere = dialect == "sqlite"

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
        for join in node.args.get("joins") or ():
            self._join(join, scope)
        outputs = self._outputs(node, scope)
        aliases = frozenset(
            fold(item.alias) for item in node.expressions if isinstance(item, exp.Alias)
        )
        if self._has_aliases_everywhere:
            scope.aliases = aliases
        for key in ("where", "group", "having"):
            if node.args.get(key) is not None:
                self._expression(node.args[key], scope)
        for window in node.args.get("windows") or ():
            self._expression(window, scope)
        scope.aliases = aliases
        order = node.args.get("order")
        for term in order.expressions if order is not None else ():
            if not _is_alias(term, aliases):
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
            if isinstance(item, exp.Star):
                for source in scope.sources:
                    outputs.extend(self._all_columns(source, is_qualified=False))
            elif isinstance(item, exp.Column) and isinstance(item.this, exp.Star):
                for source in self._labelled(item, scope):
                    outputs.extend(self._all_columns(source, is_qualified=True))
            else:
                self._expression(item, scope)
                outputs.append(_output_name(item))
        return tuple(outputs)

    def _all_columns(self, source: Source, *, is_qualified: bool) -> list[str]:
        names = [
            name for key, name in source.columns.items() if is_qualified or key not in source.hidden
        ]
        for name in names:
            self._record(source, name)
        return names

    def _labelled(self, star: exp.Column, scope: Scope) -> list[Source]:
        """Return the sources that the label of `label.*` names."""
        found = [source for source in scope.sources if source.label == fold(star.table)]
        if not found:
            self._report_label(star, scope)
        return found

    def _source(self, node: exp.Expr, scope: Scope) -> Source:
        """Add what stands in FROM or after JOIN to the scope, and return it (of a group, the last).

        A group is joins in parentheses: it adds its sources one by one.
        """
        if isinstance(node, exp.Subquery) and isinstance(node.this, exp.Table):
            if node.alias:
                self._report("Joins in parentheses cannot have an alias.", node)
            return self._source(node.this, scope)
        if isinstance(node, exp.Subquery):
            # A query in FROM sees those around this one, but not its neighbours.
            outputs = self._query(node.this, scope.parent, scope.ctes)
            source = source_of_outputs(fold(node.alias), outputs, _column_list(node))
        elif isinstance(node, exp.Table) and isinstance(node.this, exp.Identifier):
            source = self._table(node, scope)
        else:
            self._report("Only tables and queries can stand in FROM.", node)
            source = unknown_source("")
        scope.sources.append(source)
        for join in node.args.get("joins") or ():
            source = self._join(join, scope)
        return source

    def _table(self, node: exp.Table, scope: Scope) -> Source:
        label = fold(node.alias or node.name)
        if node.args.get("db") is not None:
            self._report("A table's name cannot have another name before it.", node)
            return unknown_source(label)
        if _column_list(node):
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

    def _join(self, join: exp.Join, scope: Scope) -> Source:
        before = list(scope.sources)
        source = self._source(join.this, scope)
        if join.method.upper() == "NATURAL":
            for name in [key for key in source.columns if any(key in s.columns for s in before)]:
                self._merge(name, source, before)
        for identifier in join.args.get("using") or ():
            name = fold(identifier.name)
            if source.has(name) and any(earlier.has(name) for earlier in before):
                self._merge(name, source, before)
            else:
                shown = show(identifier.name)
                self._report(f"There is no column {shown} on both sides of USING.", identifier)
        if join.args.get("on") is not None:
            self._expression(join.args["on"], scope)
        return source

    def _merge(self, name: str, source: Source, before: list[Source]) -> None:
        """Note that a column of the joined source is one with that of the sources before it."""
        source.hidden.add(name)
        for merged in (source, *before):
            if name in merged.columns:
                self._record(merged, merged.columns[name])

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
        if column.args.get("db") is not None:
            self._report("A column's name can have one name before it, a table's.", column.this)
            return
        name = fold(column.name)
        label = fold(column.table) if column.table else None
        level: Scope | None = scope
        while level is not None:
            found = level.find(name, label)
            if len(found) > 1 and all(source.is_known for source in found):
                self._report_ambiguous(column, found)
                return
            if found:
                self._record(found[0], found[0].columns.get(name))
                return
            if label is None and name in level.aliases:
                return
            level = level.parent
        self._report_missing(column, scope)

    def _record(self, source: Source, name: str | None) -> None:
        if source.table is not None and name is not None:
            self.columns.add(f"{source.table.name}.{name}")

    def _report(self, message: str, node: exp.Expr, nearest: tuple[str, ...] = ()) -> None:
        self.problems.append(self._reporter.problem("scope", message, find_offset(node), nearest))

    def _report_ambiguous(self, column: exp.Column, found: list[Source]) -> None:
        name = show(column.name)
        candidates = tuple(
            f"{source.label}.{source.columns[fold(column.name)]}" for source in found
        )
        message = f"{name} is ambiguous: {' and '.join(map(show, candidates))}."
        self._report(message, column.this, candidates)

    def _report_missing(self, column: exp.Column, scope: Scope) -> None:
        levels = _levels(scope)
        sources = [source for level in levels for source in level.sources]
        if column.table and not any(source.label == fold(column.table) for source in sources):
            self._report_label(column, scope)
            return
        if column.table:
            sources = [source for source in sources if source.label == fold(column.table)]
        near = [f"{source.label}.{name}" for source in sources for name in source.columns.values()]
        far = [f"{t.name}.{name}" for t in self._schema.tables for name in t.column_names]
        where = ", ".join(show(source.label) for source in sources[:3] if source.label)
        message = f"There is no column {show(column.name)} in {where or 'scope here'}."
        nearest = find_nearest(column.name, near) or find_nearest(column.name, far)
        self._report(message, column.this, nearest)

    def _report_label(self, column: exp.Column, scope: Scope) -> None:
        labels = [source.label for level in _levels(scope) for source in level.sources]
        message = f"{show(column.table)} is no table or alias of this FROM clause."
        self._report(message, column.args["table"], find_nearest(column.table, labels))


def _levels(scope: Scope) -> list[Scope]:
    levels = [scope]
    while levels[-1].parent is not None:
        levels.append(levels[-1].parent)
    return levels


def _is_alias(term: exp.Expr, aliases: frozenset[str]) -> bool:
    """Whether an ORDER BY term is an output's alias alone: there the alias comes before columns."""
    while isinstance(term, exp.Ordered | exp.Collate | exp.Paren):
        term = term.this
    return isinstance(term, exp.Column) and not term.table and fold(term.name) in aliases


def _output_name(item: exp.Expr) -> str | None:
    """The name of an output: its alias, else the column's own; None for other expressions."""
    if isinstance(item, exp.Alias):
        return item.alias
    while isinstance(item, exp.Paren):
        item = item.this
    return item.name if isinstance(item, exp.Column) else None


def _column_list(node: exp.Expr) -> tuple[str, ...]:
    alias = node.args.get("alias")
    return () if alias is None else tuple(c.name for c in alias.args.get("columns") or ())

"""The sources of a FROM clause: tables, queries and the joins between them, into a scope.

The middle part of the resolver. What ON sees, what USING merges and which aliases must be there is
each dialect's own. What a dialect does not have (LATERAL, FULL JOIN) is a problem here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlglot import exp

from sqlstrictd.schema.cursor import show
from sqlstrictd.verify.columns import ColumnResolver
from sqlstrictd.verify.nearest import find_nearest
from sqlstrictd.verify.row_functions import called_in_from, columns_of
from sqlstrictd.verify.rules import rules_of
from sqlstrictd.verify.sources import (
    Output,
    Outputs,
    Scope,
    Source,
    rename,
    source_of_outputs,
    source_of_table,
    unknown_source,
)
from sqlstrictd.verify.tree import is_group

# SQLite's own limit on the tables of a join, and MySQL's less three.
MAX_SOURCES: Final = {"sqlite": 64, "ansi": 64, "mysql": 61}
_MOST_SOURCES: Final = 100

_NEEDS_ALIAS: Final = frozenset({"postgres", "mysql", "ansi"})
_HAS_COLUMN_LISTS: Final = frozenset({"postgres", "duckdb"})
_HAS_LATERAL: Final = frozenset({"postgres", "duckdb"})
# A join may go without a condition.
_HAS_BARE_JOINS: Final = frozenset({"sqlite", "mysql"})


class SourceResolver(ColumnResolver):
    """Fills scopes with the sources of FROM clauses."""

    def from_clause(self, node: exp.Expr, scope: Scope) -> None:
        """Add all sources of a query's FROM clause to its scope."""
        clause = node.args.get("from_")
        if clause is not None:
            self._source(clause.this, scope)
        self._joins(node, scope, 0)
        self.sources[id(node)] = scope.sources
        if self.dialect == "sqlite":
            return
        seen: set[str] = set()
        for source in scope.sources:
            if source.label in seen and source.shown:
                self.report(f"{show(source.shown)} stands in FROM twice.", node)
            seen.add(source.label)

    def _source(self, node: exp.Expr, scope: Scope) -> None:
        """Add what stands in FROM or after JOIN to the scope; joins in parentheses one by one."""
        start = len(scope.sources)
        if isinstance(node, exp.Subquery) and is_group(node.this):
            if node.args.get("alias"):
                self.report("Joins in parentheses cannot have an alias.", node)
            self._source(node.this, scope)
        elif isinstance(node, exp.Subquery | exp.Values):
            scope.sources.append(self._derived(node, node, self._around(scope), scope))
        elif isinstance(node, exp.Lateral) and isinstance(node.this, exp.Subquery):
            if self.dialect not in _HAS_LATERAL:
                self.report("LATERAL cannot stand here.", node)
            neighbours = Scope(scope.parent, scope.ctes, list(scope.sources))
            scope.sources.append(self._derived(node.this, node, neighbours, scope))
        elif isinstance(node, exp.Table) and isinstance(node.this, exp.Identifier):
            scope.sources.append(self._table(node, scope))
        elif isinstance(node, exp.Table | exp.Lateral | exp.Unnest):
            scope.sources.append(self._function(node, scope))
        else:
            self.report("Only tables and queries can stand in FROM.", node)
            scope.sources.append(unknown_source("", ""))
        self._joins(node, scope, start)

    def _around(self, scope: Scope) -> Scope | None:
        """Return what a query in FROM sees: those around this one, and not its neighbours.

        In MySQL it sees nothing, in DuckDB the neighbours before it too.
        """
        if self.dialect == "duckdb":
            return Scope(scope.parent, scope.ctes, list(scope.sources))
        return None if self.dialect == "mysql" else scope.parent

    def _derived(
        self, query: exp.Expr, named: exp.Expr, parent: Scope | None, scope: Scope
    ) -> Source:
        """Resolve a query in FROM; `named` is the node that holds its alias."""
        body = query if isinstance(query, exp.Values) else query.this
        outputs = self.query(body, parent, scope)
        alias = named.args.get("alias")
        if alias is None or alias.this is None:
            if self.dialect in _NEEDS_ALIAS:
                self.report("A query in FROM needs an alias.", query)
            return source_of_outputs("", "", outputs)
        outputs = self._listed(named, outputs)
        return self.named_outputs(alias.this, outputs)

    def named_outputs(self, name: exp.Expr, outputs: Outputs) -> Source:
        """Make a source of a query's outputs under a name."""
        source = source_of_outputs(self.names.label(name), str(name.this), outputs)
        if source.doubled and self.dialect == "mysql":
            self.report(f"Two columns of {show(source.shown)} have the same name.", name)
        return source

    def _listed(self, named: exp.Expr, outputs: Outputs) -> Outputs:
        """Return outputs under the names of the column list after an alias, where there is one."""
        declared = self.declared(named)
        if declared and self.dialect not in _HAS_COLUMN_LISTS:
            self.report("An alias cannot have a list of columns here.", named)
        if len(declared) > len(outputs):
            self.report("The list of columns is longer than what it names.", named)
            return outputs
        return rename(outputs, declared)

    def declared(self, named: exp.Expr) -> tuple[Output, ...]:
        """Return the names of the column list after an alias; empty where there is none."""
        alias = named.args.get("alias")
        columns = alias.args.get("columns") or () if alias is not None else ()
        return tuple(Output(self.names.key(column), str(column.this)) for column in columns)

    def _joins(self, node: exp.Expr, scope: Scope, start: int) -> None:
        """Add joined sources; `start` is the index of the first source that ON may see."""
        joins = node.args.get("joins") or ()
        most = MAX_SOURCES.get(self.dialect, _MOST_SOURCES)
        if len(scope.sources) + len(joins) > most:
            self.report(f"More than {most} tables stand in FROM.", node)
            return
        for join in joins:
            if is_comma(join):
                start = len(scope.sources)  # what follows a comma does not see what is before it
            self._join(join, scope, start)
            if self.dialect != "sqlite":
                self._on(join, scope.part(start))
        # To SQLite, ON is a condition on all the tables of FROM, those after it too.
        for join in joins if self.dialect == "sqlite" else ():
            self._on(join, scope)

    def _on(self, join: exp.Join, scope: Scope) -> None:
        if join.args.get("on") is not None:
            self.expression(join.args["on"], scope)

    def _table(self, node: exp.Table, scope: Scope) -> Source:
        alias = node.args.get("alias")
        name = node.this if alias is None or alias.this is None else alias.this
        label, shown = self.names.label(name), str(name.this)
        if not self.names.is_plain(node):
            self.report("A table's name cannot have this name before it.", node)
            return unknown_source(label, shown)
        is_cte = node.args.get("db") is None  # with a namespace, it is a table of the schema
        outputs = scope.ctes.get(self.names.label(node.this)) if is_cte else None
        if outputs is not None:
            return source_of_outputs(label, shown, self._listed(node, outputs))
        table = self.names.table(node.this)
        if table is None:
            known = [table.name for table in self.schema.tables]
            message = f"There is no table {show(node.name)} in the schema."
            self.report(message, node.this, find_nearest(node.name, known))
            return unknown_source(label, shown)
        self.tables.add(table.name)
        columns = self.names.columns(table)
        if self.declared(node):
            self.report("A table's alias cannot have a list of columns.", node)
        source = source_of_table(label, shown, table, columns)
        source.is_by_name = name is node.this
        return source

    def _function(self, node: exp.Expr, scope: Scope) -> Source:
        """A function that returns rows; it sees the sources before it."""
        called = called_in_from(node)
        alias = node.args.get("alias")
        named = alias.this if alias is not None else None
        label = self.names.label(named) if named is not None else ""
        shown = str(named.this) if named is not None else ""
        columns = None if called is None else columns_of(called[0], label, self.dialect)
        if called is None or columns is None or node.args.get("db") is not None:
            self.report("Only tables, queries and functions that make rows stand in FROM.", node)
            return unknown_source(label, shown)
        neighbours = Scope(scope.parent, scope.ctes, list(scope.sources))
        for part in called[1].iter_expressions():
            if not isinstance(part, exp.TableAlias):
                self.expression(part, neighbours)
        if self.dialect == "sqlite" and self.declared(node):
            self.report("An alias cannot have a list of columns here.", node)
        outputs = self._listed(node, tuple(Output(name, name) for name in columns))
        source = source_of_outputs(label or called[0], shown or called[0], outputs)
        if self.dialect == "postgres" and len(columns) == 1:
            # The alias stands for the only value of a row, too.
            source.columns.setdefault(source.label, source.shown)
        return source

    def _join(self, join: exp.Join, scope: Scope, start: int) -> None:
        self._judge(join)
        count = len(scope.sources)
        self._source(join.this, scope)
        left, right = scope.sources[start:count], scope.sources[count:]
        if join.method.upper() == "NATURAL":
            shared = {key: None for source in right for key in source.columns}
            for key in shared:
                if any(key in source.columns for source in left):
                    self._merge(key, left, right, join)
        for identifier in join.args.get("using") or ():
            key = self.names.key(identifier)
            if any(s.has(key) for s in left) and any(s.has(key) for s in right):
                self._merge(key, left, right, identifier)
            else:
                shown = show(identifier.name)
                self.report(f"There is no column {shown} on both sides of USING.", identifier)

    def _judge(self, join: exp.Join) -> None:
        """Refuse joins that the dialect does not have, and conditions too many or too few."""
        if is_comma(join):
            return
        words = [str(join.args.get(key) or "").upper() for key in ("method", "side", "kind")]
        known = rules_of(self.dialect).joins
        n_conditions = sum(bool(join.args.get(key)) for key in ("on", "using"))
        n_conditions += "NATURAL" in words
        missing = [word for word in words if word in _OPTIONAL and f"{word} JOIN" not in known]
        if "CROSS" in words and self.dialect not in _HAS_BARE_JOINS:
            is_right = n_conditions == 0
        elif self.dialect in _HAS_BARE_JOINS and not {"LEFT", "RIGHT", "FULL"} & set(words):
            is_right = n_conditions <= 1
        else:
            is_right = n_conditions == 1 or (self.dialect == "sqlite" and n_conditions == 0)
        if missing:
            self.report(f"{missing[0]} JOIN cannot stand here.", join)
        elif not is_right:
            self.report("A join has one condition: ON, USING or NATURAL.", join)
        elif {"RIGHT", "FULL"} & set(words) and not isinstance(
            join.this, exp.Table | exp.Subquery | exp.Values
        ):
            self.report("LATERAL cannot stand after RIGHT or FULL JOIN.", join)
        elif {"RIGHT", "FULL"} & set(words) and isinstance(join.this.this, exp.Func):
            self.report("A function cannot stand after RIGHT or FULL JOIN.", join)

    def _merge(
        self, key: str, left: Sequence[Source], right: Sequence[Source], node: exp.Expr
    ) -> None:
        """Note that a column of the joined sources is one with that of a source before them."""
        for side in (left, right):
            found = [s for s in side if key in s.columns and key not in s.hidden]
            is_doubled = len(found) > 1 or any(key in source.doubled for source in found)
            if is_doubled and self.dialect != "sqlite":
                self.report(f"{show(key)} stands more than once on one side of a join.", node)
            if found:
                self.record(found[0], key)
                if side is right:
                    found[0].hidden.add(key)


_OPTIONAL: Final = frozenset({"LEFT", "RIGHT", "FULL", "CROSS", "NATURAL"})


def is_comma(join: exp.Join) -> bool:
    """Whether nothing but a comma (or, which the tree does not tell, a bare JOIN) joins it."""
    return not any(join.args.get(key) for key in ("on", "using", "kind", "side", "method"))

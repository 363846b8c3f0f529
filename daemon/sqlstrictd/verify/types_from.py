"""FROM: the sources that a query reads, with their columns' types, and the conditions of joins.

A part of `types_queries.py`, which types the queries that stand in FROM.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import Final

from sqlglot import exp

from sqlstrictd.schema.names import fold
from sqlstrictd.schema.types import Schema, Table
from sqlstrictd.verify.tree import is_group
from sqlstrictd.verify.types_calls import standing
from sqlstrictd.verify.types_expressions import Typer
from sqlstrictd.verify.types_scope import Output, Outputs, TypedScope, TypedSource, Value, Wrong

# Functions in FROM that return rows of one column, or of these.
_ROW_COLUMNS: Final = {
    "json_each": ("key", "value"),
    "jsonb_each": ("key", "value"),
    "json_each_text": ("key", "value"),
    "jsonb_each_text": ("key", "value"),
}


def column_list(node: exp.Expr) -> tuple[str, ...]:
    """Return the names of the column list after an alias; empty where there is none."""
    alias = node.args.get("alias")
    return () if alias is None else tuple(c.name for c in alias.args.get("columns") or ())


class FromClauses(Typer):
    """The part of the check that reads FROM."""

    schema: Schema

    @abstractmethod
    def members(
        self, node: exp.Expr, parent: TypedScope | None, ctes: dict[str, Outputs]
    ) -> Outputs:
        """Type a query that stands in FROM."""

    def from_clause(self, node: exp.Expr, scope: TypedScope) -> None:
        """Fill a scope with what FROM and its joins offer."""
        clause = node.args.get("from_")
        if clause is not None:
            self._source(clause.this, scope)
        self._joins(node, scope)

    def _source(self, node: exp.Expr, scope: TypedScope) -> None:
        if isinstance(node, exp.Subquery) and is_group(node.this):
            self._source(node.this, scope)
        elif isinstance(node, exp.Subquery):
            self._derived(node, node.this, scope.parent, scope)
        elif isinstance(node, exp.Lateral) and isinstance(node.this, exp.Subquery):
            with standing(scope, clause="FROM"):
                self._derived(node, node.this.this, scope, scope)
        elif isinstance(node, exp.Values):
            outputs = self.rows(node, TypedScope(scope.parent, scope.ctes))
            self._add(fold(node.alias), outputs, list(column_list(node)), scope, node)
        elif isinstance(node, exp.Table) and isinstance(node.this, exp.Identifier):
            self._table(node, scope)
        elif isinstance(node, exp.Table | exp.Unnest | exp.Lateral):
            self._function(node, scope)
        else:
            raise Wrong("Only tables, queries and functions can stand in FROM.", node)
        self._joins(node, scope)

    def _derived(
        self, node: exp.Expr, query: exp.Expr, parent: TypedScope | None, scope: TypedScope
    ) -> None:
        if not node.alias and self.rules.name in ("postgres", "mysql"):
            raise Wrong("A query in FROM needs an alias.", node)
        outputs = self.query(query, parent, scope.ctes)
        self._add(fold(node.alias), outputs, list(column_list(node)), scope, node)

    def _add(
        self, label: str, outputs: Outputs, names: list[str], scope: TypedScope, node: exp.Expr
    ) -> None:
        if len(names) > len(outputs):
            raise Wrong(f"{len(names)} column names are given for {len(outputs)} columns.", node)
        columns: dict[str, Value] = {}
        for index, output in enumerate(outputs):
            name = fold(names[index]) if index < len(names) else output.name
            value = Value(output.value.type, modifier=output.value.modifier)
            columns.setdefault(name or f" {index}", value)
        scope.sources.append(TypedSource(label, columns))

    def _table(self, node: exp.Table, scope: TypedScope) -> None:
        label = fold(node.alias or node.name)
        outputs = scope.ctes.get(fold(node.name))
        if outputs is not None:
            self._add(label, outputs, list(column_list(node)), scope, node)
            return
        table = self.schema.table(node.name)
        if table is None:
            raise Wrong(f"The columns of {node.name} are not known here.", node)
        self.table_source(node, table, scope)

    def table_source(self, node: exp.Expr, table: Table, scope: TypedScope) -> None:
        """Add a table of the schema to a scope."""
        label = fold(node.alias or node.name)
        names = [fold(name) for name in column_list(node)]
        columns = {}
        for index, column in enumerate(table.columns):
            name = names[index] if index < len(names) else fold(column.name)
            modifier = self.rules.modifier(column.type)
            columns[name] = Value(self.rules.column_type(column), modifier=modifier)
        scope.sources.append(TypedSource(label, columns, None if names else table))

    def _function(self, node: exp.Expr, scope: TypedScope) -> None:
        """A function that returns rows, or UNNEST; it may read the sources before it."""
        if self.rules.name not in ("postgres", "duckdb"):
            raise Wrong("Only tables and queries can stand in FROM.", node)
        with standing(scope, clause="FROM"):
            if isinstance(node, exp.Unnest):
                name = "unnest"
                if len(node.expressions) != 1:
                    raise Wrong("The check knows UNNEST of one array.", node)
                value = self.value(node.expressions[0], scope)
                if not value.type.endswith("[]"):
                    raise Wrong(f"UNNEST takes an array, not {value.type}.", node)
                value = Value(value.type.removesuffix("[]"))
            elif isinstance(node.this, exp.Anonymous):
                name = fold(str(node.this.name))
                value = self.value(node.this, scope)
            else:
                raise Wrong("Only tables, queries and functions can stand in FROM.", node)
        names = list(column_list(node))
        if value.type == "record":
            if name not in _ROW_COLUMNS:
                raise Wrong(f"The check does not know the columns of {name}.", node)
            type_ = "text" if name.endswith("text") else name.split("_")[0]
            values = (Value("text"), Value(type_))
            outputs = tuple(map(Output, _ROW_COLUMNS[name], values))
        else:
            outputs = (Output(fold(node.alias) or name, value),)
        self._add(fold(node.alias) or name, outputs, names, scope, node)

    def rows(self, node: exp.Values, scope: TypedScope) -> Outputs:
        """Type the rows of VALUES: their columns, which must match."""
        scope.clause = "VALUES"
        rows = [
            [self.value(i, scope) for i in (r.expressions if isinstance(r, exp.Tuple) else (r,))]
            for r in node.expressions
        ]
        if len({len(row) for row in rows}) != 1:
            raise Wrong("The rows of VALUES are not of one length.", node)
        columns = [
            self.rules.common(column, "The columns of VALUES", node)
            for column in zip(*rows, strict=True)
        ]
        prefix = "col" if self.rules.name == "duckdb" else "column"
        start = 0 if self.rules.name == "duckdb" else 1
        return tuple(Output(f"{prefix}{i}", value) for i, value in enumerate(columns, start))

    def _joins(self, node: exp.Expr, scope: TypedScope) -> None:
        for join in node.args.get("joins") or ():
            count = len(scope.sources)
            self._source(join.this, scope)
            left, right = scope.sources[:count], scope.sources[count:]
            if join.method.upper() == "NATURAL":
                names = [name for source in right for name in source.columns]
                for name in dict.fromkeys(names):
                    if any(name in source.columns for source in left):
                        self._merge(name, left, right, scope, join)
            for identifier in join.args.get("using") or ():
                self._merge(fold(identifier.name), left, right, scope, join)
            if join.args.get("on") is not None:
                with standing(scope, clause="ON"):
                    self.condition(join.args["on"], scope, "The condition of ON")

    def _merge(
        self,
        name: str,
        left: list[TypedSource],
        right: list[TypedSource],
        scope: TypedScope,
        join: exp.Expr,
    ) -> None:
        """Make one of the columns that USING or NATURAL names."""
        before = scope.merged.get(name)
        first = before[0] if before else next((s for s in left if name in s.columns), None)
        second = next((s for s in right if name in s.columns), None)
        if first is None or second is None:
            raise Wrong(f"There is no column {name} on both sides of USING.", join)
        one = before[1] if before else first.columns[name]
        other = second.columns[name]
        self.rules.operator("=", (one, other), join)
        merged = self.rules.common((one, other), "The columns that USING joins", join)
        is_right = str(join.args.get("side") or "").upper() == "RIGHT"
        scope.merged[name] = (second if is_right else first, merged)

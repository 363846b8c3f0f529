"""Statements: queries as they are, and those that write, whose values must fit their columns.

What a column takes in an assignment is more than what it is compared with; a CREATE or ALTER is
checked for the types that it names and the queries in it.
"""

from __future__ import annotations

from sqlglot import exp

from sqlstrictd import dialects
from sqlstrictd.schema.names import fold
from sqlstrictd.schema.types import Schema, Table
from sqlstrictd.verify.types_queries import Queries
from sqlstrictd.verify.types_rules import Rules
from sqlstrictd.verify.types_scope import Outputs, TypedScope, Value, Wrong


class Statements(Queries):
    """The check of one whole statement."""

    def __init__(self, schema: Schema, rules: Rules) -> None:
        super().__init__(schema, rules)
        rules.learn(schema)

    def check(self, tree: exp.Expr) -> None:
        """Check a statement of any kind that the policy may allow.

        Raises:
            Wrong: its first mistake.
        """
        for node in tree.walk():
            if "foreign" in node.meta:
                raise Wrong(f"The dialect has no {node.meta['foreign']}.", node)
        if isinstance(tree, exp.Insert):
            self._insert(tree)
        elif isinstance(tree, exp.Update):
            self._update(tree)
        elif isinstance(tree, exp.Delete):
            self._delete(tree)
        elif isinstance(tree, exp.Create):
            self._create(tree)
        elif isinstance(tree, exp.Alter):
            for column in tree.find_all(exp.ColumnDef):
                self._definition(column)
        else:
            self.query(tree, None, {})

    def _target(self, node: exp.Expr, scope: TypedScope) -> Table:
        """The table written to, with its columns in scope."""
        name = node.this if isinstance(node, exp.Schema) else node
        table = self.schema.table(name.name)
        if table is None:
            raise Wrong("Only a table of the schema can be written to.", node)
        self.table_source(name, table, scope)
        return table

    def _insert(self, tree: exp.Insert) -> None:
        scope = TypedScope(None, {})
        target = tree.this
        table = self._target(target, scope)
        ctes = self.with_clause(tree, None, {})
        named = target.expressions if isinstance(target, exp.Schema) else []
        names = [column.name for column in named] or list(table.column_names)
        source = tree.args.get("expression")
        if source is None:
            return  # DEFAULT VALUES
        if isinstance(source, exp.Values):
            rows = [row.expressions for row in source.expressions]
            for row in rows:
                self._count(len(row), len(names), bool(named), tree)
                inner = TypedScope(None, ctes, clause="VALUES")
                for name, item in zip(names, row, strict=False):
                    if not _is_default(item):
                        self._assign(table, name, self.value(item, inner), item)
        else:
            outputs: Outputs = self.members(source, None, ctes)
            self._count(len(outputs), len(names), bool(named), tree)
            for name, output in zip(names, outputs, strict=False):
                self._assign(table, name, output.value, output.node or source)
        self._returning(tree, scope)

    def _count(self, given: int, wanted: int, is_named: bool, node: exp.Expr) -> None:
        # Without names, PostgreSQL fills the last columns with their defaults.
        is_short = given < wanted and not is_named and self.rules.name == "postgres"
        if given != wanted and not is_short:
            raise Wrong(f"{given} values are given for {wanted} columns.", node)

    def _assign(self, table: Table, name: str, value: Value, node: exp.Expr) -> None:
        column = table.column(name)
        if column is None:
            raise Wrong(f"{table.name} has no column {name}.", node)
        type_ = self.rules.column_type(column)
        self.rules.coerce(value, type_, f"The value of {name}", node, "assignment")

    def _update(self, tree: exp.Update) -> None:
        scope = TypedScope(None, self.with_clause(tree, None, {}))
        table = self._target(tree.this, scope)
        self.from_clause(tree, scope)
        scope.clause = "UPDATE"
        for assignment in tree.expressions:
            if not isinstance(assignment, exp.EQ) or not isinstance(assignment.this, exp.Column):
                raise Wrong("SET takes COLUMN = VALUE.", assignment)
            if _is_default(assignment.expression):
                continue
            value = self.value(assignment.expression, scope)
            self._assign(table, assignment.this.name, value, assignment)
        self._where(tree, scope)
        self._returning(tree, scope)

    def _delete(self, tree: exp.Delete) -> None:
        scope = TypedScope(None, self.with_clause(tree, None, {}))
        self._target(tree.this, scope)
        for source in tree.args.get("using") or ():
            self._source(source, scope)
        self._where(tree, scope)
        self._returning(tree, scope)

    def _where(self, tree: exp.Expr, scope: TypedScope) -> None:
        scope.clause = "WHERE"
        where = tree.args.get("where")
        if where is not None:
            self.condition(where.this, scope, "The condition of WHERE")

    def _returning(self, tree: exp.Expr, scope: TypedScope) -> None:
        scope.clause = "RETURNING"
        returning = tree.args.get("returning")
        for item in returning.expressions if returning is not None else ():
            if not isinstance(item, exp.Star):
                self.value(item, scope)

    def _create(self, tree: exp.Create) -> None:
        kind = str(tree.args.get("kind") or "").upper()
        body = tree.args.get("expression")
        if kind in ("VIEW", "TABLE") and isinstance(body, exp.Query):
            self.query(body, None, {})
        elif kind == "TABLE":
            for column in tree.find_all(exp.ColumnDef):
                self._definition(column)
        elif kind == "INDEX":
            self._index(tree)
        else:
            raise Wrong(f"The type check does not know CREATE {kind}.", tree)

    def _definition(self, column: exp.ColumnDef) -> None:
        """A column's type must be one that the dialect has, and its default must fit it."""
        written = column.args.get("kind")
        if written is None or not self.rules.is_typed:
            return
        text = str(written.meta.get("written") or written.sql(dialects.get(self.rules.name).parser))
        type_ = self.rules.declared(text, column)
        for constraint in column.find_all(exp.DefaultColumnConstraint):
            value = self.value(constraint.this, TypedScope(None, {}, clause="DEFAULT"))
            self.rules.coerce(value, type_, "A default", column, "assignment")

    def _index(self, tree: exp.Create) -> None:
        index = tree.this
        scope = TypedScope(None, {}, clause="CREATE INDEX")
        self._target(index.args["table"], scope)
        parameters = index.args.get("params")
        for term in parameters.args.get("columns") or () if parameters is not None else ():
            inner = term.this if isinstance(term, exp.Ordered) else term
            self.rules.sort(self.value(inner, scope), "an index", term)
        where = parameters.args.get("where") if parameters is not None else None
        if where is not None:
            self.condition(where.this, scope, "The condition of WHERE")


def _is_default(node: exp.Expr) -> bool:
    """Whether the word DEFAULT stands in the place of a value."""
    is_name = isinstance(node, exp.Column | exp.Var) and not node.args.get("table")
    return is_name and fold(node.name) == "default"

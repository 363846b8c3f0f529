"""Columns and nested queries of an expression, each resolved in the scope where it stands.

The lowest part of the resolver (`from_clause.py` and `scope.py` stand on it): it knows scopes and
names, not clauses. Expressions are walked by a loop, since chains of operators may be long.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

from sqlglot import exp

from sqlstrictd.schema.cursor import show
from sqlstrictd.schema.names import fold
from sqlstrictd.schema.types import Schema
from sqlstrictd.verify.lexical import MAX_PROBLEMS, Reporter
from sqlstrictd.verify.missing import (
    Finding,
    describe_ambiguous,
    describe_label,
    describe_missing,
)
from sqlstrictd.verify.names import Names
from sqlstrictd.verify.rows import fields_of, takes_rows
from sqlstrictd.verify.rules import rules_of
from sqlstrictd.verify.sources import Outputs, Scope, Source
from sqlstrictd.verify.tree import find_offset
from sqlstrictd.verify.verdict import Problem

# To these, the first of two columns of one name in a derived table is the one that is meant.
_TAKES_FIRST = frozenset({"sqlite", "duckdb"})
_COMPARISONS = (exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE)


class ColumnResolver(ABC):
    """Resolves the names of expressions; afterwards it holds what it found.

    `tables` and `columns` (as table.column) are those of the schema that the statement names.
    `resolved` holds the source of each column's node by its id(), and `sources` those of each
    query's FROM clause.
    """

    def __init__(self, schema: Schema, dialect: str, reporter: Reporter) -> None:
        self.problems: list[Problem] = []
        self.tables: set[str] = set()
        self.columns: set[str] = set()
        self.resolved: dict[int, Source] = {}
        self.sources: dict[int, list[Source]] = {}
        self.names = Names(dialect, schema)
        self.schema = schema
        self.dialect = dialect
        self.facts = rules_of(dialect).facts
        self._reporter = reporter

    @abstractmethod
    def query(self, node: exp.Expr, parent: Scope | None, scope: Scope) -> Outputs:
        """Resolve a query; names that it does not have itself are looked up in `parent`.

        `scope` is the one it stands in, whose WITH queries it sees.
        """

    def expression(self, node: exp.Expr, scope: Scope) -> None:
        """Resolve every column below a node, and every query, which sees this scope from inside."""
        pending = [node]
        while pending:
            inner = pending.pop()
            if isinstance(inner, exp.Column):
                self.column(inner, scope)
            elif isinstance(inner, exp.Query | exp.Values):
                self._nested(inner, scope)
            else:
                if isinstance(inner, exp.Window):
                    self._window(inner, scope)
                pending.extend(reversed(list(inner.iter_expressions())))

    def column(self, column: exp.Column, scope: Scope) -> None:
        """Find the one source that a column's name means, in its query or in those around it."""
        if isinstance(column.this, exp.Star):
            self.labelled(column, scope)
            return
        if len(self.problems) >= MAX_PROBLEMS:
            return
        if self.dialect == "duckdb" and self._is_field(column, scope):
            return
        if not self.names.is_plain(column):
            self.report("A column's name can have one name before it, a table's.", column.this)
            return
        has_namespace = column.args.get("db") is not None
        key = self.names.key(column.this)
        label = self.names.label(column.args["table"]) if column.table else None
        level: Scope | None = scope
        while level is not None:
            found = level.find(key, label)
            if has_namespace:
                found = [source for source in found if source.is_by_name]
            if found:
                self._found(column, key, found)
                return
            if label is None and key in level.aliases:
                return
            level = level.parent
        if self._is_row(column, scope):
            return
        self.add(describe_missing(column, label, scope, self.schema))

    def _is_field(self, column: exp.Column, scope: Scope) -> bool:
        """Whether this is a struct's field, by column.field or table.column.field."""
        if not column.table or column.args.get("catalog") is not None:
            return False
        before, struct = column.args.get("db"), column.args["table"]
        label = self.names.label(before) if before is not None else None
        table_label = self.names.label(struct)
        level: Scope | None = scope
        while level is not None:
            if before is None and any(s.label == table_label for s in level.sources):
                return False  # a table's name goes before a column's
            key = self.names.key(struct)
            for source in level.find(key, label):
                known = source.table.column(source.columns[key]) if source.table else None
                if known is not None and fold(column.name) in fields_of(known.type):
                    self.record(source, key)
                    return True
            level = level.parent
        return False

    def _is_row(self, column: exp.Column, scope: Scope) -> bool:
        """Whether a source's name stands for its whole row, in a call that makes JSON of it."""
        if self.dialect != "postgres" or column.table or not takes_rows(column):
            return False
        label = self.names.label(column.this)
        for source in scope.sources:
            if source.label == label and source.is_known:
                for key in source.columns:
                    self.record(source, key)
                return True
        return False

    def _found(self, column: exp.Column, key: str, found: list[Source]) -> None:
        is_doubled = self.dialect not in _TAKES_FIRST and key in found[0].doubled
        if is_doubled or (len(found) > 1 and all(source.is_known for source in found)):
            self.add(describe_ambiguous(column, key, found))
            return
        self.resolved[id(column)] = found[0]
        self.record(found[0], key)

    def labelled(self, star: exp.Column, scope: Scope) -> list[Source]:
        """Return the sources that the label of `label.*` names."""
        label = self.names.label(star.args["table"])
        found = [source for source in scope.sources if source.label == label]
        if star.args.get("db") is not None:
            is_plain = self.names.is_plain(star)
            found = [source for source in found if is_plain and source.is_by_name]
        if not found:
            self.add(describe_label(star, scope))
        return found

    def record(self, source: Source, key: str) -> None:
        """Note that a column is read, if it is the schema's."""
        if source.table is not None and key in source.columns:
            self.columns.add(f"{source.table.name}.{source.columns[key]}")

    def report(self, message: str, node: exp.Expr, nearest: tuple[str, ...] = ()) -> None:
        """Add a problem at a node."""
        self.add(Finding(message, node, nearest))

    def add(self, finding: Finding) -> None:
        """Add a problem."""
        offset = find_offset(finding.node)
        problem = self._reporter.problem("scope", finding.message, offset, finding.nearest)
        self.problems.append(problem)

    def _nested(self, node: exp.Expr, scope: Scope) -> None:
        """Resolve a query in an expression, which must have as many columns as its place wants."""
        outputs = self.query(node, scope, scope)
        wanted = _width_wanted(node)
        if wanted and len(outputs) != wanted and not self.problems:
            columns = "one column" if wanted == 1 else f"{wanted} columns"
            self.report(f"This query has {len(outputs)} columns; {columns} may stand here.", node)

    def _window(self, window: exp.Window, scope: Scope) -> None:
        """Refuse OVER name where no WINDOW clause defines the name."""
        name = window.args.get("alias")
        if isinstance(name, exp.Identifier) and self.names.key(name) not in scope.windows:
            self.report(f"There is no window {show(name.this)}.", name)


def _width_wanted(node: exp.Expr) -> int:
    """How many columns a query must have in an expression; 0 where any number may be."""
    child, parent = node, node.parent
    while isinstance(parent, exp.Subquery | exp.Paren | exp.Any | exp.All):
        child, parent = parent, parent.parent
    if isinstance(parent, exp.Exists):
        return 0
    other: exp.Expr | None = None
    if isinstance(parent, exp.In) and parent.this is not child:
        other = parent.this
    elif isinstance(parent, _COMPARISONS):
        other = parent.expression if parent.this is child else parent.this
    return len(other.expressions) if isinstance(other, exp.Tuple) else 1

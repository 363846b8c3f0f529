"""The outputs of a SELECT: their names, and what its stars stand for.

A part of the resolver, between `from_clause.py` and `scope.py`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from sqlglot import exp

from sqlstrictd.schema.cursor import show
from sqlstrictd.schema.table_draft import MAX_COLUMNS
from sqlstrictd.verify.from_clause import SourceResolver
from sqlstrictd.verify.sources import UNNAMED, Output, Outputs, Scope, Source

# PostgreSQL names an output without an alias after its function.
_NAMING_CALLS: Final = (exp.Count, exp.Sum, exp.Avg, exp.Min, exp.Max)


class OutputResolver(SourceResolver):
    """Resolves the list of outputs of a SELECT."""

    def outputs(self, node: exp.Expr, scope: Scope) -> Outputs:
        """Resolve the outputs of a SELECT whose sources are known; stars come apart."""
        outputs: list[Output] = []
        earlier: set[str] = set()
        for item in node.expressions:
            if len(outputs) > MAX_COLUMNS:
                break  # SQLite refuses that many; stars of stars would have no end
            if isinstance(item, exp.Star):
                if not scope.sources:
                    self.report("There is no FROM clause for this star.", item)
                found = self._all_columns(scope.sources, is_qualified=False)
                outputs.extend(self._without(item, found))
            elif isinstance(item, exp.Column) and isinstance(item.this, exp.Star):
                found = self._all_columns(self.labelled(item, scope), is_qualified=True)
                outputs.extend(self._without(item.this, found))
            else:
                if self.dialect == "duckdb":  # an output sees the aliases of those before it
                    scope.aliases = frozenset(earlier)
                self.expression(item, scope)
                output = self.name_output(item)
                outputs.append(output)
                if isinstance(item, exp.Alias):
                    earlier.add(output.key)
        scope.aliases = frozenset()
        if len(outputs) > MAX_COLUMNS:
            self.report(f"The query has more than {MAX_COLUMNS} columns.", node)
        return tuple(outputs)

    def name_output(self, item: exp.Expr) -> Output:
        """The name of an output: its alias, else the column's own; none for other expressions."""
        if isinstance(item, exp.Alias):
            identifier = item.args["alias"]
            return Output(self.names.key(identifier), str(identifier.this))
        while isinstance(item, exp.Paren):
            item = item.this
        if isinstance(item, exp.Column):
            return Output(self.names.key(item.this), item.name)
        if self.dialect == "postgres" and isinstance(item, _NAMING_CALLS):
            name = type(item).__name__.lower()
            return Output(name, name)
        return UNNAMED

    def _without(self, star: exp.Expr, found: list[Output]) -> list[Output]:
        """Leave out what EXCLUDE names, each of which must be there."""
        excluded = star.args.get("except_") or ()
        keys = {output.key for output in found}
        for column in excluded:
            if self.names.key(column.this) not in keys:
                self.report(f"There is no column {show(column.name)} to exclude.", column)
        dropped = {self.names.key(column.this) for column in excluded}
        return [output for output in found if output.key not in dropped]

    def _all_columns(self, sources: Iterable[Source], *, is_qualified: bool) -> list[Output]:
        found: list[Output] = []
        for source in sources:
            if len(found) > MAX_COLUMNS:
                break
            for output in source.outputs:
                if is_qualified or output.key not in source.hidden or not output.name:
                    found.append(output)
                    self.record(source, output.key)
        return found

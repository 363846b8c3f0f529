"""GROUP BY: whether every column of a grouped query has one value in each group.

A column may stand outside aggregates if it is grouped by, if the expression that it stands in is
(MariaDB wants that to be all of what SELECT returns, and knows none in HAVING), or, where the
dialect says so, if its table's primary key is grouped by. Columns of queries around
this one always may; those of this one inside a query below must be grouped by themselves.
Called by `types_queries.py` with a query that has been typed.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING, Final

from sqlglot import exp

from sqlstrictd.schema.cursor import show
from sqlstrictd.schema.names import fold
from sqlstrictd.verify.types_scope import Meaning, Output, Outputs, TypedScope, TypedSource, Wrong

if TYPE_CHECKING:
    from sqlstrictd.verify.types_expressions import Typer


_SETS: Final = (exp.Rollup, exp.Cube, exp.GroupingSets)


class Grouping:
    """The groups of one query."""

    def __init__(
        self,
        typer: Typer,
        scope: TypedScope,
        clause: exp.Expr | None,
        groups: Sequence[exp.Expr | Meaning],
        aliases: dict[str, Output],
    ) -> None:
        self._typer = typer
        self._scope = scope
        self._aliases = aliases
        self._keys = {key_of(group, typer) for group in groups}
        # With several grouping sets, a column of the key may be missing from one of them.
        has_sets = clause is not None and clause.find(*_SETS) is not None
        self._determined = set() if has_sets else self._find_determined()

    def _find_determined(self) -> set[int]:
        """The sources whose primary key is grouped by: one row of theirs to each group."""
        if not self._typer.rules.groups_by_primary_key:
            return set()
        return {
            id(source)
            for source in self._scope.sources
            if source.table is not None
            and source.table.primary_key
            and all(_column_key(source, name) in self._keys for name in source.table.primary_key)
        }

    def check(self, terms: Sequence[exp.Expr | Meaning | None], clause: str) -> None:
        """Check the expressions of a clause.

        Raises:
            Wrong: a column may have several values in a group.
        """
        if not self._typer.rules.has_strict_group_by:
            return
        for term in terms:
            if isinstance(term, Meaning):
                self._column(term, None, clause)
            elif term is not None:
                self._expression(term, clause)

    def _expression(self, node: exp.Expr, clause: str) -> None:
        has_whole_keys = self._typer.rules.has_whole_group_keys and clause != "ORDER BY"
        pending: list[tuple[exp.Expr, bool]] = [(node, False)]
        while pending:
            inner, is_below = pending.pop()
            if self._typer.aggregates.get(id(inner)) is self._scope:
                continue
            if isinstance(inner, exp.Column):
                meaning = self._typer.meanings.get(id(inner))
                if meaning is not None and meaning.scope is self._scope:
                    self._column(meaning, inner, clause)
                elif meaning is None and not is_below:
                    self._alias(inner, clause)
                continue
            is_key = not is_below and key_of(inner, self._typer) in self._keys
            if is_key and has_whole_keys:
                is_whole = inner is node and clause == "SELECT"
                is_key = is_whole or inner.find_ancestor(exp.Window) is not None
            if is_key:
                continue
            is_below = is_below or isinstance(inner, exp.Query)
            pending.extend((child, is_below) for child in inner.iter_expressions())

    def _alias(self, column: exp.Column, clause: str) -> None:
        """An output's alias in HAVING or ORDER BY stands for its expression, checked in SELECT."""
        if fold(column.name) not in self._aliases:
            raise Wrong(f"{show(column.name)} in {clause} is not grouped by.", column)

    def _column(self, meaning: Meaning, node: exp.Expr | None, clause: str) -> None:
        if id(meaning.source) in self._determined:
            return
        if _column_key(meaning.source, meaning.column) in self._keys:
            return
        name = show(meaning.column)
        hint = "put it into GROUP BY or into an aggregate"
        raise Wrong(f"{name} in {clause} has several values in a group: {hint}.", node)


def grouped_terms(group: exp.Expr) -> list[exp.Expr]:
    """Return the expressions of GROUP BY, those of ROLLUP, CUBE and GROUPING SETS included."""
    pending = [*group.expressions]
    for key in ("rollup", "cube", "grouping_sets"):
        pending += group.args.get(key) or []
    terms: list[exp.Expr] = []
    pending.reverse()
    while pending:
        term = pending.pop()
        if isinstance(term, (*_SETS, exp.Tuple)):
            pending += reversed(term.expressions)
        elif isinstance(term, exp.Paren) and isinstance(term.this, (*_SETS, exp.Tuple, exp.Paren)):
            pending.append(term.this)
        else:
            terms.append(term)
    return terms


def check_distinct_order(
    typer: Typer, outputs: Outputs, order: Sequence[exp.Expr | Meaning]
) -> None:
    """Check that SELECT DISTINCT sorts by what it returns.

    Raises:
        Wrong: an expression of ORDER BY is not among the outputs.
    """
    rules = typer.rules
    if not rules.has_strict_distinct:
        return
    returned = {key_of(o.meaning or o.node, typer) for o in outputs if o.meaning or o.node}
    for term in order:
        if key_of(term, typer) in returned:
            continue
        if not rules.is_typed and isinstance(term, exp.Expr):
            # MySQL takes any expression of the columns that are returned.
            columns = list(term.find_all(exp.Column))
            if all(key_of(column, typer) in returned for column in columns):
                continue
        node = term if isinstance(term, exp.Expr) else None
        message = "With DISTINCT, ORDER BY sorts by what SELECT returns, and by nothing else."
        raise Wrong(message, node)


def key_of(node: exp.Expr | Meaning | None, typer: Typer) -> Hashable:
    """Return the same value for expressions that mean the same where they stand."""
    if isinstance(node, Meaning):
        return _column_key(node.source, node.column)
    while isinstance(node, exp.Paren | exp.Alias) or id(node) in typer.idle_casts:
        assert isinstance(node, exp.Expr)
        node = node.this
    if not isinstance(node, exp.Expr):
        return None
    if isinstance(node, exp.Column):
        meaning = typer.meanings.get(id(node))
        if meaning is not None:
            return _column_key(meaning.source, meaning.column)
        return "name", fold(node.table), fold(node.name)
    if isinstance(node, exp.Identifier):
        return "identifier", fold(node.this)
    if isinstance(node, exp.Anonymous):
        return "call", fold(str(node.name)), tuple(key_of(a, typer) for a in node.expressions)
    parts: list[tuple[str, Hashable]] = []
    for name, part in sorted(node.args.items()):
        if isinstance(part, list):
            parts.append((name, tuple(_part(item, typer) for item in part)))
        elif part is not None and part is not False:
            parts.append((name, _part(part, typer)))
    return type(node).__name__, tuple(parts)


def _part(part: object, typer: Typer) -> Hashable:
    return key_of(part, typer) if isinstance(part, exp.Expr) else str(part)


def _column_key(source: TypedSource, name: str) -> Hashable:
    return "column", id(source), fold(name)

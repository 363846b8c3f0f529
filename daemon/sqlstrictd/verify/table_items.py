"""What stands in the parentheses of CREATE TABLE: columns, their types, and constraints.

`definitions.py` calls it, for an added column too. A check's condition is about the table's own
columns; a default is a constant.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from sqlglot import exp

from sqlstrictd.schema.cursor import show
from sqlstrictd.verify.declared import DeclaredType
from sqlstrictd.verify.references import resolve_reference, types_of
from sqlstrictd.verify.rules import rules_of
from sqlstrictd.verify.scope import Resolver
from sqlstrictd.verify.sources import Scope

_CONSTANTS: Final = (
    exp.Literal,
    exp.Null,
    exp.Boolean,
    exp.CurrentDate,
    exp.CurrentTimestamp,
    exp.CurrentTime,
)
_UNIQUE: Final = (exp.PrimaryKey, exp.UniqueColumnConstraint)


def known_types(resolver: Resolver, types: Iterable[DeclaredType]) -> None:
    """Refuse types that the dialect does not have."""
    facts = rules_of(resolver.dialect).facts
    for declared in types:
        if not declared.is_known(facts):
            what = show(declared.written) if declared.written else "A column without a type"
            resolver.report(f"{what} is no type that is known here.", declared.column)
            continue
        problem = declared.explain(resolver.dialect)
        if problem:
            resolver.report(problem, declared.column)


def resolve_item(resolver: Resolver, item: exp.Expr, scope: Scope) -> None:
    """Resolve a column with its constraints, or a constraint of the table."""
    if isinstance(item, exp.Identifier):
        return
    if isinstance(item, exp.ColumnDef):
        for constraint in item.args.get("constraints") or ():
            kind = constraint.args.get("kind")
            if isinstance(kind, exp.Reference):
                resolve_reference(resolver, kind, [item.args.get("kind")])
            else:
                resolve_item(resolver, kind, scope)
    elif isinstance(item, exp.Constraint):
        for inner in item.expressions:
            resolve_item(resolver, inner, scope)
    elif isinstance(item, exp.CheckColumnConstraint):
        resolve_condition(resolver, item, scope)
    elif isinstance(item, exp.DefaultColumnConstraint):
        value = item.this.this if isinstance(item.this, exp.Neg | exp.Paren) else item.this
        if not isinstance(value, _CONSTANTS):
            resolver.report("A default is a constant or the current time.", item)
    elif isinstance(item, exp.ForeignKey):
        _own_columns(resolver, item.expressions, scope)
        types = types_of(resolver, item)
        resolve_reference(resolver, item.args.get("reference"), types)
    elif isinstance(item, _UNIQUE):
        listed = item.this.expressions if isinstance(item.this, exp.Schema) else item.expressions
        _own_columns(resolver, listed, scope)
    elif isinstance(item, exp.AutoIncrementColumnConstraint):
        if resolver.dialect not in ("sqlite", "mysql"):
            resolver.report("AUTOINCREMENT cannot stand here.", item)
    elif not isinstance(item, exp.NotNullColumnConstraint | exp.PrimaryKeyColumnConstraint):
        resolver.report(
            "This part of a table is not checked, so it is refused.", item or exp.Null()
        )


def _own_columns(resolver: Resolver, listed: Iterable[exp.Expr], scope: Scope) -> None:
    (source,) = scope.sources
    for node in listed:
        inner = node.this if isinstance(node, exp.Ordered) else node
        name = inner.this if isinstance(inner, exp.Column) else inner
        if not isinstance(name, exp.Identifier) or resolver.names.key(name) not in source.columns:
            resolver.report(f"There is no column {show(node.name)} in the new table.", node)


def resolve_condition(resolver: Resolver, node: exp.Expr, scope: Scope) -> None:
    """Resolve a condition of a table's own columns: no query, aggregate or clock in it."""
    refused = (exp.Query, exp.AggFunc, exp.Window, exp.CurrentDate, exp.CurrentTimestamp, exp.Rand)
    if any(isinstance(inner, refused) for inner in node.walk()):
        resolver.report("A condition like this is made of the table's own columns.", node)
    resolver.expression(node, scope)

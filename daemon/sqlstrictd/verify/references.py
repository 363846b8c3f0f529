"""Foreign keys of a new table or column: what they refer to is there, and of their types.

`table_items.py` calls it. Without a list of columns, a foreign key refers to the other table's
primary key.
"""

from __future__ import annotations

from typing import Final

from sqlglot import exp
from sqlglot.errors import SqlglotError

from sqlstrictd.dialects import get
from sqlstrictd.schema.cursor import show
from sqlstrictd.verify.scope import Resolver
from sqlstrictd.verify.writes import find_target, resolve_columns

_OPTIONS: Final = frozenset(
    f"ON {event} {action}"
    for event in ("DELETE", "UPDATE")
    for action in ("CASCADE", "RESTRICT", "SET NULL", "NO ACTION")
)
# Dialects that hold a foreign key's column to the type of the one that it refers to.
_TYPES_KEYS: Final = frozenset({"postgres", "mysql"})
_Type = exp.DataType.Type
_ALIKE_TYPES: Final = (
    {_Type.SMALLINT, _Type.INT, _Type.BIGINT, _Type.SMALLSERIAL, _Type.SERIAL, _Type.BIGSERIAL},
    {_Type.TEXT, _Type.VARCHAR, _Type.CHAR, _Type.BPCHAR},
)


def types_of(resolver: Resolver, key: exp.ForeignKey) -> list[exp.Expr | None]:
    """Return the types of the columns that a foreign key lists; None where one is not known."""
    around = key.find_ancestor(exp.Schema)
    types = {
        resolver.names.key(column.this): column.args.get("kind")
        for column in (around.expressions if around is not None else ())
        if isinstance(column, exp.ColumnDef)
    }
    return [types.get(resolver.names.key(name)) for name in key.expressions]


def resolve_reference(
    resolver: Resolver, reference: exp.Expr | None, types: list[exp.Expr | None]
) -> None:
    """Resolve a foreign key's table and columns; without columns they are its primary key."""
    n_columns = len(types)
    if not isinstance(reference, exp.Reference):
        resolver.report("A foreign key refers to a table.", reference or exp.Null())
        return
    target = reference.this
    listed = target.expressions if isinstance(target, exp.Schema) else []
    table = find_target(resolver, target.this if isinstance(target, exp.Schema) else target)
    if not {str(option).upper() for option in reference.args.get("options") or ()} <= _OPTIONS:
        resolver.report("This option of a foreign key is not checked, so it is refused.", reference)
    if table is None:
        return
    resolve_columns(resolver, table, listed)
    referred = len(listed) or len(table.primary_key)
    if referred != n_columns:
        resolver.report(f"{n_columns} columns cannot refer to {referred}.", reference)
    elif listed and resolver.dialect == "postgres":
        keys = {resolver.names.key(identifier) for identifier in listed}
        if keys != set(table.primary_key):
            resolver.report("A foreign key refers to the other table's primary key.", reference)
            return
    if referred == n_columns and resolver.dialect in _TYPES_KEYS:
        names = [resolver.names.key(name) for name in listed] or list(table.primary_key)
        for name, own in zip(names, types, strict=True):
            column = table.column(name)
            if column is not None and not _fit(column.type, own, resolver.dialect):
                resolver.report(f"Its type is not that of {show(column.name)}.", own or reference)


def _fit(referred: str, own: exp.Expr | None, dialect: str) -> bool:
    """Whether a column of one type may refer to a column of another."""
    try:
        other = exp.DataType.build(referred, dialect=get(dialect).parser)
    except SqlglotError:
        return False
    if not isinstance(own, exp.DataType):
        return False
    kinds = {own.this, other.this}
    return len(kinds) == 1 or (dialect == "postgres" and any(kinds <= one for one in _ALIKE_TYPES))

"""A statement that writes to what it changes: the table, the columns it names, a new table's keys.

The part of `reading.py` that is not about queries. It judges nothing: a name that the schema lacks
is left out, and so is a foreign key to what is not there.
"""

from __future__ import annotations

from collections.abc import Iterable

from sqlglot import exp

from sqlstrictd.constraint.skeleton import Change, Reference
from sqlstrictd.schema.names import fold
from sqlstrictd.schema.types import Schema, Table

# Columns of a new table that are read.
_MAX_COLUMNS = 40


def read_change(tree: exp.Expr, schema: Schema) -> Change | None:
    """Return what a statement writes, without its query; None for one that only reads."""
    if isinstance(tree, exp.Insert | exp.Update | exp.Delete | exp.Alter):
        table = schema.table(target_of(tree))
        if table is None:
            return Change()
        named: Iterable[str] = ()
        if isinstance(tree, exp.Insert) and isinstance(tree.this, exp.Schema):
            named = map(_name_of, tree.this.expressions)
        elif isinstance(tree, exp.Update):
            named = (_name_of(one.this) for one in tree.expressions if isinstance(one, exp.EQ))
        return Change(table.name, _known(named, table))
    if not isinstance(tree, exp.Create):
        return None
    kind = str(tree.args.get("kind") or "").upper()
    if kind == "INDEX" and isinstance(tree.this, exp.Index):
        table = schema.table(target_of(tree))
        parameters = tree.this.args.get("params")
        terms = parameters.args.get("columns") or () if parameters is not None else ()
        return Change(table.name, _known(map(_name_of, terms), table)) if table else Change()
    if kind == "TABLE" and isinstance(tree.this, exp.Schema):
        return _read_table(tree.this, schema)
    return Change(target_of(tree))


def target_of(tree: exp.Expr) -> str:
    """Return the name of the table, or new thing, that a statement is about; empty for none."""
    named = tree.this
    if isinstance(named, exp.Index):
        named = named.args.get("table")
    if isinstance(named, exp.Schema):
        named = named.this
    return str(named.name) if isinstance(named, exp.Table) else ""


def _read_table(node: exp.Schema, schema: Schema) -> Change:
    columns: dict[str, str] = {}
    primary: tuple[str, ...] = ()
    unique: list[tuple[str, ...]] = []
    references: list[Reference] = []
    items = [item for one in node.expressions for item in _unwrapped(one)]
    for item in items:
        if isinstance(item, exp.ColumnDef | exp.Identifier) and len(columns) < _MAX_COLUMNS:
            name = _name_of(item)
            columns.setdefault(fold(name), name)
            reference = item.find(exp.Reference)
            if reference is not None:
                references += _reference((name,), reference, schema)
    for item in items:
        if isinstance(item, exp.PrimaryKey):
            primary = primary or _listed(item.expressions, columns)
        elif isinstance(item, exp.UniqueColumnConstraint) and isinstance(item.this, exp.Schema):
            unique.append(_listed(item.this.expressions, columns))
        elif isinstance(item, exp.ForeignKey) and item.args.get("reference") is not None:
            own = _listed(item.expressions, columns)
            references += _reference(own, item.args["reference"], schema)
    named = node.this.name if isinstance(node.this, exp.Table) else ""
    keys = (primary, *dict.fromkeys(key for key in unique if key))
    first = {one.columns: one for one in reversed(references)}
    return Change(named, tuple(columns.values()), keys, tuple(reversed(first.values())))


def _unwrapped(item: exp.Expr) -> list[exp.Expr]:
    """A constraint of the table without its name."""
    return list(item.expressions) if isinstance(item, exp.Constraint) else [item]


def _reference(own: tuple[str, ...], node: exp.Expr, schema: Schema) -> list[Reference]:
    """Read a foreign key to a table's key; columns that are none are passed over for the key."""
    target = node.this
    listed = target.expressions if isinstance(target, exp.Schema) else []
    named = target.this if isinstance(target, exp.Schema) else target
    table = schema.table(named.name) if isinstance(named, exp.Table) else None
    if table is None or not own:
        return []
    given = _known(map(_name_of, listed), table)
    key = table.primary_key
    if set(given) == set(key) or (not key and given):
        key = given
    return [Reference(own, table.name, key)] if len(key) == len(own) else []


def _listed(nodes: Iterable[exp.Expr], columns: dict[str, str]) -> tuple[str, ...]:
    found = (columns.get(fold(_name_of(node)), "") for node in nodes)
    return tuple(dict.fromkeys(filter(None, found)))


def _known(names: Iterable[str], table: Table) -> tuple[str, ...]:
    found = (table.column(name) for name in names)
    return tuple(dict.fromkeys(one.name for one in found if one is not None))


def _name_of(node: exp.Expr) -> str:
    identifier = node if isinstance(node, exp.Identifier) else node.find(exp.Identifier)
    return str(identifier.name) if identifier is not None else ""

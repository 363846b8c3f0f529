"""CREATE TABLE, VIEW and INDEX, and ALTER TABLE: new names are free, old ones are there.

What is defined is checked as it would be used: a view's query as a query, a check's condition on
the table's own columns, foreign keys on the tables and columns that they refer to. TEMP,
OR REPLACE, IF NOT EXISTS and AS SELECT are refused by the lists in `kinds.py` or here.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from sqlglot import exp
from sqlglot.errors import SqlglotError

from sqlstrictd.dialects import get
from sqlstrictd.schema.cursor import show
from sqlstrictd.verify.declared import DeclaredType
from sqlstrictd.verify.rules import rules_of
from sqlstrictd.verify.scope import Resolver
from sqlstrictd.verify.sources import Scope, Source
from sqlstrictd.verify.writes import find_target, resolve_columns, table_scope

_CONSTANTS: Final = (
    exp.Literal,
    exp.Null,
    exp.Boolean,
    exp.CurrentDate,
    exp.CurrentTimestamp,
    exp.CurrentTime,
)
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
_UNIQUE: Final = (exp.PrimaryKey, exp.UniqueColumnConstraint)


def resolve_table(resolver: Resolver, tree: exp.Create, types: Iterable[DeclaredType]) -> None:
    """Resolve a CREATE TABLE."""
    schema = tree.this
    if not isinstance(schema, exp.Schema) or tree.args.get("expression") is not None:
        resolver.report("CREATE TABLE takes columns in parentheses, and no query.", tree)
        return
    _new_name(resolver, schema.this)
    _known_types(resolver, types)
    columns: dict[str, str] = {}
    for item in schema.expressions:
        if not isinstance(item, exp.ColumnDef | exp.Identifier):
            continue
        name = item.this if isinstance(item, exp.ColumnDef) else item
        key = resolver.names.column(name.name.lower())
        if key in columns:
            resolver.report(f"Column {show(name.name)} is declared twice.", name)
        columns[key] = name.name
    if not columns:
        resolver.report("A table has at least one column.", tree)
    keys = {resolver.names.key(_name_of(item)): _name_of(item).name for item in _columns(schema)}
    source = Source(resolver.names.label(schema.this.this), schema.this.name, keys)
    scope = Scope(None, {}, [source])
    for item in schema.expressions:
        _resolve_item(resolver, item, scope)
    if sum(isinstance(node, exp.PrimaryKey | exp.PrimaryKeyColumnConstraint)
           for node in schema.walk()) > 1:  # fmt: skip
        resolver.report("A table has one primary key.", tree)


def resolve_view(resolver: Resolver, tree: exp.Create) -> None:
    """Resolve a CREATE VIEW: its query as any query, with as many columns as are listed."""
    named = tree.this.this if isinstance(tree.this, exp.Schema) else tree.this
    _new_name(resolver, named)
    query = tree.args.get("expression")
    if not isinstance(query, exp.Query):
        resolver.report("A view is made of a query.", tree)
        return
    outputs = resolver.resolve(query)
    listed = tree.this.expressions if isinstance(tree.this, exp.Schema) else []
    keys = [resolver.names.key(name) for name in listed if isinstance(name, exp.Identifier)]
    if len(keys) != len(listed) or (keys and len(keys) != len(outputs)):
        resolver.report("The list of columns is not as long as what it names.", tree)
        return
    keys = keys or [output.key for output in outputs if output.name]
    if len(set(keys)) != len(keys):
        resolver.report("Two columns of the view have the same name.", tree)
    elif not listed and len(keys) != len(outputs) and resolver.dialect in ("postgres", "ansi"):
        resolver.report("Every column of a view needs a name.", tree)


def resolve_index(resolver: Resolver, tree: exp.Create) -> None:
    """Resolve a CREATE INDEX: columns of one table, each by its name."""
    index = tree.this
    if not isinstance(index, exp.Index) or not isinstance(index.this, exp.Identifier):
        resolver.report("An index needs a name.", tree)
        return
    if resolver.names.is_taken(index.this):
        resolver.report(f"{show(index.name)} is the name of a table.", index.this)
    table = find_target(resolver, index.args["table"])
    params = index.args.get("params")
    if table is None or params is None:
        return
    terms = params.args.get("columns") or []
    columns = [term.this if isinstance(term, exp.Ordered) else term for term in terms]
    if not columns or not all(isinstance(c, exp.Column) and not c.table for c in columns):
        resolver.report("An index takes columns by their names.", tree)
        return
    resolve_columns(resolver, table, [column.this for column in columns])
    where = params.args.get("where")
    if where is not None and resolver.dialect not in ("sqlite", "postgres"):
        resolver.report("An index cannot have WHERE here.", tree)
    elif where is not None:
        _condition(resolver, where, table_scope(resolver, table, index.args["table"].this))


def resolve_alter(resolver: Resolver, tree: exp.Alter, types: Iterable[DeclaredType]) -> None:
    """Resolve an ALTER TABLE of one action."""
    table = find_target(resolver, tree.this)
    actions = tree.args.get("actions") or []
    if table is None:
        return
    if len(actions) != 1 or tree.this.args.get("alias"):
        resolver.report("ALTER TABLE takes one table and one change.", tree)
        return
    (action,) = actions
    known = resolver.names.columns(table)
    if isinstance(action, exp.ColumnDef):
        _known_types(resolver, types)
        _free(resolver, action.this, known)
        keys = {**known, resolver.names.key(action.this): action.name}
        _resolve_item(resolver, action, Scope(None, {}, [Source("", table.name, keys)]))
        if any(isinstance(node, exp.PrimaryKeyColumnConstraint | exp.UniqueColumnConstraint)
               for node in action.walk()):  # fmt: skip
            resolver.report("A column that is added later cannot be a key.", action.this)
    elif isinstance(action, exp.RenameColumn):
        resolve_columns(resolver, table, [action.this.this])
        _free(resolver, action.args["to"].this, known)
    elif isinstance(action, exp.AlterRename):
        _new_name(resolver, action.this)
    elif isinstance(action, exp.Drop) and str(action.args.get("kind")).upper() == "COLUMN":
        dropped = action.args.get("tables") or []
        if len(dropped) != 1 or not isinstance(dropped[0], exp.Column):
            resolver.report("DROP COLUMN takes one column.", tree)
            return
        resolve_columns(resolver, table, [dropped[0].this])
        key = resolver.names.key(dropped[0].this)
        if len(known) == 1:
            resolver.report("A table's only column cannot be dropped.", dropped[0].this)
        in_keys = {resolver.names.column(name) for name in _key_columns(resolver, table.name)}
        if key in in_keys:
            resolver.report("A column that a key is made of cannot be dropped.", dropped[0].this)
    else:
        resolver.report("This change of a table is not checked, so it is refused.", tree)


def _key_columns(resolver: Resolver, table_name: str) -> set[str]:
    """Columns of a table in its own keys or those of others that refer to it."""
    found: set[str] = set()
    for table in resolver.schema.tables:
        if table.name == table_name:
            found.update(table.primary_key)
        for key in table.foreign_keys:
            if table.name == table_name:
                found.update(key.columns)
            if key.referenced_table == table_name:
                found.update(key.referenced_columns)
    return found


def _new_name(resolver: Resolver, named: exp.Expr) -> None:
    """Refuse a table's or view's new name that is taken or has another name before it."""
    if not isinstance(named, exp.Table) or not isinstance(named.this, exp.Identifier):
        resolver.report("A new name is expected here.", named)
    elif named.args.get("db") is not None or named.args.get("alias"):
        resolver.report("The new name stands by itself.", named)
    elif resolver.names.is_taken(named.this):
        resolver.report(f"There is a table {show(named.name)} already.", named.this)
    elif named.name.lower().startswith(("sqlite_", "pg_")):
        resolver.report(f"{show(named.name)} is a name that the database keeps.", named.this)


def _free(resolver: Resolver, name: exp.Expr, known: dict[str, str]) -> None:
    lowered = {key.lower() for key in known}
    if name.name.lower() in lowered:
        resolver.report(f"There is a column {show(name.name)} already.", name)


def _known_types(resolver: Resolver, types: Iterable[DeclaredType]) -> None:
    facts = rules_of(resolver.dialect).facts
    for declared in types:
        if not declared.is_known(facts):
            what = show(declared.written) if declared.written else "A column without a type"
            resolver.report(f"{what} is no type that is known here.", declared.column)


def _columns(schema: exp.Expr) -> list[exp.Expr]:
    return [i for i in schema.expressions if isinstance(i, exp.ColumnDef | exp.Identifier)]


def _name_of(item: exp.Expr) -> exp.Expr:
    name = item.this if isinstance(item, exp.ColumnDef) else item
    return name if isinstance(name, exp.Expr) else item


def _resolve_item(resolver: Resolver, item: exp.Expr, scope: Scope) -> None:
    """Resolve a column with its constraints, or a constraint of the table."""
    if isinstance(item, exp.Identifier):
        return
    if isinstance(item, exp.ColumnDef):
        for constraint in item.args.get("constraints") or ():
            kind = constraint.args.get("kind")
            if isinstance(kind, exp.Reference):
                _resolve_reference(resolver, kind, [item.args.get("kind")])
            else:
                _resolve_item(resolver, kind, scope)
    elif isinstance(item, exp.Constraint):
        for inner in item.expressions:
            _resolve_item(resolver, inner, scope)
    elif isinstance(item, exp.CheckColumnConstraint):
        _condition(resolver, item, scope)
    elif isinstance(item, exp.DefaultColumnConstraint):
        value = item.this.this if isinstance(item.this, exp.Neg | exp.Paren) else item.this
        if not isinstance(value, _CONSTANTS):
            resolver.report("A default is a constant or the current time.", item)
    elif isinstance(item, exp.ForeignKey):
        _own_columns(resolver, item.expressions, scope)
        types = _types_of(resolver, item)
        _resolve_reference(resolver, item.args.get("reference"), types)
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


def _types_of(resolver: Resolver, key: exp.ForeignKey) -> list[exp.Expr | None]:
    """Return the types of the columns that a foreign key lists; None where one is not known."""
    around = key.find_ancestor(exp.Schema)
    types = {
        resolver.names.key(column.this): column.args.get("kind")
        for column in (around.expressions if around is not None else ())
        if isinstance(column, exp.ColumnDef)
    }
    return [types.get(resolver.names.key(name)) for name in key.expressions]


def _resolve_reference(
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


def _condition(resolver: Resolver, node: exp.Expr, scope: Scope) -> None:
    """Resolve a condition of a table's own columns: no query, aggregate or clock in it."""
    refused = (exp.Query, exp.AggFunc, exp.Window, exp.CurrentDate, exp.CurrentTimestamp, exp.Rand)
    if any(isinstance(inner, refused) for inner in node.walk()):
        resolver.report("A condition like this is made of the table's own columns.", node)
    resolver.expression(node, scope)

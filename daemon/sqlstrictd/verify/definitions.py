"""CREATE TABLE, VIEW and INDEX, and ALTER TABLE: new names are free, old ones are there.

What is defined is checked as it would be used: a view's query as a query, a table's columns and
constraints by `table_items.py`, foreign keys by `references.py`. TEMP, OR REPLACE, IF NOT EXISTS
and AS SELECT are refused by the lists in `kinds.py` or here.
"""

from __future__ import annotations

from collections.abc import Iterable

from sqlglot import exp

from sqlstrictd.schema import dependents
from sqlstrictd.schema.cursor import show
from sqlstrictd.schema.types import Table
from sqlstrictd.verify.declared import DeclaredType
from sqlstrictd.verify.scope import Resolver
from sqlstrictd.verify.sources import Scope, Source
from sqlstrictd.verify.table_items import known_types, resolve_condition, resolve_item
from sqlstrictd.verify.writes import find_target, resolve_columns, table_scope


def resolve_table(resolver: Resolver, tree: exp.Create, types: Iterable[DeclaredType]) -> None:
    """Resolve a CREATE TABLE."""
    schema = tree.this
    if not isinstance(schema, exp.Schema) or tree.args.get("expression") is not None:
        resolver.report("CREATE TABLE takes columns in parentheses, and no query.", tree)
        return
    _new_name(resolver, schema.this)
    known_types(resolver, types)
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
        resolve_item(resolver, item, scope)
    for constraint in tree.find_all(exp.Constraint):
        name = constraint.this
        if dependents.is_constraint_taken(resolver.schema, name.name, resolver.dialect):
            resolver.report(f"{show(name.name)} is the name of something else already.", name)
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
    _not_taken(resolver, index.this, table)
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
        resolve_condition(resolver, where, table_scope(resolver, table, index.args["table"].this))


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
        known_types(resolver, types)
        _free(resolver, action.this, known)
        keys = {**known, resolver.names.key(action.this): action.name}
        resolve_item(resolver, action, Scope(None, {}, [Source("", table.name, keys)]))
        if any(isinstance(node, exp.PrimaryKeyColumnConstraint | exp.UniqueColumnConstraint)
               for node in action.walk()):  # fmt: skip
            resolver.report("A column that is added later cannot be a key.", action.this)
    elif isinstance(action, exp.RenameColumn):
        resolve_columns(resolver, table, [action.this.this])
        _free(resolver, action.args["to"].this, known)
        name = known.get(resolver.names.key(action.this.this), "")
        against = dependents.against_rename(resolver.schema, table, name, resolver.dialect)
        if against:
            _report_against(resolver, against, "renaming this column", action.this.this)
    elif isinstance(action, exp.AlterRename):
        _new_name(resolver, action.this)
        against = dependents.against_table_rename(resolver.schema, table, resolver.dialect)
        if against:
            _report_against(resolver, against, "renaming this table", tree.this)
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
        elif key in known and len(known) > 1:
            against = dependents.against_drop(resolver.schema, table, known[key], resolver.dialect)
            if against:
                _report_against(resolver, against, "dropping this column", dropped[0].this)
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
    else:
        _not_taken(resolver, named.this)


def _not_taken(resolver: Resolver, name: exp.Expr, indexed: Table | None = None) -> None:
    """Refuse a new name that an index or something else that is no table has."""
    if dependents.is_taken(resolver.schema, name.name, resolver.dialect, indexed):
        resolver.report(f"{show(name.name)} is the name of something else already.", name)


def _report_against(resolver: Resolver, against: str, what: str, node: exp.Expr) -> None:
    resolver.report(f"{against[0].upper()}{against[1:]} stands against {what}.", node)


def _free(resolver: Resolver, name: exp.Expr, known: dict[str, str]) -> None:
    lowered = {key.lower() for key in known}
    if name.name.lower() in lowered:
        resolver.report(f"There is a column {show(name.name)} already.", name)


def _columns(schema: exp.Expr) -> list[exp.Expr]:
    return [i for i in schema.expressions if isinstance(i, exp.ColumnDef | exp.Identifier)]


def _name_of(item: exp.Expr) -> exp.Expr:
    name = item.this if isinstance(item, exp.ColumnDef) else item
    return name if isinstance(name, exp.Expr) else item

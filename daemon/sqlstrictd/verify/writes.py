"""INSERT, UPDATE and DELETE: their names resolved as those of queries are.

Each changes one table of the schema. What would need more to be checked (RETURNING, ON CONFLICT,
UPDATE ... FROM, several tables) is refused by the lists in `kinds.py`.
"""

from __future__ import annotations

from sqlglot import exp

from sqlstrictd.schema.cursor import show
from sqlstrictd.schema.types import Table
from sqlstrictd.verify.nearest import find_nearest
from sqlstrictd.verify.scope import Resolver
from sqlstrictd.verify.sources import Scope, source_of_table


def resolve_insert(resolver: Resolver, tree: exp.Insert) -> None:
    """Resolve an INSERT: as many values as columns, in rows or from a query."""
    target = tree.this.this if isinstance(tree.this, exp.Schema) else tree.this
    table = find_target(resolver, target)
    if table is None:
        return
    if target.args.get("alias"):
        resolver.report("The table of an INSERT cannot have an alias.", target)
    listed = tree.this.expressions if isinstance(tree.this, exp.Schema) else []
    wanted = len(listed) or len(table.columns)
    resolve_columns(resolver, table, listed)
    source = tree.args.get("expression")
    if not isinstance(source, exp.Query | exp.Values):
        resolver.report("An INSERT takes VALUES or a query.", tree)
        return
    n_values = len(resolver.resolve(source))
    if n_values != wanted and not resolver.problems:
        resolver.report(f"There are {n_values} values for {wanted} columns.", target)


def resolve_update(resolver: Resolver, tree: exp.Update) -> None:
    """Resolve an UPDATE of one table."""
    scope = _target_scope(resolver, tree.this)
    if scope is None:
        return
    table = scope.sources[0].table
    columns = []
    for assignment in tree.expressions:
        column = assignment.this if isinstance(assignment, exp.EQ) else None
        if not isinstance(column, exp.Column) or column.table:
            resolver.report("SET takes column = value, the column by its name alone.", assignment)
            return
        columns.append(column.this)
        resolver.expression(assignment.expression, scope)
    if table is not None:
        resolve_columns(resolver, table, columns)
    _where(resolver, tree, scope)


def resolve_delete(resolver: Resolver, tree: exp.Delete) -> None:
    """Resolve a DELETE from one table."""
    if resolver.dialect == "mysql" and tree.this.args.get("alias"):
        resolver.report("The table of a DELETE cannot have an alias here.", tree.this)
    scope = _target_scope(resolver, tree.this)
    if scope is not None:
        _where(resolver, tree, scope)


def find_target(resolver: Resolver, node: exp.Expr) -> Table | None:
    """Return the table that a statement is about; reports it where there is none, or a view."""
    if not isinstance(node, exp.Table) or not isinstance(node.this, exp.Identifier):
        resolver.report("A table is expected here.", node)
        return None
    if not resolver.names.is_plain(node) or node.args.get("joins"):
        resolver.report("One table stands here, by its name alone.", node)
        return None
    table = resolver.names.table(node.this)
    if table is None:
        known = [table.name for table in resolver.schema.tables]
        message = f"There is no table {show(node.name)} in the schema."
        resolver.report(message, node.this, find_nearest(node.name, known))
        return None
    if table.is_view:
        resolver.report(f"{show(table.name)} is a view: it can be read only.", node.this)
        return None
    resolver.tables.add(table.name)
    return table


def resolve_columns(resolver: Resolver, table: Table, identifiers: list[exp.Expr]) -> None:
    """Resolve a list of columns of a table, each at most once."""
    columns = resolver.names.columns(table)
    seen: set[str] = set()
    for identifier in identifiers:
        if not isinstance(identifier, exp.Identifier):
            resolver.report("A column's name is expected here.", identifier)
            continue
        key = resolver.names.key(identifier)
        if key not in columns:
            near = find_nearest(identifier.name, list(columns.values()))
            message = f"There is no column {show(identifier.name)} in {show(table.name)}."
            resolver.report(message, identifier, tuple(f"{table.name}.{name}" for name in near))
        elif key in seen:
            resolver.report(f"{show(identifier.name)} stands here twice.", identifier)
        else:
            resolver.columns.add(f"{table.name}.{columns[key]}")
        seen.add(key)


def table_scope(resolver: Resolver, table: Table, name: exp.Expr) -> Scope:
    """Return the scope that sees one table alone, under a name."""
    columns = resolver.names.columns(table)
    source = source_of_table(resolver.names.label(name), str(name.this), table, columns)
    return Scope(None, {}, [source])


def _target_scope(resolver: Resolver, node: exp.Expr) -> Scope | None:
    table = find_target(resolver, node)
    if table is None:
        return None
    alias = node.args.get("alias")
    if alias is not None and alias.args.get("columns"):
        resolver.report("A table's alias cannot have a list of columns.", node)
    return table_scope(resolver, table, node.this if alias is None else alias.this)


def _where(resolver: Resolver, tree: exp.Expr, scope: Scope) -> None:
    where = tree.args.get("where")
    if where is not None:
        resolver.expression(where, scope)

"""Put statements together in the canonical style, out of a drawn schema's tables and conditions.

Called by the `ask_*` files. One table: bare column names; several: `table.column`, joined along
keys in the order in which they are named. Which question a statement answers is not known here.
"""

from __future__ import annotations

from sqlstrictd.schema.names import quote_name

from sqlstrict_train.filters import Condition
from sqlstrict_train.scene import Scene
from sqlstrict_train.schemas import ColumnSpec, SchemaSpec, TableSpec


def spell(column: ColumnSpec, table: TableSpec | None = None) -> str:
    """Spell a column in SQL: qualified if a table is given."""
    name = quote_name(column.name)
    return f"{quote_name(table.name)}.{name}" if table else name


def link_name(child: TableSpec, parent: TableSpec, spec: SchemaSpec) -> str:
    """The name of the column by which the child refers to the parent."""
    return next(link.column for link in child.links if spec.tables[link.parent] is parent)


def join(scene: Scene, *tables: TableSpec) -> str:
    """Write FROM and JOIN over tables in this order, each linked to an earlier one."""
    text = f"FROM {quote_name(tables[0].name)}"
    for position, table in enumerate(tables[1:], start=1):
        text += f" JOIN {quote_name(table.name)} ON {_link(scene, tables[:position], table)}"
    return text


def _link(scene: Scene, earlier: tuple[TableSpec, ...], table: TableSpec) -> str:
    name = quote_name(table.name)
    for other in earlier:
        other_name = quote_name(other.name)
        if any(scene.spec.tables[link.parent] is other for link in table.links):
            column = quote_name(link_name(table, other, scene.spec))
            return f"{other_name}.{quote_name(other.key.name)} = {name}.{column}"
        if any(scene.spec.tables[link.parent] is table for link in other.links):
            column = quote_name(link_name(other, table, scene.spec))
            return f"{other_name}.{column} = {name}.{quote_name(table.key.name)}"
    raise ValueError(f"no key links {table.name} to an earlier table")


def where(*parts: str) -> str:
    """Write a WHERE clause with a leading blank; nothing where there is no part."""
    return f" WHERE {' AND '.join(parts)}" if parts else ""


def bare(conditions: list[Condition]) -> list[str]:
    """The conditions' SQL on one table."""
    return [c.where(spell(c.column)) for c in conditions]


def qualified(conditions: list[Condition], table: TableSpec) -> list[str]:
    """The conditions' SQL among several tables."""
    return [c.where(spell(c.column, table)) for c in conditions]


def holds(conditions: list[Condition], table: TableSpec | None = None) -> str:
    """Write the WHERE clause of conditions on one table, qualified if it is given."""
    return where(*(qualified(conditions, table) if table else bare(conditions)))

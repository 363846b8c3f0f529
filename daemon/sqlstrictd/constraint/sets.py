"""FROM sets: which tables may stand together in a FROM clause, and the columns that join them.

`all_from_sets` lists every set of tables joined along keys, for schemas that are small enough;
`schema/link.py` chooses among them for the others. A set names a table once per instance, so a
self-join names it twice. What a statement itself names is read by `reading.py`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import combinations, product

from sqlstrictd.schema.names import fold
from sqlstrictd.schema.types import Schema, Table
from sqlstrictd.schema.words import name_words

FromSet = tuple[str, ...]

# Columns of the same name in two tables are taken for a key when the name ends so.
_KEY_LIKE = re.compile(r"(id|ids|code|key|no|num|nr|number|uuid|guid|sku|isbn|ssn)$")


_MAX_ALIKE = 30  # tables that one column name may link with each other


@dataclass(frozen=True)
class JoinKey:
    """Columns of one table that equal as many columns of another (or of the same) table."""

    left_columns: tuple[str, ...]
    right_columns: tuple[str, ...]

    def flipped(self) -> JoinKey:
        """The same key, seen from the other table."""
        return JoinKey(self.right_columns, self.left_columns)


class JoinKeys:
    """The keys between the tables of a schema: those declared, then those that names suggest."""

    def __init__(self, schema: Schema) -> None:
        self._schema = schema
        self._keys: dict[tuple[str, str], list[JoinKey]] = {}
        for table in schema.tables:
            for foreign_key in table.foreign_keys:
                other = schema.table(foreign_key.referenced_table)
                if other is not None:
                    key = JoinKey(foreign_key.columns, foreign_key.referenced_columns)
                    self._add(table.name, other.name, key)
        self._add_columns_called_alike()
        self._add_columns_called_after_tables()

    def _add_columns_called_alike(self) -> None:
        """Add what no key declares but names suggest: order_id in two tables."""
        holders: dict[str, list[tuple[Table, str]]] = {}
        for table in self._schema.tables:
            for name in table.column_names:
                if _KEY_LIKE.search(fold(name)) and fold(name) != "id":
                    holders.setdefault(fold(name), []).append((table, name))
        for held in holders.values():
            owners = [(table, name) for table, name in held if table.primary_key == (name,)]
            # Where very many tables share a column, it links them to its owner alone.
            pairs = combinations(held, 2) if len(held) <= _MAX_ALIKE else product(owners, held)
            for (left, name), (right, same) in pairs:
                if left is not right:
                    self._add(left.name, right.name, JoinKey((name,), (same,)))

    def _add_columns_called_after_tables(self) -> None:
        """Add customer_id and start_station_id, where nothing else links the two tables."""
        owners: dict[tuple[str, ...], list[Table]] = {}
        for table in self._schema.tables:
            if _identity(table):
                owners.setdefault((*name_words(table.name), "id"), []).append(table)
        found = [
            (table, name, owner)
            for table in self._schema.tables
            for name in table.column_names
            for words in [name_words(name)]
            for at in range(len(words) - 1)
            for owner in owners.get(words[at:], ())
            if owner is not table and not self.between(table.name, owner.name)
        ]
        for table, name, owner in found:
            self._add(table.name, owner.name, JoinKey((name,), (_identity(owner),)))

    def _add(self, left: str, right: str, key: JoinKey) -> None:
        keys = self._keys.setdefault((left, right), [])
        if key not in keys:
            keys.append(key)
            if left != right:
                self._keys.setdefault((right, left), []).append(key.flipped())

    def between(self, left: str, right: str) -> list[JoinKey]:
        """The keys between two tables, as the left one sees them; none for tables not linked."""
        return self._keys.get((left, right), [])

    @cached_property
    def neighbours(self) -> dict[str, tuple[str, ...]]:
        """For each table, the other tables that a key links it to, in the schema's order."""
        place = {table.name: number for number, table in enumerate(self._schema.tables)}
        found: dict[str, set[str]] = {name: set() for name in place}
        for left, right in self._keys:
            if left != right:
                found[left].add(right)
        return {name: tuple(sorted(found[name], key=place.__getitem__)) for name in place}


@lru_cache(maxsize=32)
def join_keys(schema: Schema) -> JoinKeys:
    """Return the keys of a schema, found once."""
    return JoinKeys(schema)


def _identity(table: Table) -> str:
    """The column that tells the rows of a table apart by itself; empty where none is known."""
    if len(table.primary_key) == 1:
        return table.primary_key[0]
    return next((name for name in table.column_names if fold(name) == "id"), "")


def sorted_set(names: FromSet) -> FromSet:
    """Return the set in the one order that stands for it."""
    return tuple(sorted(names))


def grow_sets(keys: JoinKeys, size: int) -> Iterator[FromSet]:
    """Yield the sets of exactly that many distinct tables that keys hold together, each once."""
    current: dict[FromSet, None] = {(name,): None for name in keys.neighbours}
    for _ in range(size - 1):
        grown: dict[FromSet, None] = {}
        for names in current:
            for name in names:
                for other in keys.neighbours[name]:
                    if other not in names:
                        grown[sorted_set((*names, other))] = None
        current = grown
    yield from current


def all_from_sets(schema: Schema, max_tables: int = 3) -> list[FromSet]:
    """List every set of up to `max_tables` tables joined along keys, small sets first.

    Self-joins along a key of a table to itself count as sets of two. Two tables that no key links
    are a set only where the schema has two tables in all.
    """
    keys = join_keys(schema)
    found: dict[FromSet, None] = {}
    for size in range(1, max_tables + 1):
        found.update(dict.fromkeys(grow_sets(keys, size)))
        if size == 2:
            for table in schema.tables:
                if keys.between(table.name, table.name):
                    found[(table.name, table.name)] = None
            if len(schema.tables) == 2:
                found[sorted_set((schema.tables[0].name, schema.tables[1].name))] = None
    return list(found)

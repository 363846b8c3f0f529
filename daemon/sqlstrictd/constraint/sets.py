"""FROM sets: which tables may stand together in a FROM clause, and the columns that join them.

`all_from_sets` lists every set of tables joined along keys, for schemas that are small enough;
`schema/link.py` chooses among them for the others. A set names a table once per instance, so a
self-join names it twice. What a statement itself names is read by `reading.py`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Set
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import combinations, permutations, product

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
        """Add customer_id, start_station_id and team_id_winner, where no other key is."""
        owners: dict[tuple[str, ...], list[tuple[Table, str]]] = {}
        for table in self._schema.tables:
            identity = _identity(table)
            if identity:
                called = (*name_words(table.name), "id")
                owners.setdefault(called, []).append((table, identity))
        found = [
            (table, name, owner, identity)
            for table in self._schema.tables
            for name in table.column_names
            for called in _called_after(name_words(name))
            for owner, identity in owners.get(called, ())
            if owner is not table and not self.between(table.name, owner.name)
        ]
        for table, name, owner, identity in found:
            self._add(table.name, owner.name, JoinKey((name,), (identity,)))

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

    @cached_property
    def related(self) -> dict[str, tuple[str, ...]]:
        """For each table, those that hold a column equal to one of its own, yet no key links them.

        So are orders and invoices, where both refer to customers.
        """
        held = self._equal_columns()
        found: dict[str, dict[str, None]] = {table.name: {} for table in self._schema.tables}
        for tables in held:
            # Everything that refers to a hub would be related to everything else.
            for one, other in permutations(tables, 2) if len(tables) <= _MAX_ALIKE else ():
                if not self.between(one, other):
                    found[one][other] = None
        return {name: tuple(others) for name, others in found.items()}

    def _equal_columns(self) -> list[list[str]]:
        """Group the columns that keys hold equal, over any number of them; the tables of each."""
        equal: dict[tuple[str, str], set[tuple[str, str]]] = {}
        for (left, right), keys in self._keys.items():
            for key in keys:
                if len(key.left_columns) == 1:
                    one, other = (left, key.left_columns[0]), (right, key.right_columns[0])
                    equal.setdefault(one, set()).add(other)
                    equal.setdefault(other, set()).add(one)
        seen: set[tuple[str, str]] = set()
        found = []
        for spot in sorted(equal):
            if spot not in seen:
                group = [spot]
                seen.add(spot)
                for one in group:  # grows while it is gone through
                    group += sorted(equal[one] - seen)
                    seen |= equal[one]
                found.append(list(dict.fromkeys(table for table, _ in group)))
        return found

    def hold(self, names: Iterable[str]) -> bool:
        """Whether keys hold all of these tables together, over no others."""
        wanted = set(names)
        return not wanted - self._reach(wanted, min(wanted))

    def lead(self, one: str, other: str) -> bool:
        """Whether a path of keys leads from one table to the other, over any number of others."""
        return self._islands[one] == self._islands[other]

    @cached_property
    def _islands(self) -> dict[str, str]:
        """For each table, one that stands for all that paths of keys lead to from it."""
        found: dict[str, str] = {}
        for name in self.neighbours:
            if name not in found:
                found |= dict.fromkeys(self._reach(self.neighbours.keys(), name), name)
        return found

    def _reach(self, among: Set[str], start: str) -> set[str]:
        reached = {start}
        row = [start]
        for name in row:  # grows while it is gone through
            further = [one for one in self.neighbours[name] if one in among and one not in reached]
            row += further
            reached.update(further)
        return reached


@lru_cache(maxsize=32)
def join_keys(schema: Schema) -> JoinKeys:
    """Return the keys of a schema, found once."""
    return JoinKeys(schema)


def _called_after(words: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Yield what a column may be called after: the ends of start_station_id, its beginnings."""
    for at in range(len(words) - 1):
        yield words[at:]
    for end in range(2, len(words)):
        if words[end - 1] == "id":
            yield words[:end]


def _identity(table: Table) -> str:
    """The column that tells the rows of a table apart by itself; empty where none is known."""
    if len(table.primary_key) == 1:
        return table.primary_key[0]
    own = {(*name_words(table.name), "id"): 1, ("id",): 0}
    named = [name for name in table.column_names if name_words(name) in own]
    return min(named, key=lambda name: own[name_words(name)], default="")


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

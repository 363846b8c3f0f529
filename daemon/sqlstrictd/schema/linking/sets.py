"""The FROM sets that a question may need: what the exact grammar has beside those of the draft.

Small schemas give all their sets, so that their questions share one grammar. Of larger ones the
sets are ranked by how much of the question their tables explain, with as few tables as that takes.
What the best of them are made of is taken too: set operations and nested queries read from parts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import combinations, permutations
from typing import Final

from sqlstrictd.constraint.sets import FromSet, JoinKeys, sorted_set
from sqlstrictd.schema.linking.index import index_of
from sqlstrictd.schema.linking.paths import with_bridges
from sqlstrictd.schema.linking.ranking import Ranking
from sqlstrictd.schema.names import fold
from sqlstrictd.schema.types import Schema

# Sets that one grammar takes without its masks getting slow (see bench/masks.py).
MAX_SETS: Final = 15
_MAX_TABLES: Final = 4
_RANKED_TABLES: Final = 14  # tables that the sets start from
_NEIGHBOURS: Final = 14  # of one table, along keys
_KEPT_PER_SIZE: Final = 40
# What is taken before the best of the rest: tried on half of the schemas of bench/linking.py.
_FIRST: Final = 4  # sets that explain most
_SINGLE: Final = 4  # tables by themselves
_WITHIN: Final = 6  # parts of the first
_APART: Final = 1  # pairs that no keys lead between
_A_TABLE: Final = 0.25  # what a further table must explain
_A_TABLE_TWICE: Final = 0.3
_A_DETOUR: Final = 0.3  # for tables that are joined past the key that leads from one to the other
_AROUND: Final = 0.15
_A_NAME: Final = 0.15  # for a table whose whole name the question holds
_NAMED: Final = 0.8  # share of a table's name that the question asks for, to be named plainly
_PAIRED: Final = 4  # tables that are paired though no keys lead between them


def choose_from_sets(schema: Schema, question: str) -> list[FromSet]:
    """Choose the FROM sets that a question may need, at most MAX_SETS and never none.

    All sets of a small schema are taken, in an order that does not depend on the question. Of a
    larger one, those that explain most of the question and what they are made of, the likeliest
    first. Two tables stand together where keys hold columns of theirs equal; else only where no
    path of keys leads from one to the other, and the question names both or they share a column.
    """
    index = index_of(schema)
    ranking = Ranking(index, question)
    names = [schema.tables[number].name for number in with_bridges(ranking)[:_RANKED_TABLES]]
    worth = _Worth(ranking)
    by_size = _grow(names, _Near(ranking, names), worth)
    every = [one for found in by_size.values() for one in found]
    if len(names) == len(schema.tables) and len(every) <= MAX_SETS:
        return _fill_up(every, schema, index.keys)
    apart = _apart(ranking, names, worth)
    every.sort(key=_down(worth))
    chosen = dict.fromkeys((*every[:_FIRST], *by_size[1][:_SINGLE]))
    parts = {part for one in every[:_FIRST] for part in _parts(one, index.keys)} - set(chosen)
    chosen |= dict.fromkeys((*sorted(parts, key=_down(worth))[:_WITHIN], *apart[:_APART], *every))
    return sorted(list(chosen)[:MAX_SETS], key=_down(worth))


class _Worth:
    """How much of a question a set of tables explains, less for each table it takes."""

    def __init__(self, ranking: Ranking) -> None:
        self._ranking = ranking
        self._known: dict[FromSet, float] = {}

    def of(self, names: FromSet) -> float:
        """Score a set; higher is likelier."""
        if names not in self._known:
            self._known[names] = self._score(names)
        return self._known[names]

    def _score(self, names: FromSet) -> float:
        ranking = self._ranking
        numbers = {ranking.index.number_of[name] for name in names}
        explained = [ranking.explained.get(number, {}) for number in numbers]
        total = 0.0
        for term, weight in enumerate(ranking.weights):
            if weight:
                total += weight * max(found.get(term, 0.0) for found in explained)
        cost = _A_TABLE * len(names)
        if len(numbers) < len(names):
            cost += _A_TABLE_TWICE
        if not ranking.index.keys.hold(names):
            cost += _A_DETOUR
        named = sum(ranking.covered.get(number, 0.0) for number in numbers)
        # Among tables called alike, those whose surroundings fit the question.
        around = sum(ranking.scores.get(number, 0.0) for number in numbers) / len(numbers)
        return total + _A_NAME * named + _AROUND * around - cost


class _Near:
    """The tables that a table is joined with: of a hub's hundreds, those near the question."""

    def __init__(self, ranking: Ranking, names: list[str]) -> None:
        self.keys = ranking.index.keys
        self._scores = ranking.scores
        self._number_of = ranking.index.number_of
        self._names = frozenset(names)
        self._known: dict[str, list[str]] = {}

    def to(self, name: str) -> list[str]:
        """List them, the nearest first."""
        if name not in self._known:
            others = [*self.keys.neighbours[name], *self.keys.related[name]]
            self._known[name] = sorted(others, key=self._distance)[:_NEIGHBOURS]
        return self._known[name]

    def _distance(self, name: str) -> tuple[bool, float, int]:
        number = self._number_of[name]
        return name not in self._names, -self._scores.get(number, 0.0), number


def _grow(names: list[str], near: _Near, worth: _Worth) -> dict[int, list[FromSet]]:
    """Join the tables along keys, one table more at a time; the best sets of each size first."""
    by_size: dict[int, list[FromSet]] = {1: sorted(((name,) for name in names), key=_down(worth))}
    for size in range(2, _MAX_TABLES + 1):
        grown = {
            sorted_set((*one, other)): None
            for one in by_size[size - 1]
            for name in one
            for other in near.to(name)
            if other not in one
        }
        if size == 2:
            grown |= {(name, name): None for name in names if near.keys.between(name, name)}
        if size == 3:  # flights from one airport to another: two keys into the same table
            for one, other in permutations(names, 2):
                if len(near.keys.between(one, other)) > 1:
                    grown[sorted_set((one, one, other))] = None
        by_size[size] = sorted(grown, key=_down(worth))[:_KEPT_PER_SIZE]
    return by_size


def _parts(names: FromSet, keys: JoinKeys) -> Iterator[FromSet]:
    """Yield the smaller sets within a set that keys hold together."""
    for size in range(1, len(names)):
        for part in combinations(names, size):
            if keys.hold(part):
                yield sorted_set(part)


def _apart(ranking: Ranking, names: Sequence[str], worth: _Worth) -> list[FromSet]:
    """Pair the tables that the question is about and no path of keys leads between."""
    index = ranking.index
    about = [name for name in names if ranking.own.get(index.number_of[name], 0.0) > 0.0]
    about.sort(key=lambda name: -ranking.own[index.number_of[name]])
    found = []
    for pair in combinations(about[:_PAIRED], 2):
        if not index.keys.lead(*pair):
            shares = [ranking.covered.get(index.number_of[name], 0.0) for name in pair]
            if min(shares) >= _NAMED or _share_column(index.schema, pair):
                found.append(sorted_set(pair))
    return sorted(found, key=_down(worth))


def _fill_up(every: list[FromSet], schema: Schema, keys: JoinKeys) -> list[FromSet]:
    """Add to all sets of a small schema what no key suggests: tables alike, and tables twice."""
    names = [table.name for table in schema.tables]
    pairs = [
        sorted_set(pair)
        for pair in combinations(names, 2)
        if not keys.lead(*pair) and (len(names) == 2 or _share_column(schema, pair))
    ]
    further = [*pairs, *((name, name) for name in names)]
    return list(dict.fromkeys((*sorted(every, key=_by_size), *further)))[:MAX_SETS]


def _share_column(schema: Schema, names: FromSet) -> bool:
    """Whether all of the tables have a column of the same name; every table may have an id."""
    tables = (table for table in schema.tables if table.name in names)
    held = [{fold(name) for name in table.column_names} - {"id"} for table in tables]
    return bool(set.intersection(*held))


def _down(worth: _Worth) -> Callable[[FromSet], tuple[float, FromSet]]:
    return lambda names: (-worth.of(names), names)


def _by_size(names: FromSet) -> tuple[int, FromSet]:
    return len(names), names

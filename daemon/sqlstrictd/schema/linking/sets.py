"""The FROM sets that a question may need: what the exact grammar has beside those of the draft.

Small schemas give all their sets, so that their questions share one grammar. Of larger ones the
sets are ranked by how much of the question their tables explain, with as few tables as that takes.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from itertools import combinations, permutations
from typing import Final

from sqlstrictd.constraint.sets import FromSet, JoinKeys, sorted_set
from sqlstrictd.schema.linking.index import SchemaIndex, index_of
from sqlstrictd.schema.linking.paths import with_bridges
from sqlstrictd.schema.linking.ranking import Ranking
from sqlstrictd.schema.types import Schema

# Sets that one grammar takes without its masks getting slow (see bench/coverage.py).
MAX_SETS: Final = 15
_MAX_TABLES: Final = 4
_RANKED_TABLES: Final = 14  # tables that the sets start from
_NEIGHBOURS: Final = 14  # of one table, along keys
_KEPT_PER_SIZE: Final = 40
_QUOTAS: Final = {1: 5, 2: 4, 3: 2, 4: 1}  # of each size, taken before the best of the rest
_A_TABLE: Final = 0.25  # what a further table must explain
_A_TABLE_TWICE: Final = 0.3
_AROUND: Final = 0.15
_A_NAME: Final = 0.15  # for a table whose whole name the question holds
_NAMED: Final = 0.8  # share of a table's name that the question asks for, to be named plainly


def choose_from_sets(schema: Schema, question: str) -> list[FromSet]:
    """Choose the FROM sets that a question may need, at most MAX_SETS and never none.

    All sets of a small schema are taken, in an order that does not depend on the question. Of a
    larger one, those that explain most of the question, the likeliest first; some of each size, so
    that subqueries find their tables too. Two tables stand together along a key; without one only
    where no path of keys leads from one to the other and the question names both.
    """
    index = index_of(schema)
    ranking = Ranking(index, question)
    names = [schema.tables[number].name for number in with_bridges(ranking)[:_RANKED_TABLES]]
    worth = _Worth(ranking)
    by_size = _grow(names, _Near(ranking, names), worth)
    apart = _named_apart(ranking, index, names)
    if apart:
        by_size[2] = [*by_size[2], *(pair for pair in apart if pair not in by_size[2])]
    if len(names) == len(schema.tables) and sum(map(len, by_size.values())) <= MAX_SETS:
        return sorted((one for found in by_size.values() for one in found), key=_by_size)
    chosen: list[FromSet] = []
    for size, quota in _QUOTAS.items():
        chosen += by_size[size][:quota]
    others = [one for size in by_size for one in by_size[size][_QUOTAS[size] :]]
    others.sort(key=_down(worth))
    chosen += others[: max(0, MAX_SETS - len(chosen))]
    return sorted(chosen, key=_down(worth))


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
        twice = _A_TABLE_TWICE if len(numbers) < len(names) else 0.0
        named = sum(ranking.covered.get(number, 0.0) for number in numbers)
        # Among tables called alike, those whose surroundings fit the question.
        around = sum(ranking.scores.get(number, 0.0) for number in numbers) / len(numbers)
        gain = _A_NAME * named + _AROUND * around
        return total + gain - _A_TABLE * len(names) - twice


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
            others = sorted(self.keys.neighbours[name], key=self._distance)
            self._known[name] = others[:_NEIGHBOURS]
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


def _named_apart(ranking: Ranking, index: SchemaIndex, names: Collection[str]) -> list[FromSet]:
    """Pair the tables that the question names plainly and no path of keys leads between."""
    named = [name for name in names if ranking.covered.get(index.number_of[name], 0.0) >= _NAMED]
    found = []
    for one, other in combinations(named[:4], 2):
        if other not in _reached_from(one, index.keys):
            found.append(sorted_set((one, other)))
    return found


def _reached_from(name: str, keys: JoinKeys) -> set[str]:
    reached = {name}
    row = [name]
    while row:
        row = [other for one in row for other in keys.neighbours[one] if other not in reached]
        row = list(dict.fromkeys(row))
        reached.update(row)
    return reached


def _down(worth: _Worth) -> Callable[[FromSet], tuple[float, FromSet]]:
    return lambda names: (-worth.of(names), names)


def _by_size(names: FromSet) -> tuple[int, FromSet]:
    return len(names), names

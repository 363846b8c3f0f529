"""The tables of a schema ranked for a question.

First every table gets what its words explain of the question, rare words counting more. The best
are then looked at name by name (how much of the name is asked for), and together with the tables
that they belong to by key or by the beginning of their names: a question is mostly about one
neighbourhood. Called by `part.py` and `sets.py`.
"""

from __future__ import annotations

import math
from typing import Final

from sqlstrictd.schema.linking.alike import Alike, alike
from sqlstrictd.schema.linking.index import TABLE, Place, SchemaIndex
from sqlstrictd.schema.linking.terms import Term, terms_of

_CLOSE: Final = 250  # tables that are looked at name by name
_TOGETHER: Final = 1.0  # of what its neighbourhood explains that counts for a table
_SIZE: Final = 0.05  # less of that with every doubling of the neighbourhood
_BEGINNING: Final = 0.4  # for words that a name shares with its whole group
_COPY: Final = 0.8  # of the score, for orders_archive where the question asks for orders
_COVERED: Final = 0.3  # for a table whose whole name is asked for
# These were tried on half of the schemas of bench/linking.py; results are flat around them.


class Ranking:
    """How near each table of a schema is to one question.

    `explained[table]` maps the numbers of terms to how well the table explains them, 0 to 1, and
    `weights[term]` is what such an explanation is worth; both are filled for the nearest tables.
    """

    def __init__(self, index: SchemaIndex, question: str) -> None:
        self.index = index
        self.terms: list[Term] = terms_of(question)
        self.alike: list[Alike] = alike(self.terms, index)
        self.weights = [0.0] * len(self.terms)
        self.explained: dict[int, dict[int, float]] = {}
        self.covered: dict[int, float] = {}
        self._by_word: dict[str, list[tuple[int, float]]] = {}
        for number, words in enumerate(self.alike):
            for word, likeness in words.items():
                self._by_word.setdefault(word, []).append((number, likeness))
        first = self._explain()
        nearest = sorted(first, key=lambda table: (-first[table], table))[:_CLOSE]
        for table in nearest:
            self._look_closer(table)
        self.own = {table: self._worth(self.explained[table]) for table in nearest}
        self.scores = self._add_neighbourhoods(nearest)
        self.tables = sorted(self.scores, key=lambda table: (-self.scores[table], table))

    def _explain(self) -> dict[int, float]:
        """Explain each term by each table's words; return what each table is worth by that."""
        n_tables = len(self.index.schema.tables)
        totals: dict[int, float] = {}
        for number, words in enumerate(self.alike):
            best: dict[int, float] = {}
            for word, likeness in words.items():
                for table, strength in self.index.postings[word].items():
                    if likeness * strength > best.get(table, 0.0):
                        best[table] = likeness * strength
            if not best:
                continue
            weight = math.log(1 + n_tables / len(best)) / math.log(1 + n_tables)
            self.weights[number] = weight
            for table, value in best.items():
                totals[table] = totals.get(table, 0.0) + weight * value
        return totals

    def _look_closer(self, table: int) -> None:
        """Explain the terms by the table's names, each counting by how much of it is asked for."""
        found: dict[int, float] = {}
        covered = 0.0
        for place in self.index.places[table]:
            explained, share = self._explain_name(place)
            if not explained:
                continue
            if place.column == TABLE:
                beginning = self.index.beginnings[table]
                own, own_share = self._explain_name(Place(TABLE, place.words[beginning:]))
                covered = max(share, own_share)
                strength = 0.7 + 0.3 * covered
                for number, likeness in explained.items():
                    if number not in own:
                        found[number] = _BEGINNING * likeness
                explained = own
            else:
                strength = 0.35 + 0.4 * share
            for number, likeness in explained.items():
                if likeness * strength > found.get(number, 0.0):
                    found[number] = likeness * strength
        # Comments and values count as they were posted.
        for number, words in enumerate(self.alike):
            if number not in found:
                held = [
                    likeness * self.index.postings[word].get(table, 0.0)
                    for word, likeness in words.items()
                ]
                if held and max(held) > 0:
                    found[number] = min(0.5, max(held))
        self.explained[table] = found
        self.covered[table] = covered

    def _explain_name(self, place: Place) -> tuple[dict[int, float], float]:
        """Return the terms that a name explains, and the share of its words that they ask for."""
        explained: dict[int, float] = {}
        shares = []
        joined = "".join(place.words) if len(place.words) > 1 else ""
        for word in place.words:
            best = 0.0
            for other in (word, *self.index.expansions(word)):
                for number, words in self._terms_like(other):
                    explained[number] = max(explained.get(number, 0.0), words)
                    best = max(best, words)
            shares.append(best)
        if joined:
            for number, likeness in self._terms_like(joined):
                explained[number] = max(explained.get(number, 0.0), likeness)
                shares = [max(likeness, *shares)]
        if not shares:
            return {}, 0.0
        return explained, sum(shares) / len(shares)

    def _terms_like(self, word: str) -> list[tuple[int, float]]:
        return self._by_word.get(word, [])

    def column_worth(self, table: int) -> dict[int, float]:
        """What each column of a table explains of the question, by its name and its values."""
        worth: dict[int, float] = {}
        for place in self.index.places[table]:
            if place.column != TABLE:
                explained, share = self._explain_name(place)
                if explained:
                    worth[place.column] = (0.5 + 0.5 * share) * self._worth(explained)
        columns = self.index.schema.tables[table].columns
        for at in range(len(columns)):
            for word in self.index.said(table, at):
                for number, likeness in self._terms_like(word):
                    value = 0.5 * likeness * self.weights[number]
                    worth[at] = max(value, worth.get(at, 0.0))
        return worth

    def _worth(self, explained: dict[int, float]) -> float:
        return sum(self.weights[number] * value for number, value in explained.items())

    def _compact(self, place: tuple[str, int]) -> float:
        """Discount large neighbourhoods: they explain more by chance."""
        kind, number = place
        held = self.index.groups if kind == "prefix" else self.index.declared
        return 1.0 / (1.0 + _SIZE * math.log2(1 + len(held[number])))

    def _add_neighbourhoods(self, nearest: list[int]) -> dict[int, float]:
        """Score the tables near the question and those around them."""
        around: dict[tuple[str, int], dict[int, float]] = {}
        for table in nearest:
            places = [("prefix", group) for group in self.index.prefixes[table]]
            places += [("key", other) for other in (table, *self.index.declared[table])]
            for place in places:
                best = around.setdefault(place, {})
                for number, value in self.explained[table].items():
                    if value > best.get(number, 0.0):
                        best[number] = value
        worth = {place: self._worth(best) * self._compact(place) for place, best in around.items()}
        scores: dict[int, float] = {}
        members = set(nearest)
        for table in nearest[:20]:
            members.update(self.index.declared[table])
        for kind, number in sorted(worth, key=lambda place: (-worth[place], place))[:10]:
            around_it = self.index.groups if kind == "prefix" else self.index.declared
            members.update(around_it[number])
        for table in members:
            places = [("prefix", group) for group in self.index.prefixes[table]]
            places += [("key", other) for other in (table, *self.index.declared[table])]
            together = max((worth.get(place, 0.0) for place in places), default=0.0)
            own = self.own.get(table, 0.0)
            scores[table] = own + _TOGETHER * together + _COVERED * self.covered.get(table, 0.0)
            if any(mark not in self._by_word for mark in self.index.copies[table]):
                scores[table] *= _COPY
        return scores

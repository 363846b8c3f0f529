"""Question to tables: which FROM sets may answer it, and which names of the schema are near it.

Small schemas give all their sets. Of larger ones the sets are ranked by how much of the question
their tables' and columns' names explain, with as few tables as that takes. Called by
`translate.py`; the grammar is then built for these sets and no others. No model, no data.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from itertools import combinations, permutations

from rapidfuzz import fuzz, process

from sqlstrictd.constraint.sets import FromSet, join_keys, sorted_set
from sqlstrictd.schema.linking.part import Part, choose_part
from sqlstrictd.schema.types import Schema, Table
from sqlstrictd.schema.words import name_words, text_words

__all__ = ["MAX_SETS", "Nearest", "Part", "choose_from_sets", "choose_part", "nearest_names"]

# Sets that one grammar takes without its masks getting slow (see bench/coverage.py).
MAX_SETS = 15
_MAX_TABLES = 4
_RANKED_TABLES = 14  # tables that the sets start from
_KEPT_PER_SIZE = 60
_QUOTAS = {1: 5, 2: 4, 3: 2, 4: 1}  # sets of each size that are taken before the best of the rest
_SAME_WORD = 0.84  # similarity from which two words count as one
_NEAR = 0.6  # similarity from which a name is worth showing
_MAX_WORDS = 64  # of a question; the time to link grows with them

_STOP_WORDS = frozenset(
    """a all an and any are as at be been by can did do doe each every find for from give had ha
    have how i in is it its list many me more most much not of on or show than that the their them
    there these they thi those to was were what when where which who whose with without
    you""".split()
)


@dataclass(frozen=True)
class Nearest:
    """A name of the schema (table, or table.column) and the word of the question nearest to it."""

    name: str
    word: str
    score: float  # 0 to 1; 1 is the same word


def choose_from_sets(schema: Schema, question: str) -> list[FromSet]:
    """Choose the FROM sets that a question may need; never none.

    All sets of a small schema are taken, in an order that does not depend on the question: its
    questions share one grammar. Of a larger one, those whose names explain most of the question
    are taken, the likeliest first; some of each size, so that subqueries find their tables too.
    """
    keys = join_keys(schema)
    score = _Score(schema, _content_words(question)).of
    names = sorted((table.name for table in schema.tables), key=lambda name: -score((name,)))
    names = names[:_RANKED_TABLES]
    by_size: dict[int, list[FromSet]] = {1: [(name,) for name in names]}
    for size in range(2, _MAX_TABLES + 1):
        grown = {
            sorted_set((*one, other)): None
            for one in by_size[size - 1]
            for name in one
            for other in keys.neighbours[name]
            if other not in one
        }
        if size == 2:
            grown |= {(name, name): None for name in names if keys.between(name, name)}
            if len(grown) + len(names) < MAX_SETS:  # room for tables that no key links
                grown |= {sorted_set(pair): None for pair in combinations(names, 2)}
        if size == 3:  # flights from one airport to another: two keys into the same table
            for one, other in permutations(names, 2):
                if len(keys.between(one, other)) > 1:
                    grown[sorted_set((one, one, other))] = None
        by_size[size] = sorted(grown, key=score, reverse=True)[:_KEPT_PER_SIZE]
    if sum(map(len, by_size.values())) <= MAX_SETS:
        return sorted((one for found in by_size.values() for one in found), key=_by_size)
    chosen: list[FromSet] = []
    for size, quota in _QUOTAS.items():
        chosen += by_size[size][:quota]
    others = [one for size in by_size for one in by_size[size][_QUOTAS[size] :]]
    others.sort(key=score, reverse=True)
    chosen += others[: max(0, MAX_SETS - len(chosen))]
    return sorted(chosen, key=score, reverse=True)


def _by_size(names: FromSet) -> tuple[int, FromSet]:
    return len(names), names


class _Score:
    """How much of a question a set of tables explains, less for each table it takes."""

    def __init__(self, schema: Schema, words: list[str]) -> None:
        self._words = words
        alike = _words_alike(schema, words, _SAME_WORD)
        by_name = {table.name: _name_matches(table, alike) for table in schema.tables}
        by_column = {table.name: _column_matches(table, alike) for table in schema.tables}
        self._matches = by_name
        self._weights = []
        for word in words:
            # What names a table counts for that table first; columns called alike, such as
            # customer_id, count little then. Words that many tables share tell little.
            n_named = sum(word in found for found in by_name.values())
            n_holding = sum(word in found for found in by_column.values())
            share = 0.35 if n_named else 1.0
            for table, found in by_column.items():
                if word in found:
                    own = by_name[table].get(word, 0.0)
                    self._matches[table][word] = max(own, share * found[word])
            rarity = 1.0 / (1.0 + math.log2(max(1, n_named or n_holding)))
            self._weights.append(rarity if n_named else 0.7 * rarity)

    def of(self, names: FromSet) -> float:
        """Score a set; higher is likelier."""
        total = 0.0
        for word, weight in zip(self._words, self._weights, strict=True):
            total += weight * max(self._matches[name].get(word, 0.0) for name in names)
        return total - 0.25 * len(names) - (0.3 if len(set(names)) < len(names) else 0.0)


def nearest_names(schema: Schema, words: str, limit: int = 8) -> list[Nearest]:
    """List the names of the schema nearest to the words of a text, the best first."""
    alike = _words_alike(schema, _content_words(words), _NEAR)
    found = []
    for table in schema.tables:
        for column in ("", *table.column_names):
            parts = name_words(column or table.name)
            size = max(1, sum(map(len, parts)))
            best = Nearest("", "", 0.0)
            for part in parts:
                for word, likeness in alike.get(part, {}).items():
                    # The larger the part of the name, the nearer the name.
                    score = likeness * (0.8 + 0.2 * len(part) / size)
                    if score > best.score:
                        name = f"{table.name}.{column}" if column else table.name
                        best = Nearest(name, word, round(score, 3))
            if best.score >= _NEAR:
                found.append(best)
    return sorted(found, key=lambda near: (-near.score, "." in near.name, near.name))[:limit]


def _content_words(text: str) -> list[str]:
    return [word for word in text_words(text) if word not in _STOP_WORDS][:_MAX_WORDS]


# For each part of a name that resembles words of the question: those words, and how much, 0 to 1.
_Alike = Mapping[str, Mapping[str, float]]


def _words_alike(schema: Schema, words: list[str], cutoff: float) -> _Alike:
    """Compare every word with every distinct part of the schema's names, once."""
    parts = list(
        dict.fromkeys(
            part
            for table in schema.tables
            for name in (table.name, *table.column_names)
            for part in name_words(name)
        )
    )
    long_parts = [part for part in parts if len(part) >= 4]
    alike: dict[str, dict[str, float]] = {part: {part: 1.0} for part in parts if part in words}
    for word in words:
        if len(word) < 4:  # short words are alike by chance
            continue
        for part, score, _ in process.extract(
            word, long_parts, scorer=fuzz.ratio, score_cutoff=100 * cutoff, limit=None
        ):
            alike.setdefault(part, {})[word] = score / 100.0
    return alike


def _name_matches(table: Table, alike: _Alike) -> dict[str, float]:
    """How well the table's name explains each word, 0 to 1; best if all of it is asked for."""
    parts = name_words(table.name)
    share = 0.6 + 0.4 * sum(part in alike for part in parts) / max(1, len(parts))
    return {word: share * score for word, score in _best(parts, alike).items()}


def _column_matches(table: Table, alike: _Alike) -> dict[str, float]:
    """How well the names of the table's columns explain each word, 0 to 1."""
    return _best({part for name in table.column_names for part in name_words(name)}, alike)


def _best(parts: Collection[str], alike: _Alike) -> dict[str, float]:
    best: dict[str, float] = {}
    for part in parts:
        for word, score in alike.get(part, {}).items():
            best[word] = max(score, best.get(word, 0.0))
    return best

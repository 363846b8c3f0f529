"""Question to tables: which FROM sets may answer it, and which names of the schema are near it.

Small schemas give all their sets. Of larger ones the sets are ranked by how much of the question
their tables' and columns' names explain, with as few tables as that takes. Called by
`translate.py`; the grammar is then built for these sets and no others. No model, no data.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from rapidfuzz import fuzz

from sqlstrictd.constraint.sets import FromSet, JoinKeys, all_from_sets, sorted_set
from sqlstrictd.schema.types import Schema, Table

# Sets that one grammar takes without its masks getting slow (see bench/coverage.py).
MAX_SETS = 15
_MAX_TABLES = 4
_RANKED_TABLES = 14  # tables that larger sets are grown among
_SAME_WORD = 0.84  # similarity from which two words count as one

_WORD = re.compile(r"[^\W\d_]+|\d+")
_NAME_WORD = re.compile(r"[^\W\d_A-Z]*[A-Z]+(?![^\W\d_A-Z])|[A-Z]?[^\W\d_A-Z]+|[A-Z]+|\d+")
_STOP_WORDS = frozenset(
    """a all an and any are as at be been by can did do does each every find for from give had has
    have how i in is it its list many me more most much name names not number of on or order show
    than that the their them there these they this those to total was were what when where which who
    whose with you""".split()
)


@dataclass(frozen=True)
class Nearest:
    """A name of the schema (table, or table.column) and the word of the question nearest to it."""

    name: str
    word: str
    score: float  # 0 to 1; 1 is the same word


def choose_from_sets(schema: Schema, question: str) -> list[FromSet]:
    """Choose the FROM sets that a question may need, the likeliest first; never none.

    All sets of a small schema are taken. Of a larger one, the sets whose names explain most of
    the question, each table alone that the question hints at, and self-joins of such tables.
    """
    keys = JoinKeys(schema)
    words = _content_words(question)
    matches = {table.name: _matches(table, words) for table in schema.tables}
    weights = _weights(words, matches)
    every = all_from_sets(schema) if len(schema.tables) <= MAX_SETS else []

    def explained(names: FromSet) -> float:
        best = (max(matches[name].get(word, 0.0) for name in names) for word in words)
        gained = sum(weight * part for weight, part in zip(weights, best, strict=True))
        return gained - 0.25 * len(names) - (0.3 if len(set(names)) < len(names) else 0.0)

    if 0 < len(every) <= MAX_SETS:
        return sorted(every, key=explained, reverse=True)
    ranked = sorted(schema.tables, key=lambda table: explained((table.name,)), reverse=True)
    near = [table.name for table in ranked[:_RANKED_TABLES]]
    candidates: dict[FromSet, None] = {(name,): None for name in near}
    current: Iterable[FromSet] = list(candidates)
    for _ in range(_MAX_TABLES - 1):
        grown = {
            sorted_set((*names, other)): None
            for names in current
            for name in names
            for other in keys.neighbours[name]
            if other not in names
        }
        current = sorted(grown, key=explained, reverse=True)[:60]
        candidates.update(dict.fromkeys(current))
    for name in near:
        if keys.between(name, name):
            candidates[(name, name)] = None
    return sorted(candidates, key=explained, reverse=True)[:MAX_SETS]


def nearest_names(schema: Schema, words: str, limit: int = 8) -> list[Nearest]:
    """List the names of the schema nearest to the words of a text, the best first."""
    found: dict[str, Nearest] = {}
    for word in _content_words(words):
        for table in schema.tables:
            named = [(table.name, table.name)]
            named += [(f"{table.name}.{name}", name) for name in table.column_names]
            for shown, name in named:
                score = max((_likeness(word, part) for part in _name_words(name)), default=0.0)
                if score >= 0.6 and (shown not in found or score > found[shown].score):
                    found[shown] = Nearest(shown, word, round(score, 3))
    return sorted(found.values(), key=lambda near: (-near.score, near.name))[:limit]


def _content_words(text: str) -> list[str]:
    words = dict.fromkeys(_stem(word) for word in _WORD.findall(text.casefold()))
    return [word for word in words if word not in _STOP_WORDS]


def _matches(table: Table, words: list[str]) -> dict[str, float]:
    """How well the names of a table explain each word, 0 to 1; its own name counts most."""
    found: dict[str, float] = {}
    own = _name_words(table.name)
    of_columns = {part for name in table.column_names for part in _name_words(name)}
    for word in words:
        by_name = max((_likeness(word, part) for part in own), default=0.0)
        by_column = max((_likeness(word, part) for part in of_columns), default=0.0)
        score = max(
            by_name if by_name >= _SAME_WORD else 0.0,
            0.7 * by_column if by_column >= _SAME_WORD else 0.0,
        )
        if score:
            found[word] = score
    return found


def _weights(words: list[str], matches: dict[str, dict[str, float]]) -> list[float]:
    """Give words that many tables explain less weight, for they tell tables apart less well."""
    counts = [sum(word in found for found in matches.values()) for word in words]
    return [1.0 / (1.0 + math.log2(max(1, count))) for count in counts]


@lru_cache(maxsize=20_000)
def _name_words(name: str) -> tuple[str, ...]:
    return tuple(_stem(word.casefold()) for word in _NAME_WORD.findall(name))


def _stem(word: str) -> str:
    """Take the plural ending off an English word."""
    if len(word) > 4 and word.endswith("ies"):
        return word[:-3] + "y"
    if len(word) > 4 and word.endswith(("sses", "ches", "shes", "xes")):
        return word[:-2]
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word


@lru_cache(maxsize=100_000)
def _likeness(one: str, other: str) -> float:
    if one == other:
        return 1.0
    if min(len(one), len(other)) < 4:
        return 0.0
    return fuzz.ratio(one, other) / 100.0

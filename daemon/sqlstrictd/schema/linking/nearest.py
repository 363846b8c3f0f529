"""The names of a schema nearest to a text: what a refusal shows, each with the word it matches.

Called where a question is refused. More forgiving than `ranking.py`: a name that the user may have
meant is worth showing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from rapidfuzz import fuzz, process

from sqlstrictd.schema.linking.alike import alike
from sqlstrictd.schema.linking.index import TABLE, SchemaIndex, index_of
from sqlstrictd.schema.linking.terms import Term, terms_of
from sqlstrictd.schema.linking.vocabulary import STOP_WORDS
from sqlstrictd.schema.types import Schema

_NEAR: Final = 0.4  # likeness from which a name is worth showing: words that only hint at it too
_SPELLED: Final = 0.72  # where letters alone are alike; below, it is mostly chance
_ALIKE_WORDS: Final = 40  # of the schema, to one word of the text
_SAID: Final = 0.85  # of a name's score for what its comment or its values say


@dataclass(frozen=True)
class Nearest:
    """A name of the schema (table, or table.column), and the word of the question nearest to it.

    The word is as the question has it.
    """

    name: str
    word: str
    score: float  # 0 to 1; 1 is the same word


def nearest_names(schema: Schema, words: str, limit: int = 8) -> list[Nearest]:
    """List the names of the schema nearest to the words of a text, the best first.

    Comments and closed values count for the column that they belong to.
    """
    index = index_of(schema)
    near = _near_words(index, [term for term in terms_of(words) if term.is_content])
    tables = sorted({number for word in near for number in index.postings[word]})
    found = [nearest for number in tables for nearest in _nearest_of(index, number, near)]
    return sorted(found, key=lambda near: (-near.score, "." in near.name, near.name))[:limit]


def _near_words(index: SchemaIndex, terms: list[Term]) -> dict[str, tuple[str, float]]:
    """Return for each word of the schema that resembles any: which, and how much."""
    near: dict[str, tuple[str, float]] = {}

    def add(word: str, term: Term, likeness: float) -> None:
        if likeness >= _NEAR and likeness > near.get(word, ("", 0.0))[1]:
            near[word] = (term.text, likeness)

    for term, words in zip(terms, alike(terms, index), strict=True):
        if term.word in STOP_WORDS:
            continue
        for word, likeness in words.items():
            add(word, term, likeness)
        if len(term.word) >= 4:  # short words are alike by chance
            for word, score, _ in process.extract(
                term.word,
                index.long_words,
                scorer=fuzz.ratio,
                score_cutoff=100 * _SPELLED,
                limit=_ALIKE_WORDS,
            ):
                add(word, term, score / 100.0)
    return near


def _nearest_of(
    index: SchemaIndex, number: int, near: dict[str, tuple[str, float]]
) -> list[Nearest]:
    table = index.schema.tables[number]
    found = []
    for place in index.places[number]:
        column = None if place.column == TABLE else table.columns[place.column]
        size = max(1, sum(map(len, place.words)))
        best = ("", 0.0)
        for word in place.words:
            for other in (word, *index.expansions(word)):
                if other in near:
                    # The larger the part of the name, the nearer the name.
                    score = near[other][1] * (0.8 + 0.2 * min(1.0, len(word) / size))
                    best = max(best, (near[other][0], score), key=_second)
        for word in index.said(number, place.column):
            if word in near:
                best = max(best, (near[word][0], _SAID * near[word][1]), key=_second)
        if best[1] >= _NEAR:
            name = table.name if column is None else f"{table.name}.{column.name}"
            found.append(Nearest(name, best[0], round(best[1], 3)))
    return found


def _second(pair: tuple[str, float]) -> float:
    return pair[1]

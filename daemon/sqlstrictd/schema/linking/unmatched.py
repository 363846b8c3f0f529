"""How much of a question nothing in the schema resembles: a sign that it is asked of the wrong one.

One signal for declining; `bench/unmatched.py` shows what it is worth. Numbers, quoted text and
proper names are values, which no schema holds, so they do not count.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sqlstrictd.schema.linking.alike import alike
from sqlstrictd.schema.linking.index import SchemaIndex, index_of
from sqlstrictd.schema.linking.terms import terms_of
from sqlstrictd.schema.linking.vocabulary import STOP_WORDS
from sqlstrictd.schema.types import Schema
from sqlstrictd.schema.words import is_unspaced

# Words of counting, comparing and ordering: every question has them, whatever it is about.
_ANY_SCHEMA: Final = frozenset(
    """number average total maximum minimum max min sum count highest lowest largest smallest most
    least greater less fewer higher lower larger smaller top bottom order ordered sort sorted
    ascending descending alphabetical alphabetically different distinct unique common ratio
    percentage exactly only after before between during since same second third more fewest oldest
    youngest longest shortest name value information detail result row record data table column
    corresponding respective together along belong whether exist contain include included including
    equal above below over under per average biggest current currently recent recently latest
    earliest first last one two three four five six seven eight nine ten""".split()
)


@dataclass(frozen=True)
class Unmatched:
    """The content words of a question that resemble nothing in the schema, and their share.

    The words are as the question has them.
    """

    words: tuple[str, ...]
    share: float  # 0 to 1, of the words that count; 0 where none does


def unmatched_words(schema: Schema, question: str) -> Unmatched:
    """Find the words of a question that no name, comment or value of the schema resembles."""
    index = index_of(schema)
    terms = terms_of(question)
    likenesses: dict[str, float] = {}
    texts: dict[str, str] = {}
    for term, found in zip(terms, alike(terms, index), strict=True):
        says_nothing = term.word in STOP_WORDS or (
            # But where a table is called orders, orders are what the question is about.
            term.word in _ANY_SCHEMA and not _names_table(index, term.word)
        )
        if term.is_content and not term.is_value and not says_nothing:
            best = max(found.values(), default=0.0)
            texts.setdefault(term.word, term.text)
            likenesses[term.word] = max(best, likenesses.get(term.word, 0.0))
    if any(likenesses.values()):
        # Pairs of characters are mostly no words: that some resemble nothing says nothing.
        likenesses = {w: like for w, like in likenesses.items() if like or not is_unspaced(w)}
    missing = tuple(texts[word] for word, likeness in likenesses.items() if likeness == 0.0)
    share = sum(1.0 - likeness for likeness in likenesses.values()) / max(1, len(likenesses))
    return Unmatched(missing, share)


def _names_table(index: SchemaIndex, word: str) -> bool:
    return any(own[0].words == (word,) for own in index.places)

"""Which words of a schema each term of a question resembles, and how much.

Whole words, plurals and abbreviations first, then words that begin alike (enrolled, enrolment),
then words with a letter or two wrong. Called by `ranking.py`, `nearest.py` and `unmatched.py`.
"""

from __future__ import annotations

from typing import Final

from rapidfuzz import fuzz, process

from sqlstrictd.schema.linking.index import SchemaIndex
from sqlstrictd.schema.linking.terms import Term
from sqlstrictd.schema.linking.vocabulary import ABBREVIATIONS, HINTS, IRREGULAR, STOP_WORDS

Alike = dict[str, float]  # word of the schema -> likeness, 0 to 1

_SAME_STEM: Final = 0.92
_COMPOUND: Final = 0.95
_SHORTENED: Final = 0.8
_BEGINNING: Final = 0.75
_RELATED: Final = 0.65  # words of one root, and now and then of two
_HINTED: Final = 0.45
_SPELLED: Final = 0.82  # likeness from which a word may be another one misspelt
_ENOUGH: Final = 0.8  # nothing further is looked for where that much is found

_ENDINGS: Final = (
    "ization ation ement ments ment ances ance ences ence ings ing ions ion ers ors ees er or ee "
    "ed es ly al y e s"
).split()


def stem(word: str) -> str:
    """Take endings off an English word, so far that verbs and their nouns meet."""
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= 4:
            cut = word[: -len(ending)]
            return cut[:-1] if cut[-1] == cut[-2] else cut
    return word


_HINTS_BY_STEM: Final = {stem(word): hinted for word, hinted in HINTS.items() if len(word) >= 5}


def alike(terms: list[Term], index: SchemaIndex) -> list[Alike]:
    """Compare every term with the schema's words: one mapping a term, empty for stop words."""
    found = [_alike_word(term, index) if term.is_content else {} for term in terms]
    for at in range(1, len(terms)):
        if not terms[at].follows or not (terms[at - 1].is_content or terms[at].is_content):
            continue
        joined = terms[at - 1].word + terms[at].word
        if joined in index.postings and len(joined) >= 4:
            for part in (at - 1, at):
                found[part][joined] = max(_COMPOUND, found[part].get(joined, 0.0))
    return found


def _alike_word(term: Term, index: SchemaIndex) -> Alike:
    word = term.word
    found: Alike = {}
    if word not in STOP_WORDS:
        if word in index.postings:
            found[word] = 1.0
        for long in ABBREVIATIONS.get(word, ()):
            if long in index.postings:
                found[long] = _SHORTENED
        if len(word) >= 4:
            _add_beginnings(word, index, found)
        if word in IRREGULAR:
            _add_beginnings(IRREGULAR[word], index, found)
            if IRREGULAR[word] in index.postings:
                found[IRREGULAR[word]] = _SAME_STEM
        if len(word) >= 5 and max(found.values(), default=0.0) < _ENOUGH:
            _add_misspelt(word, index, found)
    for hinted in HINTS.get(word) or _HINTS_BY_STEM.get(stem(word), ()):
        if hinted in index.postings:
            found[hinted] = max(found.get(hinted, 0.0), _HINTED)
    return found


def _add_beginnings(word: str, index: SchemaIndex, found: Alike) -> None:
    own_stem = stem(word)
    for other in index.by_beginning.get(word[:3], ()):
        if other == word:
            continue
        likeness = 0.0
        if stem(other) == own_stem:
            likeness = _SAME_STEM
        elif word.startswith(other) and len(word) >= 6 and len(other) <= 5:
            likeness = _SHORTENED if len(other) >= 4 else _BEGINNING
        elif other.startswith(word) or (word.startswith(other) and len(other) >= 5):
            likeness = _BEGINNING
        else:
            shared = _shared_beginning(word, other)
            rest = max(len(own_stem), len(stem(other))) - shared
            if (shared >= 5 and shared / max(len(word), len(other)) >= 0.6) or (
                shared >= 6 and rest <= 2
            ):
                likeness = _RELATED
        if likeness > found.get(other, 0.0):
            found[other] = likeness


def _add_misspelt(word: str, index: SchemaIndex, found: Alike) -> None:
    for other, score, _ in process.extract(
        word, index.long_words, scorer=fuzz.ratio, score_cutoff=100 * _SPELLED, limit=8
    ):
        found[other] = max(found.get(other, 0.0), 0.9 * score / 100.0)


def _shared_beginning(one: str, other: str) -> int:
    for at, (left, right) in enumerate(zip(one, other, strict=False)):
        if left != right:
            return at
    return min(len(one), len(other))

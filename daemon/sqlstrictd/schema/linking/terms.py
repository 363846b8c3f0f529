"""A question cut into terms: the words that may name something, and how they stand side by side.

Called by `alike.py` and what stands on it. Numbers and what stands in quotes are values, which no
schema holds; they count for little.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Final

from sqlstrictd.schema.linking.languages import FUNCTION_WORDS, language_of
from sqlstrictd.schema.linking.vocabulary import HINTS, STOP_WORDS
from sqlstrictd.schema.words import is_unspaced, without_accents, word_parts

MAX_TERMS: Final = 64  # of a question; the time to link grows with them

# Camel case is cut as in names, since a question may hold a name as it is spelled.
_WORD: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[^\W\d_A-Z]+|[A-Z]+s\b|\d+")
_QUOTED: Final = re.compile(r"(?<!\w)'[^']{1,80}'(?!\w)|\"[^\"]{1,80}\"|“[^”]{1,80}”")


@dataclass(frozen=True, slots=True)
class Term:
    """One word of a question, singular and in lower case; or two characters where none are told.

    `follows` tells that nothing but blanks or a hyphen stands between it and the term before.
    """

    word: str
    text: str  # as it stands in the question
    is_content: bool
    is_value: bool
    follows: bool


def terms_of(question: str) -> list[Term]:
    """Cut a question into its terms, in order."""
    question = unicodedata.normalize("NFC", question)
    quoted = [match.span() for match in _QUOTED.finditer(question)]
    terms: list[Term] = []
    n_content = 0
    end = -1
    found = [
        (match, word)
        for match in _WORD.finditer(without_accents(question))
        for word in word_parts(match.group())
    ]
    language = language_of([word for _, word in found])
    empty = FUNCTION_WORDS.get(language, frozenset())
    for match, word in found:
        text = question[match.start() : match.end()]
        is_content = (word not in STOP_WORDS or word in HINTS) and len(word) > 1
        is_content = is_content and word not in empty
        in_quotes = any(start <= match.start() < stop for start, stop in quoted)
        is_name = text[0].isupper() and bool(terms) and not _begins_sentence(question, match)
        is_name = is_name and language != "German"  # in which all nouns are written so
        between = question[end : match.start()] if end >= 0 else "."
        follows = between.strip(" _-") == ""
        is_value = in_quotes or is_name or text.isdigit()
        shown = word if is_unspaced(word) else text
        terms.append(Term(word, shown, is_content, is_value, follows))
        end = match.end()
        n_content += is_content
        if n_content == MAX_TERMS:
            break
    return terms


def _begins_sentence(question: str, match: re.Match[str]) -> bool:
    before = question[: match.start()].rstrip()
    return not before or before[-1] in ".?!:;"

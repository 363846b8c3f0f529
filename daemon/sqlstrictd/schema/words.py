"""Names and texts cut into words that can be compared.

`linking/` matches the words of a question with those of names; `constraint/sets.py` sees by them
that `customer_id` may be a key of `customers`. English plurals only; other languages' words are
compared as they are, but for accents, which people leave out. What is written without blanks
between words is cut into pairs of characters, so that names are found in the midst of a sentence.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache

# Camel case, capitals and snake case: HTTPServerName and http_server_name are three words each.
_NAME_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[^\W\d_A-Z]+|\d+")
# Thai, Lao and Khmer; kana; Han; Hangul, whose endings stand at the words.
_UNSPACED = (
    "\u0e00-\u0eff\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff"
)
_RUN = re.compile(f"[{_UNSPACED}]+|[^{_UNSPACED}]+")
_IS_UNSPACED = re.compile(f"[{_UNSPACED}]")


@lru_cache(maxsize=100_000)
def name_words(name: str) -> tuple[str, ...]:
    """Cut a name into words, in lower case and singular."""
    return text_words(name)


def text_words(text: str) -> tuple[str, ...]:
    """Cut a text into words as `name_words` does, without keeping it in memory."""
    found = _NAME_WORD.findall(without_accents(text))
    return tuple(part for word in found for part in word_parts(word))


def word_parts(word: str) -> tuple[str, ...]:
    """Cut a word without accents into what is compared: one form of it, or pairs of characters."""
    if word.isascii():
        return (singular(word.lower()),)
    return tuple(part for run in _RUN.findall(word) for part in _parts(run))


def is_unspaced(word: str) -> bool:
    """Whether a word is of a script that has no blanks between words."""
    return bool(_IS_UNSPACED.match(word))


def _parts(run: str) -> Iterator[str]:
    if not is_unspaced(run):
        yield singular(run.casefold())
    elif len(run) == 1:
        yield run
    else:
        yield from (run[at : at + 2] for at in range(len(run) - 1))


def without_accents(text: str) -> str:
    """Take accents off Latin letters, as é; in other scripts marks make other letters.

    Of a text in Unicode's composed form (NFC) each character becomes one character.
    """
    if text.isascii():
        return text
    return "".join(
        plain[0] if (plain := unicodedata.normalize("NFD", letter))[0].isascii() else letter
        for letter in unicodedata.normalize("NFC", text)
    )


def singular(word: str) -> str:
    """Take the plural ending off an English word; wrong guesses only ever meet each other."""
    if len(word) > 4 and word.endswith("ies"):
        return word[:-3] + "y"
    if len(word) > 4 and word.endswith(("sses", "ches", "shes", "xes")):
        return word[:-2]
    if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    return {"people": "person", "men": "man", "women": "woman", "children": "child"}.get(word, word)

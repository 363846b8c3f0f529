"""Names and texts cut into words that can be compared.

`linking/` matches the words of a question with those of names; `constraint/sets.py` sees by them
that `customer_id` may be a key of `customers`. English plurals only; other languages' words are
compared as they are.
"""

from __future__ import annotations

import re
from functools import lru_cache

# Camel case, capitals and snake case: HTTPServerName and http_server_name are three words each.
_NAME_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[^\W\d_A-Z]+|\d+")


@lru_cache(maxsize=100_000)
def name_words(name: str) -> tuple[str, ...]:
    """Cut a name into words, in lower case and singular."""
    return text_words(name)


def text_words(text: str) -> tuple[str, ...]:
    """Cut a text into words as `name_words` does, without keeping it in memory."""
    return tuple(singular(word.casefold()) for word in _NAME_WORD.findall(text))


def singular(word: str) -> str:
    """Take the plural ending off an English word; wrong guesses only ever meet each other."""
    if len(word) > 4 and word.endswith("ies"):
        return word[:-3] + "y"
    if len(word) > 4 and word.endswith(("sses", "ches", "shes", "xes")):
        return word[:-2]
    if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    return {"people": "person", "men": "man", "women": "woman", "children": "child"}.get(word, word)

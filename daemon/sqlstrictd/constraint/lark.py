"""Pieces of llguidance's Lark syntax: how text becomes a literal, and names become terminals.

The lexer behind it is greedy and never goes back: where two terminals may stand, none of them may
be the beginning of the other and go on in another way. So blanks stand inside keywords (" WHERE "),
and a qualified name is two terminals, the qualifier with its dot and the column.
"""

from __future__ import annotations

import json
from collections.abc import Iterable

from sqlstrictd.schema.names import quote_name


def literal(text: str) -> str:
    """Write text as a literal of the grammar."""
    return json.dumps(text, ensure_ascii=False)


def names(words: Iterable[str]) -> str:
    """Write names, quoted as SQL needs it, as alternatives of the grammar."""
    return " | ".join(literal(quote_name(word)) for word in words)


def any_of(words: Iterable[str]) -> str:
    """Write plain words as alternatives of the grammar."""
    return " | ".join(literal(word) for word in words)

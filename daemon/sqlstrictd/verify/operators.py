"""Operators as a dialect's own lexer reads them: the longest run of their characters.

`a@-1` is one operator to PostgreSQL and two to other readers. So a run is either an operator that
the dialect has, or one with a sign after it where every reader takes the sign for one.
"""

from __future__ import annotations

from typing import Final

from sqlstrictd.schema.scan import Token
from sqlstrictd.verify.rules import rules_of

_CHARACTERS: Final = frozenset("+-*/<>=~!@#%^&|?:\\$`{}")
# With one of these inside, PostgreSQL lets an operator end in a sign.
_SPECIAL: Final = frozenset("~!@#%^&|`?")


def find_bad_operator(
    tokens: tuple[Token, ...], dialect: str, punctuation: frozenset[str]
) -> Token | None:
    """Return the first token of a run that is no operator of the dialect, nor punctuation."""
    allowed = rules_of(dialect).operators
    index = 0
    while index < len(tokens):
        first = tokens[index]
        index += 1
        if first.kind != "symbol" or first.text in punctuation:
            continue
        if first.text[0] not in _CHARACTERS:
            return first
        run = first.text
        while index < len(tokens) and _goes_on(tokens[index - 1], tokens[index]):
            run += tokens[index].text
            index += 1
        if run not in allowed and not _has_sign(run, allowed, dialect):
            return first
    return None


def _goes_on(token: Token, following: Token) -> bool:
    return (
        following.kind == "symbol"
        and following.start == token.end
        and following.text[0] in _CHARACTERS
        and not following.is_symbol(":")
    )


def _has_sign(run: str, allowed: frozenset[str], dialect: str) -> bool:
    """Whether a run is an operator and a sign, read so by all."""
    if run[-1] not in "+-" or run[:-1] not in allowed:
        return False
    if run in ("--", "->"):
        return False
    return dialect in ("sqlite", "mysql") or not _SPECIAL & set(run[:-1])

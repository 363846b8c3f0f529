"""A statement cut into tokens as one dialect reads it, or an error where readers would differ.

`schema/scan.py` cuts; here the brackets of arrays come apart, and MySQL's strings are read both
with and without backslash escapes, for which of them holds is a setting of the server.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from sqlstrictd.schema.scan import ScanError, Token, scan

_HAS_ARRAYS: Final = frozenset({"postgres", "duckdb"})


def cut(sql: str, dialect: str) -> tuple[Token, ...]:
    """Cut a statement into tokens.

    Raises:
        ScanError: something is not closed or cannot stand where it does, or a string of MySQL's
            ends elsewhere where a backslash is a plain character.
    """
    tokens = tuple(scan(sql))
    if dialect == "mysql" and "\\" in sql:
        escaped = tuple(scan(sql, has_backslash=True))
        for plain, other in zip(tokens, escaped, strict=False):
            if plain.text != other.text:
                raise ScanError("This backslash can be read in two ways.", plain.start)
    if dialect in _HAS_ARRAYS:
        return tuple(inner for token in tokens for inner in _open(token))
    return tokens


def _open(token: Token) -> Iterator[Token]:
    """Yield what stands in brackets, where a token is that."""
    if not token.text.startswith("[") or len(token.text) < 2:
        yield token
        return
    yield Token("symbol", "[", "[", token.start)
    for inner in scan(token.text[1:-1]):
        moved = Token(inner.kind, inner.text, inner.value, inner.start + token.start + 1)
        yield from _open(moved)
    yield Token("symbol", "]", "]", token.end - 1)

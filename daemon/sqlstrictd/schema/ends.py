"""Where a statement of a dump ends, and the way there for one that says nothing of the schema."""

from __future__ import annotations

import re
from typing import Final

from sqlstrictd.schema.cursor import Cursor
from sqlstrictd.schema.scan import Token

LINE: Final = re.compile(r"[^\r\n]*")
_COPY_END: Final = re.compile(r"^\\\.[ \t]*$", re.MULTILINE)
_INNER_ENDS: Final = frozenset({"IF", "LOOP", "WHILE", "REPEAT"})


def end_of(pattern: re.Pattern[str], cursor: Cursor, offset: int) -> int:
    """Return where the pattern's first match from an offset on ends; else the text's end."""
    match = pattern.search(cursor.text, offset)
    return len(cursor.text) if match is None else match.end()


def is_go(cursor: Cursor, token: Token) -> bool:
    """Whether this is SQL Server's end of a batch: GO alone on its line."""
    if not token.is_word("GO"):
        return False
    before = re.split(r"[\r\n]", cursor.text[max(0, token.start - 80) : token.start])[-1]
    after = LINE.match(cursor.text, token.end)
    return not before.strip() and (after is None or not after.group().strip(" \t;"))


def refuse_missing_semicolon(cursor: Cursor) -> None:
    """Refuse a CREATE TABLE that stands inside of another statement."""
    if cursor.sees_word("CREATE", "TABLE"):
        raise cursor.unexpected("a semicolon is expected before the next statement")


def pass_statement(cursor: Cursor, *, has_block: bool = False) -> None:
    """Pass over the rest of a statement, and over the rows after COPY ... FROM stdin.

    A table that would go by unseen, because a semicolon is missing before it, is an error.
    """
    depth = 0
    is_copy = False
    while (token := cursor.peek()) is not None:
        if (token.is_symbol(";") and depth <= 0) or is_go(cursor, token):
            break
        if not has_block:
            refuse_missing_semicolon(cursor)
        cursor.take()
        is_copy = token.is_word("STDIN")
        if has_block and token.is_word("BEGIN", "CASE"):
            depth += 1
        elif has_block and token.is_word("END"):
            following = cursor.peek()
            if following is not None and following.is_word(*_INNER_ENDS):
                cursor.take()
            else:
                depth -= 1
                if following is not None and following.is_word("CASE"):
                    cursor.take()
    if is_copy and token is not None:
        cursor.jump(end_of(_COPY_END, cursor, token.end))

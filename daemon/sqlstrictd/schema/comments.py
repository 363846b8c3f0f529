"""What users say of tables and columns: COMMENT ON, and `-- comment` behind a column on its line.

A comment is free text that ends in a prompt, so it is kept as one short line without control or
invisible characters. The model reads it as text; it can change nothing of what is allowed.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import replace
from typing import Final

from sqlstrictd.schema.cursor import Cursor
from sqlstrictd.schema.draft import SchemaDraft
from sqlstrictd.schema.keys import join_name, read_name_parts
from sqlstrictd.schema.names import fold

MAX_COMMENT_LENGTH: Final = 200

_TRAILING: Final = re.compile(r"[ \t]*,?[ \t]*--+([^\r\n]*)")
_JOINERS: Final = "\u200c\u200d"


def clean_comment(text: str) -> str:
    """Return a comment as one line, without what cannot be seen, and cut where it is long."""
    seen = (
        character
        for character in re.sub(r"\s", " ", text)
        if character in _JOINERS
        or unicodedata.category(character) not in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
    )
    shown = re.sub(" +", " ", "".join(seen)).strip()
    if len(shown) <= MAX_COMMENT_LENGTH:
        return shown
    return shown[: MAX_COMMENT_LENGTH - 3].rstrip() + "..."


def trailing_comment(cursor: Cursor) -> str:
    """Return the comment that ends the line of the token taken last, if nothing else does."""
    match = _TRAILING.match(cursor.text, cursor.end)
    return "" if match is None else clean_comment(match[1])


def take_comment_on(cursor: Cursor, draft: SchemaDraft) -> bool:
    """Read COMMENT ON a known table, view or column, up to the semicolon; else take nothing."""
    for kind in ("TABLE", "COLUMN", "VIEW"):
        if cursor.take_words("COMMENT", "ON", kind):
            break
    else:
        return False
    parts = read_name_parts(cursor, f"a {kind.lower()}")
    column = parts.pop() if kind == "COLUMN" and len(parts) > 1 else None
    text = ""
    if cursor.take_words("IS") and not cursor.sees_word("NULL"):
        text = clean_comment(cursor.literals.read(cursor.take()) or "")
    table = draft.find(join_name(parts))
    if table is None:
        return True  # of a view, or of something else that was left out
    if column is None:
        table.comment = text
    elif fold(column.value) in table.columns:
        known = table.columns[fold(column.value)]
        table.columns[fold(column.value)] = replace(known, comment=text)
    return True

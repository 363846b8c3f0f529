"""What stands on a table's columns, as DDL says it: indexes, constraints, triggers and the like.

`create.py`, `column.py` and `statements.py` read keys and checks with this, and `views.py` what a
query names. Nothing of a condition or a query is understood: every word in it that is a column's
name is taken for that column, so that a column may be thought to be in use, but never to be free.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final

from sqlstrictd.errors import SchemaError
from sqlstrictd.schema.cursor import Cursor, is_name
from sqlstrictd.schema.draft import SchemaDraft
from sqlstrictd.schema.ends import pass_statement
from sqlstrictd.schema.keys import read_table_name
from sqlstrictd.schema.names import fold
from sqlstrictd.schema.scan import Token, scan
from sqlstrictd.schema.table_draft import TableDraft, UseDraft
from sqlstrictd.schema.types import UseKind

_NAMES: Final = re.compile(r'"([^"]+)"|([^\W\d]\w*)')

# What a new table's or index's name may meet, though it is no table itself.
NAMED: Final = frozenset({"CREATE SEQUENCE", "CREATE TYPE", "CREATE DOMAIN", "CREATE SYNONYM"})
# What reads tables and stands against changes of them.
READING: Final = frozenset(
    {"CREATE TRIGGER", "CREATE RULE", "CREATE POLICY", "CREATE STATISTICS", "CREATE PUBLICATION"}
)
# Words before the columns of a key that are not its name.
_KEY_WORDS: Final = "KEY INDEX NULLS NOT DISTINCT CLUSTERED NONCLUSTERED".split()
# The tables that SQLite's extensions keep beside a virtual table.
_SHADOWS: Final = "config content data docsize idx node parent rowid segdir segments stat".split()


def tokens_of(cursor: Cursor, start: int) -> list[Token]:
    """Return the tokens between an offset and the last token taken."""
    return list(scan(cursor.text[start : cursor.end], has_backslash=cursor.has_backslash))


def words_of(tokens: Iterable[Token]) -> frozenset[str]:
    """Return all words and names in quotes, folded; those in PostgreSQL's ARRAY[...] too."""
    found = set()
    for token in tokens:
        if token.kind not in ("word", "quoted"):
            continue
        found.add(fold(token.value))
        if token.text[0] == "[":
            found.update(fold(name or word) for name, word in _NAMES.findall(token.value))
    return frozenset(found)


def names_all(tokens: Sequence[Token]) -> bool:
    """Whether a query names columns without their names, by a star or by NATURAL."""
    seen = [token for token in tokens if token.kind != "comment"]
    for before, token in zip(seen, seen[1:], strict=False):
        is_list = before.is_word("SELECT", "DISTINCT", "ALL", "RETURNING")
        if token.is_symbol("*") and (is_list or before.text in (",", ".", ")")):
            return True
        if token.is_word("NATURAL"):
            return True
    return False


def add_use(table: TableDraft, kind: UseKind, name: str, tokens: Iterable[Token]) -> None:
    """Note that a part of the table's own definition stands on the columns that it names."""
    table.uses.append(UseDraft(kind, name, words_of(tokens)))


def read_key(cursor: Cursor, table: TableDraft, label: str, start: int) -> None:
    """Note UNIQUE, EXCLUDE, or MySQL's KEY of a table, which began at an offset and ends here."""
    tokens = tokens_of(cursor, start)
    at = next((n for n, token in enumerate(tokens) if token.is_symbol("(")), len(tokens))
    head = [token for token in tokens[:at] if token.kind != "comment"]
    if not head or head[0].is_word("PERIOD"):
        return
    is_unique = head[0].is_word("UNIQUE", "EXCLUDE")
    for token in head[1:]:
        if label or token.is_word("USING"):
            break
        if is_name(token) and not token.is_word(*_KEY_WORDS):
            label = token.value
    add_use(table, "unique" if is_unique else "index", label, tokens[at:])


def read_index(cursor: Cursor, draft: SchemaDraft, offset: int) -> bool:
    """Read CREATE INDEX from the word INDEX on, and say whether its table is known."""
    is_unique = any(token.is_word("UNIQUE") for token in tokens_of(cursor, offset))
    start = cursor.peek()
    table = None
    try:
        cursor.take_words("INDEX")
        cursor.take_words("CONCURRENTLY")
        cursor.take_words("IF", "NOT", "EXISTS")
        name = "" if cursor.sees_word("ON") else read_table_name(cursor).token.value
        while not cursor.take_words("ON"):
            cursor.take()
        cursor.take_words("ONLY")
        table = draft.find(read_table_name(cursor))
    except SchemaError:
        if start is not None:
            cursor.jump(start.start)
    if table is None or table.is_view:
        pass_statement(cursor)
        return False
    first = cursor.end
    pass_statement(cursor)
    add_use(table, "unique index" if is_unique else "index", name, tokens_of(cursor, first))
    return True


def note_passed(cursor: Cursor, draft: SchemaDraft, kind: str) -> None:
    """Note the name after CREATE SEQUENCE and the like, which stands before the next token."""
    if kind not in NAMED and kind != "CREATE VIRTUAL":
        return
    at = 1
    while (token := cursor.peek(at)) is not None and token.is_word("TABLE", "IF", "NOT", "EXISTS"):
        at += 1
    if token is None or not is_name(token):
        return
    while (dot := cursor.peek(at + 1)) is not None and dot.is_symbol("."):
        following = cursor.peek(at + 2)
        if following is None or not is_name(following):
            break
        token, at = following, at + 2
    draft.note_name(token.value)
    if kind == "CREATE VIRTUAL":
        for shadow in _SHADOWS:
            draft.note_name(f"{token.value}_{shadow}")

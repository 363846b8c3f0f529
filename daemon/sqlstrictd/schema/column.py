"""One column of CREATE TABLE: its name, its declared type, and the keys written inside it."""

from __future__ import annotations

from typing import Final

from sqlstrictd.schema.cursor import Cursor, show
from sqlstrictd.schema.draft import TableDraft
from sqlstrictd.schema.keys import (
    CONSTRAINT_WORDS,
    ends_item,
    expect_key,
    pass_constraint_end,
    pass_expression,
    pass_token,
    read_reference,
    read_table_name,
    set_primary_key,
    take_plain,
)
from sqlstrictd.schema.scan import Token
from sqlstrictd.schema.types import Column

_COMMON_TYPES: Final = frozenset(
    "INT INTEGER BIGINT SMALLINT TINYINT SERIAL TEXT CHAR VARCHAR NVARCHAR REAL FLOAT DOUBLE "
    "NUMERIC DECIMAL DATE TIME TIMESTAMP DATETIME BOOLEAN BOOL BLOB JSON UUID".split()
)
# Words that stand between two such words of one type.
_TYPE_ADVERBS: Final = frozenset("WITH WITHOUT LOCAL BIG LONG UNSIGNED SIGNED VARYING".split())

MAX_TYPE_LENGTH: Final = 80


def read_column(cursor: Cursor, table: TableDraft) -> None:
    """Read a column with its constraints into the table."""
    name = cursor.take_name("a column")
    declared = _read_type(cursor)
    not_null = False
    while not ends_item(cursor):
        if cursor.take_words("NOT", "NULL"):
            not_null = True
            pass_constraint_end(cursor)
        elif cursor.take_words("PRIMARY"):
            expect_key(cursor)
            set_primary_key(cursor, table, (name,))
            if not cursor.take_words("ASC"):
                cursor.take_words("DESC")
            pass_constraint_end(cursor)
        elif cursor.take_words("REFERENCES"):
            read_reference(cursor, table, (name,))
        else:
            _pass_column_constraint(cursor)
    table.add_column(cursor, name, Column(name.value, declared, not_null))


def _pass_column_constraint(cursor: Cursor) -> None:
    if cursor.take_words("CONSTRAINT"):
        cursor.take_name("a constraint")
    elif cursor.take_words("UNIQUE"):
        cursor.take_words("KEY")
        pass_constraint_end(cursor)
    elif cursor.take_words("CHECK") or cursor.take_words("OPTIONS"):
        cursor.skip_group()
    elif cursor.take_words("DEFAULT") or cursor.take_words("ON", "UPDATE"):
        if ends_item(cursor):
            raise cursor.unexpected("a value is expected")
        pass_token(cursor)
        pass_expression(cursor)
    elif cursor.take_words("COLLATE"):
        read_table_name(cursor)
    elif cursor.take_words("CHARACTER", "SET") or cursor.take_words("AFTER"):
        cursor.take_name("a character set")
    elif cursor.take_words("COMMENT"):
        cursor.take_symbol("=")
        cursor.take()
    elif cursor.take_words("GENERATED"):
        if not cursor.take_words("ALWAYS"):
            cursor.take_words("BY", "DEFAULT")
    elif cursor.take_words("AS", "IDENTITY") or cursor.take_words("IDENTITY"):
        if cursor.sees_symbol("("):
            cursor.skip_group()
    elif cursor.take_words("AS"):
        if not cursor.sees_symbol("("):
            raise cursor.unexpected("( is expected before the expression of a column")
        cursor.skip_group()
    elif not take_plain(cursor):
        raise cursor.unexpected("a type, a constraint, a comma or ) is expected")


def _read_type(cursor: Cursor) -> str:
    """Read a declared type: words, numbers in parentheses, PostgreSQL's brackets; upper case."""
    start = cursor.peek()
    parts: list[str] = []
    last = start
    while True:
        token = cursor.peek()
        if token is None:
            break
        if token.is_symbol("(") and parts:
            parts[-1] += _type_arguments(cursor)
        elif token.kind == "symbol" and token.value == "[]" and parts:
            cursor.take()
            parts[-1] += "[]"
        elif token.is_symbol(".") and parts:
            cursor.take()
            parts[-1] = cursor.take_name("a type").value.upper()
        elif token.kind in ("word", "quoted") and not _ends_type(cursor, token, bool(parts)):
            _refuse_missing_comma(cursor, parts, token, last)
            last = token
            parts.append(cursor.take_name("a type").value.upper())
        else:
            break
    declared = " ".join(parts)
    if start is not None and len(declared) > MAX_TYPE_LENGTH:
        message = f"A type has {len(declared)} characters; at most {MAX_TYPE_LENGTH} may be."
        raise cursor.error(message, start.start)
    return declared


def _refuse_missing_comma(
    cursor: Cursor, parts: list[str], token: Token, before: Token | None
) -> None:
    """Refuse `id INT name TEXT`: SQLite takes it for one column with a type of three words."""
    if len(parts) < 2 or before is None or token.value.upper() not in _COMMON_TYPES:
        return
    known = _COMMON_TYPES | _TYPE_ADVERBS
    if parts[0].partition("(")[0] in _COMMON_TYPES and before.value.upper() not in known:
        message = f"A comma is missing before {show(before.text)}, the name of another column."
        raise cursor.error(message, before.start)


def _ends_type(cursor: Cursor, token: Token, has_begun: bool) -> bool:
    if token.is_word("CHARACTER") and has_begun:
        return cursor.sees_word("CHARACTER", "SET")
    return token.kind == "word" and token.value.upper() in CONSTRAINT_WORDS


def _type_arguments(cursor: Cursor) -> str:
    """Keep the numbers of a type; the values of an ENUM are no part of it here."""
    opening = cursor.peek()
    inner = cursor.skip_group()
    if opening is not None and not inner:
        raise cursor.error("Nothing stands between these parentheses.", opening.start)
    for token, following in zip(inner, [*inner[1:], None], strict=True):
        is_last_comma = token.text == "," and (following is None or following.text == ",")
        if token.is_word("NOT", "NULL", "DEFAULT", "PRIMARY", "CHECK") or is_last_comma:
            raise cursor.error(f"{show(token.text)} cannot stand in a type.", token.start)
    if all(token.kind == "number" or token.text in (",", "-", "+") for token in inner):
        return f"({''.join(token.text for token in inner)})"
    return ""

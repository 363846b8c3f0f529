"""One column of CREATE TABLE: its name, its declared type, and the keys written inside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from sqlstrictd.schema.comments import clean_comment
from sqlstrictd.schema.cursor import Cursor, show
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
from sqlstrictd.schema.table_draft import TableDraft
from sqlstrictd.schema.types import Column
from sqlstrictd.schema.uses import add_use
from sqlstrictd.schema.values import Literals, can_be_shown, closed_lists

_COMMON_TYPES: Final = frozenset(
    "INT INTEGER BIGINT SMALLINT TINYINT SERIAL TEXT CHAR VARCHAR NVARCHAR REAL FLOAT DOUBLE "
    "NUMERIC DECIMAL DATE TIME TIMESTAMP DATETIME BOOLEAN BOOL BLOB JSON UUID".split()
)
# Words that stand between two such words of one type.
_TYPE_ADVERBS: Final = frozenset("WITH WITHOUT LOCAL BIG LONG UNSIGNED SIGNED VARYING".split())

MAX_TYPE_LENGTH: Final = 80
# Longer ones are dropped: no dialect has such numbers, and such structures help no query.
MAX_ARGUMENTS_LENGTH: Final = 2000


def read_column(cursor: Cursor, table: TableDraft) -> tuple[Token, Column]:
    """Read a column with its constraints; keys and checks go into the table."""
    name = cursor.take_name("a column")
    declared, values = read_type(cursor)
    column = Column(name.value, declared, values=values)
    is_always = False
    label = ""
    while not ends_item(cursor):
        if cursor.take_words("NOT", "NULL"):
            column = replace(column, not_null=True)
            pass_constraint_end(cursor)
        elif cursor.take_words("PRIMARY"):
            expect_key(cursor)
            set_primary_key(cursor, table, (name,))
            if label:
                add_use(table, "primary", label, (name,))
            if not cursor.take_words("ASC"):
                cursor.take_words("DESC")
            pass_constraint_end(cursor)
        elif cursor.take_words("REFERENCES"):
            read_reference(cursor, table, (name,))
            if label:
                add_use(table, "foreign", label, (name,))
        elif cursor.take_words("CHECK"):
            condition = cursor.skip_group()
            table.add_check(closed_lists(condition, cursor.literals))
            add_use(table, "own check", label, (name, *condition))
        elif cursor.take_words("UNIQUE"):
            cursor.take_words("KEY")
            pass_constraint_end(cursor)
            add_use(table, "unique", label, (name,))
        elif cursor.take_words("CONSTRAINT"):
            label = cursor.take_name("a constraint").value
            continue
        elif cursor.take_words("COMMENT"):
            cursor.take_symbol("=")
            said = cursor.literals.read(cursor.take()) or ""
            column = replace(column, comment=clean_comment(said))
        elif cursor.take_words("GENERATED"):
            is_always = cursor.take_words("ALWAYS")
            if not is_always:
                cursor.take_words("BY", "DEFAULT")
        elif cursor.sees_word("AS") and (is_always or not cursor.sees_word("AS", "IDENTITY")):
            column = replace(column, is_generated=True)
            if cursor.sees_symbol("(", 1):
                cursor.take()
                add_use(table, "computed", name.value, cursor.skip_group())
            else:
                _pass_column_constraint(cursor)
        else:
            _pass_column_constraint(cursor)
        label = ""
    return name, column


def _pass_column_constraint(cursor: Cursor) -> None:
    if cursor.take_words("OPTIONS"):
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
    elif cursor.take_words("AS", "IDENTITY") or cursor.take_words("IDENTITY"):
        if cursor.sees_symbol("("):
            cursor.skip_group()
    elif cursor.take_words("AS"):
        if not cursor.sees_symbol("("):
            raise cursor.unexpected("( is expected before the expression of a column")
        cursor.skip_group()
    elif not take_plain(cursor):
        raise cursor.unexpected("a type, a constraint, a comma or ) is expected")


def read_type(cursor: Cursor) -> tuple[str, tuple[str, ...]]:
    """Read a declared type with its arguments and brackets, in upper case.

    The values in the parentheses of ENUM and SET are no part of it, and are returned beside it.
    """
    start = cursor.peek()
    parts: list[str] = []
    arguments: list[str] = []
    values: tuple[str, ...] = ()
    last = start
    while True:
        token = cursor.peek()
        if token is None:
            break
        if token.is_symbol("(") and parts:
            inner = _take_arguments(cursor)
            if parts == ["ENUM"] or parts == ["SET"]:
                values = strings_of(cursor, inner)
            else:
                arguments.append(_join_arguments(inner))
                parts[-1] += arguments[-1]
        elif token.kind == "symbol" and token.value == "[]" and parts:
            parts[-1] += cursor.take().text
        elif token.is_symbol(".") and parts:
            cursor.take()
            parts[-1] = cursor.take_name("a type").value.upper()
        elif token.is_word("UNION") and not parts:
            parts.append(cursor.take().value.upper())
        elif token.kind in ("word", "quoted") and not _ends_type(cursor, token, bool(parts)):
            _refuse_missing_comma(cursor, parts, token, last)
            last = token
            parts.append(cursor.take_name("a type").value.upper())
        else:
            break
    declared = " ".join(parts)
    length = len(declared) - sum(map(len, arguments))
    if start is not None and length > MAX_TYPE_LENGTH:
        message = f"A type has {length} characters; at most {MAX_TYPE_LENGTH} may be."
        raise cursor.error(message, start.start)
    return declared, values


def strings_of(cursor: Cursor, tokens: Sequence[Token]) -> tuple[str, ...]:
    """Return the strings among tokens as the values of an enum; none where they are too many.

    MySQL takes trailing blanks off such a value.
    """
    literals = Literals(cursor.string_value, has_double_quotes=True)
    found = [value for token in tokens if (value := literals.read(token)) is not None]
    values = tuple(dict.fromkeys(v.rstrip(" ") if cursor.has_backslash else v for v in found))
    return values if can_be_shown(values) else ()


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


def _take_arguments(cursor: Cursor) -> list[Token]:
    """Take the arguments of a type, and refuse what looks like a forgotten parenthesis."""
    opening = cursor.peek()
    inner = cursor.skip_group()
    if opening is not None and not inner:
        raise cursor.error("Nothing stands between these parentheses.", opening.start)
    for token, following in zip(inner, [*inner[1:], None], strict=True):
        is_last_comma = token.text == "," and (following is None or following.text == ",")
        if token.is_word("NOT", "NULL", "DEFAULT", "PRIMARY", "CHECK") or is_last_comma:
            raise cursor.error(f"{show(token.text)} cannot stand in a type.", token.start)
    return inner


def _join_arguments(inner: list[Token]) -> str:
    """Write arguments that are numbers, types or fields, as STRUCT's; anything else is dropped."""
    written = "("
    for token in inner:
        is_word = token.kind in ("word", "number")
        is_name = token.kind == "quoted" and token.text[0] == '"' and token.value.isprintable()
        if is_word or is_name:
            written += (" " if written[-1] not in "(,-+" else "") + token.text.upper()
        elif token.value == "[]" or token.text in ("(", ")", ",", "-", "+"):
            written += token.text
        else:
            return ""
    return written + ")" if len(written) < MAX_ARGUMENTS_LENGTH else ""

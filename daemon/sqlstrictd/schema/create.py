"""What stands in the parentheses of CREATE TABLE, in the spellings of the common dialects.

Names, types, keys, comments, and the closed lists of checks are kept; of other keys and checks and
of generated expressions, the columns that they name. Defaults, collations and options are passed
over by their parentheses alone: nothing reads them, so nothing depends on them.
"""

from __future__ import annotations

from sqlstrictd.schema.column import read_column
from sqlstrictd.schema.comments import trailing_comment
from sqlstrictd.schema.cursor import Cursor, is_name, show
from sqlstrictd.schema.keys import (
    ends_item,
    expect_key,
    pass_constraint_end,
    pass_token,
    read_key_columns,
    read_reference,
    set_primary_key,
)
from sqlstrictd.schema.scan import Token
from sqlstrictd.schema.table_draft import TableDraft
from sqlstrictd.schema.uses import add_use, read_key
from sqlstrictd.schema.values import closed_lists


def read_items(cursor: Cursor, table: TableDraft) -> None:
    """Read columns and constraints with the parentheses around them into the table."""
    cursor.expect_symbol("(", "before the columns of a table")
    table.comment = trailing_comment(cursor)
    while True:
        is_constraint = cursor.sees_word("CONSTRAINT") or _sees_constraint(cursor)
        n_columns = len(table.columns)
        read_item(cursor, table)
        if len(table.columns) > n_columns:
            table.comment_last(trailing_comment(cursor))
        # SQLite needs no comma between two constraints of a table.
        is_next = cursor.sees_word("CONSTRAINT") or _sees_constraint(cursor)
        if not cursor.take_symbol(",") and not (is_constraint and is_next):
            break
    cursor.expect_symbol(")", "after the columns of a table, or a comma between them")


def read_item(cursor: Cursor, table: TableDraft) -> None:
    """Read one column or one constraint into the table."""
    label = ""
    if cursor.take_words("CONSTRAINT") and not _sees_constraint(cursor):
        label = cursor.take_name("a constraint").value
        if not _sees_constraint(cursor):
            raise cursor.unexpected("a constraint is expected")
    if cursor.take_words("PRIMARY"):
        expect_key(cursor)
        set_primary_key(cursor, table, read_key_columns(cursor))
        if label:
            add_use(table, "primary", label, table.primary_key)
        pass_constraint_end(cursor)
    elif cursor.take_words("FOREIGN"):
        expect_key(cursor)
        columns = read_key_columns(cursor)
        if label:
            add_use(table, "foreign", label, columns)
        if not cursor.sees_word("REFERENCES"):
            raise cursor.unexpected("REFERENCES is expected")
        cursor.take()
        read_reference(cursor, table, columns)
    elif cursor.take_words("CHECK"):
        condition = cursor.skip_group()
        table.add_check(closed_lists(condition, cursor.literals))
        add_use(table, "check", label, condition)
        _pass_rest(cursor)
    elif _sees_constraint(cursor) or _sees_index(cursor):
        start = cursor.take().start
        _pass_rest(cursor)
        read_key(cursor, table, label, start)
    elif cursor.sees_word("LIKE"):
        raise _refuse(cursor, table, "copies the columns of another table (LIKE)")
    else:
        table.add_column(cursor, *read_column(cursor, table))


def _sees_constraint(cursor: Cursor) -> bool:
    return (
        any(map(cursor.sees_word, ("PRIMARY", "FOREIGN", "UNIQUE", "CHECK")))
        or cursor.sees_word("PERIOD", "FOR")
        or (cursor.sees_word("EXCLUDE") and cursor.sees_symbol("(", 1))
        or cursor.sees_word("EXCLUDE", "USING")
    )


def _sees_index(cursor: Cursor) -> bool:
    """Whether MySQL's KEY name (column) stands here, and not a column of the name "key"."""
    first = cursor.peek()
    if first is not None and first.is_word("FULLTEXT", "SPATIAL"):
        following = cursor.peek(1)
        return following is not None and following.is_word("KEY", "INDEX")
    if first is None or not first.is_word("KEY", "INDEX"):
        return False
    distance = 1
    following = cursor.peek(1)
    if following is not None and is_name(following):
        distance = 2
    if distance == 2 and cursor.sees_word(first.value.upper()) and _is_using(cursor, distance):
        return True
    inner = cursor.peek(distance + 1)
    return cursor.sees_symbol("(", distance) and inner is not None and _names_column(inner)


def _is_using(cursor: Cursor, distance: int) -> bool:
    token = cursor.peek(distance)
    return token is not None and token.is_word("USING")


def _names_column(token: Token) -> bool:
    return token.kind in ("word", "quoted") and not token.is_word("MAX")


def _pass_rest(cursor: Cursor) -> None:
    """Pass over the rest of a constraint or index, up to a comma or the next constraint."""
    while not ends_item(cursor) and not cursor.sees_word("CONSTRAINT"):
        if _sees_constraint(cursor):
            return
        pass_token(cursor)


def _refuse(cursor: Cursor, table: TableDraft, what: str) -> Exception:
    name = show(table.name.token.value)
    message = f"Table {name} {what}; write its columns out."
    return cursor.error(message, table.name.token.start)

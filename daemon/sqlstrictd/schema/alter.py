"""ALTER TABLE: what adds to a table or changes a column's type; what would rename is refused."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from sqlstrictd.schema.column import read_column, read_type
from sqlstrictd.schema.create import read_item
from sqlstrictd.schema.cursor import Cursor, is_name, show
from sqlstrictd.schema.draft import SchemaDraft
from sqlstrictd.schema.ends import is_go, pass_statement, refuse_missing_semicolon
from sqlstrictd.schema.keys import ends_item, pass_token, read_table_name
from sqlstrictd.schema.names import fold
from sqlstrictd.schema.scan import Token
from sqlstrictd.schema.table_draft import TableDraft

_CHECK_WORDS: Final = ("CONSTRAINT", "CHECK")


def read_alteration(cursor: Cursor, draft: SchemaDraft, first: Token) -> None:
    """Read ALTER TABLE: added columns and keys count, what would rename or drop is refused."""
    cursor.take_words("IF", "EXISTS")
    cursor.take_words("ONLY")
    name = read_table_name(cursor)
    table = draft.find(name)
    if table is None:
        shown = show(name.token.value)
        draft.warn(f"ALTER TABLE left out: there is no table {shown} before it", first.start)
        pass_statement(cursor)
        return
    while True:
        if cursor.take_words("WITH", "CHECK") or cursor.take_words("WITH", "NOCHECK"):
            continue
        if cursor.take_words("ADD"):
            cursor.take_words("COLUMN")
            cursor.take_words("IF", "NOT", "EXISTS")
            read_item(cursor, table)
        elif cursor.take_words("MODIFY"):
            cursor.take_words("COLUMN")
            table.replace_column(cursor, *read_column(cursor, table))
        elif cursor.take_words("ATTACH", "PARTITION"):
            partition = read_table_name(cursor)
            if draft.find(partition) is not None:
                draft.remove(partition)
                draft.note_name(partition.token.value)
                shown = show(partition.token.value)
                draft.warn(f"partition {shown} left out", partition.token.start)
            while not ends_item(cursor):
                pass_token(cursor)
        elif not _read_column_alteration(cursor, table):
            _pass_alteration(cursor, draft, table)
        if not cursor.take_symbol(","):
            break
    following = cursor.peek()
    if following is not None and not is_go(cursor, following):
        cursor.expect_symbol(";", "after ALTER TABLE")


def _read_column_alteration(cursor: Cursor, table: TableDraft) -> bool:
    """Read PostgreSQL's new type of a column, or its identity, if one of them stands here."""
    n_words = 2 if cursor.sees_word("ALTER", "COLUMN") else 1
    name, kind = cursor.peek(n_words), cursor.peek(n_words + 1)
    if not cursor.sees_word("ALTER") or name is None or kind is None or not is_name(name):
        return False
    following = cursor.peek(n_words + 2)
    is_data_type = kind.is_word("SET") and following is not None and following.is_word("DATA")
    is_type = kind.is_word("TYPE") or is_data_type
    is_identity = kind.is_word("ADD") and following is not None and following.is_word("GENERATED")
    if not is_type and not is_identity:
        return False
    for _ in range(n_words):
        cursor.take()
    column = table.column(cursor, cursor.take_name("a column"))
    cursor.take_words("SET", "DATA")
    cursor.take()
    if is_type:
        declared, values = read_type(cursor)
        column = replace(column, type=declared, values=values)
    else:
        cursor.take()
        column = replace(column, is_generated=cursor.sees_word("ALWAYS"))
    table.columns[fold(column.name)] = column
    while not ends_item(cursor):
        pass_token(cursor)
    return True


def _pass_alteration(cursor: Cursor, draft: SchemaDraft, table: TableDraft) -> None:
    """Pass over an alteration that leaves every name as it is.

    Raises:
        SchemaError: it renames or drops; the schema as it is in the end is needed.
    """
    token = cursor.take()
    following = cursor.peek()
    keeps_names = following is not None and following.is_word(
        "CONSTRAINT", "INDEX", "KEY", "FOREIGN", "PRIMARY", "CHECK", "NOT", "DEFAULT"
    )
    if token.is_word("RENAME", "CHANGE") or (token.is_word("DROP") and not keeps_names):
        raise cursor.error(
            f"Table {show(table.name.token.value)} is renamed or loses a column here "
            f"({token.value.upper()}); give the schema as it is in the end.",
            token.start,
        )
    if token.is_word("DROP") and following is not None and following.is_word(*_CHECK_WORDS):
        table.checks.clear()  # which of them is gone is not known
    draft.leave_out("ALTER TABLE", token.start)
    while (token_ahead := cursor.peek()) is not None:
        if token_ahead.is_symbol(",") or token_ahead.is_symbol(";") or is_go(cursor, token_ahead):
            return
        refuse_missing_semicolon(cursor)
        if token_ahead.is_symbol("("):
            cursor.skip_group()
        else:
            cursor.take()

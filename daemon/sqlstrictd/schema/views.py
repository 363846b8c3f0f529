"""CREATE VIEW: a view is a table that can only be read, once its columns are known.

`statements.py` calls `read_view` behind the word VIEW, and `ddl.py` calls `take_in_views` when all
tables are known. A view that says its columns' types itself, `SELECT CAST(NULL AS type) AS name`
(as this project's clients write them), is read here. Any other query is given to `infer`, which
the caller of `parse_schema` brings, for queries are not read in this package. What cannot be
followed is left out with a warning that names it, and is never an error.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Final

from sqlstrictd.errors import SchemaError
from sqlstrictd.schema.column import read_type
from sqlstrictd.schema.comments import clean_comment
from sqlstrictd.schema.cursor import MAX_NAME_LENGTH, Cursor, is_name, show
from sqlstrictd.schema.draft import MAX_TABLES, SchemaDraft
from sqlstrictd.schema.ends import is_go, pass_statement
from sqlstrictd.schema.keys import read_table_name
from sqlstrictd.schema.names import fold
from sqlstrictd.schema.scan import ScanError, Token, check_name
from sqlstrictd.schema.table_draft import MAX_COLUMNS, TableDraft, TableName, ViewDraft
from sqlstrictd.schema.types import Column, Schema, Table
from sqlstrictd.schema.uses import names_all, tokens_of, words_of
from sqlstrictd.schema.values import closed_lists

# The queries of all views together: each is parsed twice, at about 1 MB a second.
MAX_QUERY_CHARACTERS: Final = 1 << 18

# How MySQL's and MariaDB's dumps write a view: in comments that the server reads.
_IN_COMMENTS: Final = re.compile(
    r"(/\*!\d{5,6})( CREATE ALGORITHM=\w+ )(\*/\s*/\*!\d{5,6})( DEFINER=[^*]*?)"
    r"(\*/\s*/\*!\d{5,6})( VIEW (?:(?!\*/).)*)(\*/)"
    r"(?=\s*(?:/\*!\d{5,6} WITH (?:CASCADED |LOCAL )?CHECK OPTION ?\*/\s*)?;)",
    re.DOTALL,
)
# What may follow a view's query, and is none of it.
_TAILS: Final = (
    ("WITH", "DATA"),
    ("WITH", "NO", "DATA"),
    ("WITH", "CHECK", "OPTION"),
    ("WITH", "CASCADED", "CHECK", "OPTION"),
    ("WITH", "LOCAL", "CHECK", "OPTION"),
    ("WITH", "READ", "ONLY"),
)


class CannotFollow(Exception):
    """A view's columns cannot be told from its query; the text says why, as a sentence's end."""


# A view's query, the schema so far, and the namespace that its tables may carry -> its columns.
Infer = Callable[[str, Schema, str], tuple[Column, ...]]


def bare_views(text: str) -> str:
    """Return a dump with its views out of their comments, everything else in its old place."""

    def bare(found: re.Match[str]) -> str:
        blank = [re.sub(r"[^\r\n]", " ", found[number]) for number in (1, 3, 5, 7)]
        return f"{blank[0]}{found[2]}{blank[1]}{found[4]}{blank[2]}{found[6]}{blank[3]}"

    return _IN_COMMENTS.sub(bare, text)


def read_view(cursor: Cursor, draft: SchemaDraft, offset: int) -> None:
    """Read what follows CREATE VIEW up to its end."""
    cursor.take_words("IF", "NOT", "EXISTS")
    following = cursor.peek()
    if following is None or not is_name(following):
        draft.leave_out("CREATE VIEW", offset)
        pass_statement(cursor)
        return
    name = read_table_name(cursor)
    start = cursor.end
    try:
        listed = tuple(_read_list(cursor)) if cursor.sees_symbol("(") else ()
        comment = _take_comment(cursor)
        is_query = _take_as(cursor)
        table = TableDraft(name, comment=comment, is_view=True) if is_query else None
        start = cursor.end
        if table is not None and _read_plain(cursor, table, listed):
            draft.add_view(table, offset)
            return
    except SchemaError:
        listed, is_query = (), False
    cursor.jump(start)
    pass_statement(cursor)
    query = _without_tail(cursor, start, cursor.end) if is_query else ""
    tokens = tokens_of(cursor, offset)
    words, has_star = words_of(tokens), names_all(tokens)
    draft.add_view(ViewDraft(name, listed, query, offset, words, has_star), offset)


def take_in_views(draft: SchemaDraft, schema: Schema, infer: Infer | None) -> Schema:
    """Return the schema with the views that can be followed, each after those that it reads.

    Raises:
        SchemaError: nothing is left to ask about.
    """
    waiting, left = list(draft.views_beside(schema)), MAX_QUERY_CHARACTERS
    reasons: dict[int, str] = {}
    is_moving = True
    while waiting and is_moving:
        is_moving = False
        for view in list(waiting):
            left -= len(view.query)
            try:
                if infer is None:
                    raise CannotFollow("")
                if left < 0:
                    raise CannotFollow("the queries of all views together are too long")
                schema = replace(schema, tables=(*schema.tables, _follow(view, schema, infer)))
            except CannotFollow as error:
                reasons[view.offset] = str(error)
            else:
                waiting.remove(view)
                is_moving = True
    for view in waiting:
        schema = replace(schema, unread_views=(*schema.unread_views, view.name.token.value))
        reason = reasons[view.offset]
        shown = show(view.name.token.value)
        draft.warn(f"view {shown} left out{': ' if reason else ''}{reason}", view.offset)
    return draft.finish(schema)


def _follow(view: ViewDraft, schema: Schema, infer: Infer) -> Table:
    name = view.name.token.value
    if len(schema.tables) >= MAX_TABLES:
        raise CannotFollow(f"there are {MAX_TABLES} tables and views before it")
    if not view.query:
        raise CannotFollow("it is not made of a query")
    if schema.table(name) is not None:
        raise CannotFollow("there is a table of its name")
    columns = infer(view.query, schema, view.name.namespace)
    if view.columns:
        if len(view.columns) != len(columns):
            raise CannotFollow("its list of columns is not as long as what it names")
        pairs = zip(columns, view.columns, strict=True)
        columns = tuple(replace(column, name=listed) for column, listed in pairs)
    _check_names(columns)
    return Table(name, columns, is_view=True)


def _check_names(columns: tuple[Column, ...]) -> None:
    """Hold a view's columns to what holds for those of tables."""
    if not 0 < len(columns) <= MAX_COLUMNS:
        raise CannotFollow(f"it has {len(columns)} columns")
    if not all(column.name for column in columns):
        raise CannotFollow("a column has no name; give it one with AS")
    if len({fold(column.name) for column in columns}) < len(columns):
        raise CannotFollow("two of its columns have the same name")
    for column in columns:
        try:
            check_name(Token("quoted", column.name, column.name, 0))
        except ScanError as error:
            raise CannotFollow("a column's name has a character that cannot stand there") from error
        if len(column.name) > MAX_NAME_LENGTH:
            raise CannotFollow("a column's name is too long")


def _read_list(cursor: Cursor) -> Iterator[str]:
    cursor.expect_symbol("(", "before the columns of a view")
    while True:
        yield cursor.take_name("a column").value
        if not cursor.take_symbol(","):
            break
    cursor.expect_symbol(")", "after the columns of a view")


def _take_as(cursor: Cursor) -> bool:
    """Take what stands before a view's query, AS included; say whether AS was there."""
    while (token := cursor.peek()) is not None and not token.is_symbol(";"):
        if cursor.take_words("AS"):
            return True
        if token.is_symbol("("):
            cursor.skip_group()
        elif is_go(cursor, token):
            return False
        else:
            cursor.take()
    return False


def _read_plain(cursor: Cursor, table: TableDraft, listed: tuple[str, ...]) -> bool:
    """Read SELECT CAST(NULL AS type) [AS name], ...; say whether it is all of the query.

    NULL alone is a column without a type.
    """
    if not cursor.take_words("SELECT"):
        return False
    at = 0
    while True:
        declared: str = ""
        values: tuple[str, ...] = ()
        if cursor.take_words("CAST"):
            if not (cursor.take_symbol("(") and cursor.take_words("NULL", "AS")):
                return False
            declared, values = read_type(cursor)
            if not cursor.take_symbol(")"):
                return False
        elif not cursor.take_words("NULL"):
            return False
        named = cursor.take_name("a column") if cursor.take_words("AS") else None
        if at < len(listed):
            name = listed[at]
        elif named is not None and not listed:
            name = named.value
        else:
            return False
        table.add_column(cursor, table.name.token, Column(name, declared, values=values))
        _read_hints(cursor, table)
        at += 1
        if not cursor.take_symbol(","):
            break
    _read_tables(cursor, table)
    token = cursor.peek()
    is_end = token is None or token.is_symbol(";") or is_go(cursor, token)
    return is_end and at == (len(listed) or at)


def _read_tables(cursor: Cursor, table: TableDraft) -> None:
    """Read WHERE EXISTS (SELECT column, ... FROM table) AND ...: what the real view reads."""
    if not cursor.take_words("WHERE"):
        return
    while cursor.take_words("EXISTS"):
        inner = cursor.skip_group()
        at = next((n for n, token in enumerate(inner) if token.is_word("FROM")), len(inner))
        if at + 2 == len(inner):
            named = frozenset(fold(token.value) for token in inner[1:at] if is_name(token))
            table.reads.append((TableName(inner[-1]), named))
        if not cursor.take_words("AND"):
            return


def _read_hints(cursor: Cursor, table: TableDraft) -> None:
    """Read the values and the comment that `render_definitions` writes behind a column."""
    if cursor.take_words("CHECK"):
        table.add_check(closed_lists(cursor.skip_group(), cursor.literals))
    if comment := _take_comment(cursor):
        table.comment_last(comment)


def _take_comment(cursor: Cursor) -> str:
    if not cursor.take_words("COMMENT"):
        return ""
    return clean_comment(cursor.literals.read(cursor.take()) or "")


def _without_tail(cursor: Cursor, start: int, end: int) -> str:
    """Return the text of a query without what may follow it."""
    text = cursor.text[start:end].rstrip()
    for words in _TAILS:
        last = text.upper().split()[-len(words) :]
        if last == list(words):
            return text[: text.upper().rindex("WITH")].rstrip()
    return text

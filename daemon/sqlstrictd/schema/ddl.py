"""Schema text to a `Schema`: CREATE TABLE statements, a whole dump, or the model card's form.

Called by `catalog.py` for clients' text, and by `train/` and `bench/`. Statements that make no
table are passed over with a warning that names them; nothing of the text is ever executed. Tables
are read by a parser of our own and not by sqlglot, for three reasons: every error has its place,
any nesting is read without recursion, and whatever stands in an expression needs no understanding.
"""

from __future__ import annotations

import re
from typing import Final

from sqlstrictd.errors import SchemaError
from sqlstrictd.schema.compact import is_compact, read_compact
from sqlstrictd.schema.cursor import Cursor
from sqlstrictd.schema.draft import SchemaDraft
from sqlstrictd.schema.scan import describe_character
from sqlstrictd.schema.statements import read_statement
from sqlstrictd.schema.types import Schema
from sqlstrictd.schema.views import Infer, bare_views, take_in_views

MAX_TEXT_LENGTH: Final = 1 << 20

_HAS_MYSQL_OPTIONS: Final = re.compile(r"\)\s*ENGINE\s*=", re.IGNORECASE)
# NUL, and half characters that are no text and that no encoding can send.
_FORBIDDEN: Final = re.compile("[\0\ud800-\udfff]")


def parse_schema(text: str, dialect: str = "sqlite", infer: Infer | None = None) -> Schema:
    """Parse CREATE TABLE and VIEW statements, in any of the common dialects, or the compact form.

    `dialect` is what queries on the schema are written in, and is kept with it. `infer` tells the
    columns of views (`verify.infer_columns`); without it, those whose columns have no types in the
    text are left out. A foreign key to something that is not in the text is dropped with a warning.

    Raises:
        SchemaError: the text cannot be read or is over a cap, with line and column.
    """
    if len(text) > MAX_TEXT_LENGTH:
        raise SchemaError(
            f"The schema has {len(text)} characters; at most {MAX_TEXT_LENGTH} are read.", 1, 1
        )
    text = text.removeprefix("\ufeff")
    _check_characters(text)
    # In MySQL's dumps a backslash escapes a quote; elsewhere it is a character as any other.
    is_mysql = dialect == "mysql" or _HAS_MYSQL_OPTIONS.search(text) is not None
    if is_mysql:
        text = bare_views(text)
    readings = (True, False) if is_mysql else (False, True)
    try:
        return _parse(text, dialect, infer, has_backslash=readings[0])
    except SchemaError:
        if "\\'" in text:
            try:
                return _parse(text, dialect, infer, has_backslash=readings[1])
            except SchemaError:
                pass  # the first reading is the likelier one: its error says more
        raise


def _check_characters(text: str) -> None:
    cursor = Cursor(text)
    if not text.strip():
        raise cursor.error("The schema is empty.", 0)
    found = _FORBIDDEN.search(text)
    if found is not None:
        what = describe_character(found.group())
        raise cursor.error(f"The character {what} cannot stand here.", found.start())


def _parse(text: str, dialect: str, infer: Infer | None, *, has_backslash: bool) -> Schema:
    cursor = Cursor(
        text,
        has_backslash=has_backslash,
        folds_words=dialect == "postgres",
        has_double_quotes=dialect in ("sqlite", "mysql"),
    )
    draft = SchemaDraft(cursor)
    if is_compact(cursor):
        read_compact(cursor, draft)
        return draft.finish(draft.build(dialect))
    while (token := cursor.peek()) is not None:
        read_statement(cursor, draft, token)
    return take_in_views(draft, draft.build(dialect), infer)

"""Keys in CREATE TABLE and ALTER TABLE, and what may stand between and after their parts.

`create.py` and `column.py` read with these, since a key stands beside columns or inside one.
"""

from __future__ import annotations

from typing import Final

from sqlstrictd.schema.cursor import Cursor, show
from sqlstrictd.schema.names import fold
from sqlstrictd.schema.scan import Token
from sqlstrictd.schema.table_draft import KeyDraft, TableDraft, TableName

# Words that end a column's type or default.
CONSTRAINT_WORDS: Final = frozenset(
    """
    CONSTRAINT PRIMARY NOT NULL UNIQUE CHECK DEFAULT COLLATE REFERENCES GENERATED AS ON AFTER FIRST
    AUTOINCREMENT AUTO_INCREMENT IDENTITY COMMENT CHARSET COMPRESSION ENCODE STORAGE OPTIONS
    VISIBLE INVISIBLE STORED VIRTUAL PERSISTED DEFERRABLE INITIALLY MATCH NO CLUSTERED NONCLUSTERED
    """.split()
)
# Words of a column's definition that say nothing of its name, type or keys.
_SINGLE_WORDS: Final = (
    "AUTOINCREMENT",
    "AUTO_INCREMENT",
    "NULL",
    "VISIBLE",
    "INVISIBLE",
    "STORED",
    "VIRTUAL",
    "PERSISTED",
    "CLUSTERED",
    "NONCLUSTERED",
    "DEFERRABLE",
    "FIRST",
)

_WORD_PAIRS: Final = (
    ("NOT", "ENFORCED"),
    ("NOT", "VALID"),
    ("NOT", "DEFERRABLE"),
    ("NO", "INHERIT"),
)
# Words that take one name or word after them.
_NAMING_WORDS: Final = ("CHARSET", "COMPRESSION", "ENCODE", "STORAGE", "INITIALLY", "MATCH")

_ACTION_WORDS: Final = (
    ("SET", "NULL"),
    ("SET", "DEFAULT"),
    ("NO", "ACTION"),
    ("CASCADE",),
    ("RESTRICT",),
)


def read_table_name(cursor: Cursor) -> TableName:
    """Read a table's name with any namespace before it."""
    return join_name(read_name_parts(cursor, "a table"))


def read_name_parts(cursor: Cursor, what: str) -> list[Token]:
    """Read a name with dots in it, one token for each part."""
    parts = [cursor.take_name(what)]
    while cursor.take_symbol("."):
        parts.append(cursor.take_name(what))
    return parts


def join_name(parts: list[Token]) -> TableName:
    """Make a table's name of its parts: the last one, and a namespace of the others."""
    return TableName(parts[-1], fold(".".join(part.value for part in parts[:-1])))


def expect_key(cursor: Cursor) -> None:
    """Take the word KEY after PRIMARY or FOREIGN."""
    if not cursor.take_words("KEY"):
        raise cursor.unexpected("KEY is expected")


def read_key_columns(cursor: Cursor) -> tuple[Token, ...]:
    """Read the columns of a key; MySQL and SQL Server write words between KEY and them."""
    while not cursor.sees_symbol("("):
        cursor.take_name("a key, or its columns in parentheses,")
    cursor.expect_symbol("(", "before the columns of a key")
    names = []
    while True:
        names.append(cursor.take_name("a column"))
        pass_expression(cursor)
        if not cursor.take_symbol(","):
            break
    cursor.expect_symbol(")", "after the columns of a key")
    return tuple(names)


def set_primary_key(cursor: Cursor, table: TableDraft, names: tuple[Token, ...]) -> None:
    """Give the table its primary key, and refuse a second one."""
    if table.primary_key:
        name = show(table.name.token.value)
        raise cursor.error(f"Table {name} has two primary keys.", names[0].start)
    table.primary_key = names


def read_reference(cursor: Cursor, table: TableDraft, columns: tuple[Token, ...]) -> None:
    """Read what follows REFERENCES into a foreign key of these columns."""
    parent = read_table_name(cursor)
    parent_columns = read_key_columns(cursor) if cursor.sees_symbol("(") else ()
    table.foreign_keys.append(KeyDraft(columns, parent, parent_columns))
    pass_constraint_end(cursor)


def pass_constraint_end(cursor: Cursor) -> None:
    """Pass over what may follow a key: actions, timing, conflict clauses, index options."""
    while True:
        if cursor.take_words("ON", "CONFLICT"):
            cursor.take_name("a conflict action")
        elif cursor.take_words("ON", "DELETE") or cursor.take_words("ON", "UPDATE"):
            if not any(cursor.take_words(*words) for words in _ACTION_WORDS):
                raise cursor.unexpected("an action (CASCADE, SET NULL, ...) is expected")
        elif cursor.sees_word("ON") and _is_quoted(cursor.peek(1)):
            cursor.take()
            cursor.take_name("a file group")
        elif cursor.take_words("USING"):
            cursor.take_words("INDEX")
            cursor.take_words("TABLESPACE")
            cursor.take_name("an index")
        elif cursor.take_words("WITH") or cursor.take_words("INCLUDE"):
            cursor.skip_group()
        elif not take_plain(cursor):
            return


def _is_quoted(token: Token | None) -> bool:
    """Whether a name in quotes stands here, as SQL Server's [PRIMARY] after ON."""
    return token is not None and token.kind == "quoted"


def take_plain(cursor: Cursor) -> bool:
    """Pass over a word or two that say nothing of names or keys, and say whether any stood here."""
    if any(cursor.take_words(*pair) for pair in _WORD_PAIRS):
        return True
    if any(cursor.take_words(word) for word in _SINGLE_WORDS):
        return True
    if any(cursor.take_words(word) for word in _NAMING_WORDS):
        cursor.take_name("an option")
        return True
    return False


def ends_item(cursor: Cursor) -> bool:
    """Whether a column or constraint ends here."""
    token = cursor.peek()
    return token is None or (token.kind == "symbol" and token.text in (",", ")", ";"))


def pass_token(cursor: Cursor) -> None:
    """Pass over one token, or over a whole group in parentheses."""
    if cursor.sees_symbol("("):
        cursor.skip_group()
    else:
        cursor.take()


def pass_expression(cursor: Cursor) -> None:
    """Pass over tokens up to the next constraint, comma or parenthesis."""
    while not ends_item(cursor):
        token = cursor.peek()
        if token is not None and token.kind == "word" and token.value.upper() in CONSTRAINT_WORDS:
            if not token.is_word("COLLATE"):
                return
        pass_token(cursor)

"""The statements of a dump: which make the schema, which are passed over, which are refused.

`ddl.py` calls `read_statement` until the text ends. What is passed over leaves a warning with its
kind and line, and never hides a table.
"""

from __future__ import annotations

import re
from typing import Final

from sqlstrictd.schema.create import read_item, read_items
from sqlstrictd.schema.cursor import Cursor, show
from sqlstrictd.schema.draft import SchemaDraft, TableDraft
from sqlstrictd.schema.keys import read_table_name
from sqlstrictd.schema.names import fold
from sqlstrictd.schema.scan import Token

_LINE: Final = re.compile(r"[^\r\n]*")
_COPY_END: Final = re.compile(r"^\\\.[ \t]*$", re.MULTILINE)
_DELIMITER_END: Final = re.compile(r"^DELIMITER[ \t]+;[ \t]*$", re.MULTILINE | re.IGNORECASE)

# Words between CREATE and what it makes.
_CREATE_ADVERBS: Final = frozenset(
    "TEMP TEMPORARY GLOBAL LOCAL UNLOGGED FOREIGN EXTERNAL OR REPLACE UNIQUE FULLTEXT SPATIAL "
    "CLUSTERED NONCLUSTERED RECURSIVE CONSTRAINT TRUSTED ALGORITHM UNDEFINED MERGE TEMPTABLE "
    "DEFINER SQL SECURITY INVOKER MATERIALIZED".split()
)
# What CREATE, ALTER and DROP are followed by.
_CREATED: Final = frozenset(
    "TABLE INDEX VIEW TRIGGER FUNCTION PROCEDURE EVENT VIRTUAL TYPE SEQUENCE SCHEMA DATABASE "
    "EXTENSION DOMAIN ROLE USER POLICY RULE AGGREGATE OPERATOR CAST COLLATION CONVERSION LANGUAGE "
    "PUBLICATION SUBSCRIPTION SERVER STATISTICS TABLESPACE TRANSFORM TEXT ACCESS GROUP SYNONYM "
    "PACKAGE LOGIN MACRO SECRET STREAM TASK STAGE WAREHOUSE DEFAULT LARGE SYSTEM OWNED ASSERTION "
    "PARTITION COLUMN XML ASSEMBLY CERTIFICATE QUEUE SERVICE".split()
)
# What CREATE makes with statements inside, up to an END of their own.
_BLOCKS: Final = frozenset({"TRIGGER", "FUNCTION", "PROCEDURE", "EVENT"})
_INNER_ENDS: Final = frozenset({"IF", "LOOP", "WHILE", "REPEAT"})
_PASSED_OVER: Final = frozenset(
    "INSERT REPLACE UPDATE DELETE MERGE SELECT WITH VALUES PRAGMA BEGIN START COMMIT END ROLLBACK "
    "SAVEPOINT RELEASE SET ANALYZE VACUUM REINDEX GRANT REVOKE COMMENT LOCK UNLOCK USE ATTACH "
    "DETACH EXPLAIN DROP ALTER CREATE COPY DO CALL TRUNCATE EXEC EXECUTE PRINT RESET SHOW REFRESH "
    "SECURITY REASSIGN INSTALL LOAD OPTIMIZE CHECKPOINT NOTIFY IF".split()
)
# Statements whose being passed over needs no mention: they say nothing about any table.
_SILENT: Final = frozenset(
    "PRAGMA BEGIN START COMMIT END ROLLBACK SET USE ANALYZE LOCK UNLOCK VACUUM".split()
)
_TABLE_OPTIONS: Final = frozenset(
    "WITHOUT STRICT ENGINE AUTO_INCREMENT AVG_ROW_LENGTH DEFAULT CHARACTER CHARSET COLLATE COMMENT "
    "CHECKSUM CONNECTION DATA INDEX DELAY_KEY_WRITE ENCRYPTION INSERT_METHOD KEY_BLOCK_SIZE "
    "MAX_ROWS MIN_ROWS PACK_KEYS PASSWORD ROW_FORMAT STATS_AUTO_RECALC STATS_PERSISTENT "
    "STATS_SAMPLE_PAGES TABLESPACE UNION PARTITION USING WITH ON TEXTIMAGE_ON CLUSTER OPTIONS "
    "STORED LOCATION TBLPROPERTIES ROW ORDER DISTKEY SORTKEY DISTSTYLE TYPE SERVER LOGGING "
    "NOLOGGING COMPRESS NOCOMPRESS PCTFREE STORAGE SEGMENT".split()
)


def read_statement(cursor: Cursor, draft: SchemaDraft, first: Token) -> None:
    """Read or pass over one statement with the semicolon after it."""
    if first.is_symbol(";") or first.is_symbol("/") or _is_go(cursor, first):
        cursor.take()
    elif first.is_symbol("\\"):
        cursor.jump(_end_of(_LINE, cursor, first.start))  # a command of psql, to the line's end
    elif first.is_word("DELIMITER"):
        draft.leave_out("DELIMITER block", first.start)
        cursor.jump(_end_of(_DELIMITER_END, cursor, first.end))
    elif first.is_word("CREATE"):
        _read_create(cursor, draft)
    elif cursor.take_words("ALTER", "TABLE"):
        _read_alter(cursor, draft, first)
    elif cursor.take_words("DROP", "TABLE"):
        cursor.take_words("IF", "EXISTS")
        draft.remove(read_table_name(cursor))
        _pass_statement(cursor)
    elif first.kind == "word" and first.value.upper() in _PASSED_OVER:
        if first.value.upper() not in _SILENT:
            draft.leave_out(_kind(cursor), first.start)
        _pass_statement(cursor)
    else:
        raise cursor.unexpected("a statement is expected (CREATE TABLE, or Table 'name' (column))")


def _end_of(pattern: re.Pattern[str], cursor: Cursor, offset: int) -> int:
    match = pattern.search(cursor.text, offset)
    return len(cursor.text) if match is None else match.end()


def _kind(cursor: Cursor) -> str:
    """Name a statement by its first word, and by what it creates, drops or alters."""
    first = cursor.take().value.upper()
    if first not in ("CREATE", "ALTER", "DROP"):
        return first
    while (token := cursor.peek()) is not None:
        if token.kind == "word" and token.value.upper() not in _CREATE_ADVERBS:
            if token.value.upper() in _CREATED:
                return f"{first} {token.value.upper()}"
            break
        # MySQL names a definer here, as DEFINER = `root`@`localhost`.
        if token.is_symbol(";") or token.is_symbol("("):
            break
        cursor.take()
    raise cursor.unexpected(f"TABLE, VIEW or the like is expected after {first}")


def _read_create(cursor: Cursor, draft: SchemaDraft) -> None:
    first = cursor.peek()
    offset = first.start if first is not None else 0
    kind = _kind(cursor)
    if kind == "CREATE TABLE":
        cursor.take()
        _read_table(cursor, draft)
        return
    draft.leave_out(kind, offset)
    _pass_statement(cursor, has_block=kind.removeprefix("CREATE ") in _BLOCKS)


def _read_table(cursor: Cursor, draft: SchemaDraft) -> None:
    is_optional = cursor.take_words("IF", "NOT", "EXISTS")
    table = TableDraft(read_table_name(cursor))
    name = table.name.token
    if fold(name.value).startswith("sqlite_"):
        draft.warn(f"SQLite's own table {show(name.value)} left out", name.start)
        _pass_statement(cursor)
        return
    if cursor.sees_word("PARTITION", "OF"):
        draft.warn(f"partition {show(name.value)} left out", name.start)
        _pass_statement(cursor)
        return
    _refuse_copies(cursor, name)
    read_items(cursor, table)
    _read_options(cursor, name)
    if is_optional and draft.find(table.name) is not None:
        draft.warn(f"second definition of table {show(name.value)} left out", name.start)
        return
    draft.add(table)


def _refuse_copies(cursor: Cursor, name: Token) -> None:
    """Refuse a table whose columns are those of something else: they cannot be known here."""
    found = [
        word for word in ("AS", "SELECT", "LIKE", "CLONE", "INHERITS") if cursor.sees_word(word)
    ]
    if found:
        raise cursor.error(
            f"Table {show(name.value)} takes its columns from elsewhere ({found[0]}); write its "
            "columns out.",
            name.start,
        )


def _read_options(cursor: Cursor, name: Token) -> None:
    """Pass over the table's options, up to the semicolon or the end."""
    is_first = True
    while (token := cursor.peek()) is not None and not token.is_symbol(";"):
        _refuse_copies(cursor, name)
        if is_first and not _is_go(cursor, token) and not token.is_word(*_TABLE_OPTIONS):
            raise cursor.unexpected("; or a table option is expected")
        if _is_go(cursor, token):
            return
        _refuse_missing_semicolon(cursor)
        if token.is_symbol("("):
            cursor.skip_group()
        elif token.is_symbol(")"):
            raise cursor.unexpected("no parenthesis is open")
        else:
            cursor.take()
        is_first = False


def _is_go(cursor: Cursor, token: Token) -> bool:
    """Whether this is SQL Server's end of a batch: GO alone on its line."""
    if not token.is_word("GO"):
        return False
    before = re.split(r"[\r\n]", cursor.text[max(0, token.start - 80) : token.start])[-1]
    after = _LINE.match(cursor.text, token.end)
    return not before.strip() and (after is None or not after.group().strip(" \t;"))


def _refuse_missing_semicolon(cursor: Cursor) -> None:
    if cursor.sees_word("CREATE", "TABLE"):
        raise cursor.unexpected("a semicolon is expected before the next statement")


def _pass_statement(cursor: Cursor, *, has_block: bool = False) -> None:
    """Pass over the rest of a statement, and over the rows after COPY ... FROM stdin.

    A table that would go by unseen, because a semicolon is missing before it, is an error.
    """
    depth = 0
    is_copy = False
    while (token := cursor.peek()) is not None:
        if (token.is_symbol(";") and depth <= 0) or _is_go(cursor, token):
            break
        if not has_block:
            _refuse_missing_semicolon(cursor)
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
        cursor.jump(_end_of(_COPY_END, cursor, token.end))


def _read_alter(cursor: Cursor, draft: SchemaDraft, first: Token) -> None:
    """Read ALTER TABLE: added columns and keys count, what would rename or drop is refused."""
    cursor.take_words("IF", "EXISTS")
    cursor.take_words("ONLY")
    name = read_table_name(cursor)
    table = draft.find(name)
    if table is None:
        shown = show(name.token.value)
        draft.warn(f"ALTER TABLE left out: there is no table {shown} before it", first.start)
        _pass_statement(cursor)
        return
    while True:
        if cursor.take_words("WITH", "CHECK") or cursor.take_words("WITH", "NOCHECK"):
            continue
        if cursor.take_words("ADD"):
            cursor.take_words("COLUMN")
            cursor.take_words("IF", "NOT", "EXISTS")
            read_item(cursor, table)
        else:
            _pass_alteration(cursor, draft, table)
        if not cursor.take_symbol(","):
            break
    following = cursor.peek()
    if following is not None and not _is_go(cursor, following):
        cursor.expect_symbol(";", "after ALTER TABLE")


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
    draft.leave_out("ALTER TABLE", token.start)
    while (token_ahead := cursor.peek()) is not None:
        if token_ahead.is_symbol(",") or token_ahead.is_symbol(";") or _is_go(cursor, token_ahead):
            return
        _refuse_missing_semicolon(cursor)
        if token_ahead.is_symbol("("):
            cursor.skip_group()
        else:
            cursor.take()

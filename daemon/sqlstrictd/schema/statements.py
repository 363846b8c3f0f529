"""The statements of a dump: which make the schema, which are passed over, which are refused.

`ddl.py` calls `read_statement` until the text ends. What is passed over leaves a warning with its
kind and line, and never hides a table.
"""

from __future__ import annotations

import re
from typing import Final

from sqlstrictd.schema.alter import read_alteration
from sqlstrictd.schema.comments import clean_comment, take_comment_on
from sqlstrictd.schema.create import read_items
from sqlstrictd.schema.cursor import Cursor, show
from sqlstrictd.schema.draft import SchemaDraft
from sqlstrictd.schema.ends import (
    LINE,
    end_of,
    is_go,
    pass_statement,
    refuse_missing_semicolon,
)
from sqlstrictd.schema.keys import read_table_name
from sqlstrictd.schema.named_statements import (
    read_domain_statement,
    read_type_alteration,
    read_type_statement,
)
from sqlstrictd.schema.names import fold
from sqlstrictd.schema.scan import Token
from sqlstrictd.schema.table_draft import TableDraft
from sqlstrictd.schema.uses import (
    READING,
    add_use,
    names_all,
    note_passed,
    read_index,
    tokens_of,
    words_of,
)
from sqlstrictd.schema.views import read_view

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
    if first.is_symbol(";") or first.is_symbol("/") or is_go(cursor, first):
        cursor.take()
    elif first.is_symbol("\\"):
        cursor.jump(end_of(LINE, cursor, first.start))  # a command of psql, to the line's end
    elif first.is_word("DELIMITER"):
        draft.leave_out("DELIMITER block", first.start)
        cursor.jump(end_of(_DELIMITER_END, cursor, first.end))
    elif first.is_word("CREATE"):
        _read_create(cursor, draft)
    elif cursor.take_words("ALTER", "TABLE"):
        read_alteration(cursor, draft, first)
    elif cursor.take_words("ALTER", "TYPE"):
        if not read_type_alteration(cursor, draft):
            draft.leave_out("ALTER TYPE", first.start)
        pass_statement(cursor)
    elif take_comment_on(cursor, draft):
        pass_statement(cursor)
    elif cursor.take_words("DROP", "TABLE") or cursor.take_words("DROP", "VIEW"):
        cursor.take_words("IF", "EXISTS")
        draft.remove(read_table_name(cursor))
        pass_statement(cursor)
    elif first.kind == "word" and first.value.upper() in _PASSED_OVER:
        if first.value.upper() not in _SILENT:
            draft.leave_out(_kind(cursor), first.start)
        pass_statement(cursor)
    else:
        raise cursor.unexpected("a statement is expected (CREATE TABLE, or Table 'name' (column))")


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
    note_passed(cursor, draft, kind)
    if kind == "CREATE TABLE":
        cursor.take()
        _read_table(cursor, draft)
        return
    if kind in ("CREATE TYPE", "CREATE DOMAIN"):
        cursor.take()
        read = read_type_statement if kind == "CREATE TYPE" else read_domain_statement
        if read(cursor, draft):
            pass_statement(cursor)
            return
    if kind == "CREATE VIEW" and not cursor.sees_word("VIEW", "LOG"):
        cursor.take()
        read_view(cursor, draft, offset)
        return
    if kind == "CREATE INDEX" and read_index(cursor, draft, offset):
        return
    if kind not in READING and kind != "CREATE SEQUENCE":
        draft.leave_out(kind, offset)
    pass_statement(cursor, has_block=kind.removeprefix("CREATE ") in _BLOCKS)
    if kind in READING:
        tokens = tokens_of(cursor, offset)
        draft.note_trigger(kind.lower(), words_of(tokens), uses_all=names_all(tokens))


def _read_table(cursor: Cursor, draft: SchemaDraft) -> None:
    is_optional = cursor.take_words("IF", "NOT", "EXISTS")
    table = TableDraft(read_table_name(cursor))
    name = table.name.token
    if fold(name.value).startswith("sqlite_"):
        draft.warn(f"SQLite's own table {show(name.value)} left out", name.start)
        pass_statement(cursor)
        return
    if cursor.sees_word("PARTITION", "OF"):
        draft.warn(f"partition {show(name.value)} left out", name.start)
        draft.note_name(name.value)
        pass_statement(cursor)
        return
    _refuse_copies(cursor, name)
    read_items(cursor, table)
    _read_options(cursor, table)
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


def _read_options(cursor: Cursor, table: TableDraft) -> None:
    """Pass over the table's options but its comment, up to the semicolon or the end."""
    name = table.name.token
    is_first, has_parts = True, False
    while (token := cursor.peek()) is not None and not token.is_symbol(";"):
        _refuse_copies(cursor, name)
        if is_first and not is_go(cursor, token) and not token.is_word(*_TABLE_OPTIONS):
            raise cursor.unexpected("; or a table option is expected")
        if is_go(cursor, token):
            return
        refuse_missing_semicolon(cursor)
        if token.is_word("PARTITION"):
            has_parts = True
        if token.is_symbol("("):
            inner = cursor.skip_group()
            if has_parts:
                add_use(table, "partition", "", inner)
                has_parts = False
        elif token.is_symbol(")"):
            raise cursor.unexpected("no parenthesis is open")
        elif cursor.take_words("COMMENT"):
            cursor.take_symbol("=")
            said = cursor.peek()
            if said is not None and (text := cursor.literals.read(said)) is not None:
                table.comment = clean_comment(text)
        else:
            cursor.take()
        is_first = False

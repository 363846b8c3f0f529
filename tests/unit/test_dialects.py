"""Dialects by name, the classes of declared types, and names and strings as each dialect writes."""

from __future__ import annotations

import pytest
from sqlstrictd import dialects
from sqlstrictd.dialects.facts import VALUE_CLASSES
from sqlstrictd.errors import UnsupportedDialect
from sqlstrictd.schema.names import quote_name, quote_string

# Names that no statement should call, in any dialect: they read files, wait, lock, change
# settings or sequences, reach other databases, or make a value of any size out of a number.
NEVER = frozenset(
    """
    PG_SLEEP SLEEP BENCHMARK LOAD_FILE PG_READ_FILE PG_READ_BINARY_FILE PG_LS_DIR LO_IMPORT
    LO_EXPORT READFILE WRITEFILE LOAD_EXTENSION FTS3_TOKENIZER EDIT READ_CSV READ_PARQUET
    READ_JSON READ_TEXT READ_BLOB GLOB_FILES SNIFF_CSV GETENV NEXTVAL SETVAL CURRVAL LASTVAL
    LAST_INSERT_ID GET_LOCK RELEASE_LOCK IS_FREE_LOCK PG_ADVISORY_LOCK PG_TERMINATE_BACKEND
    PG_CANCEL_BACKEND SET_CONFIG CURRENT_SETTING DBLINK DBLINK_EXEC QUERY_TO_XML SYS_EXEC SYS_EVAL
    REPEAT SPACE GENERATE_SERIES RANGE ZEROBLOB RANDOMBLOB UUID UUID_SHORT VERSION USER DATABASE
    CURRENT_USER SESSION_USER CONNECTION_ID EXTRACTVALUE UPDATEXML XMLTYPE PG_STAT_FILE TXID_CURRENT
    """.split()
)


def test_an_unknown_dialect_is_named_with_those_that_are_written() -> None:
    with pytest.raises(UnsupportedDialect, match="'oracle'.*ansi, duckdb, mysql, postgres, sqlite"):
        dialects.get("oracle")


@pytest.mark.parametrize("name", sorted(dialects.DIALECTS))
def test_no_dialect_offers_a_function_that_does_more_than_compute(name: str) -> None:
    facts = dialects.get(name)
    offered = {
        word
        for call in (*facts.calls, *facts.aggregates, *facts.windows)
        for word in call.names.split()
    }
    assert offered.isdisjoint(NEVER)
    texts = " ".join(form.text for form in (*facts.forms, *facts.aggregate_forms))
    assert not [word for word in NEVER if f'"{word}(' in texts]


@pytest.mark.parametrize("name", sorted(dialects.DIALECTS))
def test_classes_in_facts_are_classes(name: str) -> None:
    facts = dialects.get(name)
    for mapping in (facts.cast_types, facts.column_types, facts.literals, facts.matching_operators):
        assert set(mapping) <= set(VALUE_CLASSES)
    assert facts.reserved_words.isdisjoint(facts.alias_words)
    assert {"SELECT", "FROM", "WHERE", "ORDER", "TRUE", "FALSE", "NULL"} <= facts.reserved_words


@pytest.mark.parametrize(
    ("dialect", "declared", "letter"),
    [
        ("postgres", "CHARACTER VARYING(20)", "T"),
        ("postgres", "NUMERIC(10, 2)", "X"),
        ("postgres", "DOUBLE PRECISION", "N"),
        ("postgres", "TIMESTAMP(3) WITHOUT TIME ZONE", "S"),
        ("postgres", "TIMESTAMP WITH TIME ZONE", "S"),
        ("postgres", "TIME WITH TIME ZONE", "O"),
        ("postgres", "INTEGER[]", "O"),
        ("postgres", "JSON[]", "U"),
        ("postgres", "JSON", "U"),
        ("postgres", "JSONB", "J"),
        ("postgres", "POINT", "U"),
        ("postgres", "MOOD", "O"),
        ("postgres", "", "O"),
        ("duckdb", "UBIGINT", "X"),
        ("duckdb", "HUGEINT", "X"),
        ("duckdb", "STRUCT(A DECIMAL(10,2), B VARCHAR)", "O"),
        ("duckdb", "VARCHAR[]", "O"),
        ("duckdb", "TIMESTAMP_NS", "S"),
        ("mysql", "INT(10) UNSIGNED", "X"),
        ("mysql", "TINYINT(1)", "X"),
        ("mysql", "ENUM('a)','it''s (b')", "T"),
        ("mysql", "DOUBLE(10,2) UNSIGNED", "N"),
        ("mysql", "JSON", "J"),
        ("mysql", "MULTIPOLYGON", "U"),
        ("sqlite", "UNSIGNED BIG INT", "X"),
        ("sqlite", "NVARCHAR(100)", "T"),
        ("sqlite", "FLOAT(8)", "N"),
        ("sqlite", "DATETIME", "S"),
        ("sqlite", "", "O"),
        ("ansi", "CHARACTER LARGE OBJECT", "T"),
        ("ansi", "DEC(5)", "X"),
    ],
)
def test_value_class(dialect: str, declared: str, letter: str) -> None:
    assert dialects.value_class(declared, dialects.get(dialect)) == letter


@pytest.mark.parametrize(
    ("dialect", "name", "written"),
    [
        ("sqlite", "Order_ID", "Order_ID"),
        ("sqlite", "order", '"order"'),
        ("sqlite", 'a"b', '"a""b"'),
        ("postgres", "order_id", "order_id"),
        ("postgres", "Order_ID", '"Order_ID"'),
        ("postgres", "user", '"user"'),
        ("postgres", "naïve", '"naïve"'),
        ("duckdb", "Order_ID", "Order_ID"),
        ("duckdb", "lambda", '"lambda"'),
        ("mysql", "Order_ID", "Order_ID"),
        ("mysql", "rank", "`rank`"),
        ("mysql", "a`b", "`a``b`"),
        ("mysql", 'a"b', '`a"b`'),
        ("ansi", "user", '"user"'),
    ],
)
def test_names(dialect: str, name: str, written: str) -> None:
    assert quote_name(name, dialect) == written


def test_names_can_always_be_quoted() -> None:
    assert quote_name("id", always=True) == '"id"'
    assert quote_name("id", "mysql", always=True) == "`id`"


@pytest.mark.parametrize(
    ("dialect", "value", "written"),
    [
        ("sqlite", "it's", "'it''s'"),
        ("sqlite", "a\\", "'a\\'"),
        ("postgres", "a\\'b", "'a\\''b'"),
        ("mysql", "a\\", "'a\\\\'"),
        ("mysql", "a\\'b", "'a\\\\''b'"),
    ],
)
def test_strings(dialect: str, value: str, written: str) -> None:
    assert quote_string(value, dialect) == written


def test_writing_for_an_unknown_dialect_is_refused() -> None:
    with pytest.raises(UnsupportedDialect):
        quote_name("id", "oracle")
    with pytest.raises(UnsupportedDialect):
        quote_string("a", "oracle")

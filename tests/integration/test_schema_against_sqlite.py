"""The schema parser against SQLite itself: the same tables, columns and keys for the same text."""

import re
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlstrictd.schema.ddl import parse_schema
from sqlstrictd.schema.engine_types import affinity
from sqlstrictd.schema.names import RESERVED_WORDS, fold, quote_name
from sqlstrictd.schema.render import create_statements, render_compact, render_ddl
from sqlstrictd.schema.types import Column, ForeignKey, Schema, Table

FIXTURES = Path(__file__).resolve().parents[1] / "fixtures"
SCHEMAS = sorted((FIXTURES / "schemas").glob("*.sql"))
DUMPS = sorted((FIXTURES / "dumps").glob("*.sql"))
OTHER_ARGUMENTS = re.compile(r"\([^0-9].*\)")
NAMES = st.text(
    st.characters(exclude_categories=("Cc", "Cf", "Cs", "Zl", "Zp", "Zs", "Cn", "Co")),
    min_size=1,
    max_size=12,
)


@pytest.fixture
def database() -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(":memory:")
    yield connection
    connection.close()


def described(database: sqlite3.Connection) -> dict[str, tuple[list[object], tuple[str, ...]]]:
    """What SQLite says of each table: its columns, and its primary key."""
    tables = database.execute(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'"
    ).fetchall()
    result = {}
    for (name,) in tables:
        rows = database.execute(f"PRAGMA table_xinfo({quote_name(name, always=True)})").fetchall()
        columns: list[object] = [(row[1], squeeze(row[2]), bool(row[3])) for row in rows]
        key = tuple(row[1] for row in sorted(rows, key=lambda row: row[5]) if row[5])
        result[name] = (columns, key)
    return result


def squeeze(declared: str) -> str:
    return declared.upper().replace(", ", ",").replace(" (", "(")


def foreign_keys(database: sqlite3.Connection, table: str) -> list[tuple[object, ...]]:
    rows = database.execute(f"PRAGMA foreign_key_list({quote_name(table, always=True)})").fetchall()
    keys: dict[int, list[tuple[object, ...]]] = {}
    for number, sequence, parent, child_column, parent_column, *_ in rows:
        keys.setdefault(number, []).append((sequence, parent, child_column, parent_column))
    result = []
    for number in sorted(keys, reverse=True):
        parts = sorted(keys[number])
        parent_columns = tuple(
            fold(str(part[3])) if part[3] is not None else None for part in parts
        )
        children = tuple(fold(str(part[2])) for part in parts)
        result.append((children, fold(str(parts[0][1])), parent_columns))
    return result


@pytest.mark.parametrize("path", SCHEMAS, ids=lambda path: path.stem)
def test_tables_columns_and_keys_are_those_that_sqlite_sees(
    path: Path, database: sqlite3.Connection
) -> None:
    text = path.read_text(encoding="utf-8")
    database.executescript(text)
    schema = parse_schema(text)
    ours = {
        table.name: (
            [(column.name, column.type, column.not_null) for column in table.columns],
            table.primary_key,
        )
        for table in schema.tables
    }
    assert ours == described(database)
    for table in schema.tables:
        theirs = foreign_keys(database, table.name)
        assert len(theirs) == len(table.foreign_keys)
        for key, (columns, parent, parent_columns) in zip(table.foreign_keys, theirs, strict=True):
            assert tuple(map(fold, key.columns)) == columns
            assert fold(key.referenced_table) == parent
            named = parent_columns if parent_columns[0] is not None else None
            if named is not None:  # SQLite leaves an unnamed parent key open
                assert tuple(map(fold, key.referenced_columns)) == named


@pytest.mark.parametrize("path", SCHEMAS + DUMPS, ids=lambda path: path.stem)
def test_renderings_are_read_back_as_the_same_schema(path: Path) -> None:
    schema = parse_schema(path.read_text(encoding="utf-8"))
    again = parse_schema(render_ddl(schema))
    assert [without_nullability(table) for table in schema.tables] == [
        replace(table, uses=()) for table in again.tables
    ]
    compact = parse_schema(render_compact(schema))
    assert [(table.name, table.column_names) for table in compact.tables] == [
        (table.name, table.column_names) for table in schema.tables
    ]


def without_nullability(table: Table) -> Table:
    """What a rendering for the prompt keeps: arrays and arguments that are no numbers are lost."""
    columns = tuple(
        Column(
            column.name,
            "" if column.type.endswith("]") else OTHER_ARGUMENTS.sub("", column.type),
            values=column.values,
            comment=column.comment,
            has_number_values=column.has_number_values,
        )
        for column in table.columns
    )
    return Table(table.name, columns, table.primary_key, table.foreign_keys, table.comment)


@pytest.mark.parametrize("path", SCHEMAS + DUMPS, ids=lambda path: path.stem)
def test_our_own_create_statements_make_the_same_names(
    path: Path, database: sqlite3.Connection
) -> None:
    schema = parse_schema(path.read_text(encoding="utf-8"))
    for statement in create_statements(schema):
        database.execute(statement)
    made = {name: [column[0] for column in info[0]] for name, info in described(database).items()}  # type: ignore[index]
    assert made == {table.name: list(table.column_names) for table in schema.tables}


def test_a_postgres_dump() -> None:
    schema = parse_schema((FIXTURES / "dumps" / "postgres.sql").read_text(encoding="utf-8"))
    assert [(table.name, table.primary_key) for table in schema.tables] == [
        ("users", ("id",)),
        ("posts", ()),
    ]
    assert [column.type for column in schema.tables[0].columns] == [
        "INTEGER",
        "CITEXT",
        "TEXT[]",
        "TIMESTAMP(3) WITHOUT TIME ZONE",
        "NUMERIC(10,2)",
        "CHARACTER VARYING(255)",
    ]
    assert schema.tables[1].foreign_keys == (ForeignKey(("user_id",), "users", ("id",)),)


def test_a_mysql_dump() -> None:
    schema = parse_schema((FIXTURES / "dumps" / "mysql.sql").read_text(encoding="utf-8"))
    assert [(table.name, table.primary_key) for table in schema.tables] == [
        ("tickets", ("id",)),
        ("notes", ()),
    ]
    assert schema.tables[0].column_names == ("id", "state", "at", "parent", "key")
    assert schema.tables[0].columns[0].type == "INT(11) UNSIGNED"
    assert schema.tables[0].foreign_keys == (ForeignKey(("parent",), "tickets", ("id",)),)
    assert schema.tables[1].foreign_keys == (ForeignKey(("ticket",), "tickets", ("id",)),)


def test_a_sql_server_script() -> None:
    schema = parse_schema((FIXTURES / "dumps" / "sqlserver.sql").read_text(encoding="utf-8"))
    assert [table.column_names for table in schema.tables] == [
        ("Id", "Name"),
        ("Id", "CustomerId", "Total"),
    ]
    assert schema.tables[1].foreign_keys == (ForeignKey(("CustomerId",), "Customers", ("Id",)),)


@settings(deadline=None)
@given(st.lists(NAMES, min_size=2, max_size=6, unique_by=fold))
def test_any_names_survive_rendering_and_sqlite(names: list[str]) -> None:
    table, *columns = names
    schema = Schema("sqlite", (Table(table, tuple(map(Column, columns))),))
    if not fold(table).startswith("sqlite_"):
        for text in (render_ddl(schema), render_compact(schema)):
            assert [(t.name, t.column_names) for t in parse_schema(text).tables] == [
                (table, tuple(columns))
            ]
        connection = sqlite3.connect(":memory:")
        connection.execute(create_statements(schema)[0])
        listed = ", ".join(map(quote_name, columns))
        connection.execute(f"SELECT {listed} FROM {quote_name(table)}")
        assert [name for (name,) in connection.execute("SELECT name FROM sqlite_master")] == [table]
        connection.close()


def test_bare_words_that_are_not_reserved_stand_anywhere(database: sqlite3.Connection) -> None:
    """Every keyword of SQLite's is either reserved here or a name that SQLite takes bare."""
    keywords = (FIXTURES / "sqlite_keywords.txt").read_text(encoding="ascii").split()
    assert len(keywords) == 147
    for word in sorted(set(keywords) - RESERVED_WORDS):
        database.execute(f'CREATE TABLE "{word}" (a, "{word}")')
        for statement in (
            "SELECT {0} FROM {0} WHERE {0} = 1 OR {0} IS NULL ORDER BY {0} DESC",
            "SELECT {0}.{0}, COUNT({0}) FROM {0} GROUP BY {0}.{0} HAVING {0} + 1 > 2",
            "SELECT {0}, {0} FROM {0} JOIN (SELECT 1 AS b) AS x ON {0}.{0} = x.b",
            "SELECT 1 FROM (SELECT 1 AS b) AS x LEFT JOIN {0} ON {0}.a = x.b",
        ):
            database.execute("EXPLAIN " + statement.format(word))


@pytest.mark.parametrize(
    "declared",
    "INT;VARCHAR(20);TEXT;;BLOB;REAL;DOUBLE PRECISION;FLOATING POINT;NUMERIC(10,2);BOOLEAN;DATE;"
    "CHARINT;CLOB;STRING;UNSIGNED BIG INT;JSON".split(";"),
)
def test_affinity_is_sqlites(declared: str, database: sqlite3.Connection) -> None:
    """What SQLite stores of a number's text shows the affinity that it gave the column."""
    database.execute(f"CREATE TABLE a (x {declared})")
    database.execute(f"CREATE TABLE b (x {affinity(declared)})")
    stored = []
    for table in ("a", "b"):
        for value in ("'1'", "'1.5'", "2", "2.0", "x'31'"):
            database.execute(f"INSERT INTO {table} VALUES ({value})")
        stored.append(database.execute(f"SELECT x, typeof(x) FROM {table}").fetchall())
    assert stored[0] == stored[1]

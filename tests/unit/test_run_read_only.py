"""Running a statement on the user's database: it reads, and can do nothing else."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from sqlstrict.errors import QueryError
from sqlstrict.run import MAX_VALUE_BYTES, Rows, run_read_only

ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT COUNT(*) FROM n"


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "shop ?#%.db"
    connection = sqlite3.connect(path)
    connection.executescript(
        """
        CREATE TABLE orders (id INTEGER PRIMARY KEY, price REAL, status TEXT);
        INSERT INTO orders VALUES (1, 2.5, 'open'), (2, 4.0, 'done'), (3, NULL, 'open');
        CREATE VIEW open AS SELECT * FROM orders WHERE status = 'open';
        CREATE VIRTUAL TABLE notes USING fts5 (body);
        INSERT INTO notes VALUES ('a red fox'), ('a blue whale');
        """
    )
    connection.close()
    return path


@pytest.mark.parametrize(
    ("sql", "rows"),
    [
        ("SELECT id, price FROM orders ORDER BY id LIMIT 2;", ((1, 2.5), (2, 4.0))),
        ("SELECT COUNT(*), AVG(price) FROM open", ((2, 2.5),)),
        ("WITH x AS (SELECT 1 AS a) SELECT a, strftime('%Y', '2020-01-01') FROM x", ((1, "2020"),)),
        (
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3)"
            " SELECT i FROM n",
            ((1,), (2,), (3,)),
        ),
    ],
)
def test_it_reads(database: Path, sql: str, rows: tuple[object, ...]) -> None:
    assert run_read_only(database, sql).rows == rows


def test_rows_beyond_the_limit_are_cut(database: Path) -> None:
    sql = "SELECT id FROM orders ORDER BY id"
    assert run_read_only(database, sql, max_rows=2) == Rows(("id",), ((1,), (2,)), True)
    assert run_read_only(database, sql, max_rows=3).is_truncated is False


@pytest.mark.parametrize(
    "sql",
    [
        "INSERT INTO orders VALUES (9, 1, 'x')",
        "UPDATE orders SET price = 0",
        "DELETE FROM orders",
        "WITH x AS (SELECT 1) DELETE FROM orders",
        "WITH x AS (SELECT 1) INSERT INTO orders SELECT 7, 1, 'x' FROM x RETURNING id",
        "DROP TABLE orders",
        "CREATE TABLE t (a)",
        "CREATE TEMP TABLE t (a)",
        "CREATE TEMP TABLE t AS SELECT * FROM orders",
        "ATTACH DATABASE '{other}' AS other",
        "DETACH DATABASE main",
        "VACUUM INTO '{other}'",
        "SELECT body FROM notes",
        "PRAGMA query_only = OFF",
        "PRAGMA journal_mode = WAL",
        "PRAGMA writable_schema = ON",
        "PRAGMA table_info(orders)",
        "SELECT * FROM pragma_table_info('orders')",
        "SELECT load_extension('{other}')",
        "SELECT fts3_tokenizer('simple')",
        "REINDEX",
        "ANALYZE",
        "BEGIN IMMEDIATE",
        "SAVEPOINT s",
        "ALTER TABLE orders ADD COLUMN x",
    ],
)
def test_it_does_nothing_else(database: Path, tmp_path: Path, sql: str) -> None:
    before = database.read_bytes()
    other = tmp_path / "other.db"
    with pytest.raises(QueryError) as caught:
        run_read_only(database, sql.format(other=other))
    assert caught.value.reason in ("QUERY_REFUSED", "QUERY_FAILED")
    assert database.read_bytes() == before
    assert list(tmp_path.iterdir()) == [database]


def test_a_second_statement_is_refused(database: Path) -> None:
    with pytest.raises(QueryError, match="one statement"):
        run_read_only(database, "SELECT 1; DELETE FROM orders")
    assert run_read_only(database, "SELECT COUNT(*) FROM orders").rows == ((3,),)


def test_time_is_limited(database: Path) -> None:
    with pytest.raises(QueryError, match=r"stopped after 0\.2 s") as caught:
        run_read_only(database, ENDLESS, timeout_s=0.2)
    assert caught.value.reason == "QUERY_TIMEOUT"


def test_the_size_of_a_value_is_limited(database: Path) -> None:
    with pytest.raises(QueryError, match="too big"):
        run_read_only(database, f"SELECT zeroblob({MAX_VALUE_BYTES + 1})")


def test_failures_name_the_database(database: Path, tmp_path: Path) -> None:
    with pytest.raises(QueryError, match="no such table: absent"):
        run_read_only(database, "SELECT * FROM absent")
    with pytest.raises(QueryError, match=r"none\.db: unable to open"):
        run_read_only(tmp_path / "none.db", "SELECT 1")
    assert not (tmp_path / "none.db").exists()


def test_a_locked_database_is_said_with_what_to_do(database: Path) -> None:
    writer = sqlite3.connect(database, isolation_level=None)
    writer.execute("BEGIN EXCLUSIVE")
    try:
        with pytest.raises(QueryError, match="is locked; another program .* try again"):
            run_read_only(database, "SELECT 1 FROM sqlite_master")
    finally:
        writer.close()


def test_text_that_is_no_utf8_is_shown(tmp_path: Path) -> None:
    path = tmp_path / "latin.db"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE t (a TEXT)")
    connection.execute("INSERT INTO t VALUES (CAST(x'e9' AS TEXT))")
    connection.commit()
    connection.close()
    assert run_read_only(path, "SELECT a FROM t").rows == (("\ufffd",),)

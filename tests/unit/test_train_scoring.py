"""Scoring by execution: same rows, order where it is asked for, every database."""

import sqlite3
from collections.abc import Iterator

import pytest
from sqlstrict_train.scoring import Score, run, same_answer


@pytest.fixture
def databases() -> Iterator[list[sqlite3.Connection]]:
    made = []
    for rows in ([(1, 0.1), (2, 0.2), (3, 0.3)], [(1, 5.0), (2, 5.0), (3, None)]):
        database = sqlite3.connect(":memory:")
        database.execute("CREATE TABLE t (a INTEGER, b REAL)")
        database.executemany("INSERT INTO t VALUES (?, ?)", rows)
        made.append(database)
    yield made
    for database in made:
        database.close()


def test_order_counts_only_where_it_is_asked_for(databases: list[sqlite3.Connection]) -> None:
    down = "SELECT a FROM t ORDER BY a DESC;"
    assert same_answer(databases, "SELECT a FROM t;", down)
    assert not same_answer(databases, down, "SELECT a FROM t;")


def test_one_database_that_differs_is_enough(databases: list[sqlite3.Connection]) -> None:
    assert same_answer(databases[:1], "SELECT a FROM t;", "SELECT a FROM t WHERE b < 1;")
    assert not same_answer(databases, "SELECT a FROM t;", "SELECT a FROM t WHERE b < 1;")


def test_sums_of_floats_are_the_same_in_any_order(databases: list[sqlite3.Connection]) -> None:
    assert same_answer(databases[:1], "SELECT 0.1 + 0.2;", "SELECT SUM(b) FROM t WHERE a < 3;")
    assert not same_answer(databases[:1], "SELECT 0.1 + 0.2;", "SELECT 0.31;")


def test_repeated_rows_count(databases: list[sqlite3.Connection]) -> None:
    assert not same_answer(databases, "SELECT b FROM t;", "SELECT DISTINCT b FROM t;")


def test_a_statement_that_sqlite_refuses_is_wrong(databases: list[sqlite3.Connection]) -> None:
    assert run(databases[0], "SELECT nothing FROM t;") is None
    assert not same_answer(databases, "SELECT a FROM t;", "SELECT nothing FROM t;")


def test_a_statement_without_end_is_given_up(databases: list[sqlite3.Connection]) -> None:
    counting = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n)"
    assert run(databases[0], f"{counting} SELECT MAX(x) FROM n;") is None
    assert run(databases[0], "SELECT COUNT(*) FROM t;") == [(3,)]


def test_a_score_counts_overlapping_classes() -> None:
    score = Score()
    score.add(("joined", "grouped"), correct=True, valid=True, refused=False)
    score.add(("joined",), correct=False, valid=False, refused=True)
    assert score.as_json() == {
        "n": 2,
        "correct": 1,
        "valid": 1,
        "refused": 1,
        "by_class": {"grouped": {"correct": 1, "n": 1}, "joined": {"correct": 1, "n": 2}},
    }

"""Questions over views: what is written for them prepares where the real views are."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from byte_matcher import ByteMatcher
from servers.addresses import mysql_address, postgres_address
from servers.engine import RealEngine
from sqlstrict.source import resolve_source
from sqlstrictd.constraint import draft_grammar, exact_grammar, skeleton_of
from sqlstrictd.policy import KINDS, Policy
from sqlstrictd.schema.ddl import parse_schema
from sqlstrictd.schema.link import choose_part
from sqlstrictd.schema.types import Schema
from sqlstrictd.verify import check_statement, infer_columns

ENGINES = {
    "sqlite": "sqlite_engine",
    "postgres": "postgres_engine",
    "duckdb": "duckdb_engine",
    "mysql": "mariadb_engine",
}
TABLES = """
CREATE TABLE customers (id INTEGER PRIMARY KEY, name VARCHAR(40), born DATE);
CREATE TABLE orders (
    id INTEGER PRIMARY KEY, customer_id INTEGER, price DECIMAL(10,2), bought TIMESTAMP);
"""
VIEWS = """
CREATE VIEW big_orders AS SELECT * FROM orders WHERE price > 100;
CREATE VIEW spending AS
    SELECT c.id, c.name AS customer, SUM(o.price) AS total, COUNT(*) AS n_orders,
           MAX(o.bought) AS last_bought, COALESCE(c.name, 'nobody') AS shown
    FROM customers c JOIN orders o ON o.customer_id = c.id
    GROUP BY c.id, c.name;
CREATE VIEW best (customer, total) AS SELECT customer, total FROM spending WHERE total > 1000;
"""
NAMES = {
    "big_orders": ("id", "customer_id", "price", "bought"),
    "spending": ("id", "customer", "total", "n_orders", "last_bought", "shown"),
    "best": ("customer", "total"),
}
QUERIES = [
    "SELECT customer, total FROM best WHERE total > 5 ORDER BY total DESC;",
    "SELECT c.name, s.n_orders FROM customers AS c JOIN spending AS s ON s.id = c.id;",
    "SELECT COUNT(*) FROM big_orders WHERE price > 300;",
    "SELECT shown, MAX(last_bought) FROM spending GROUP BY shown;",
]
N_NOISE = 25


@pytest.fixture(params=list(ENGINES))
def dialect(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def engine(dialect: str, request: pytest.FixtureRequest) -> RealEngine:
    """The dialect's real engine, with the real views."""
    engine: RealEngine = request.getfixturevalue(ENGINES[dialect])
    engine.load(TABLES + VIEWS)
    return engine


@pytest.fixture
def introspected(dialect: str, engine: RealEngine, tmp_path: Path) -> Schema:
    """The schema as the client reads it from a database with these views."""
    if dialect == "postgres":
        place = postgres_address(engine)
    elif dialect == "mysql":
        place = mysql_address(engine)
    elif dialect == "sqlite":
        place = str(tmp_path / "shop.db")
        connection = sqlite3.connect(place)
        connection.executescript(TABLES + VIEWS)
        connection.close()
    else:
        duckdb = pytest.importorskip("duckdb")
        place = str(tmp_path / "shop.duckdb")
        database = duckdb.connect(place)
        database.execute(TABLES + VIEWS)
        database.close()
    source = resolve_source(place, lambda: b"")
    assert source.ddl is not None and source.warnings == ()
    assert "> 1000" not in source.ddl and "nobody" not in source.ddl
    return parse_schema(source.ddl, dialect)


def views_of(schema: Schema) -> dict[str, tuple[str, ...]]:
    return {table.name: table.column_names for table in schema.tables if table.is_view}


def test_views_are_the_same_in_a_database_and_in_its_ddl(
    dialect: str, introspected: Schema
) -> None:
    read = parse_schema(TABLES + VIEWS, dialect, infer_columns)
    assert read.warnings == introspected.warnings == ()
    assert views_of(read) == views_of(introspected) == NAMES


def test_what_is_written_for_views_prepares_on_the_real_ones(
    dialect: str, engine: RealEngine, introspected: Schema
) -> None:
    read = parse_schema(TABLES + VIEWS, dialect, infer_columns)
    for schema in (read, introspected):
        for statement in QUERIES:
            verdict = check_statement(statement, schema, dialect)
            assert not verdict.problems, (statement, verdict.problems)
            assert engine.prepare(statement) == ""
            skeleton = skeleton_of(statement, schema, dialect)
            matcher = ByteMatcher(exact_grammar(schema, skeleton, dialect, Policy()).text)
            assert matcher.accepts(statement), statement
            for seed in range(N_NOISE):
                noise = matcher.write_noise(seed)
                if noise is None:
                    continue
                verdict = check_statement(noise, schema, dialect)
                assert not verdict.problems, (noise, verdict.problems)
                assert engine.prepare(noise) == "", noise


def test_drafts_read_views_and_never_write_to_them(dialect: str, introspected: Schema) -> None:
    for kind in KINDS:
        text = draft_grammar(introspected, dialect, Policy(frozenset({kind}))).text
        matcher = ByteMatcher(text)
        assert matcher.accepts("SELECT customer FROM best;") == (kind == "select")
        assert matcher.accepts("DELETE FROM orders WHERE id = 3;") == (kind == "delete")
        for statement in (
            "DELETE FROM best WHERE total = 3;",
            "UPDATE best SET total = 3 WHERE total = 4;",
            "INSERT INTO best (total) VALUES (3);",
            "CREATE INDEX i ON best (total);",
            "ALTER TABLE best RENAME TO worst;",
        ):
            assert not matcher.accepts(statement), statement


def test_exact_grammars_write_nothing_to_views(dialect: str, introspected: Schema) -> None:
    statement = "DELETE FROM best WHERE total = 3;"
    skeleton = skeleton_of(statement, introspected, dialect)
    policy = Policy(frozenset({"select", "delete"}))
    matcher = ByteMatcher(exact_grammar(introspected, skeleton, dialect, policy).text)
    assert not matcher.accepts(statement)
    assert matcher.accepts("SELECT total FROM best;")


def test_a_question_in_the_words_of_a_view_finds_it(dialect: str) -> None:
    others = "".join(f"CREATE TABLE shelf_{n} (id INTEGER, width REAL);" for n in range(200))
    schema = parse_schema(TABLES + others + VIEWS, dialect, infer_columns)
    part = choose_part(schema, "Which customers have the highest spending?", 2000)
    assert not part.is_whole
    assert "spending" in [table.name for table in part.schema.tables]

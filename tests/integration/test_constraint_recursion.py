"""Tables that read themselves, keys that are expressions, sides of set operations: by real engines.

What an engine refuses of them cannot be written either, and noise over them prepares.
"""

from __future__ import annotations

import pytest
from byte_matcher import ByteMatcher
from servers.engine import RealEngine
from sqlstrictd.constraint import Skeleton, exact_grammar, skeleton_of
from sqlstrictd.policy import Policy
from sqlstrictd.schema.ddl import parse_schema
from sqlstrictd.schema.types import Schema

# Statements of noise for each skeleton.
N = 25
DDL = """
CREATE TABLE staff (id INTEGER PRIMARY KEY, name VARCHAR(40), boss_id INTEGER, born DATE,
  FOREIGN KEY (boss_id) REFERENCES staff (id));
CREATE TABLE sales (id INTEGER PRIMARY KEY, staff_id INTEGER, price NUMERIC(10, 2), note TEXT,
  FOREIGN KEY (staff_id) REFERENCES staff (id));
"""
WRITING = Policy(frozenset({"select", "insert", "create_view"}))
# Each prepares; the noise is written over what it reads from.
SEEDS = """
WITH RECURSIVE t (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t WHERE n < 5) SELECT n FROM t;
WITH RECURSIVE t AS (SELECT id, name, 1 AS depth FROM staff WHERE boss_id IS NULL UNION ALL\
 SELECT s.id, s.name, t.depth + 1 FROM staff AS s JOIN t ON s.boss_id = t.id) SELECT name FROM t;
WITH a (x, n) AS (SELECT name, COUNT(*) FROM staff GROUP BY name UNION SELECT note, price FROM\
 sales), b AS (SELECT x FROM a INTERSECT SELECT name FROM staff)\
 SELECT b.x FROM b JOIN a ON a.x = b.x;
SELECT LOWER(s.name), s.boss_id, COUNT(*) AS n FROM staff AS s JOIN sales AS o ON o.staff_id = s.id\
 GROUP BY LOWER(s.name), s.boss_id HAVING s.boss_id > 3 ORDER BY n;
""".strip().splitlines()
# Each is one slip away from a statement that prepares.
WRONG = {
    "everywhere": """
WITH RECURSIVE t (n) AS (SELECT 1 UNION ALL SELECT id, boss_id FROM staff) SELECT n FROM t;
WITH RECURSIVE t (n) AS (SELECT n FROM t UNION ALL SELECT n + 1 FROM t) SELECT n FROM t;
WITH RECURSIVE t (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t) SELECT m FROM t;
WITH t AS (SELECT id FROM staff UNION SELECT id, name FROM staff) SELECT id FROM t;
WITH t AS (SELECT 1 AS n UNION ALL SELECT u.n + 1 FROM u) SELECT n FROM t;
SELECT t.b FROM (SELECT id AS a FROM staff UNION SELECT id AS b FROM sales) AS t;
INSERT INTO staff (id, name) SELECT id, note FROM sales UNION SELECT id FROM staff;
CREATE VIEW v AS SELECT id, name FROM staff UNION SELECT id FROM sales;
""",
    "postgres": """
WITH RECURSIVE t (n) AS (SELECT 1 UNION ALL SELECT n + 1.5 FROM t) SELECT n FROM t;
WITH RECURSIVE t (n) AS (SELECT 1 UNION ALL SELECT MAX(n) FROM t) SELECT n FROM t;
WITH RECURSIVE t (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t ORDER BY n) SELECT n FROM t;
WITH RECURSIVE t (n) AS (SELECT 1 INTERSECT SELECT n + 1 FROM t) SELECT n FROM t;
WITH RECURSIVE t (n) AS (SELECT 1 UNION ALL SELECT staff.id FROM staff LEFT JOIN t ON\
 staff.boss_id = t.n) SELECT n FROM t;
WITH RECURSIVE t (n) AS (SELECT 1 UNION ALL SELECT id FROM staff WHERE id IN (SELECT n FROM t))\
 SELECT n FROM t;
WITH RECURSIVE t AS (SELECT name FROM staff UNION ALL SELECT t.name || 'x' FROM t)\
 SELECT name FROM t;
WITH t AS (SELECT id AS a FROM staff UNION SELECT name FROM staff) SELECT a FROM t;
SELECT UPPER(name), COUNT(*) FROM staff GROUP BY LOWER(name);
SELECT name, COUNT(*) FROM staff GROUP BY LOWER(name);
SELECT LOWER(id), COUNT(*) FROM staff GROUP BY LOWER(id);
SELECT LOWER(name), COUNT(*) FROM staff GROUP BY LOWER(name) HAVING LOWER(name) > 3;
INSERT INTO staff (id, name) SELECT id, note FROM sales UNION SELECT name, boss_id FROM staff;
INSERT INTO staff (id, born) SELECT id, born FROM staff UNION SELECT id, note FROM sales;
""",
    "duckdb": """
SELECT UPPER(name), COUNT(*) FROM staff GROUP BY LOWER(name);
SELECT name, COUNT(*) FROM staff GROUP BY LOWER(name);
WITH RECURSIVE t (n) AS (SELECT 1 INTERSECT SELECT n + 1 FROM t) SELECT n FROM t;
""",
    "mysql": """
SELECT name, COUNT(*) FROM staff GROUP BY LOWER(name);
WITH RECURSIVE t (n) AS (SELECT 1 UNION ALL SELECT MAX(n) FROM t) SELECT n FROM t;
""",
    "sqlite": """
WITH RECURSIVE t (n) AS (SELECT 1 UNION ALL SELECT MAX(n) FROM t) SELECT n FROM t;
""",
}


@pytest.fixture(params=["sqlite", "postgres", "duckdb", "mysql"])
def dialect(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def schema(dialect: str) -> Schema:
    return parse_schema(DDL, dialect)


@pytest.fixture
def engine(dialect: str, request: pytest.FixtureRequest) -> RealEngine:
    """The dialect's own engine, with the tables made."""
    name = "mariadb" if dialect == "mysql" else dialect
    engine: RealEngine = request.getfixturevalue(f"{name}_engine")
    engine.load(DDL)
    return engine


def complain(engine: RealEngine, statement: str) -> str:
    is_definition = statement.startswith("CREATE")
    return engine.try_definition(statement) if is_definition else engine.prepare(statement)


@pytest.mark.parametrize("number", range(len(SEEDS)))
def test_noise_prepares(engine: RealEngine, schema: Schema, dialect: str, number: int) -> None:
    seed = SEEDS[number]
    assert complain(engine, seed) == ""
    grammar = exact_grammar(schema, skeleton_of(seed, schema, dialect), dialect, Policy())
    matcher = ByteMatcher(grammar.text)
    n_whole = 0
    for random_seed in range(N):
        statement = matcher.write_noise(random_seed)
        if statement is not None:
            n_whole += 1
            assert complain(engine, statement) == "", statement
    assert n_whole > N / 2


def test_what_an_engine_refuses_cannot_be_written(
    engine: RealEngine, schema: Schema, dialect: str
) -> None:
    for statement in (WRONG["everywhere"] + WRONG[dialect]).strip().splitlines():
        if not statement:
            continue
        assert complain(engine, statement), f"the engine takes it: {statement}"
        skeleton = skeleton_of(statement, schema, dialect)
        try:
            grammar = exact_grammar(schema, skeleton, dialect, WRITING)
        except ValueError:
            continue  # nothing at all can be written
        assert not ByteMatcher(grammar.text).accepts(statement), statement


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO staff (id, name) SELECT id, note FROM sales UNION SELECT id, name FROM staff;",
        "INSERT INTO sales (id, note) SELECT id, name FROM staff UNION ALL SELECT staff_id, note"
        " FROM sales EXCEPT SELECT id, name FROM staff;",
        "CREATE VIEW v AS SELECT name FROM staff UNION SELECT note FROM sales;",
        "CREATE VIEW v AS SELECT name AS word, COUNT(*) AS n FROM staff GROUP BY 1 UNION ALL"
        " SELECT note, price FROM sales;",
        "CREATE VIEW v AS WITH RECURSIVE t (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t WHERE"
        " n < 5) SELECT n FROM t;",
    ],
)
def test_set_operations_may_fill_tables_and_views(
    engine: RealEngine, schema: Schema, dialect: str, statement: str
) -> None:
    assert complain(engine, statement) == ""
    grammar = exact_grammar(schema, skeleton_of(statement, schema, dialect), dialect, WRITING)
    assert ByteMatcher(grammar.text).accepts(statement)


def test_a_skeleton_keeps_what_recursion_needs_over_a_pipe(schema: Schema, dialect: str) -> None:
    for seed in SEEDS:
        skeleton = skeleton_of(seed, schema, dialect)
        assert skeleton.defined or skeleton.clauses[0].keys
        assert Skeleton.from_json(skeleton.to_json()) == skeleton
    recursive = skeleton_of(SEEDS[1], schema, dialect).defined[0]
    assert recursive.is_recursive
    assert [one.type for one in recursive.outputs] == ["INTEGER", "VARCHAR(40)", "INTEGER"]
    assert [source.name for source in recursive.sides[0].clause.sources] == ["staff", "t"]

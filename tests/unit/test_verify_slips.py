"""Statements that sqlglot parses and no engine does, found with PostgreSQL and MariaDB."""

from __future__ import annotations

import pytest
from sqlstrictd.policy import KINDS, Policy
from sqlstrictd.schema.types import Column, Schema, Table
from sqlstrictd.verify import check_statement

TABLE = Table("a", (Column("id", "INTEGER"), Column("x", "INTEGER"), Column("name", "TEXT")))
SCHEMA = Schema("sqlite", (TABLE,))
EVERYTHING = Policy(frozenset(KINDS), allows_unfiltered=True)

SLIPS = [
    "SELECT , x FROM a",
    "SELECT COUNT(, *) FROM a",
    "SELECT id FROM a WHERE x IN (, 2)",
    "SELECT id, RANK() OVER (PARTITION BY ORDER BY x) FROM a",
    "SELECT id, RANK() OVER FROM a",
    "SELECT id, RANK() OVER 'w' FROM a WINDOW w AS (ORDER BY x)",
    "SELECT SUM(x) OVER (ORDER BY id ROWS 1 PRECEDING AND CURRENT ROW) FROM a",
    "SELECT COUNT(*) FILTER (x > 1) FROM a",
    "SELECT (x AS y) FROM a",
    "SELECT CASE WHEN x > 1 'y' ELSE 'n' END FROM a",
    "SELECT x AS 1 FROM a",
    "SELECT CAST(x AS INTEGER y FROM a",
    "SELECT LENGTH(SELECT name) FROM a",
    "SELECT x + UNION 1 FROM a",
    "SELECT NULLIF((), 1) FROM a",
    "INSERT a (id, x) VALUES (1, 2)",
    "INSERT INTO a * (id, x) VALUES (1, 2)",
    "INSERT INTO a (id, x) VALUES (1, 2 y)",
    "INSERT INTO a (id, x) VALUES (1, UNION 2)",
    "UPDATE a SET x = UNION 0 WHERE id = 1",
    "VALUES (1, 'a' y)",
    "SELECT EXTRACT(ON FROM x) FROM a",
]


@pytest.mark.parametrize("sql", SLIPS)
def test_refused_before_types_or_an_engine_are_asked(sql: str) -> None:
    for dialect in ("sqlite", "postgres", "duckdb", "mysql", "ansi"):
        verdict = check_statement(sql, SCHEMA, dialect, EVERYTHING)
        assert verdict.problems, dialect
        assert {problem.check for problem in verdict.problems} <= {"syntax", "kind", "scope"}

"""What each dialect's names and clauses mean to the resolver: cases that differ between them."""

from __future__ import annotations

import pytest
from sqlstrictd.schema.types import Column, Schema, Table
from sqlstrictd.verify import check_statement

NUMBER, TEXT = "INTEGER", "TEXT"


def table(name: str, *columns: str, key: str = "") -> Table:
    named = tuple(Column(column, TEXT if column == "name" else NUMBER) for column in columns)
    return Table(name, named, (key,) if key else ())


SCHEMA = Schema(
    "sqlite",
    (
        table("a", "id", "x", "name", key="id"),
        table("b", "id", "y", "name"),
        table("c", "z"),
        table("Mixed", "Id", "Amount"),
    ),
)
ALL = "sqlite postgres duckdb mysql ansi"


def messages(sql: str, dialect: str) -> list[str]:
    return [problem.message for problem in check_statement(sql, SCHEMA, dialect).problems]


@pytest.mark.parametrize(
    ("sql", "accepts"),
    [
        # How names are compared.
        ("SELECT X FROM A", "sqlite postgres duckdb ansi"),
        ("SELECT X FROM a", ALL),
        ("SELECT Amount FROM Mixed", "sqlite duckdb mysql ansi"),
        ('SELECT "Amount" FROM "Mixed"', "sqlite postgres duckdb ansi"),
        ('SELECT "AMOUNT" FROM "MIXED"', "sqlite duckdb ansi"),
        ("SELECT `AMOUNT` FROM `Mixed`", "sqlite mysql"),
        ("SELECT T.x FROM a AS t", "sqlite postgres duckdb ansi"),
        ('SELECT "T".x FROM a AS "T"', "sqlite postgres duckdb ansi"),
        ('SELECT t.x FROM a AS "T"', "sqlite duckdb ansi"),
        # Which clause sees an alias.
        ("SELECT x AS n FROM a WHERE n > 1", "sqlite duckdb"),
        ("SELECT x + 1 AS n, COUNT(*) FROM a GROUP BY n", "sqlite postgres duckdb mysql"),
        ("SELECT x + 1 AS n, COUNT(*) FROM a GROUP BY x + 1 HAVING n > 1", "sqlite duckdb mysql"),
        ("SELECT x AS n FROM a ORDER BY n", ALL),
        ("SELECT x AS n FROM a ORDER BY n + 1", "sqlite duckdb mysql ansi"),
        ("SELECT x AS n, n + 1 AS m FROM a", "duckdb"),
        # Numbers of outputs.
        ("SELECT x FROM a ORDER BY 1", ALL),
        ("SELECT x FROM a ORDER BY 2", ""),
        ("SELECT x FROM a ORDER BY -1", ""),
        ("SELECT x FROM a ORDER BY 'x'", "sqlite"),
        ("SELECT x, COUNT(*) FROM a GROUP BY 1", ALL),
        ("SELECT x, COUNT(*) FROM a GROUP BY 3", ""),
        # Queries in FROM.
        ("SELECT x FROM (SELECT x FROM a)", "sqlite duckdb"),
        ("SELECT t.x FROM (SELECT x FROM a) AS t", ALL),
        ("SELECT t.n FROM (SELECT x FROM a) AS t (n)", "postgres duckdb"),
        ("SELECT t.n FROM (SELECT x FROM a) AS t (n, m)", ""),
        ("SELECT t.id FROM (SELECT a.id, b.id FROM a JOIN b ON a.id = b.id) AS t",
         "sqlite duckdb"),
        ("SELECT t.x FROM (SELECT a.x, b.id AS x FROM a JOIN b ON a.id = b.id) AS t",
         "sqlite duckdb"),
        ("SELECT 1 FROM (SELECT a.x, b.id AS x FROM a JOIN b ON a.id = b.id) AS t",
         "sqlite postgres duckdb ansi"),
        ("SELECT column1 FROM (VALUES (1), (2)) AS v", "sqlite postgres"),
        ("SELECT v.n FROM (VALUES (1), (2)) AS v (n)", "postgres duckdb"),
        ("SELECT a.x, l.y FROM a CROSS JOIN LATERAL (SELECT y FROM b WHERE b.id = a.id) AS l",
         "postgres duckdb"),
        ("SELECT a.x, l.y FROM a, (SELECT y FROM b WHERE b.id = a.id) AS l", "duckdb"),
        # Joins.
        ("SELECT a.x FROM a, b JOIN c ON a.x = c.z", "sqlite"),
        ("SELECT a.x FROM a JOIN b ON a.id = c.z JOIN c ON b.id = c.z", "sqlite"),
        ("SELECT a.x FROM a JOIN b", "sqlite mysql"),
        ("SELECT a.x FROM a CROSS JOIN b", ALL),
        ("SELECT a.x FROM a FULL JOIN b ON a.id = b.id", "sqlite postgres duckdb ansi"),
        ("SELECT id FROM a JOIN b USING (id)", ALL),
        ("SELECT z FROM a JOIN c USING (z)", ""),
        ("SELECT a.name FROM a NATURAL JOIN b", ALL),
        ("SELECT 1 FROM a, a", "sqlite"),
        ("SELECT p.x FROM a AS p, a AS q WHERE p.id = q.x", ALL),
        # Set operations.
        ("SELECT x FROM a UNION SELECT y FROM b ORDER BY x", ALL),
        ("SELECT x FROM a UNION SELECT y FROM b ORDER BY y", "sqlite"),
        ("SELECT x FROM a UNION SELECT y FROM b ORDER BY x + 1", ""),
        ("SELECT x FROM a UNION SELECT y, id FROM b", ""),
        ("(SELECT x FROM a ORDER BY x LIMIT 1) UNION ALL (SELECT y FROM b)",
         "postgres duckdb mysql"),
        ("SELECT x FROM a ORDER BY x UNION SELECT y FROM b", ""),
        ("SELECT x FROM a EXCEPT SELECT y FROM b INTERSECT SELECT z FROM c", ALL),
        ("SELECT x FROM a EXCEPT ALL SELECT y FROM b", "postgres duckdb mysql ansi"),
        # Common table expressions.
        ("WITH q AS (SELECT x FROM a), q AS (SELECT y FROM b) SELECT 1", ""),
        ("WITH q (n, m) AS (SELECT x FROM a) SELECT n FROM q", ""),
        ("WITH q (n) AS (SELECT x, id FROM a) SELECT n FROM q", "postgres duckdb"),
        ("WITH q AS (SELECT 1 AS n UNION SELECT n + 1 FROM q WHERE n < 5) SELECT n FROM q",
         "sqlite"),
        ("WITH RECURSIVE q AS (SELECT 1 AS n UNION SELECT n + 1 FROM q WHERE n < 5)"
         " SELECT n FROM q", ALL),
        ("WITH RECURSIVE q AS (SELECT 1 AS n UNION SELECT COUNT(*) FROM q) SELECT n FROM q", ""),
        ("WITH RECURSIVE q AS (SELECT x FROM a UNION SELECT b.y FROM (b JOIN q ON b.id = q.x))"
         " SELECT x FROM q", ALL),
        ("WITH RECURSIVE q AS (SELECT x FROM a UNION SELECT b.y FROM (b LEFT JOIN q ON b.id = q.x))"
         " SELECT x FROM q", "sqlite"),
        # Expressions in GROUP BY.
        ("SELECT x + 1, COUNT(*) FROM a GROUP BY x + 1 ORDER BY (x + 1) * 2", ALL),
        ("SELECT (x + 1), SUM(COUNT(*)) OVER (ORDER BY x + 1) FROM a GROUP BY x + 1", ALL),
        ("SELECT (x + 1) * 2, COUNT(*) FROM a GROUP BY x + 1", "sqlite postgres duckdb ansi"),
        ("SELECT COUNT(*) FROM a GROUP BY x + 1 HAVING x + 1 > 2", "sqlite postgres duckdb ansi"),
        ("SELECT name, COUNT(*) FROM a GROUP BY x", "sqlite"),
        ("SELECT name, COUNT(*) FROM a", "sqlite"),
        ("SELECT name, COUNT(*) FROM a GROUP BY id", "sqlite postgres ansi"),
        # A blank before a parenthesis.
        ("SELECT COUNT (*), MAX (x) FROM a", "sqlite postgres duckdb ansi"),
        ("SELECT UPPER (name), COALESCE (x, 1) FROM a", ALL),
        # Widths.
        ("SELECT x FROM a WHERE x = (SELECT y, id FROM b)", ""),
        ("SELECT x FROM a WHERE (x, id) IN (SELECT y, id FROM b)", ALL),
        ("SELECT x FROM a WHERE EXISTS (SELECT y, id FROM b)", ALL),
        # Clauses in their order, and limits.
        ("SELECT x FROM a ORDER BY x WHERE x > 1", ""),
        ("SELECT x FROM a GROUP BY x WHERE x > 1", ""),
        ("SELECT x FROM a LIMIT 1 + 1", "sqlite"),
        ("SELECT x FROM a LIMIT 5 OFFSET 5", ALL),
        ("SELECT SUM(x) OVER w FROM a WINDOW w AS (ORDER BY id)", ALL),
        ("SELECT SUM(x) OVER v FROM a WINDOW w AS (ORDER BY id)", ""),
        # Words that one dialect keeps for itself.
        ("SELECT x AS user FROM a", "sqlite postgres duckdb mysql"),
        ("SELECT x AS drop FROM a", ""),
        ("SELECT x AS größe FROM a", ALL),
        ("SELECT x AS gr\u043esse FROM a", ""),
    ],
)  # fmt: skip
def test_where_a_statement_means_something(sql: str, accepts: str) -> None:
    for dialect in ALL.split():
        found = messages(sql, dialect)
        assert (not found) == (dialect in accepts.split()), (dialect, found)


@pytest.mark.parametrize(
    ("sql", "dialect", "line", "column"),
    [
        ("SELECT x\nFROM Mixed", "postgres", 2, 6),
        ("SELECT x AS n FROM a WHERE n > 1", "mysql", 1, 28),
        ("SELECT x FROM (SELECT x FROM a)", "postgres", 1, 23),
        ("SELECT x FROM a WHERE x @> 1", "mysql", 1, 25),
    ],
)
def test_problems_have_places(sql: str, dialect: str, line: int, column: int) -> None:
    (problem,) = check_statement(sql, SCHEMA, dialect).problems
    assert (problem.line, problem.column) == (line, column)


@pytest.mark.parametrize(
    ("sql", "dialect"),
    [
        ("SELECT 'a\\'' FROM a", "mysql"),
        ("SELECT 'a\\' FROM a WHERE name = ' '", "mysql"),
        ("SELECT x -1e FROM a", "sqlite"),
        ("SELECT x FROM a WHERE x !=-1", "postgres"),
        ("SELECT x FROM a WHERE x*-1 =@1", "postgres"),
        ("SELECT x FROM a WHERE x => 1", "duckdb"),
        ("SELECT x$y FROM a", "postgres"),
    ],
)
def test_what_readers_would_read_in_two_ways(sql: str, dialect: str) -> None:
    (problem,) = check_statement(sql, SCHEMA, dialect).problems
    assert problem.check == "syntax"


def test_strings_with_backslashes_that_all_read_alike() -> None:
    for sql in ("SELECT 'a\\\\b' FROM a", "SELECT 'a\\n' FROM a", "SELECT '\\%' FROM a"):
        assert messages(sql, "mysql") == []

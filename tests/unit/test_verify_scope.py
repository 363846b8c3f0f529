"""The resolver alone: which names it finds where, without SQLite."""

import pytest
import sqlglot
from sqlstrictd.schema.ddl import parse_schema
from sqlstrictd.verify.lexical import Reporter
from sqlstrictd.verify.scope import Resolver

SCHEMA = parse_schema("Table 'a' (id, x, shared) Table 'b' (id, y, shared) Table 'c' (z)")


def resolve(sql: str, dialect: str = "sqlite") -> Resolver:
    resolver = Resolver(SCHEMA, dialect, Reporter(sql))
    resolver.resolve(sqlglot.parse_one(sql, read="sqlite"))
    return resolver


@pytest.mark.parametrize(
    ("sql", "columns"),
    [
        ("SELECT x FROM a", {"a.x"}),
        ("SELECT * FROM c", {"c.z"}),
        ("SELECT COUNT(*) FROM a", set()),
        ("SELECT q.x FROM a AS q", {"a.x"}),
        ("SELECT X FROM A", {"a.x"}),
        ("SELECT q.x, r.x FROM a q, a r", {"a.x"}),
        ("SELECT n FROM (SELECT x AS n FROM a)", {"a.x"}),
        ("SELECT x FROM (SELECT * FROM a)", {"a.id", "a.shared", "a.x"}),
        ("SELECT z FROM c WHERE EXISTS (SELECT 1 FROM a WHERE x = z)", {"a.x", "c.z"}),
        ("SELECT id FROM a JOIN b USING (id)", {"a.id", "b.id"}),
        ("SELECT y FROM a NATURAL JOIN b", {"a.id", "a.shared", "b.id", "b.shared", "b.y"}),
        ("SELECT x AS z FROM a ORDER BY z", {"a.x"}),
        ("SELECT x AS id FROM a ORDER BY id", {"a.x"}),
        ("SELECT x AS id FROM a ORDER BY id + 1", {"a.id", "a.x"}),
        ("SELECT x AS id FROM a GROUP BY id", {"a.id", "a.x"}),
        ("WITH q(n) AS (SELECT z FROM c) SELECT n FROM q", {"c.z"}),
        ("WITH a AS (SELECT z FROM c) SELECT z FROM a", {"c.z"}),
        ("WITH RECURSIVE q AS (SELECT 1 AS n UNION SELECT n + 1 FROM q) SELECT n FROM q", set()),
        ("SELECT x FROM a UNION SELECT y AS n FROM b ORDER BY n", {"a.x", "b.y"}),
        ("SELECT z FROM (a JOIN c ON x = z)", {"a.x", "c.z"}),
        ("SELECT (SELECT x FROM a WHERE a.id = b.id) FROM b", {"a.id", "a.x", "b.id"}),
        ("SELECT 1 FROM c WHERE z IN (SELECT x FROM a WHERE id IN (SELECT id FROM b WHERE y = z))",
         {"a.id", "a.x", "b.id", "b.y", "c.z"}),
        ("SELECT x FROM a JOIN b ON a.id = z JOIN c ON b.id = z", {"a.id", "a.x", "b.id", "c.z"}),
    ],
)  # fmt: skip
def test_columns_found(sql: str, columns: set[str]) -> None:
    resolver = resolve(sql)
    assert resolver.problems == []
    assert resolver.columns == columns


@pytest.mark.parametrize(
    ("sql", "parts"),
    [
        ("SELECT z FROM a", ["no column z in a"]),
        ("SELECT z, y FROM a", ["no column z", "no column y"]),
        ("SELECT id FROM a, b", ["id is ambiguous: a.id and b.id"]),
        ("SELECT a.id FROM a, a", ["ambiguous"]),
        ("SELECT a.x FROM a AS q", ["a is no table or alias"]),
        ("SELECT x FROM nowhere", ["no table nowhere"]),
        ("SELECT nowhere.x, x FROM nowhere, b", ["no table nowhere"]),
        ("SELECT q.* FROM a", ["q is no table or alias"]),
        ("SELECT x FROM temp.a", ["cannot have this name before it"]),
        ("SELECT temp.a.x FROM a", ["one name before it"]),
        ("SELECT x FROM (SELECT id FROM a)", ["no column x"]),
        ("SELECT x FROM a, (SELECT y FROM b WHERE b.id = a.id) AS q", ["a is no table"]),
        ("SELECT z FROM c WHERE EXISTS (SELECT 1 FROM a WHERE y = z)", ["no column y in a, c"]),
        ("SELECT x FROM a JOIN c USING (z)", ["no column z on both sides of USING"]),
        ("SELECT z AS n FROM c LIMIT n", ["no column n"]),
        ("SELECT n + 1 AS n FROM c", ["no column n"]),
        ("WITH q AS (SELECT z FROM c) SELECT x FROM q", ["no column x in q"]),
        ("WITH q(n) AS (SELECT z FROM c) SELECT z FROM q", ["no column z in q"]),
        (
            "WITH p AS (SELECT n FROM q), q AS (SELECT z AS n FROM c) SELECT n FROM p",
            ["no table q"],
        ),
        ("SELECT x FROM a UNION SELECT y FROM b ORDER BY id", ["no column id"]),
        ("SELECT x FROM a WHERE id IN (SELECT q FROM b)", ["no column q in b, a"]),
        ("SELECT id FROM (a JOIN c ON x = z) AS q", ["cannot have an alias"]),
    ],
)
def test_names_missing(sql: str, parts: list[str]) -> None:
    problems = resolve(sql).problems
    assert len(problems) == len(parts)
    for problem, part in zip(problems, parts, strict=True):
        assert part in problem.message


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT x AS n FROM a WHERE n > 1",
        "SELECT x AS n FROM a GROUP BY n",
        "SELECT x AS n FROM a GROUP BY x HAVING n > 1",
        "SELECT x FROM a JOIN b ON a.id = c.z JOIN c ON b.id = c.z",
    ],
)
def test_what_sqlite_sees_and_standard_sql_does_not(sql: str) -> None:
    assert resolve(sql).problems == []
    assert len(resolve(sql, "ansi").problems) == 1


def test_stars_end() -> None:
    resolver = resolve("SELECT " + ", ".join(["*"] * 700) + " FROM a")
    assert "more than 2000 columns" in resolver.problems[0].message


def test_joins_of_many_tables_end() -> None:
    resolver = resolve("SELECT 1 FROM " + ", ".join(["a"] * 65))
    assert "More than 64 tables" in resolver.problems[0].message

"""Expressions as people write them in each dialect, and mistakes in them that no grammar takes.

`fixtures/expressions/DIALECT.sql` holds statements that prepare on the dialect's engine, pass the
check, and can be written: by both grammars, or by the one that the heading names.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from byte_matcher import ByteMatcher
from servers.engine import RealEngine
from sqlstrictd.constraint import draft_grammar, exact_grammar, skeleton_of
from sqlstrictd.policy import Policy
from sqlstrictd.schema.ddl import parse_schema
from sqlstrictd.schema.types import Schema
from sqlstrictd.verify import check_statement

FIXTURES = Path(__file__).resolve().parents[1] / "fixtures" / "expressions"
ENGINES = {
    "sqlite": "sqlite_engine",
    "postgres": "postgres_engine",
    "duckdb": "duckdb_engine",
    "mysql": "mariadb_engine",
    "ansi": "postgres_engine",
}
# Columns of arrays, JSON and others that only some dialects have: of customers, then of orders.
CUSTOMERS = {
    "postgres": ", data JSONB, tags TEXT[], scores INTEGER[]",
    "duckdb": ", data JSON, tags VARCHAR[], scores INTEGER[]",
    "mysql": ", data JSON",
    "sqlite": ", data JSON",
    "ansi": "",
}
ORDERS = {"postgres": ", token UUID, opens TIME", "duckdb": ", token UUID, opens TIME"}
MISTAKES = {
    "sqlite": """
SELECT data ->> FROM customers;
SELECT name FROM customers WHERE name COLLATE nowhere = 'x';
SELECT id FROM orders WHERE (customer_id, created) IN (SELECT MAX(created) FROM orders);
SELECT SUM(price) OVER w FROM orders;
SELECT id FROM orders WHERE price > ALL (SELECT price FROM orders);
SELECT name FROM customers WHERE name ILIKE 'a%';
SELECT created - INTERVAL '1 day' FROM orders;
SELECT id::TEXT FROM orders;
""",
    "postgres": """
SELECT tags[1] FROM orders;
SELECT name[1] FROM customers;
SELECT id FROM customers WHERE 'vip' = ANY(name);
SELECT id FROM customers WHERE 'vip' = ANY(scores);
SELECT id FROM customers WHERE tags @> ARRAY[1, 2];
SELECT id FROM customers WHERE scores && ARRAY['a'];
SELECT name ->> 'a' FROM customers;
SELECT id FROM customers WHERE data @> '{"a": 1';
SELECT price::DATE FROM orders;
SELECT paid::TIMESTAMP FROM orders;
SELECT created - born FROM customers;
SELECT id FROM orders WHERE shipped - created > 5;
SELECT id FROM orders WHERE price AT TIME ZONE 'UTC' = created;
SELECT id FROM orders WHERE (customer_id, status) IN (('a', 1));
SELECT id FROM orders WHERE (id, created) IN (SELECT id, MAX(price) FROM orders GROUP BY 1);
SELECT id FROM orders WHERE price IS DISTINCT FROM 'x';
SELECT id FROM orders WHERE price IS TRUE;
SELECT id FROM orders WHERE token = 'not an identifier';
SELECT id FROM orders WHERE opens > '25:00';
SELECT SUM(price) OVER w FROM orders;
SELECT TRY_CAST(name AS INTEGER) FROM customers;
SELECT SUM(price > 5) FROM orders;
SELECT DATE_TRUNC('fortnight', created) FROM nowhere;
SELECT STRING_AGG(price, ',' ORDER BY name) FROM customers;
""",
    "duckdb": """
SELECT tags[1] FROM orders;
SELECT price[1] FROM orders;
SELECT id FROM customers WHERE LIST_CONTAINS(name, 'x');
SELECT LEN(price) FROM orders;
SELECT id FROM orders WHERE shipped - created > 5;
SELECT price AT TIME ZONE 'UTC' FROM orders;
SELECT id FROM orders WHERE (customer_id, created) IN (SELECT MAX(created) FROM orders);
SELECT IF(price, 'a') FROM orders;
SELECT DATE_DIFF('day', price, created) FROM orders;
""",
    "mysql": """
SELECT data ->> '$.a' FROM customers;
SELECT created - INTERVAL '30 days' FROM orders;
SELECT id FROM orders WHERE price IS DISTINCT FROM 5;
SELECT id FROM orders WHERE (customer_id, created) IN (SELECT MAX(created) FROM orders);
SELECT id::CHAR FROM orders;
SELECT IF(price > 5, 'a') FROM orders;
SELECT SUM(price) FILTER (WHERE paid) FROM orders;
SELECT name FROM customers ORDER BY name NULLS LAST;
SELECT SUM(price) OVER w FROM orders;
SELECT DATE_ADD(created, 5 DAYS) FROM orders;
SELECT id FROM orders WHERE price <=> nothing;
""",
    "ansi": """
SELECT created + INTERVAL 1 DAY FROM orders;
SELECT id FROM orders WHERE (customer_id, created) IN (SELECT MAX(created) FROM orders);
SELECT name FROM customers ORDER BY name FETCH FIRST x ROWS ONLY;
SELECT SUM(price) OVER w FROM orders;
SELECT IF(price > 5, 'a', 'b') FROM orders;
""",
}


def ddl(dialect: str) -> str:
    """The schema as the dialect's engine takes it."""
    moment = "DATETIME" if dialect == "mysql" else "TIMESTAMP"
    return f"""
CREATE TABLE customers (id INTEGER PRIMARY KEY, name VARCHAR(40), city VARCHAR(40),
  born DATE{CUSTOMERS[dialect]});
CREATE TABLE orders (id INTEGER PRIMARY KEY, customer_id INTEGER, price NUMERIC(10, 2),
  status VARCHAR(10), created {moment}, shipped {moment}, paid BOOLEAN{ORDERS.get(dialect, "")},
  FOREIGN KEY (customer_id) REFERENCES customers (id));
"""


class Written:
    """The grammars of one dialect over the schema; exact ones are kept, since many are equal."""

    def __init__(self, dialect: str, engine: RealEngine) -> None:
        self.dialect, self.engine = dialect, engine
        engine.load(ddl(dialect))
        self.schema: Schema = parse_schema(ddl(dialect), dialect)
        self._draft = ByteMatcher(draft_grammar(self.schema, dialect, Policy()).text)
        self._exact: dict[str, ByteMatcher] = {}

    def drafts(self, statement: str) -> bool:
        """Whether a draft may hold it."""
        return self._draft.accepts(statement)

    def is_exact(self, statement: str) -> bool:
        """Whether the exact grammar of what the statement reads from takes it."""
        skeleton = skeleton_of(statement, self.schema, self.dialect)
        text = exact_grammar(self.schema, skeleton, self.dialect, Policy()).text
        if text not in self._exact:
            self._exact[text] = ByteMatcher(text)
        return self._exact[text].accepts(statement)


@pytest.fixture(scope="module", params=sorted(ENGINES))
def written(request: pytest.FixtureRequest) -> Iterator[Written]:
    """Each dialect in turn, with its engine."""
    yield Written(request.param, request.getfixturevalue(ENGINES[request.param]))


def test_people_s_expressions_can_be_written(written: Written) -> None:
    wrong, heading, n_read = [], "", 0
    for line in (FIXTURES / f"{written.dialect}.sql").read_text().splitlines():
        if line.startswith("--") or not line:
            heading = line or heading
            continue
        n_read += 1
        complaint = written.engine.prepare(line)
        if complaint:
            wrong.append(f"{line}: {complaint}")
        verdict = check_statement(line, written.schema, written.dialect)
        if not verdict.prepares:
            wrong.append(f"{line}: {verdict.problems[0].message}")
        if "exact" not in heading and not written.drafts(line):
            wrong.append(f"{line}: no draft")
        if "drafts" not in heading and not written.is_exact(line):
            wrong.append(f"{line}: not exact")
    assert n_read >= 60
    assert not wrong, "\n".join(wrong)


def test_mistakes_can_neither_be_written_nor_pass(written: Written) -> None:
    """What the engine refuses is taken by no exact grammar, and by no check."""
    wrong = []
    for line in MISTAKES[written.dialect].strip().splitlines():
        if not written.engine.prepare(line):
            wrong.append(f"{line}: the engine takes it")
        if check_statement(line, written.schema, written.dialect).prepares:
            wrong.append(f"{line}: passes")
        try:
            if written.is_exact(line):
                wrong.append(f"{line}: exact")
        except ValueError:
            continue  # it reads from nothing that there is
    assert not wrong, "\n".join(wrong)

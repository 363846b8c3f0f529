"""What people's queries hold can be written: each statement prepares, and both grammars take it."""

from __future__ import annotations

import pytest
from byte_matcher import ByteMatcher
from servers.engine import RealEngine
from sqlstrictd.constraint import draft_grammar, exact_grammar, skeleton_of
from sqlstrictd.policy import Policy
from sqlstrictd.schema.ddl import parse_schema
from sqlstrictd.verify import check_statement

DDL = """
CREATE TABLE customers (id INTEGER PRIMARY KEY, name VARCHAR(40), city VARCHAR(40), born DATE);
CREATE TABLE orders (id INTEGER PRIMARY KEY, customer_id INTEGER, price NUMERIC(10, 2),
  status VARCHAR(10), created TIMESTAMP, FOREIGN KEY (customer_id) REFERENCES customers (id));
"""
EVERYWHERE = """
SELECT 1 + 1;
SELECT name AS n FROM customers ORDER BY n DESC;
SELECT name FROM customers ORDER BY 1;
SELECT c.name, o.price FROM customers AS c JOIN orders AS o ON o.customer_id = c.id;
SELECT c.name, o.price FROM customers c LEFT JOIN orders o ON o.customer_id = c.id;
SELECT c.name FROM customers AS c CROSS JOIN orders AS o;
SELECT a.id, b.id FROM orders AS a JOIN orders AS b ON a.customer_id = b.customer_id;
SELECT name FROM customers WHERE EXISTS (SELECT 1 FROM orders WHERE customer_id = customers.id);
SELECT c.name FROM customers c WHERE c.id IN (SELECT o.customer_id FROM orders o WHERE o.price > 5);
SELECT name FROM customers WHERE id = (SELECT MAX(o.customer_id) FROM orders AS o);
SELECT COUNT(*) FROM (SELECT city FROM customers UNION SELECT status FROM orders) AS t;
WITH t AS (SELECT customer_id, SUM(price) AS total FROM orders GROUP BY customer_id)\
 SELECT customers.name, t.total FROM t JOIN customers ON customers.id = t.customer_id;
WITH a AS (SELECT city FROM customers), b AS (SELECT city FROM a) SELECT COUNT(*) FROM b;
SELECT status, COUNT(*) FROM orders GROUP BY status HAVING COUNT(*) > 2 ORDER BY COUNT(*) DESC;
SELECT status, COUNT(*) AS n FROM orders GROUP BY status ORDER BY n DESC LIMIT 3;
SELECT CASE WHEN price > 5 THEN 'a' ELSE 'b' END FROM orders;
SELECT RANK() OVER (ORDER BY price) FROM orders;
SELECT SUM(price) OVER (PARTITION BY status ORDER BY created) FROM orders;
SELECT SUM(price) OVER (ORDER BY id ROWS BETWEEN 2 PRECEDING AND CURRENT ROW) FROM orders;
SELECT price - LAG(price, 1) OVER (ORDER BY id) AS diff FROM orders;
SELECT status, RANK() OVER (ORDER BY SUM(price) DESC) FROM orders GROUP BY status;
SELECT COUNT(*) * 100.0 / (SELECT COUNT(*) FROM orders) FROM orders WHERE status = 'open';
SELECT name FROM customers WHERE name LIKE 'A%' AND (city = 'x' OR city IS NULL);
SELECT city FROM customers UNION ALL SELECT status FROM orders;
SELECT name FROM customers WHERE name = 'O''Brien';
"""
OWN = {
    "sqlite": """
SELECT STRFTIME('%Y', created), COUNT(*) FROM orders GROUP BY STRFTIME('%Y', created);
SELECT name FROM customers WHERE born > DATE('now', '-18 years');
SELECT SUM(price) FILTER (WHERE status = 'open') FROM orders;
SELECT name || ' ' || city FROM customers ORDER BY name NULLS LAST;
VALUES (1, 'a'), (2, 'b');
""",
    "postgres": """
SELECT name FROM customers WHERE name ILIKE 'a%' ORDER BY born NULLS LAST;
SELECT DATE_TRUNC('month', created), COUNT(*) FROM orders GROUP BY 1;
SELECT EXTRACT(YEAR FROM created) FROM orders WHERE created > NOW() - INTERVAL '30 days';
SELECT SUM(price) FILTER (WHERE status = 'open') FROM orders;
SELECT c.name FROM customers AS c FULL JOIN orders AS o ON o.customer_id = c.id;
SELECT ROUND(AVG(price), 2), STRING_AGG(status, ',') FROM orders;
SELECT name FROM customers WHERE born < DATE '2000-01-01';
VALUES (1, 'a'), (2, 'b');
""",
    "duckdb": """
SELECT name FROM customers WHERE name ILIKE 'a%' ORDER BY born NULLS LAST;
SELECT DATE_TRUNC('month', created), COUNT(*) FROM orders GROUP BY 1;
SELECT SUM(price) FILTER (WHERE status = 'open') FROM orders;
SELECT MEDIAN(price) FROM orders WHERE created > NOW() - INTERVAL 30 DAY;
""",
    "mysql": """
SELECT YEAR(created), COUNT(*) FROM orders GROUP BY 1;
SELECT DATE_FORMAT(created, '%Y-%m') FROM orders;
SELECT CONCAT(name, ' ', city) FROM customers WHERE name REGEXP '^A';
SELECT IFNULL(price, 0) FROM orders;
""",
}
# A draft may hold these; there is no exact grammar of them.
DRAFTED = """
WITH RECURSIVE t (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t WHERE n < 5) SELECT n FROM t;
SELECT NULL, name FROM customers;
SELECT status, COUNT(*) FROM orders GROUP BY 1;
"""
# An exact grammar may hold these; in a draft only WITH gives new names to columns.
EXACT = """
SELECT AVG(n) FROM (SELECT COUNT(*) AS n FROM orders GROUP BY status) AS t;
SELECT t.city FROM (SELECT city, COUNT(*) AS n FROM customers GROUP BY city) AS t WHERE t.n > 1;
"""
STATEMENTS = [
    (dialect, statement)
    for dialect in OWN
    for statement in (EVERYWHERE.strip() + OWN[dialect]).strip().splitlines()
]
NAMING = [(dialect, statement) for dialect in OWN for statement in EXACT.strip().splitlines()]
FREE = [(dialect, statement) for dialect in OWN for statement in DRAFTED.strip().splitlines()]


@pytest.mark.parametrize(("dialect", "statement"), STATEMENTS + NAMING + FREE)
def test_people_s_queries_can_be_written(
    dialect: str, statement: str, request: pytest.FixtureRequest
) -> None:
    engine: RealEngine = request.getfixturevalue(
        f"{'mariadb' if dialect == 'mysql' else dialect}_engine"
    )
    engine.load(DDL)
    assert engine.prepare(statement) == ""
    schema = parse_schema(DDL, dialect)
    verdict = check_statement(statement, schema, dialect)
    assert verdict.prepares, verdict.problems
    if (dialect, statement) not in NAMING:
        assert ByteMatcher(draft_grammar(schema, dialect, Policy()).text).accepts(statement)
    if (dialect, statement) not in FREE:
        skeleton = skeleton_of(statement, schema, dialect)
        exact = exact_grammar(schema, skeleton, dialect, Policy())
        assert ByteMatcher(exact.text).accepts(statement)

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
CREATE TABLE staff (id INTEGER PRIMARY KEY, name VARCHAR(40), boss_id INTEGER,
  FOREIGN KEY (boss_id) REFERENCES staff (id));
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
WITH RECURSIVE t (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t WHERE n < 5) SELECT n FROM t;
WITH RECURSIVE t AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM t WHERE n < 5)\
 SELECT n FROM t ORDER BY n;
WITH RECURSIVE t(id, name) AS (SELECT id, name FROM staff WHERE boss_id IS NULL UNION ALL\
 SELECT s.id, s.name FROM staff AS s JOIN t ON s.boss_id = t.id) SELECT name FROM t;
WITH RECURSIVE t AS (SELECT id, boss_id, 1 AS depth FROM staff WHERE boss_id IS NULL UNION ALL\
 SELECT s.id, s.boss_id, t.depth + 1 FROM staff AS s JOIN t ON s.boss_id = t.id)\
 SELECT staff.name, t.depth FROM t JOIN staff ON staff.id = t.id WHERE t.depth > 2;
WITH RECURSIVE t AS (SELECT id FROM staff WHERE id = 3 UNION SELECT staff.id FROM staff JOIN t ON\
 staff.boss_id = t.id) SELECT COUNT(*) FROM t;
WITH t(c, n) AS (SELECT city, COUNT(*) FROM customers GROUP BY 1) SELECT c FROM t WHERE n > 3;
WITH t AS (SELECT city AS c FROM customers UNION SELECT status FROM orders) SELECT c FROM t;
WITH t AS (SELECT LOWER(name) AS n, COUNT(*) AS k FROM customers GROUP BY LOWER(name))\
 SELECT t.k FROM t;
SELECT t.c FROM (SELECT city AS c FROM customers UNION SELECT status AS c FROM orders) AS t;
SELECT t.city FROM (SELECT city, COUNT(*) AS n FROM customers GROUP BY city) AS t WHERE t.n > 1;
SELECT t.n FROM (SELECT city, COUNT(*) AS n FROM customers GROUP BY city) AS t JOIN customers ON\
 customers.city = t.city;
SELECT LOWER(name), COUNT(*) FROM customers GROUP BY LOWER(name);
SELECT LOWER(name) AS n, COUNT(*) FROM customers GROUP BY LOWER(name) ORDER BY LOWER(name);
SELECT city, LOWER(name), COUNT(*) FROM customers GROUP BY city, LOWER(name) HAVING COUNT(*) > 2;
SELECT CASE WHEN price > 5 THEN 'a' ELSE 'b' END AS k, COUNT(*) FROM orders GROUP BY\
 CASE WHEN price > 5 THEN 'a' ELSE 'b' END;
SELECT CASE WHEN price > 5 THEN 'a' ELSE 'b' END AS k, COUNT(*) AS n FROM orders GROUP BY\
 CASE WHEN price > 5 THEN 'a' ELSE 'b' END ORDER BY n DESC;
SELECT city, COUNT(*) FROM customers GROUP BY city HAVING city IS NOT NULL;
SELECT city, COUNT(*) FROM customers GROUP BY city HAVING city <> 'x' AND COUNT(*) > 1;
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
SELECT EXTRACT(YEAR FROM created), COUNT(*) FROM orders GROUP BY EXTRACT(YEAR FROM created)\
 HAVING EXTRACT(YEAR FROM created) > 2000 ORDER BY EXTRACT(YEAR FROM created);
SELECT DATE_TRUNC('month', o.created) AS m, SUM(o.price) FROM orders AS o GROUP BY\
 DATE_TRUNC('month', o.created) ORDER BY 1;
WITH RECURSIVE t AS (SELECT id, CAST(name AS TEXT) AS path FROM staff WHERE boss_id IS NULL UNION\
 ALL SELECT s.id, t.path || ' > ' || s.name FROM staff AS s JOIN t ON s.boss_id = t.id)\
 SELECT path FROM t;
""",
    "duckdb": """
SELECT name FROM customers WHERE name ILIKE 'a%' ORDER BY born NULLS LAST;
SELECT DATE_TRUNC('month', created), COUNT(*) FROM orders GROUP BY 1;
SELECT SUM(price) FILTER (WHERE status = 'open') FROM orders;
SELECT MEDIAN(price) FROM orders WHERE created > NOW() - INTERVAL 30 DAY;
SELECT DATE_TRUNC('month', o.created) AS m, SUM(o.price) FROM orders AS o GROUP BY\
 DATE_TRUNC('month', o.created) ORDER BY 1;
WITH RECURSIVE t AS (SELECT id, name AS path FROM staff WHERE boss_id IS NULL UNION ALL SELECT\
 s.id, t.path || ' > ' || s.name FROM staff AS s JOIN t ON s.boss_id = t.id) SELECT path FROM t;
""",
    "mysql": """
SELECT YEAR(created), COUNT(*) FROM orders GROUP BY 1;
SELECT DATE_FORMAT(created, '%Y-%m') FROM orders;
SELECT CONCAT(name, ' ', city) FROM customers WHERE name REGEXP '^A';
SELECT IFNULL(price, 0) FROM orders;
SELECT DATE_FORMAT(created, '%Y-%m') AS m, COUNT(*) FROM orders GROUP BY\
 DATE_FORMAT(created, '%Y-%m') ORDER BY DATE_FORMAT(created, '%Y-%m');
WITH RECURSIVE t AS (SELECT '2020-01-01' AS d UNION ALL SELECT d + INTERVAL 1 DAY FROM t WHERE\
 d < '2020-02-01') SELECT d FROM t;
""",
}
# A draft may hold these; there is no exact grammar of them.
DRAFTED = """
SELECT NULL, name FROM customers;
SELECT status, COUNT(*) FROM orders GROUP BY 1;
"""
# An exact grammar may hold these; in a draft a new name of a column stands behind a qualifier.
EXACT = """
SELECT AVG(n) FROM (SELECT COUNT(*) AS n FROM orders GROUP BY status) AS t;
SELECT LOWER(n) AS k, COUNT(*) FROM (SELECT name AS n FROM customers) AS t GROUP BY LOWER(n);
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

"""A schema to write into, in each dialect: all value classes, closed lists, keys.

`statements` are good statements of every kind on it, and `mistakes` bad ones, each one slip away.
"""

from __future__ import annotations

from collections.abc import Mapping

KINDS = (
    "insert", "update", "delete", "create_table", "create_view", "create_index", "alter_table",
)  # fmt: skip
_COMPUTED = {
    "sqlite": "NUMERIC(10,2) GENERATED ALWAYS AS (price * 2)",
    "postgres": "NUMERIC(10,2) GENERATED ALWAYS AS (price * 2) STORED",
    "duckdb": "DECIMAL(11,2) GENERATED ALWAYS AS (price * 2)",
    "mysql": "DECIMAL(10,2) GENERATED ALWAYS AS (price * 2)",
    "ansi": "NUMERIC(10,2) GENERATED ALWAYS AS (price * 2)",
}
_MORE = {
    "sqlite": ", anything, picture BLOB",
    "postgres": ", token UUID, raw JSON, span INTERVAL, tags TEXT[], level SMALLINT",
    "duckdb": ", token UUID, span INTERVAL, mood ENUM('sad', 'ok'), tiny UTINYINT",
    "mysql": ", grade ENUM('a', 'it''s') NOT NULL, flags SET('x', 'y'), made_in YEAR,"
    " small TINYINT UNSIGNED, picture BLOB",
    "ansi": "",
}


def ddl(dialect: str) -> str:
    """The schema as its engine takes it."""
    real = "DOUBLE" if dialect == "mysql" else "DOUBLE PRECISION"
    text = "VARCHAR(200)" if dialect == "ansi" else "TEXT"
    moment = "DATETIME" if dialect == "mysql" else "TIMESTAMP"
    json = {"postgres": "JSONB", "duckdb": "JSON", "mysql": "JSON"}.get(dialect, text)
    return f"""
CREATE TABLE customers (
  id INTEGER PRIMARY KEY, name VARCHAR(20) NOT NULL, city {text}, born DATE, data {json});
CREATE TABLE orders (
  id INTEGER PRIMARY KEY, customer_id INTEGER NOT NULL REFERENCES customers (id),
  price NUMERIC(10,2) NOT NULL, twice {_COMPUTED[dialect]}, weight {real},
  status VARCHAR(10) NOT NULL CHECK (status IN ('open', 'closed', 'it''s')),
  stars INTEGER CHECK (stars IN (1, 2, 3)), created {moment}, paid BOOLEAN NOT NULL,
  opens TIME, shuts TIME{_MORE[dialect]});
CREATE TABLE stocks (
  store VARCHAR(12) NOT NULL, item INTEGER NOT NULL, amount INTEGER, PRIMARY KEY (store, item));
CREATE TABLE logs (
  id INTEGER PRIMARY KEY, note {text}, amount NUMERIC(8,2), made DATE, written {moment},
  done BOOLEAN);
"""


STATEMENTS: Mapping[str, tuple[str, ...]] = {
    "insert": (
        "INSERT INTO customers (id, name, city) VALUES (1, 'Ada', 'Lisbon');",
        "INSERT INTO customers VALUES (1, 'Ada', NULL, '1815-12-10', NULL);",
        "INSERT INTO customers (name, id) VALUES ('Ada', 1), ('Zoë O''Neil', 2), ('', 3);",
        "INSERT INTO customers (id, name, born) VALUES (1, 'Ada', CURRENT_DATE);",
        "INSERT INTO orders (customer_id, id, price, status, paid, created)"
        " VALUES (1, 2, 9.5, 'it''s', TRUE, CURRENT_TIMESTAMP);",
        "INSERT INTO orders (id, customer_id, price, status, stars, paid)"
        " VALUES (3, (SELECT id FROM customers WHERE name = 'Ada'), 4.25, 'open', 3, FALSE);",
        "INSERT INTO logs (id, note, amount) SELECT id, name, 0 FROM customers"
        " WHERE city = 'Lisbon';",
        "INSERT INTO logs (id, amount) SELECT customer_id, SUM(price) FROM orders GROUP BY 1;",
        "INSERT INTO logs (id, note) SELECT DISTINCT c.id, c.name FROM customers AS c"
        " JOIN orders AS o ON c.id = o.customer_id;",
        "INSERT INTO stocks (store, item, amount) SELECT 'north', id, 0 FROM orders"
        " ORDER BY price DESC LIMIT 5;",
    ),
    "update": (
        "UPDATE orders SET status = 'closed' WHERE id = 5;",
        "UPDATE orders SET price = price * 1.1, weight = NULL WHERE status IN ('open', 'closed')"
        " AND price > 10;",
        "UPDATE orders SET stars = 3, paid = TRUE, status = 'open' WHERE customer_id = 7;",
        "UPDATE customers SET name = UPPER(name) WHERE city IS NULL;",
        "UPDATE orders SET weight = (SELECT AVG(amount) FROM stocks) WHERE EXISTS"
        " (SELECT 1 FROM customers WHERE customers.id = orders.customer_id AND city = 'Rome');",
        "UPDATE orders SET price = CASE WHEN weight > 5 THEN price ELSE 0 END WHERE paid = FALSE;",
        "UPDATE logs SET made = '2024-02-29' WHERE note LIKE '%x%' OR amount BETWEEN 1 AND 2;",
    ),
    "delete": (
        "DELETE FROM orders WHERE status = 'closed';",
        "DELETE FROM customers WHERE id NOT IN (SELECT customer_id FROM orders);",
        "DELETE FROM stocks WHERE amount = 0 OR amount IS NULL;",
        "DELETE FROM orders WHERE NOT EXISTS"
        " (SELECT 1 FROM customers WHERE customers.id = orders.customer_id);",
    ),
    "create_table": (
        "CREATE TABLE notes (id INTEGER PRIMARY KEY, title VARCHAR(50) NOT NULL UNIQUE,"
        " created DATE);",
        "CREATE TABLE notes (id INTEGER PRIMARY KEY, customer_id INTEGER NOT NULL REFERENCES"
        " customers (id), stars SMALLINT DEFAULT 0 NOT NULL CHECK (stars BETWEEN 0 AND 5));",
        "CREATE TABLE visits (store VARCHAR(12), item INTEGER, day DATE NOT NULL,"
        " cost DECIMAL(10, 2) DEFAULT 9.99, PRIMARY KEY (day, store), UNIQUE (item, day),"
        " FOREIGN KEY (store, item) REFERENCES stocks (store, item));",
        "CREATE TABLE flags (kind VARCHAR(10) DEFAULT 'low' CHECK (kind IN ('low', 'high')),"
        " active BOOLEAN DEFAULT TRUE, seen TIMESTAMP DEFAULT CURRENT_TIMESTAMP);",
    ),
    "create_view": (
        "CREATE VIEW rich AS SELECT name, city FROM customers WHERE city = 'Rome';",
        "CREATE VIEW totals AS SELECT customers.name AS customer, COUNT(*) AS n,"
        " SUM(orders.price) AS total FROM customers JOIN orders ON customers.id ="
        " orders.customer_id GROUP BY 1;",
        "CREATE VIEW all_logs AS SELECT * FROM logs;",
        "CREATE VIEW dear AS WITH q AS (SELECT id AS number, price FROM orders WHERE price > 5)"
        " SELECT number, price FROM q;",
    ),
    "create_index": (
        "CREATE INDEX by_price ON orders (price);",
        "CREATE UNIQUE INDEX by_amount ON stocks (amount DESC, store);",
        "CREATE INDEX by_name ON customers (name, born);",
    ),
    "alter_table": (
        "ALTER TABLE logs ADD COLUMN level INTEGER DEFAULT 0;",
        "ALTER TABLE orders ADD COLUMN shipped DATE;",
        "ALTER TABLE logs ADD COLUMN kind VARCHAR(20);",
        "ALTER TABLE logs RENAME COLUMN note TO remark;",
        "ALTER TABLE stocks DROP COLUMN amount;",
        "ALTER TABLE logs RENAME TO entries;",
    ),
}
MORE_STATEMENTS: Mapping[str, tuple[tuple[str, str], ...]] = {
    "sqlite": (
        ("create_table", "CREATE TABLE t1 (id INTEGER PRIMARY KEY AUTOINCREMENT, body TEXT);"),
        ("create_index", "CREATE INDEX open_ones ON orders (created) WHERE status = 'open';"),
        ("insert", "INSERT INTO customers (id, name, born) VALUES (1, 'Ada', DATE('now'));"),
        ("update", "UPDATE orders SET paid = 1 WHERE paid = 0;"),
    ),
    "postgres": (
        ("create_table", "CREATE TABLE t1 (id SERIAL PRIMARY KEY, data JSONB NOT NULL, t UUID);"),
        ("create_table", "CREATE TABLE t1 (at TIMESTAMP WITH TIME ZONE NOT NULL, b TEXT);"),
        ("create_index", "CREATE INDEX open_ones ON orders (created) WHERE status = 'open';"),
        ("insert", "INSERT INTO customers (id, name, data) VALUES (1, 'A', '{\"x\": 1}');"),
        ("update", "UPDATE orders SET opens = shuts, created = NOW() WHERE created <"
        " '2020-01-01';"),
        ("alter_table", "ALTER TABLE orders ADD COLUMN seen BOOLEAN NOT NULL DEFAULT FALSE;"),
    ),
    "duckdb": (
        ("update", "UPDATE orders SET mood = 'sad', opens = '08:30' WHERE mood = 'ok';"),
        ("create_table", "CREATE TABLE t1 (id BIGINT PRIMARY KEY, data JSON, t UUID);"),
    ),
    "mysql": (
        ("create_table", "CREATE TABLE t1 (id INT AUTO_INCREMENT PRIMARY KEY, n INT UNSIGNED);"),
        ("create_table", "CREATE TABLE t1 (id INT NOT NULL AUTO_INCREMENT PRIMARY KEY, b TEXT);"),
        ("update", "UPDATE orders SET grade = 'it''s', made_in = 1999 WHERE grade = 'a';"),
    ),
    "ansi": (),
}  # fmt: skip
MISTAKES: Mapping[str, tuple[str, ...]] = {
    "insert": (
        "INSERT INTO customers (id, name, city) VALUES (1, 'Ada');",
        "INSERT INTO customers (id, name) VALUES (1, 'Ada', 'Lisbon');",
        "INSERT INTO customers VALUES (1, 'Ada');",
        "INSERT INTO customers (id, name, name) VALUES (1, 'Ada', 'Ada');",
        "INSERT INTO customers (id, nme) VALUES (1, 'Ada');",
        "INSERT INTO custmers (id, name) VALUES (1, 'Ada');",
        "INSERT INTO customers (id, name) VALUES ('one', 'Ada');",
        "INSERT INTO customers (id, name) VALUES (1, NULL);",
        "INSERT INTO customers (id, name) VALUES (1, 'A name of more than twenty letters');",
        "INSERT INTO customers (id, name, born) VALUES (1, 'Ada', '2023-02-30 10:00');",
        "INSERT INTO orders (id, customer_id, price, status, paid) VALUES (1, 2, 3, 'lost', TRUE);",
        "INSERT INTO orders (id, customer_id, price, status, paid, stars)"
        " VALUES (1, 2, 3, 'open', TRUE, 4);",
        "INSERT INTO orders (id, customer_id, price, twice, status, paid)"
        " VALUES (1, 2, 3, 6, 'open', TRUE);",
        "INSERT INTO logs (id, note) SELECT id FROM customers;",
        "INSERT INTO logs (id, note) SELECT id, nme FROM customers;",
        "INSERT INTO customers (id, name) VALUES (1, 'Ada') RETURNING id;",
        "INSERT INTO customers (id, name) VALUES (1, 'Ada'); DELETE FROM orders;",
    ),
    "update": (
        "UPDATE orders SET status = 'closed';",
        "UPDATE orders SET status = 'lost' WHERE id = 5;",
        "UPDATE orders SET status = NULL WHERE id = 5;",
        "UPDATE orders SET twice = 4 WHERE id = 5;",
        "UPDATE orders SET price = 1, price = 2 WHERE id = 5;",
        "UPDATE orders SET prize = 1 WHERE id = 5;",
        "UPDATE orders SET price = 1 WHERE idd = 5;",
        "UPDATE orders SET price = 1 WHERE customers.id = 5;",
        "UPDATE orders SET name = 'x' WHERE id = 5;",
        "UPDATE orders SET price = 1 WHERE customer_id IN (SELECT id, name FROM customers);",
        "UPDATE order SET price = 1 WHERE id = 5;",
    ),
    "delete": (
        "DELETE FROM orders;",
        "DELETE FROM order WHERE id = 5;",
        "DELETE FROM orders WHERE name = 'x';",
        "DELETE FROM orders WHERE;",
        "DELETE FROM orders, customers WHERE id = 5;",
    ),
    "create_table": (
        "CREATE TABLE orders (id INTEGER);",
        "CREATE TABLE ORDERS (id INTEGER);",
        "CREATE TABLE notes (id INTEGER, id DATE);",
        "CREATE TABLE notes (id NOTATYPE);",
        "CREATE TABLE notes (id INTEGER PRIMARY KEY, no INTEGER PRIMARY KEY);",
        "CREATE TABLE notes (id INTEGER REFERENCES nowhere (id));",
        "CREATE TABLE notes (id INTEGER REFERENCES customers (nme));",
        "CREATE TABLE notes (id DATE REFERENCES customers (id));",
        "CREATE TABLE notes (id INTEGER, PRIMARY KEY (no));",
        "CREATE TABLE notes (id INTEGER CHECK (no > 5));",
        "CREATE TABLE notes (id INTEGER DEFAULT 'x');",
        "CREATE TABLE notes ();",
        "CREATE TABLE select (id INTEGER);",
        "CREATE TABLE notes AS SELECT * FROM orders;",
        "CREATE TEMPORARY TABLE notes (id INTEGER);",
    ),
    "create_view": (
        "CREATE VIEW orders AS SELECT name FROM customers;",
        "CREATE VIEW v AS SELECT nme FROM customers;",
        "CREATE VIEW v AS SELECT id FROM nowhere;",
        "CREATE VIEW v AS SELECT name, name FROM customers;",
        "CREATE VIEW v AS DELETE FROM customers WHERE id = 1;",
        "CREATE OR REPLACE VIEW v AS SELECT name FROM customers;",
    ),
    "create_index": (
        "CREATE INDEX orders ON orders (price);",
        "CREATE INDEX i ON orders (prize);",
        "CREATE INDEX i ON orders (price, price);",
        "CREATE INDEX i ON order (price);",
        "CREATE INDEX i ON orders ();",
        "CREATE INDEX ON orders (price);",
    ),
    "alter_table": (
        "ALTER TABLE logs ADD COLUMN note INTEGER;",
        "ALTER TABLE logs ADD COLUMN NOTE INTEGER;",
        "ALTER TABLE logs ADD COLUMN level NOTATYPE;",
        "ALTER TABLE logs ADD COLUMN level INTEGER NOT NULL;",
        "ALTER TABLE logs ADD COLUMN level INTEGER PRIMARY KEY;",
        "ALTER TABLE logs RENAME COLUMN nte TO remark;",
        "ALTER TABLE logs RENAME COLUMN note TO amount;",
        "ALTER TABLE logs RENAME TO orders;",
        "ALTER TABLE logs DROP COLUMN nte;",
        "ALTER TABLE logs DROP COLUMN id;",
        "ALTER TABLE orders DROP COLUMN customer_id;",
        "ALTER TABLE orders DROP COLUMN price;",
        "ALTER TABLE log DROP COLUMN note;",
    ),
}

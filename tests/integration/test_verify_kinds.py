"""Statements that write or define: let through where the policy names them, and only whole ones."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from sqlstrictd.policy import KINDS, Policy
from sqlstrictd.schema.ddl import parse_schema
from sqlstrictd.verify import check_statement
from sqlstrictd.verify.sqlite_engine import Database

DDL = (Path(__file__).resolve().parents[1] / "fixtures" / "schemas" / "shop.sql").read_text("utf-8")
SHOP = parse_schema(DDL)
EVERYTHING = Policy(frozenset(KINDS), allows_unfiltered=True)
ALL = "sqlite postgres duckdb mysql ansi"
# DuckDB changes no table that a foreign key refers to.
UNBOUND = "sqlite postgres mysql ansi"

GOOD = [
    ("insert", "INSERT INTO orders (id, status) VALUES (1, 'open')", ALL),
    ("insert", "INSERT INTO orders (id, status) VALUES (1, 'open'), (2, NULL)", ALL),
    ("insert", "INSERT INTO items VALUES (1, 'a', 2)", ALL),
    ("insert", "INSERT INTO orders (id, customer_id) SELECT id + 100, id FROM customers", ALL),
    ("insert", "INSERT INTO items SELECT id, 'a', 1 FROM orders WHERE price > 3", ALL),
    ("update", "UPDATE orders SET status = 'open', price = price + 1 WHERE id = 1", ALL),
    ("update", "UPDATE orders SET price = 0", ALL),
    ("update", "UPDATE orders SET status = 'x' WHERE id IN (SELECT order_id FROM items)", ALL),
    ("update", "UPDATE orders SET price = (SELECT COUNT(*) FROM items) WHERE id = 2", ALL),
    ("delete", "DELETE FROM orders WHERE status = 'open'", ALL),
    ("delete", "DELETE FROM orders", ALL),
    ("delete", "DELETE FROM customers WHERE NOT EXISTS "
     "(SELECT 1 FROM orders WHERE orders.customer_id = customers.id)", ALL),
    ("create_table", "CREATE TABLE t (id INTEGER PRIMARY KEY, name VARCHAR(20) NOT NULL)", ALL),
    ("create_table", "CREATE TABLE t (a INTEGER, b DATE, PRIMARY KEY (a, b))", ALL),
    ("create_table", "CREATE TABLE t (a INTEGER DEFAULT 3, b VARCHAR(5) DEFAULT 'x' UNIQUE)", ALL),
    ("create_table", "CREATE TABLE t (a INTEGER CHECK (a > 0), b INTEGER, CHECK (a < b))", ALL),
    ("create_table", "CREATE TABLE t (o INTEGER REFERENCES orders (id))", ALL),
    ("create_table", "CREATE TABLE t (o INTEGER, FOREIGN KEY (o) REFERENCES orders (id))", ALL),
    ("create_table", "CREATE TABLE t (a, b)", "sqlite"),
    ("create_table", "CREATE TABLE t (a SERIAL PRIMARY KEY, b TIMESTAMPTZ)", "postgres"),
    ("create_table", "CREATE TABLE t (a INT UNSIGNED, b DATETIME)", "mysql"),
    ("create_view", "CREATE VIEW v AS SELECT id, price FROM orders WHERE price > 3", ALL),
    ("create_view", "CREATE VIEW v (a, b) AS SELECT id, price + 1 FROM orders", ALL),
    ("create_index", "CREATE INDEX i ON orders (customer_id, price)", ALL),
    ("create_index", "CREATE UNIQUE INDEX i ON customers (name)", ALL),
    ("alter_table", "ALTER TABLE orders ADD COLUMN note VARCHAR(20)", ALL),
    ("alter_table", "ALTER TABLE orders RENAME COLUMN status TO state", UNBOUND),
    ("alter_table", "ALTER TABLE orders RENAME TO sales", UNBOUND),
    ("alter_table", "ALTER TABLE orders DROP COLUMN status", UNBOUND),
]  # fmt: skip

BAD = [
    ("INSERT INTO missing (id) VALUES (1)", "no table missing"),
    ("INSERT INTO orders (missing) VALUES (1)", "no column missing"),
    ("INSERT INTO orders (id, id) VALUES (1, 2)", "twice"),
    ("INSERT INTO orders (id, price) VALUES (1)", "1 values for 2 columns"),
    ("INSERT INTO orders VALUES (1, 2)", "2 values for 5 columns"),
    ("INSERT INTO orders (id) VALUES (1), (2, 3)", "same number of columns"),
    ("INSERT INTO orders (id) SELECT id, price FROM orders", "2 values for 1 columns"),
    ("INSERT INTO orders (id) SELECT missing FROM orders", "no column missing"),
    ("INSERT INTO orders (id) VALUES (price)", "no column price"),
    ("INSERT INTO orders (id) VALUES (1) RETURNING id", ""),
    ("INSERT INTO orders (id) VALUES (1) ON CONFLICT DO NOTHING", ""),
    ("INSERT INTO orders DEFAULT VALUES", ""),
    ("INSERT INTO main.orders (id) VALUES (1)", ""),
    ("INSERT OR REPLACE INTO orders (id) VALUES (1)", ""),
    ("WITH q AS (SELECT 1 AS x) INSERT INTO orders (id) SELECT x FROM q", ""),
    ("INSERT INTO orders (id) SELECT id FROM (DELETE FROM items) AS t", ""),
    ("UPDATE missing SET id = 1 WHERE id = 2", "no table missing"),
    ("UPDATE orders SET missing = 1 WHERE id = 2", "no column missing"),
    ("UPDATE orders SET id = missing WHERE id = 2", "no column missing"),
    ("UPDATE orders SET id = 1 WHERE missing = 2", "no column missing"),
    ("UPDATE orders SET id = 1, id = 2 WHERE id = 3", "twice"),
    ("UPDATE orders SET id = (SELECT id, price FROM orders) WHERE id = 3", ""),
    ("UPDATE orders SET price = quantity FROM items WHERE id = order_id", ""),
    ("UPDATE orders, items SET price = 0 WHERE id = 1", ""),
    ("UPDATE orders SET price = 0 WHERE id = 1 RETURNING id", ""),
    ("UPDATE orders SET price = 0 WHERE id = 1 LIMIT 1", ""),
    ("DELETE FROM missing WHERE id = 1", "no table missing"),
    ("DELETE FROM orders WHERE missing = 1", "no column missing"),
    ("DELETE FROM orders USING items WHERE orders.id = items.order_id", ""),
    ("DELETE orders FROM orders", ""),
    ("DELETE FROM orders WHERE id = 1; DELETE FROM items", "more than one statement"),
    ("CREATE TABLE orders (id INTEGER)", "There is a table orders"),
    ("CREATE TABLE ORDERS (id INTEGER)", "There is a table ORDERS"),
    ("CREATE TABLE t (id INTEGER, ID INTEGER)", "declared twice"),
    ("CREATE TABLE t (id WIBBLE)", ""),
    ("CREATE TABLE t (id INTEGER REFERENCES missing (id))", "no table missing"),
    ("CREATE TABLE t (id INTEGER REFERENCES orders (missing))", "no column missing"),
    ("CREATE TABLE t (a INTEGER, FOREIGN KEY (b) REFERENCES orders (id))", "no column b"),
    ("CREATE TABLE t (a INTEGER, PRIMARY KEY (b))", "no column b"),
    ("CREATE TABLE t (a INTEGER CHECK (b > 1))", "no column b"),
    ("CREATE TABLE t (a INTEGER CHECK (a IN (SELECT id FROM orders)))", "own columns"),
    ("CREATE TABLE t (a INTEGER DEFAULT (foo(1)))", ""),
    ("CREATE TABLE t (a INTEGER PRIMARY KEY, b INTEGER PRIMARY KEY)", "one primary key"),
    ("CREATE TABLE IF NOT EXISTS t (id INTEGER)", ""),
    ("CREATE TABLE IF NOT EXISTS orders (id INTEGER)", ""),
    ("CREATE TEMP TABLE t (id INTEGER)", ""),
    ("CREATE TABLE t AS SELECT id FROM orders", ""),
    ("CREATE TABLE other.t (id INTEGER)", ""),
    ("CREATE VIEW orders AS SELECT 1 AS x", "There is a table orders"),
    ("CREATE VIEW v AS SELECT missing FROM orders", "no column missing"),
    ("CREATE VIEW v AS DELETE FROM orders", ""),
    ("CREATE VIEW v (a) AS SELECT id, price FROM orders", "list of columns"),
    ("CREATE VIEW v (a, a) AS SELECT id, price FROM orders", "same name"),
    ("CREATE OR REPLACE VIEW v AS SELECT id FROM orders", ""),
    ("CREATE TEMP VIEW v AS SELECT id FROM orders", ""),
    ("CREATE INDEX i ON missing (id)", "no table missing"),
    ("CREATE INDEX i ON orders (missing)", "no column missing"),
    ("CREATE INDEX i ON orders (id, id)", "twice"),
    ("CREATE INDEX IF NOT EXISTS i ON orders (id)", ""),
    ("CREATE INDEX i ON orders (foo(id))", ""),
    ("ALTER TABLE missing RENAME TO t", "no table missing"),
    ("ALTER TABLE orders RENAME TO items", "There is a table items"),
    ("ALTER TABLE orders ADD COLUMN price INTEGER", "There is a column price"),
    ("ALTER TABLE orders ADD COLUMN x WIBBLE", ""),
    ("ALTER TABLE orders ADD COLUMN x INTEGER PRIMARY KEY", "key"),
    ("ALTER TABLE orders RENAME COLUMN missing TO x", "no column missing"),
    ("ALTER TABLE orders RENAME COLUMN status TO price", "There is a column price"),
    ("ALTER TABLE orders DROP COLUMN missing", "no column missing"),
    ("ALTER TABLE orders DROP COLUMN id", "key"),
    ("ALTER TABLE orders DROP COLUMN status, DROP COLUMN price", ""),
    ("DROP TABLE orders", ""),
    ("TRUNCATE TABLE orders", ""),
    ("CREATE TRIGGER t AFTER INSERT ON orders BEGIN DELETE FROM items; END", ""),
    ("MERGE INTO orders USING items ON 1 = 1 WHEN MATCHED THEN DELETE", ""),
]


@pytest.mark.parametrize(("kind", "sql", "accepts"), GOOD)
def test_let_through_in_its_dialects(kind: str, sql: str, accepts: str) -> None:
    for dialect in accepts.split():
        for text in (sql, sql + ";"):
            verdict = check_statement(text, SHOP, dialect, EVERYTHING)
            assert verdict.problems == (), (dialect, verdict.problems)
            assert (verdict.kind, verdict.in_scope, verdict.prepares) == (kind, True, True)


@pytest.mark.parametrize(("kind", "sql", "accepts"), GOOD)
def test_refused_where_the_policy_does_not_name_its_kind(kind: str, sql: str, accepts: str) -> None:
    others = Policy(frozenset(KINDS) - {kind}, allows_unfiltered=True)
    for dialect in accepts.split():
        for policy in (Policy(), others):
            verdict = check_statement(sql, SHOP, dialect, policy)
            assert verdict.kind == kind
            assert not verdict.in_scope
            assert [problem.check for problem in verdict.problems] == ["kind"]


@pytest.mark.parametrize(
    ("kind", "sql"), [(kind, sql) for kind, sql, accepts in GOOD if "sqlite" in accepts]
)
def test_what_is_let_through_runs_on_sqlite(kind: str, sql: str) -> None:
    connection = sqlite3.connect(":memory:")
    connection.executescript(DDL)
    connection.execute("INSERT INTO orders (id, customer_id) VALUES (7, 8)")
    try:
        connection.execute(sql)
    except sqlite3.IntegrityError:
        assert kind == "insert"  # a value that must not be NULL: nobody can know
    connection.close()


@pytest.mark.parametrize(("sql", "part"), BAD)
def test_refused_in_all_dialects(sql: str, part: str) -> None:
    for dialect in ALL.split():
        verdict = check_statement(sql, SHOP, dialect, EVERYTHING)
        assert verdict.problems, dialect
        assert not verdict.prepares
        assert all(problem.check != "prepare" for problem in verdict.problems), verdict.problems
        assert part in verdict.problems[0].message, (dialect, verdict.problems[0])


@pytest.mark.parametrize("sql", ["UPDATE orders SET price = 0", "DELETE FROM orders"])
def test_without_where_only_when_asked_for(sql: str) -> None:
    policy = Policy(frozenset({"update", "delete"}))
    for dialect in ALL.split():
        (problem,) = check_statement(sql, SHOP, dialect, policy).problems
        assert (problem.check, "without WHERE" in problem.message) == ("policy", True)
        assert not check_statement(f"{sql} WHERE id = 1", SHOP, dialect, policy).problems


def test_queries_are_refused_where_only_writes_are_allowed() -> None:
    (problem,) = check_statement("SELECT 1", SHOP, "sqlite", Policy(frozenset({"insert"}))).problems
    assert problem.check == "kind"


@pytest.mark.parametrize("sql", ["DROP TABLE orders", "PRAGMA user_version", "VACUUM"])
def test_what_no_policy_can_name_is_told_which_kinds_it_can(sql: str) -> None:
    (problem, *_) = check_statement(sql, SHOP, policy=EVERYTHING).problems
    assert problem.check == "kind"
    assert problem.message.startswith(f"{sql.split()[0]} cannot be allowed; the kinds that can: ")
    assert "DELETE, CREATE TABLE" in problem.message


@pytest.mark.parametrize(("kind", "sql", "accepts"), GOOD)
def test_sqlite_compiles_a_statement_only_as_its_own_kind(
    kind: str, sql: str, accepts: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if "sqlite" not in accepts:
        return
    monkeypatch.chdir(tmp_path)
    database = Database(SHOP)
    assert database.prepare(sql, kind)[0] == ""
    for other in set(KINDS) - {kind}:
        if {kind, other} != {"create_table", "create_index"}:
            assert "not authorized" in database.prepare(sql, other)[0], other
    assert database.count_tables() == len(SHOP.tables)
    database.close()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kind", sorted(KINDS))
@pytest.mark.parametrize(
    "sql",
    [
        "ATTACH 'x.db' AS x",
        "PRAGMA user_version = 7",
        "DROP TABLE orders",
        "SELECT load_extension('x')",
        "SELECT name FROM pragma_database_list",
        "CREATE TRIGGER t AFTER INSERT ON orders BEGIN DELETE FROM items; END",
        "CREATE VIRTUAL TABLE t USING fts5(a)",
        "BEGIN",
        "DETACH main",
    ],
)
def test_sqlite_compiles_nothing_else_of_any_kind(
    kind: str, sql: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    database = Database(SHOP)
    assert database.prepare(sql, kind)[0]
    database.close()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("dialect", ["postgres", "mysql"])
def test_a_foreign_key_has_the_type_of_the_column_it_refers_to(dialect: str) -> None:
    schema = parse_schema("CREATE TABLE logs (id INTEGER PRIMARY KEY);", dialect)
    policy = Policy(frozenset({"create_table"}))
    for column in ("b {} REFERENCES logs (id)", "b {}, FOREIGN KEY (b) REFERENCES logs (id)"):
        for declared, is_right in (("INTEGER", True), ("REAL", False), ("VARCHAR(9)", False)):
            sql = f"CREATE TABLE t (a INTEGER PRIMARY KEY, {column.format(declared)})"
            verdict = check_statement(sql, schema, dialect, policy)
            assert verdict.prepares is is_right, (sql, verdict.problems)
